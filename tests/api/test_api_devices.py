"""A User-Agent header becomes a device, a browser's name and whether it is a bot."""

from __future__ import annotations

import pytest

from api.devices import look

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("header", "device", "browser"),
    [
        (IPHONE, "mobile", "Safari"),
        (IPHONE.replace("Version/17.0", "CriOS/120.0"), "mobile", "Chrome"),
        (IPHONE.replace("iPhone;", "iPad;").replace("iPhone OS", "OS"), "tablet", "Safari"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0",
            "desktop",
            "Firefox",
        ),
    ],
)
def test_a_browser_is_named_as_a_marketer_names_it(header, device, browser):
    """One name for a browser, on phones too."""
    found = look(header)
    assert found.claims == {"device": device, "browser": browser}
    assert not found.bot


def test_a_crawler_is_a_bot():
    """What says that it is a crawler is believed."""
    assert look("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)").bot


@pytest.mark.parametrize("header", [None, "", "nonsense", "\x00", "A" * 100_000, "(((((" * 500])
def test_any_other_header_says_nothing(header):
    """No header, or one that nobody knows, claims no device, and takes no time."""
    found = look(header)
    assert not found.bot
    assert "device" not in found.claims


def test_a_header_is_parsed_once():
    """The second look at a header costs next to nothing."""
    assert look(IPHONE) is look(IPHONE)


@pytest.mark.parametrize("client", ["Python-urllib/3.11", "curl/8.5.0", "Java/17"])
def test_a_plain_http_client_is_no_bot(client):
    """A client that reads no pages is no crawler, whatever the parser calls it."""
    assert not look(client).bot
