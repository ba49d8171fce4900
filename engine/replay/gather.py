"""Rows of a recording by visitor, in the order in which they are replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.replay.rows import Row
from engine.visitor.profile import Event, Profile, fold

_NO_LIMIT = 1 << 62


def by_visitor(rows: Iterable[Row]) -> dict[str, list[Event]]:
    """Gather rows by visitor, in order of reading; visitors by their first row."""
    visitors: dict[str, list[Event]] = {}
    for row in rows:
        events = visitors.get(row.visitor)
        if events is None:
            visitors[row.visitor] = [row.event]
        else:
            events.append(row.event)
    return visitors


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return one visitor's events by time, then in order of reading, as the engine keeps them.

    Of several rows with one id there is one event, at the earliest of their times.
    """
    kept = canonical(events)
    place: dict[str, int] = {}
    for number, event in enumerate(events):
        place.setdefault(event.id, number)
    return sorted(kept, key=lambda event: (event.at, place[event.id]))


def canonical(events: Sequence[Event]) -> list[Event]:
    """Return the events as the engine keeps them: by (at, id), each id once, texts as text."""
    return fold(Profile(), events, keep=_NO_LIMIT, keep_events=_NO_LIMIT)[0].events
