"""Sessions, derived from the set of events (LANGUAGE.md section 3).

Passive events (`page_hidden`, `prompt_shown`) change nothing for the others: each belongs to the
session before it, or to the one that it names, and neither starts, extends nor switches one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.events import PASSIVE_EVENTS
from engine.visitor.profile import Event

NO_SESSION = -1


@dataclass(slots=True)
class Session:
    """One visit. Instants are ms.

    `name` is as the events name it, else the id of its first event; `index` is its identity.
    `first` and `last` are positions of its first and last event that is not passive; `end_at` is
    the time of its last event, passive ones included.
    """

    index: int
    name: str
    first: int
    first_at: int
    last: int
    last_at: int
    end_at: int


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a visitor, by their first event; `of[i]` is the index of event i's.

    `of` has NO_SESSION for a passive event without any session before it. `newest` is the
    session of the newest event that is not passive. Unless `interleaved` (some events name their
    session), each session is one run of events.
    """

    all: Sequence[Session]
    of: Sequence[int]
    newest: Session | None
    timeout: int
    interleaved: bool = False

    def current(self, now: int) -> Session | None:
        """Return the session that goes on at `now`, which is no earlier than any event."""
        newest = self.newest
        return newest if newest is not None and now - newest.last_at < self.timeout else None

    def before(self, session: Session | None) -> Session | None:
        """Return the session that began before this one; the newest one for None."""
        if session is None:
            return self.newest
        return self.all[session.index - 1] if session.index > 0 else None

    def name_of(self, position: int) -> str | None:
        """Return the name of the session of the event at a position."""
        index = self.of[position]
        return None if index == NO_SESSION else self.all[index].name


def derive(events: Sequence[Event], timeout: int) -> Sessions:
    """Return the sessions of events that are sorted by (at, id); `timeout` is ms."""
    found: list[Session] = []
    of: list[int] = []
    named: dict[str, Session] = {}
    early: dict[str, list[int]] = {}  # passive events that name a session not begun yet
    newest: Session | None = None
    newest_at = 0
    for position, event in enumerate(events):
        name, at = event.session, event.at
        if event.kind in PASSIVE_EVENTS:
            session = newest if name is None else named.get(name)
            if session is not None:
                session.end_at = at
            elif name is not None:
                early.setdefault(name, []).append(position)
            of.append(NO_SESSION if session is None else session.index)
            continue
        if name is not None:
            session = named.get(name)
        else:
            session = newest if at - newest_at < timeout else None
        if session is None:
            session = Session(len(found), name or event.id, position, at, position, at, at)
            found.append(session)
            if name is not None:
                named[name] = session
        session.last = position
        newest, newest_at = session, at
        of.append(session.index)
    for session in found:
        session.last_at = events[session.last].at
        session.end_at = max(session.end_at, session.last_at)
    for name, positions in early.items():
        if name in named:
            for position in positions:
                of[position] = named[name].index
    return Sessions(found, of, newest, timeout, interleaved=bool(named or early))
