"""One visitor's events as they come in, with what is derived from them kept up step by step.

All of it equals what `fold`, `derive` and a fresh `View` say of the same events, which a property
test holds it to; an event that comes in order just costs no walk over all those before it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from engine.events import PASSIVE_EVENTS
from engine.model import Site
from engine.visitor.profile import Event, Profile, fold
from engine.visitor.sessions import NO_SESSION, Session, Sessions, derive
from engine.visitor.view import View


class Before(NamedTuple):
    """What a visitor was: the trail may have grown since."""

    profile: Profile
    events: int

    def restored(self) -> Profile:
        """Return the profile as it was."""
        return msgspec.structs.replace(self.profile, events=self.profile.events[: self.events])


class Trail:
    """A visitor's profile. `add` may extend its list of events in place: it is the trail's own."""

    def __init__(self, site: Site) -> None:
        self.profile = Profile()
        self._site = site
        # What `_rebuild` derives of the events, and `add` keeps up.
        self._ids: set[str] = set()
        self._kinds: dict[str, list[int]] = {}
        self._all: list[Session] = []
        self._of: list[int] = []
        self._newest: Session | None = None
        self._interleaved = False
        self._page: str | None = None

    def now(self) -> Before:
        """Return what there is now, to be restored later."""
        return Before(self.profile, len(self.profile.events))

    def add(self, event: Event) -> None:
        """Take in one event, canonical as `gather.canonical` returns it."""
        if not self._is_next(event):
            site = self._site
            self.profile, _ = fold(
                self.profile, [event], keep=site.keep, keep_events=site.keep_events
            )
            self._rebuild()
            return
        position = len(self.profile.events)
        self.profile.events.append(event)
        self._ids.add(event.id)
        self._kinds.setdefault(event.kind, []).append(position)
        self._of.append(self._joined(event, position))
        if event.page is not None:
            self._page = event.page

    def prepare(self, view: View) -> View:
        """Hand what is known to a view of this profile, which need not derive it anew."""
        if view.events is self.profile.events:
            timeout = self._site.session_timeout
            view.kinds = self._kinds
            view.sessions = Sessions(
                self._all, self._of, self._newest, timeout, interleaved=self._interleaved
            )
            view.page = self._page
        return view

    def _is_next(self, event: Event) -> bool:
        """Say whether the event only stands at the end, and moves nothing that is there."""
        held = self.profile.events
        if event.session is not None or self._interleaved or event.id in self._ids:
            return False
        if event.kind == "prompt_shown" and self.profile.exposures:
            return False  # it may confirm one of them
        if len(self._kinds.get(event.kind, ())) >= self._site.keep_events:
            return False
        if not held:
            return True
        in_order = (held[-1].at, held[-1].id) < (event.at, event.id)
        return in_order and held[0].at > event.at - self._site.keep

    def _joined(self, event: Event, position: int) -> int:
        """Return the index of the session that the newest event belongs to, as `derive` does."""
        newest, at = self._newest, event.at
        if event.kind in PASSIVE_EVENTS:
            if newest is None:
                return NO_SESSION
            newest.end_at = max(newest.end_at, at)
        elif newest is not None and at - newest.last_at < self._site.session_timeout:
            newest.last, newest.last_at, newest.end_at = position, at, at
        else:
            newest = Session(len(self._all), event.id, position, at, position, at, at)
            self._all.append(newest)
            self._newest = newest
        return newest.index

    def _rebuild(self) -> None:
        events = self.profile.events
        self._ids = {event.id for event in events}
        self._kinds = {}
        for position, event in enumerate(events):
            self._kinds.setdefault(event.kind, []).append(position)
        sessions = derive(events, self._site.session_timeout)
        self._all, self._of = list(sessions.all), list(sessions.of)
        self._newest, self._interleaved = sessions.newest, sessions.interleaved
        pages = (event.page for event in reversed(events) if event.page is not None)
        self._page = next(pages, None)
