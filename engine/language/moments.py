"""Dates and times as a marketer writes them, on the wall clock of a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from engine.clock import from_datetime
from engine.language.kinds import Kind
from engine.language.nodes import Node
from engine.language.reading import Reading
from engine.language.words import guess, quote

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")
_YEARS = (2000, 2199)

DATE_HINT = "a date such as 2026-12-24"
MOMENT_HINT = "a date such as 2026-12-24, or with a time: 2026-12-24 18:00"


class Moment(NamedTuple):
    """A wall-clock time; `whole_day` where only the date was written."""

    wall: datetime
    whole_day: bool


def parse_date(text: str) -> date:
    """Return a date. Raises ValueError with what was expected."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected {DATE_HINT}")
    year, month, day = map(int, found.groups())
    if not _YEARS[0] <= year <= _YEARS[1]:
        raise ValueError(f"expected a year from {_YEARS[0]} to {_YEARS[1]}")
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError("expected a day that the month has") from None


def parse_moment(text: str) -> Moment:
    """Return a date or a date with a time. Raises ValueError with what was expected."""
    found = _DATE_TIME.fullmatch(text.strip())
    if found is None:
        try:
            day = parse_date(text)
        except ValueError as error:
            hint = str(error)
            raise ValueError(f"expected {MOMENT_HINT}" if DATE_HINT in hint else hint) from None
        return Moment(datetime(day.year, day.month, day.day), whole_day=True)  # noqa: DTZ001 - a wall clock; its zone follows
    day = parse_date(found[1])
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("expected a time from 00:00 to 23:59")
    wall = datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001 - as above
    return Moment(wall, whole_day=False)


def instant(wall: datetime, zone: str, *, later: bool = False) -> int:
    """Return the instant (ms) at which the clocks of a zone show a time.

    A time that daylight saving skips stands for the instant of the change. One that occurs twice
    stands for its first occurrence, or its second where `later`.
    """
    info = ZoneInfo(zone)
    aware = wall.replace(tzinfo=info, fold=int(later))
    low, high = (from_datetime(wall.replace(tzinfo=info, fold=fold)) for fold in (1, 0))
    there = datetime.fromtimestamp(high / 1_000, UTC).astimezone(info).replace(tzinfo=None)
    if low >= high or there == wall:
        return from_datetime(aware)
    before = _offset(low, info)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, info) == before:
            low = middle
        else:
            high = middle
    return high


def next_day(wall: datetime) -> datetime:
    """Return the same time of the following day."""
    return wall + timedelta(days=1)


def _offset(at: int, info: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at / 1_000, UTC).astimezone(info).utcoffset()


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return every IANA zone that is known here."""
    return frozenset(available_timezones())


# --- readers --------------------------------------------------------------------------------


def read_date(reading: Reading, node: Node) -> str | None:
    """Return a date in ISO form."""
    found = reading.scalar(node, DATE_HINT)
    if found is None:
        return None
    try:
        return parse_date(found.raw).isoformat()
    except ValueError as error:
        reading.error(found, Kind.BAD_DATE, f"{quote(found.raw)} is not a date; {error}")
        return None


def read_moment(reading: Reading, node: Node) -> Moment | None:
    """Return a date, with a time or without."""
    found = reading.scalar(node, MOMENT_HINT)
    if found is None:
        return None
    try:
        return parse_moment(found.raw)
    except ValueError as error:
        reading.error(found, Kind.BAD_DATE, f"{quote(found.raw)} is not a date; {error}")
        return None


def read_zone(reading: Reading, node: Node) -> str | None:
    """Return the name of a zone."""
    found = reading.scalar(node, "a time zone such as Europe/London")
    if found is None:
        return None
    if found.raw in zone_names():
        return found.raw
    names = zone_names()
    cities = {name.rpartition("/")[2]: name for name in sorted(names)}
    meant = guess(found.raw, sorted(names)) or cities.get(guess(found.raw, cities) or "")
    hint = f"did you mean {quote(meant)}?" if meant else "expected a name such as Europe/London"
    reading.error(found, Kind.BAD_ZONE, f"unknown time zone {quote(found.raw)}; {hint}")
    return None
