"""Wall clocks to instants: exact, also where daylight saving skips or repeats an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.moments import instant, parse_date, parse_moment, zone_names

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC")
walls = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - wall clocks
    lambda wall: wall.replace(microsecond=0)
)


def wall_at(at, zone):
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@given(walls, st.sampled_from(ZONES), st.booleans())
def test_the_instant_shows_the_wall_clock_or_is_a_change(wall, zone, later):
    """The zone's clocks show that time at the instant, or jump over it there."""
    at = instant(wall, zone, later=later)
    shown = wall_at(at, zone)
    if shown != wall:
        assert wall_at(at - 1, zone) < wall < shown


@given(walls, st.sampled_from(ZONES))
def test_a_repeated_hour_is_its_first_or_its_second(wall, zone):
    """The second occurrence is never before the first, and an hour or less after it."""
    first, second = instant(wall, zone), instant(wall, zone, later=True)
    assert 0 <= second - first <= 3_600_000


@given(walls, st.timedeltas(timedelta(0), timedelta(days=400)), st.sampled_from(ZONES))
def test_later_wall_clocks_are_not_earlier_instants(wall, span, zone):
    """First occurrences keep the order of the wall clock, but for the hour that repeats."""
    assert instant(wall + span, zone) >= instant(wall, zone) - 3_600_000


@pytest.mark.parametrize(
    "text",
    [
        "24.12.2026",
        "2026-13-01",
        "2026-02-29",
        "1999-01-01",
        "2026-1-1",
        "tomorrow",
        "",
        "2026-12-24x",
    ],
)
def test_other_dates_are_refused(text):
    """Only the ISO form, days that exist, and years near ours."""
    with pytest.raises(ValueError, match="expected"):
        parse_date(text)


@pytest.mark.parametrize("text", ["2026-12-24 24:00", "2026-12-24 9", "2026-12-24 10:60", "10:00"])
def test_other_times_are_refused(text):
    """A time needs its date, hours below 24 and minutes below 60."""
    with pytest.raises(ValueError, match="expected"):
        parse_moment(text)


def test_zones_are_those_of_the_tz_database():
    """The names are known without asking the system's folder layout."""
    assert {"Europe/London", "America/Argentina/Buenos_Aires", "UTC"} <= zone_names()
    assert not {"Europe", "../etc/passwd", "posixrules", ""} & zone_names()
