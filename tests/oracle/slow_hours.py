"""A slow, plain reading of LANGUAGE.md section 4: opening hours and pages.

Nothing here is shared with the engine but the dataclasses of the model.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import holidays

MINUTE = 60_000
DAY = 86_400_000


def wall(instant: int, zone: str) -> datetime:
    """Return what a clock on the wall of that zone shows."""
    aware = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)
    return aware.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@cache
def _holidays(country: str, part: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=part, years=year))


def _holiday(schedule: Any, day: date) -> bool:
    return schedule.holidays is not None and day in _holidays(*schedule.holidays, day.year)


def ranges_of(schedule: Any, day: date) -> tuple[tuple[int, int], ...]:
    """Return the ranges that start on a day: a date beats holidays, and they beat weekdays."""
    name = day.isoformat()
    if name in schedule.open_on:
        return schedule.open_on[name]
    if name in schedule.closed or _holiday(schedule, day):
        return ()
    return schedule.week[day.weekday()]


def is_open(schedule: Any, instant: int) -> bool:
    """Say whether the wall clock stands inside a range of today, or a late one of yesterday."""
    shown = wall(instant, schedule.zone)
    minute = (shown - datetime(shown.year, shown.month, shown.day)) / timedelta(minutes=1)  # noqa: DTZ001 - a wall clock
    today, yesterday = shown.date(), shown.date() - timedelta(days=1)
    return any(start <= minute < end for start, end in ranges_of(schedule, today)) or any(
        start <= minute + 1_440 < end for start, end in ranges_of(schedule, yesterday)
    )


def is_inviting(schedule: Any, instant: int) -> bool:
    """Say whether it is open, and stays so for longer than it winds down.

    Hours open and close on whole minutes, so that looking at each of them is enough.
    """
    if not is_open(schedule, instant):
        return False
    mark = instant - instant % MINUTE + MINUTE
    while mark <= instant + schedule.wind_down:
        if not is_open(schedule, mark):
            return False
        mark += MINUTE
    return True


@cache
def _minutes(zone: str, since: int) -> list[tuple[int, int, bool]]:
    """Return the minutes of two days: the instant, the wall's minute, whether the wall jumped."""
    found, before = [], wall(since - MINUTE, zone)
    for instant in range(since, since + 2 * DAY, MINUTE):
        shown = wall(instant, zone)
        jumped = shown - before != timedelta(minutes=1)
        found.append((instant, shown.hour * 60 + shown.minute, jumped))
        before = shown
    return found


def borders(schedule: Any, since: int) -> list[int]:
    """Return every instant of the two days from a minute at which inviting may begin or end.

    That is where a range begins or ends on the wall, at midnight, and where the wall jumps.
    """
    ranges = [r for day in (*schedule.week, *schedule.open_on.values()) for r in day]
    ends = {0, *(minute % 1_440 for r in ranges for minute in r)}
    turns = [t for t, minute, jumped in _minutes(schedule.zone, since) if jumped or minute in ends]
    return turns + [turn - schedule.wind_down for turn in turns]


# --- pages ----------------------------------------------------------------------------------


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """Return a glob's path as a regular expression; `{field}` is a named part."""
    text = ("/" + path.removeprefix("/")).removesuffix("/")
    tail = ""
    if text.endswith("/**"):
        text, tail = text[:-3], "(?:/.*)?"
    found = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\{\w+\})", text):
        if part == "**/":
            found += "(?:.*/)?"
        elif part == "**":
            found += ".*"
        elif part == "*":
            found += "[^/]*"
        elif part.startswith("{"):
            found += f"(?P<{part[1:-1]}>[^/]*)"
        else:
            found += re.escape(part)
    return re.compile(found + tail, re.IGNORECASE | re.DOTALL)


@cache
def glob_match(glob: str, page: str) -> dict[str, str] | None:
    """Return the values that a glob captures from a page; None where it does not match."""
    url = urlsplit(page)
    path, _, query = glob.partition("?")
    host = path.partition("/")[0]
    if host and "*" not in host:
        if url.netloc.lower() != host.lower():
            return None
        path = path[len(host) :]
    found = _pattern(path).fullmatch(url.path.removesuffix("/"))
    if found is None:
        return None
    asked = [(key.lower(), value.lower()) for key, value in parse_qsl(query)]
    there = [(key.lower(), value.lower()) for key, value in parse_qsl(url.query)]
    if any(pair not in there for pair in asked):
        return None
    return found.groupdict()


def groups_of(site: Any, page: str | None) -> set[str]:
    """Return the names of the page groups that a page is in; none where it is unknown."""
    if page is None:
        return set()
    return {
        group.name
        for group in site.page_groups
        if any(glob_match(glob, page) is not None for glob in group.globs)
    }


def captured(site: Any, page: str, field: str) -> str | None:
    """Return what the first glob that captures the field reads from the page."""
    for group in site.page_groups:
        for glob in group.globs:
            values = glob_match(glob, page)
            if values and field in values:
                return values[field]
    return None
