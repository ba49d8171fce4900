"""Schedules: the hours of each weekday, the dates that differ, holidays, winding down."""

from __future__ import annotations

import re

from engine.clock import DAY
from engine.language import moments, scalars
from engine.language.grammar import HOLIDAYS, SCHEDULE
from engine.language.kinds import Kind
from engine.language.nodes import ListNode, Node, ScalarNode
from engine.language.reading import Reading, place
from engine.language.words import did_you_mean, guess, listed, quote
from engine.model import MinuteRange, Schedule

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL_DAY = 24 * 60
_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")

_HOURS_HINT = "hours such as 08:00-20:00, or a list of them"


def parse_range(text: str) -> MinuteRange:
    """Return a range in minutes of the day it starts on; past 1440 where it crosses midnight.

    Raises ValueError with what was expected.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ValueError("expected two times of 24 hours with a dash between, such as 08:00-20:00")
    start, end = (_minute(found[i], found[i + 1]) for i in (1, 3))
    if start == _FULL_DAY:
        raise ValueError("expected 24:00 only at the end; a day starts at 00:00")
    if start == end:
        raise ValueError("expected two different times (00:00-24:00 is the whole day)")
    return start, end if end > start else end + _FULL_DAY


def _minute(hour: str, minute: str) -> int:
    at = int(hour) * 60 + int(minute)
    if int(minute) > 59 or at > _FULL_DAY:
        raise ValueError("expected times from 00:00 to 24:00")
    return at


def parse_days(text: str) -> tuple[int, ...]:
    """Return the weekdays of a key, Monday 0: one, or a range that may run over Sunday.

    Raises ValueError with what was expected.
    """
    first, dash, last = text.strip().lower().partition("-")
    for word in (first, last) if dash else (first,):
        if word not in WEEKDAYS:
            raise ValueError(did_you_mean(word, WEEKDAYS))
    if not dash:
        return (WEEKDAYS.index(first),)
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
    if start == end:
        raise ValueError(f"expected {first} alone, or two different days")
    return tuple((start + i) % 7 for i in range((end - start) % 7 + 1))


def schedule(reading: Reading, key: ScalarNode, node: Node) -> Schedule | None:
    """Return one named schedule."""
    named = scalars.name(reading, key, "the name of a schedule")
    fields = reading.fields(node, SCHEDULE)
    if fields is None:
        return None
    zone: str | None = reading.zone
    if (node_ := fields.get("time_zone")) is not None:
        zone = moments.read_zone(reading, node_)
    week = _week(reading, fields.values["open"]) if fields.has("open") else None
    closed = _closed(reading, fields.get("closed"))
    open_on = _open_on(reading, fields.get("open_on"))
    _refuse_conflicts(reading, fields.get("closed"), open_on)
    holidays = _holidays(reading, fields.get("holidays"))
    wind_down = _wind_down(reading, fields.get("wind_down"))
    if named is None or zone is None or week is None:
        return None
    return Schedule(key.raw, zone, week, closed, open_on, holidays, wind_down, place(key))


def _ranges(reading: Reading, node: Node) -> tuple[MinuteRange, ...] | None:
    """Return one range or a list of them, in the order of the day."""
    if isinstance(node, ListNode) and not node.items:
        reading.error(
            node, Kind.EMPTY,
            f"the list is empty; expected {_HOURS_HINT} (a day that is left out is closed)",
        )  # fmt: skip
        return None
    found: list[MinuteRange] = []
    for item in reading.one_or_more(node, _HOURS_HINT) or ():
        raw = reading.scalar(item, _HOURS_HINT)
        if raw is None:
            return None
        try:
            found.append(parse_range(raw.raw))
        except ValueError as error:
            closed = raw.raw.strip().lower() in ("closed", "none", "-")
            hint = "expected the day left out, which closes it" if closed else str(error)
            reading.error(raw, Kind.BAD_HOURS, f"{quote(raw.raw)} is not a range of hours; {hint}")
            return None
    return tuple(sorted(found))


def _week(reading: Reading, node: Node) -> tuple[tuple[MinuteRange, ...], ...] | None:
    pairs = reading.entries(node, "weekdays with their hours, such as { mon-fri: 09:00-17:00 }")
    if pairs is None:
        return None
    if not pairs:
        reading.error(node, Kind.EMPTY, "no weekday stands here; expected one, such as mon-fri")
        return None
    week: list[tuple[MinuteRange, ...]] = [()] * 7
    taken: dict[int, ScalarNode] = {}
    ok = True
    for key, value in pairs:
        ranges = _ranges(reading, value)
        try:
            days = parse_days(key.raw)
        except ValueError as error:
            wrong = f"{quote(key.raw)} is not a weekday or a range of them"
            reading.error(key, Kind.BAD_WEEKDAY, f"{wrong}; {error}")
            days = ()
        twice = [WEEKDAYS[day] for day in days if day in taken]
        if twice:
            first = taken[WEEKDAYS.index(twice[0])]
            reading.error(
                key, Kind.SCHEDULE_CONFLICT,
                f"{listed(twice, 'and')} stands under {quote(first.raw)} already; expected each "
                "weekday under one key (several ranges go in a list)",
            )  # fmt: skip
        ok = ok and ranges is not None and bool(days) and not twice
        for day in days:
            taken.setdefault(day, key)
            week[day] = ranges or ()
    return tuple(week) if ok else None


def _closed(reading: Reading, node: Node | None) -> frozenset[str]:
    if node is None:
        return frozenset()
    expected = f"{moments.DATE_HINT}, or a list of them"
    items = reading.one_or_more(node, expected, empty=True) or ()
    read = (moments.read_date(reading, item) for item in items)
    return frozenset(day for day in read if day is not None)


def _open_on(reading: Reading, node: Node | None) -> dict[str, tuple[MinuteRange, ...]]:
    if node is None:
        return {}
    pairs = reading.entries(node, "dates with their hours, such as { 2026-12-19: 10:00-16:00 }")
    found: dict[str, tuple[MinuteRange, ...]] = {}
    for key, value in pairs or ():
        day = moments.read_date(reading, key)
        ranges = _ranges(reading, value)
        if day is not None and ranges is not None:
            found[day] = ranges
    return found


def _refuse_conflicts(
    reading: Reading, closed: Node | None, open_on: dict[str, tuple[MinuteRange, ...]]
) -> None:
    """Refuse a date that is both closed and open."""
    for item in closed.items if isinstance(closed, ListNode) else (closed,):
        if isinstance(item, ScalarNode) and item.raw.strip() in open_on:
            reading.error(
                item, Kind.SCHEDULE_CONFLICT,
                f"{item.raw} stands under closed and under open_on; expected it under one of them",
            )  # fmt: skip


def _wind_down(reading: Reading, node: Node | None) -> int:
    if node is None:
        return 0
    millis = scalars.duration(reading, node)
    if millis is not None and millis >= DAY:
        reading.error(
            node, Kind.BAD_DURATION,
            "winding down for a day or longer leaves no hours; expected less, such as 15 minutes",
        )  # fmt: skip
    return millis or 0


def _holidays(reading: Reading, node: Node | None) -> tuple[str, str | None] | None:
    if node is None:
        return None
    fields = reading.fields(node, HOLIDAYS)
    if fields is None or not fields.has("country"):
        return None
    country = reading.scalar(fields.values["country"], "a country such as GB")
    part = fields.get("subdivision")
    subdivision = None if part is None else reading.scalar(part, "a part of it, such as ENG")
    if country is None or (part is not None and subdivision is None):
        return None
    known = _known_holidays()
    if country.raw not in known:
        same = country.raw.upper() if country.raw.upper() in known else None
        hint = f"did you mean {same}?" if same else "expected a two-letter code such as GB"
        wrong = f"no holidays are known for the country {quote(country.raw)}"
        reading.error(country, Kind.BAD_HOLIDAYS, f"{wrong}; {hint}")
        return None
    if subdivision is not None and subdivision.raw not in known[country.raw]:
        parts = known[country.raw]
        upper = subdivision.raw.upper()
        same = upper if upper in parts else guess(subdivision.raw, parts)
        none = "expected none, as the country has no parts here"
        hint = f"did you mean {same}?" if same else did_you_mean(subdivision.raw, parts, none)
        wrong = f"{country.raw} has no part {quote(subdivision.raw)}"
        reading.error(subdivision, Kind.BAD_HOLIDAYS, f"{wrong}; {hint}")
        return None
    return country.raw, None if subdivision is None else subdivision.raw


def _known_holidays() -> dict[str, tuple[str, ...]]:
    """Return the known countries and their parts, aliases such as England included."""
    import holidays  # noqa: PLC0415 - takes a quarter of a second, and few folders need it

    countries = holidays.list_supported_countries(include_aliases=True)
    return {code: tuple(parts) for code, parts in countries.items()}
