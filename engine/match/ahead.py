"""When a condition will hold if nothing else happens: exact to the millisecond.

Events leave their windows, the session ends, clocks run while the page is in sight, stalls come
of age, a silent chat is over. Everything else stays as it is at `view.now`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from engine.clock import DAY
from engine.events import CHAT_EVENTS, STANDARD_STATES, About, StateKind, StateType
from engine.match.tree import holds
from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Counted,
    InAudience,
    InGroup,
    Not,
    Sequence,
    Span,
    Stall,
    StateIs,
)
from engine.spans import EMPTY, Spans, always, clip, complement, intersect, normal, union
from engine.visitor.measures import leaves_at, leaving, sequence_leaves, stalled
from engine.visitor.states import CHAT_LASTS
from engine.visitor.text import matches
from engine.visitor.view import View


@dataclass(frozen=True, slots=True)
class _Outlook:
    """A visitor, and the half-open stretch of time [lo, hi) from now on that is looked at."""

    view: View
    department: str
    lo: int
    hi: int

    def constant(self, truth: bool) -> Spans:  # noqa: FBT001 - a truth is what it is about
        return always(self.lo, self.hi) if truth else EMPTY

    def until(self, instant: int) -> Spans:
        return always(self.lo, min(instant, self.hi))

    def since(self, instant: int) -> Spans:
        return always(max(instant, self.lo), self.hi)


def spans(cond: Condition, view: View, department: str, until: int) -> Spans:
    """Return when, from `view.now` to `until` (ms, inclusive), the condition holds.

    It agrees with `tree.holds` at every instant, on the view of that instant to which nothing
    has been added.
    """
    return _spans(cond, _Outlook(view, department, view.now, until + 1))


def _spans(cond: Condition, ahead: _Outlook) -> Spans:
    match cond:
        case Counted():
            return _counted(cond, ahead)
        case Stall(_, _, lasting, within):
            view = ahead.view
            waiting = stalled(view, cond)
            true = normal((at + lasting, leaves_at(view, within, at)) for at in waiting)
            return clip(true, ahead.lo, ahead.hi)
        case Sequence():
            leaves = sequence_leaves(ahead.view, cond)
            return EMPTY if leaves is None else ahead.until(leaves)
        case StateIs():
            return _state(cond, ahead)
        case InGroup():
            return ahead.constant(holds(cond, ahead.view, ahead.department))
        case InAudience(name):
            audience = ahead.view.site.audiences.get(name)
            return EMPTY if audience is None else _spans(audience.condition, ahead)
        case AllOf(parts):
            common = ahead.constant(truth=True)
            for part in parts:
                if common:
                    common = intersect(common, _spans(part, ahead))
            return common
        case AnyOf(parts):
            return union(*(_spans(part, ahead) for part in parts))
        case Not(part):
            return complement(_spans(part, ahead), ahead.lo, ahead.hi)


def _counted(cond: Counted, ahead: _Outlook) -> Spans:
    """Read off when the count, which only falls, is within its thresholds."""
    falls = leaving(ahead.view, cond.measure)
    until, since = ahead.hi, ahead.lo
    if cond.at_least > 0:
        if len(falls) < cond.at_least:
            return EMPTY
        until = min(until, falls[cond.at_least - 1])
    if cond.at_most is not None:
        if cond.at_most < 0:
            return EMPTY
        if len(falls) > cond.at_most:
            since = max(since, falls[cond.at_most])
    return always(since, until)


# --- states ---------------------------------------------------------------------------------


def _state(cond: StateIs, ahead: _Outlook) -> Spans:
    view, kind = ahead.view, STANDARD_STATES.get(cond.state)
    if kind is None or _stands(kind, view):
        return ahead.constant(holds(cond, view, ahead.department))
    ends_at = ahead.hi if view.session_ends_at is None else view.session_ends_at
    if kind.type is StateType.CLOCK:
        growing = _running(cond, ahead)
        return clip(growing, ahead.lo, ends_at) if kind.about is About.VISIT else growing
    if cond.state == "days_since_last_visit":
        return _days(cond.compare, ahead)
    if cond.state == "chat_active":
        return _turning(cond, ahead, _chat_ends_at(view), to=False)
    if cond.state == "form_stuck":
        return _turning(cond, ahead, view.stuck_from(), to=True)
    if kind.about is About.VISIT:
        return clip(ahead.constant(holds(cond, view, ahead.department)), ahead.lo, ends_at)
    return ahead.constant(holds(cond, view, ahead.department))


def _stands(kind: StateKind, view: View) -> bool:
    """Return whether the state does not move: the desk's, and what the request itself says."""
    if kind.about is About.DESK:
        return True
    return kind.name in view.given and kind.about not in (About.PAGE, About.FORM)


def _running(cond: StateIs, ahead: _Outlook) -> Spans:
    view, name = ahead.view, cond.state
    value = view.state(name, ahead.department)
    if isinstance(value, int) and view.runs(name):
        at_now = value - view.now
        return _growing(cond.compare, lambda t: at_now + t, ahead.lo, ahead.hi)
    return ahead.constant(holds(cond, view, ahead.department))


def _days(compare: Compare, ahead: _Outlook) -> Spans:
    """Read the days: they stand during a session, and from its end on grow since its last event."""
    view, ends_at = ahead.view, ahead.view.session_ends_at
    during, lo = EMPTY, ahead.lo
    if ends_at is not None:
        during = ahead.until(ends_at) if matches(compare, view.state(_DAYS)) else EMPTY
        lo = max(lo, ends_at)
    last = view.sessions.before(None)
    if last is None:
        return during
    since = last.end_at
    return union(during, _growing(compare, lambda t: max(t - since, 0) / DAY, lo, ahead.hi))


_DAYS = "days_since_last_visit"


def _chat_ends_at(view: View) -> int | None:
    """Return when silence ends the chat that is open; None where none is."""
    if view.state("chat_active") is not True:
        return None
    newest = (view.newest(kind) for kind in CHAT_EVENTS)
    return max(event.at for event in newest if event is not None) + CHAT_LASTS


def _turning(cond: StateIs, ahead: _Outlook, instant: int | None, *, to: bool) -> Spans:
    """Return when a true/false holds that turns once, at an instant, for good; None: never."""
    now = ahead.constant(holds(cond, ahead.view, ahead.department))
    if instant is None:
        return now
    later = ahead.since(instant) if matches(cond.compare, to) else EMPTY
    return union(clip(now, ahead.lo, instant), later)


def _growing(compare: Compare, value: Callable[[int], float], lo: int, hi: int) -> Spans:
    """Return when in [lo, hi) a number that grows with the time is as it should be."""

    def first(is_reached: Callable[[float], bool]) -> int:
        return lo + bisect_left(range(lo, hi), True, key=lambda t: is_reached(value(t)))  # noqa: FBT003 - the sought truth

    def equal_to(wanted: object) -> Spans:
        if isinstance(wanted, bool) or not isinstance(wanted, int | float):
            return EMPTY
        return always(first(lambda v: v >= wanted), first(lambda v: v > wanted))

    if lo >= hi or compare.contains is not None:
        return EMPTY
    since, until, low, high = lo, hi, compare.at_least, compare.at_most
    if low is not None:
        since = first(lambda v: v >= low)
    if high is not None:
        until = first(lambda v: not v <= high)
    true = always(since, until)
    if compare.is_ is not None:
        true = intersect(true, union(*map(equal_to, compare.is_)))
    if compare.not_ is not None:
        true = intersect(true, complement(union(*map(equal_to, compare.not_)), lo, hi))
    return true


# --- whether it is worth looking ------------------------------------------------------------


def can_rise(cond: Condition) -> bool:
    """Return whether time alone may ever make the condition true, whoever the visitor is."""
    return _moves(cond)[0]


def _moves(cond: Condition) -> tuple[bool, bool]:
    """Return whether time alone may make the condition true, and whether it may make it false."""
    match cond:
        case Counted(measure, at_least, at_most):
            slides = measure.within is not Span.PAGE
            return slides and at_most is not None, slides and at_least > 0
        case Stall(_, _, lasting, within):
            return lasting > 0, within is not Span.PAGE
        case Sequence(_, within):
            return False, within is not Span.PAGE
        case StateIs():
            return _state_moves(cond)
        case InGroup():
            return False, False
        case InAudience():
            return True, True  # what is in it, only the site knows
        case AllOf(parts) | AnyOf(parts):
            moves = [_moves(part) for part in parts]
            return any(rises for rises, _ in moves), any(falls for _, falls in moves)
        case Not(part):
            rises, falls = _moves(part)
            return falls, rises


def _state_moves(cond: StateIs) -> tuple[bool, bool]:
    kind, compare = STANDARD_STATES.get(cond.state), cond.compare
    if kind is None:
        return False, False
    if cond.state == _DAYS:
        return True, True
    if cond.state in ("chat_active", "form_stuck"):
        before = cond.state == "chat_active"
        was, becomes = matches(compare, before), matches(compare, not before)
        return becomes and not was, was and not becomes
    ends = kind.about is About.VISIT
    if kind.type is not StateType.CLOCK or cond.state == "hesitation":
        return False, ends
    passes = compare.is_ is not None or compare.not_ is not None
    return passes or compare.at_least is not None, passes or compare.at_most is not None or ends
