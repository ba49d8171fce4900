"""When a desk is open, and when to stop inviting: the wall clock of one zone.

Two readings of one schedule: *open*, the full hours that people are told, and *inviting*, the
same less `wind_down` before every closing. Both are laid out a few weeks at a time and kept, so
that a question of one instant is a bisect.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from engine import clock
from engine.clock import DAY, MINUTE
from engine.gates.zones import zone
from engine.model import MinuteRange, Schedule
from engine.spans import Spans, clip, contains, first_at_or_after, normal

HORIZON = 400 * DAY  # how far ahead an opening or a closing is looked for
_CHUNK = 28 * DAY
_CHUNKS_KEPT = 64
_YEARS_AHEAD = 2


class _Chunk(NamedTuple):
    lo: int
    hi: int
    open: Spans
    inviting: Spans


def prepare(schedule: Schedule, now: int | None = None) -> None:
    """Build what the first question would wait for: the holidays of these years, this month.

    Raises ValueError, with a sentence, for an unknown zone, country or subdivision.
    """
    table = _timetable(schedule)
    instant = clock.now() if now is None else now
    this_year = clock.to_datetime(instant).year
    for year in range(this_year - 1, this_year + _YEARS_AHEAD + 1):
        table.holidays(year)
    table.chunk(instant)


def is_open(schedule: Schedule, t: int) -> bool:
    """Say whether the desk is open at an instant (ms), by its full hours."""
    return contains(_timetable(schedule).chunk(t).open, t)


def is_inviting(schedule: Schedule, t: int) -> bool:
    """Say whether the desk is open at an instant (ms) and not winding down."""
    return contains(_timetable(schedule).chunk(t).inviting, t)


def open_spans(schedule: Schedule, lo: int, hi: int) -> Spans:
    """Return when the desk is open in [lo, hi) (ms), by its full hours."""
    return clip(normal(_pieces(schedule, lo, hi, inviting=False)), lo, hi)


def inviting_spans(schedule: Schedule, lo: int, hi: int) -> Spans:
    """Return when the desk is open and not winding down in [lo, hi) (ms)."""
    return clip(normal(_pieces(schedule, lo, hi, inviting=True)), lo, hi)


def closes_at(schedule: Schedule, t: int) -> int | None:
    """Return when the desk that is open at `t` closes; None while it is shut.

    None too where it stays open for the 400 days looked at: an always-open desk never closes.
    """
    table = _timetable(schedule)
    if table.never_closes or not contains(table.chunk(t).open, t):
        return None
    end = t
    while end <= t + HORIZON:
        chunk = table.chunk(end)
        if not contains(chunk.open, end):
            return end
        end = next(stop for start, stop in chunk.open if start <= end < stop)
    return None


def opens_at(schedule: Schedule, t: int) -> int | None:
    """Return when the desk that is shut at `t` opens next; None while it is open.

    None too where it does not open within the 400 days looked at.
    """
    table = _timetable(schedule)
    chunk = table.chunk(t)
    if contains(chunk.open, t):
        return None
    while chunk.lo <= t + HORIZON:
        start = first_at_or_after(chunk.open, t)
        if start is not None:
            return start if start <= t + HORIZON else None
        chunk = table.chunk(chunk.hi)
    return None


def week(schedule: Schedule, t: int) -> list[tuple[str, tuple[MinuteRange, ...]]]:
    """Return seven days' full hours from the local date of `t` on: (ISO date, minute ranges).

    A range that crosses midnight ends after minute 1440 and stands with the day it starts on.
    """
    table = _timetable(schedule)
    first = table.zone.wall(t) // DAY
    days = (_day(number) for number in range(first, first + 7))
    return [(day.isoformat(), normal(table.ranges(day))) for day in days if day is not None]


def _pieces(schedule: Schedule, lo: int, hi: int, *, inviting: bool) -> list[tuple[int, int]]:
    table = _timetable(schedule)
    pieces: list[tuple[int, int]] = []
    while lo < hi:
        chunk = table.chunk(lo)
        pieces += chunk.inviting if inviting else chunk.open
        lo = chunk.hi
    return pieces


class _Timetable:
    """One schedule laid out in time, chunk by chunk. Safe to share between threads."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.zone = zone(schedule.zone)
        dated = schedule.closed or schedule.open_on or schedule.holidays
        whole = all(clip(normal(day), 0, 1440) == ((0, 1440),) for day in schedule.week)
        self.never_closes = whole and not dated
        self._chunks: dict[int, _Chunk] = {}

    def chunk(self, t: int) -> _Chunk:
        """Return the chunk that an instant is in."""
        index = t // _CHUNK
        chunk = self._chunks.get(index)
        if chunk is None:
            if len(self._chunks) >= _CHUNKS_KEPT:
                self._chunks.clear()
            chunk = self._chunks[index] = self._lay_out(index * _CHUNK, (index + 1) * _CHUNK)
        return chunk

    def ranges(self, day: date) -> tuple[MinuteRange, ...]:
        """Return the hours that start on a local date: a date beats holidays and weekdays."""
        name = day.isoformat()
        dated = self.schedule.open_on.get(name)
        if dated is not None:
            return dated
        if name in self.schedule.closed or day in self.holidays(day.year):
            return ()
        return self.schedule.week[day.weekday()]

    def holidays(self, year: int) -> frozenset[date]:
        """Return the dates on which the schedule keeps a holiday."""
        if self.schedule.holidays is None:
            return frozenset()
        return _holidays(*self.schedule.holidays, year)

    def _lay_out(self, lo: int, hi: int) -> _Chunk:
        # A closing casts its wind-down back, so the hours are laid out that far beyond.
        wind_down = self.schedule.wind_down
        beyond = hi + wind_down
        hours = clip(normal(self._hours(lo, beyond)), lo, beyond)
        inviting = (
            # Hours that reach the end of what was laid out close there at the earliest.
            (start, end - wind_down if end < beyond else hi)
            for start, end in hours
        )
        return _Chunk(lo, hi, clip(hours, lo, hi), clip(normal(inviting), lo, hi))

    def _hours(self, lo: int, hi: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        # An offset is less than a day, and a range ends within two days of its midnight.
        for number in range(lo // DAY - 3, hi // DAY + 2):
            day = _day(number)
            for start, end in self.ranges(day) if day else ():
                midnight = number * DAY
                found += self.zone.instants(midnight + start * MINUTE, midnight + end * MINUTE)
        return found


def _day(number: int) -> date | None:
    """Return the date so many days after 1970-01-01; None outside the years 1 to 9999."""
    try:
        return date(1970, 1, 1) + timedelta(days=number)
    except OverflowError:
        return None


# Enough for the live rulesets of many sites; those of replaced rulesets fall out.
@lru_cache(maxsize=512)
def _timetable(schedule: Schedule) -> _Timetable:
    return _Timetable(schedule)


@lru_cache(maxsize=2_048)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - half a second that only schedules with holidays pay

    try:
        kept = holidays.country_holidays(country, subdivision, years=year, expand=False)
    except NotImplementedError:
        place = country if subdivision is None else f"{country}, {subdivision}"
        raise ValueError(
            f"no holidays are known for {place}; use a country code such as GB, "
            "and a subdivision of that country such as ENG"
        ) from None
    return frozenset(kept)
