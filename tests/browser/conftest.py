"""A real Chromium for these tests, from the system's packages; without it they say so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from collector_stub import Collector

# The server takes HeadlessChrome for a bot, which it is.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)


def chromium() -> str:
    """Return the system's Chromium, else skip loudly."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("NO BROWSER TESTS: the system has no chromium (apt-get install chromium)")
    return path


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: no playwright")
    with api.sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    launched = playwright.chromium.launch(executable_path=chromium())
    yield launched
    launched.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    started = Collector()
    yield started
    started.close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    opened = browser.new_context(user_agent=AGENT)
    opened.set_default_timeout(8000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """Yield a page; that nothing of ours throws into it is part of every test."""
    opened = context.new_page()
    errors: list[Any] = []
    opened.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - it must be ours
    yield opened
    assert not [e for e in errors if "on purpose" not in str(e)]
