"""A visitor at one instant: what events, sessions, pages and states say at `now`.

Everything is derived when it is first asked for and remembered; a view lasts for one decision.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from engine.events import STANDARD_STATES, ZERO_WHEN_UNKNOWN, About, StateType
from engine.model import Scalar, Site, Span, Value, Window
from engine.visitor import states
from engine.visitor.derived import derived
from engine.visitor.pages import PageFacts, Pages
from engine.visitor.profile import Event, Exposure, Profile, Report
from engine.visitor.sessions import Session, Sessions, derive
from engine.visitor.text import as_value, is_scalar

Desk = Callable[[str, str], Value]

_at = attrgetter("at")
_NONE: Sequence[Event] = ()


def unknown_desk(department: str, state: str) -> Value:  # noqa: ARG001 # as every desk is asked
    """Answer for a desk that has never reported."""
    return 0 if state in ZERO_WHEN_UNKNOWN else None


def drop_fragment(page: str) -> str:
    """Return the page without `#` and what follows."""
    return page.partition("#")[0]


class View:
    """A visitor at one instant.

    `now` is ms; events later than it are not seen. `page` is the page of the request,
    `attributes` are verified and last for this call: they beat what is stored, and what is
    derived about the visit, the visitor and the chat. (A clock state among them is in seconds,
    as reports are.) `hindsight` says that exposures after `now` are not seen either.
    """

    def __init__(
        self,
        profile: Profile,
        site: Site,
        pages: Pages,
        now: int,
        *,
        page: str | None = None,
        language: str | None = None,
        attributes: Mapping[str, Value] | None = None,
        desk: Desk = unknown_desk,
        hindsight: bool = False,
    ) -> None:
        self.profile = profile
        self.site = site
        self.pages = pages
        self.now = now
        self.language = language
        self.given: Mapping[str, Any] = attributes or {}
        self.desk = desk
        self.hindsight = hindsight
        events: Sequence[Event] = profile.events
        if events and events[-1].at > now:
            events = events[: bisect_right(events, now, key=_at)]
        self.events = events
        self._page = page
        self._starts: dict[Window, int] = {}
        self._states: dict[str, Value] = {}
        self._values: dict[str, Scalar | None] = {}

    # --- events -----------------------------------------------------------------------------

    @derived
    def kinds(self) -> dict[str, list[int]]:
        """Positions in `events` of each kind of event that there is, ascending."""
        kinds: dict[str, list[int]] = {}
        for position, event in enumerate(self.events):
            kind = event.kind
            if kind in kinds:
                kinds[kind].append(position)
            else:
                kinds[kind] = [position]
        return kinds

    def of(self, kind: str) -> Sequence[Event]:
        """Return the events of a kind, oldest first."""
        positions = self.kinds.get(kind)
        if positions is None:
            return _NONE
        events = self.events
        return [events[position] for position in positions]

    def newest(self, kind: str) -> Event | None:
        """Return the newest event of a kind."""
        positions = self.kinds.get(kind)
        return None if positions is None else self.events[positions[-1]]

    def start_of(self, window: Window) -> int:
        """Return the position of the first event that may be in a look-back window.

        Where sessions interleave, some later ones may belong to another one.
        """
        start = self._starts.get(window)
        if start is None:
            start = self._starts[window] = self._start_of(window)
        return start

    def _start_of(self, window: Window) -> int:
        if window is Span.SESSION:
            positions = self.session_positions
            return positions[0] if positions else len(self.events)
        if window is Span.PAGE:
            opened = self.kinds.get("page_view")
            return len(self.events) if opened is None else opened[-1]
        return bisect_right(self.events, self.now - window, key=_at)

    # --- sessions ---------------------------------------------------------------------------

    @derived
    def sessions(self) -> Sessions:
        """The sessions up to now."""
        return derive(self.events, self.site.session_timeout)

    @derived
    def session(self) -> Session | None:
        """The session that goes on now, or None."""
        return self.sessions.current(self.now)

    @property
    def session_ends_at(self) -> int | None:
        """The instant from which there is no session if nothing else happens."""
        session = self.session
        return None if session is None else session.last_at + self.site.session_timeout

    @derived
    def session_positions(self) -> Sequence[int]:
        """Positions of the events of the current session, passive ones included."""
        session = self.session
        if session is None:
            return ()
        index, of = session.index, self.sessions.of
        if not self.sessions.interleaved:
            return range(session.first, len(of))
        return [position for position in range(len(of)) if of[position] == index]

    # --- pages ------------------------------------------------------------------------------

    @derived
    def page(self) -> str | None:
        """The page now: the request's, else that of the newest event that names one."""
        if self._page is not None:
            return self._page
        for event in reversed(self.events):
            if event.page is not None:
                return event.page
        return None

    @derived
    def page_facts(self) -> PageFacts:
        """The page groups of the page now, and the values that it names."""
        return self.pages.look(self.page)

    def value(self, field: str) -> Scalar | None:
        """Return the current page's value of a field: its glob's, else its newest event's."""
        if field not in self._values:
            self._values[field] = self._value(field)
        return self._values[field]

    def _value(self, field: str) -> Scalar | None:
        captured = self.page_facts.values.get(field)
        if captured is not None or self.page is None:
            return captured
        page = drop_fragment(self.page)
        for event in reversed(self.events):
            value = event.fields.get(field)
            if is_scalar(value) and event.page is not None and drop_fragment(event.page) == page:
                return value
        return None

    # --- facts ------------------------------------------------------------------------------

    @property
    def exposures(self) -> Sequence[Exposure]:
        """The prompts decided so far; in hindsight only those up to now."""
        exposures = self.profile.exposures
        if self.hindsight and exposures:
            return [exposure for exposure in exposures if exposure.at <= self.now]
        return exposures

    @derived
    def report(self) -> Report | None:
        """The page's own measurement, while it is still the newest page's."""
        report = self.profile.report
        if report is None or report.at > self.now:
            return None
        opened = self.newest("page_view")
        return report if opened is None or opened.at <= report.at else None

    @derived
    def marks(self) -> Sequence[tuple[int, bool]]:
        """When the newest page came into sight (True) and went out of it (False), in order."""
        return states.marks(self)

    def attribute(self, name: str) -> Value:
        """Return an attribute: this call's beats a verified one, and that a claimed one."""
        if name in self.given:
            return as_value(self.given[name])
        if name in self.profile.verified:
            return as_value(self.profile.verified[name])
        return as_value(self.profile.claimed.get(name))

    def verified(self, name: str) -> Value:
        """Return an attribute that a server vouches for; None where only a browser does."""
        if name in self.given:
            return as_value(self.given[name])
        return as_value(self.profile.verified.get(name))

    def state(self, name: str, department: str = "default") -> Value:
        """Return a state or attribute, None where it is missing; clocks and durations in ms."""
        kind = STANDARD_STATES.get(name)
        if kind is None:
            return self.attribute(name)
        if kind.about is About.DESK:
            return self.desk(department, name)
        if name not in self._states:
            self._states[name] = self._state(name, kind.about, kind.type)
        return self._states[name]

    def _state(self, name: str, about: About, type_: StateType) -> Value:
        if name in self.given and about not in (About.PAGE, About.FORM):
            return states.given(self.given[name], type_)
        work_out = states.DERIVED.get(name)
        return self.attribute(name) if work_out is None else work_out(self)

    def runs(self, name: str) -> bool:
        """Tell whether a clock state has a value that grows with the time if nothing happens.

        `on_site` grows until the session ends; the others have no end.
        """
        return self.state(name) is not None and states.runs(self, name)

    def stuck_from(self) -> int | None:
        """Return the earliest instant from now on at which `form_stuck` is true, or None.

        It is the answer if nothing else happens, and from then on it stays true.
        """
        return states.stuck_from(self)
