"""The closed forms: durations, offsets, percentages, caps, links, hours, weekdays."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND, WEEK
from engine.language import hours, scalars
from engine.model import Cap, Span


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("40s", 40 * SECOND),
        ("1 second", SECOND),
        ("40 seconds", 40 * SECOND),
        ("5m", 5 * MINUTE),
        ("1 minute", MINUTE),
        ("30 minutes", 30 * MINUTE),
        ("2h", 2 * HOUR),
        ("1 hour", HOUR),
        ("7d", 7 * DAY),
        ("1 day", DAY),
        ("30 days", 30 * DAY),
        ("2w", 2 * WEEK),
        ("1 week", WEEK),
        ("3 Weeks", 3 * WEEK),
        (" 3  weeks ", 3 * WEEK),
        ("0 seconds", 0),
    ],
)
def test_a_duration_is_a_whole_number_and_a_unit(text, millis):
    """Every unit in its short and long forms; a day is 24 hours, a week 168."""
    assert scalars.parse_duration(text) == millis


@pytest.mark.parametrize(
    "text",
    ["", "40", "s", "1.5 hours", "1h30m", "-3 days", "3 months", "4 fortnights", "٣ days x", "1e3s",
     "99999999999 weeks", "4000w 1d", "3 days ago", "forty seconds", "9" * 5_000 + "s"],
)  # fmt: skip
def test_anything_else_is_no_duration(text):
    """No decimals, no joined parts, no months, nothing over a century; said in a sentence."""
    with pytest.raises(ValueError, match="expected"):
        scalars.parse_duration(text)


@given(st.integers(0, 52), st.integers(0, 6), st.integers(0, 23), st.integers(0, 59_999))
def test_joined_durations_add_up_to_the_millisecond(weeks, days, hour, millis):
    """An offset is the sum of its parts, wherever the blanks stand."""
    text = f"{weeks}w {days} days{hour}h {millis // 1000}.{millis % 1000:03}s"
    expected = weeks * WEEK + days * DAY + hour * HOUR + millis
    assert scalars.parse_offset(text) == expected


@pytest.mark.parametrize("text", ["", "3", "1.5m", "39.9999s", "2d,31s", "2d and 31s", "s"])
def test_an_offset_has_units_and_no_finer_grain(text):
    """Only seconds take a fraction, of three digits at the most."""
    with pytest.raises(ValueError, match="expected"):
        scalars.parse_offset(text)


@given(st.integers(0, 10_000))
def test_a_percentage_has_two_decimals(hundredths):
    """0% to 100% in steps of a hundredth, which is a bucket."""
    text = f"{hundredths // 100}.{hundredths % 100:02}%"
    assert round(scalars.parse_percentage(text) * 100) == hundredths


@pytest.mark.parametrize("text", ["10", "100.01%", "-1%", "0.125%", "%", "ten%", "1000%"])
def test_anything_else_is_no_percentage(text):
    """A bare number, a third decimal or more than everything is refused."""
    with pytest.raises(ValueError, match="expected"):
        scalars.parse_percentage(text)


@pytest.mark.parametrize(
    ("text", "times", "within"),
    [
        ("1 per session", 1, Span.SESSION),
        ("1 prompt per session", 1, Span.SESSION),
        ("3 prompts per 7 days", 3, 7 * DAY),
        ("2 per 30d", 2, 30 * DAY),
        ("1 ever", 1, None),
        ("5 prompts ever", 5, None),
    ],
)
def test_a_cap_counts_prompts_in_a_window(text, times, within):
    """A cap keeps its words, which decisions give as the reason."""
    assert scalars.parse_cap(f"  {text} ") == Cap(times, within, text)


@pytest.mark.parametrize(
    "text", ["1", "once per session", "0 per session", "1 per day", "1 per page", "1 per 0 days",
             "1.5 per session", "-1 ever", "1 never"]
)  # fmt: skip
def test_anything_else_is_no_cap(text):
    """Words for numbers, zero, and windows that are neither session nor duration are refused."""
    with pytest.raises(ValueError, match="expected"):
        scalars.parse_cap(text)


@pytest.mark.parametrize("link", ["/help", "/help?a=b#c", "https://shop.example/x", "HTTPS://a.b/"])
def test_links_are_https_or_paths(link):
    """An https address or a path of the site is a link."""
    assert scalars.parse_link(link) == link


@pytest.mark.parametrize(
    "link",
    ["http://shop.example", "//evil.example", "javascript:alert(1)", "help/me", "https://",
     "https:///path", "/a b", "/a\\b", "data:text/html,x", 'https://a.b/"', "https://[",
     "java\tscript:x"],
)  # fmt: skip
def test_nothing_else_is_a_link(link):
    """Other schemes, addresses without a scheme, blanks and quotes are refused."""
    with pytest.raises(ValueError, match="expected"):
        scalars.parse_link(link)


def test_mail_and_telephone_only_where_they_are_asked_for():
    """The contact of the offline message may be a mail address or a telephone number."""
    for link in ("mailto:help@shop.example", "tel:+4420"):
        assert scalars.parse_link(link, ("https", "mailto", "tel")) == link
        with pytest.raises(ValueError, match="expected"):
            scalars.parse_link(link)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("08:00-20:00", (480, 1200)),
        ("8:00 - 20:00", (480, 1200)),
        ("00:00-24:00", (0, 1440)),
        ("22:00-02:00", (1320, 1560)),
        ("22:00-00:00", (1320, 1440)),
        ("22:00-24:00", (1320, 1440)),
    ],
)
def test_hours_may_cross_midnight_and_end_at_24(text, minutes):
    """A range that crosses midnight ends after minute 1440."""
    assert hours.parse_range(text) == minutes


@pytest.mark.parametrize(
    "text", ["9-17", "09:00", "09:00-09:00", "24:00-02:00", "09:00-24:30", "09:60-10:00",
             "00:00-00:00", "9am-5pm", "09:00-17:00-18:00", "09:00–17:00"]
)  # fmt: skip
def test_anything_else_is_no_range_of_hours(text):
    """Equal ends, 24:00 at the start and other clocks are refused."""
    with pytest.raises(ValueError, match="expected"):
        hours.parse_range(text)


@given(st.integers(0, 6), st.integers(0, 6))
def test_a_range_of_weekdays_may_run_over_sunday(first, last):
    """From the first day to the last, in order, each once."""
    if first == last:
        return
    days = hours.parse_days(f"{hours.WEEKDAYS[first]}-{hours.WEEKDAYS[last]}")
    assert days[0] == first
    assert days[-1] == last
    assert all((b - a) % 7 == 1 for a, b in pairwise(days))
    assert len(set(days)) == len(days)


@pytest.mark.parametrize("text", ["monday", "mon-", "mon-mon", "weekdays", "", "mon,tue"])
def test_other_words_are_no_weekdays(text):
    """Only three letters, alone or two with a dash."""
    with pytest.raises(ValueError, match=r"expected|did you mean"):
        hours.parse_days(text)
