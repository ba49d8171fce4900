"""Counts, groups, stalls and orders over a visitor's events, now and looking ahead.

Looking ahead asks: if nothing else happens, until when? Events then only leave their windows,
so every answer is an instant. LANGUAGE.md section 3 says what each thing means.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from engine.model import (
    AllOf,
    AnyOf,
    Condition,
    Fields,
    InGroup,
    Measure,
    Not,
    Scalar,
    Span,
    Stall,
    Step,
    Window,
)
from engine.model import Sequence as Steps
from engine.visitor.profile import Event
from engine.visitor.sessions import NO_SESSION
from engine.visitor.text import Key, is_scalar, norm, prepared
from engine.visitor.view import View

FOREVER = 2**62  # an instant that never comes
SESSION = "session"  # what `different` names beside fields


class Tally(Struct, frozen=True, gc=False):
    """A count; of a measure with `same`, that of its group: the page's own, else the best.

    Of equally good groups it is the one with the newest event.
    """

    count: int
    group: Scalar | None = None


# --- the events of a window -----------------------------------------------------------------


def filtered(view: View, step: Measure | Step, within: Window) -> Sequence[Event]:
    """Return the events in the window that `step` means, oldest first."""
    events = view.events
    return [events[position] for position in _positions(view, step, within)]


def in_window(view: View, event: str, within: Window) -> Sequence[int]:
    """Return the positions of a kind's events that are in the window, ascending."""
    positions: Sequence[int] | None = view.kinds.get(event)
    if positions is None:
        return ()
    start = view.start_of(within)
    if start > positions[0]:
        positions = positions[bisect_left(positions, start) :]
    if within is Span.SESSION and view.session is not None and view.sessions.interleaved:
        index, of = view.session.index, view.sessions.of
        positions = [position for position in positions if of[position] == index]
    return positions


def _positions(view: View, step: Measure | Step, within: Window) -> Sequence[int]:
    positions = in_window(view, step.event, within)
    if not positions or (not step.fields and step.where is None):
        return positions
    events = view.events
    return [position for position in positions if _is_meant(view, step, events[position])]


def _is_meant(view: View, step: Measure | Step, event: Event) -> bool:
    if step.fields:
        held = event.fields
        for name, test in _tests(step.fields):
            if not test(held.get(name)):
                return False
    return step.where is None or on_page(step.where, view.pages.look(event.page).groups)


_Tests = tuple[tuple[str, Callable[[Any], bool]], ...]
_TESTS: dict[int, tuple[Fields, _Tests]] = {}
_MOST_TESTS = 4_096  # rulesets come and go; what they leave behind is thrown away at this size


def _tests(fields: Fields) -> _Tests:
    """Return the tests of `with`, made once for each place in the rules.

    They are found by identity, for hashing the fields costs more than the tests save. The entry
    holds the fields, so that their identity is nobody else's meanwhile.
    """
    entry = _TESTS.get(id(fields))
    if entry is None:
        if len(_TESTS) >= _MOST_TESTS:
            _TESTS.clear()
        entry = (fields, tuple((name, prepared(compare)) for name, compare in fields))
        _TESTS[id(fields)] = entry
    return entry[1]


def on_page(where: Condition, groups: frozenset[str]) -> bool:
    """Tell whether a page that is in these groups is what `where` means."""
    match where:
        case InGroup():
            return where.group in groups
        case AllOf(parts):
            return all(on_page(part, groups) for part in parts)
        case AnyOf(parts):
            return any(on_page(part, groups) for part in parts)
        case Not(part):
            return not on_page(part, groups)
        case _:
            raise TypeError(f"`where` holds page groups only, not {type(where).__name__}")


def leaves_at(view: View, within: Window, at: int) -> int:
    """Return the instant from which an event at `at`, now in the window, no longer is."""
    if within is Span.PAGE:
        return FOREVER
    if within is Span.SESSION:
        ends_at = view.session_ends_at
        return view.now if ends_at is None else ends_at
    return at + within


# --- counting -------------------------------------------------------------------------------


def tally(view: View, measure: Measure) -> Tally:
    """Count what the measure means at `view.now`."""
    positions = _positions(view, measure, measure.within)
    if measure.same is None:
        if measure.different is None or not positions:
            return Tally(len(positions))
        return Tally(len(_newest_of_each(view, measure, positions)))
    best, newest = Tally(0), -1
    for group, members in _groups(view, measure, positions):
        tallied = Tally(len(_counted(view, measure, members)), group)
        last = members[-1] if members else -1
        if (tallied.count, last) > (best.count, newest) or best.group is None:
            best, newest = tallied, last
    return best


def leaving(view: View, measure: Measure) -> list[int]:
    """Return when the count falls if nothing else happens.

    Element k - 1 is the instant from which it is less than k; there are as many as the count,
    the latest first. Of a measure with `same` it is the count of whichever group is then best.
    """
    positions = _positions(view, measure, measure.within)
    if measure.same is None:
        return _leaving(view, measure, positions)
    falls: list[int] = []
    for _, members in _groups(view, measure, positions):
        for place, at in enumerate(_leaving(view, measure, members)):
            if place == len(falls):
                falls.append(at)
            else:
                falls[place] = max(falls[place], at)
    return falls


def _leaving(view: View, measure: Measure, positions: Sequence[int]) -> list[int]:
    counted = sorted(_counted(view, measure, positions), reverse=True)
    return [leaves_at(view, measure.within, view.events[position].at) for position in counted]


def _counted(view: View, measure: Measure, positions: Sequence[int]) -> Sequence[int]:
    """Return one position for each thing counted: the newest where several are one thing."""
    return positions if measure.different is None else _newest_of_each(view, measure, positions)


def _newest_of_each(view: View, measure: Measure, positions: Sequence[int]) -> Sequence[int]:
    newest: dict[Key, int] = {}
    if measure.different == SESSION:
        of = view.sessions.of
        newest = {of[position]: position for position in positions if of[position] != NO_SESSION}
    else:
        newest = dict(_keyed(view, measure.different or "", positions))
    return list(newest.values())


def _keyed(view: View, field: str, positions: Sequence[int]) -> list[tuple[Key, int]]:
    """Return the positions with the key of their event's field; those that lack it left out."""
    events = view.events
    keyed: list[tuple[Key, int]] = []
    for position in positions:
        value = events[position].fields.get(field)
        if type(value) is str:
            keyed.append((value.strip().casefold(), position))  # as `norm`, without the call
        elif is_scalar(value):
            keyed.append((norm(value), position))
    return keyed


def _groups(
    view: View, measure: Measure, positions: Sequence[int]
) -> Sequence[tuple[Scalar, Sequence[int]]]:
    """Return the groups of `same`, each with its value; only the page's own where it has one.

    The value is as its newest event has it, or the page.
    """
    field = measure.same or ""
    groups: dict[Key, list[int]] = {}
    for key, position in _keyed(view, field, positions):
        groups.setdefault(key, []).append(position)
    bound = view.value(field)
    if bound is not None:
        return [(bound, groups.get(norm(bound), []))]
    events = view.events
    return [(events[members[-1]].fields[field], members) for members in groups.values()]


# --- stalls ---------------------------------------------------------------------------------


def stalled(view: View, stall: Stall) -> list[int]:
    """Return the instants of the first events in the window that nothing answered, ascending.

    Each makes the stall true from `stall.lasting` later on until it leaves the window (see
    `leaves_at`), if nothing else happens.
    """
    positions = _positions(view, stall.first, stall.within)
    answers = view.kinds.get(stall.then)
    events = view.events
    if not positions or answers is None:
        return [events[position].at for position in positions]
    answered = events[answers[-1]].at
    waiting = [at for at in (events[position].at for position in positions) if at > answered]
    if stall.then == stall.first.event and positions[-1] == answers[-1]:
        # The newest of its own kind can only be answered by another at its very instant.
        alone = len(answers) == 1 or events[answers[-2]].at < answered
        return [answered] if alone else []
    return waiting


# --- sequences ------------------------------------------------------------------------------


def in_order(view: View, sequence: Steps) -> int:
    """Return how many steps, from the first on, have happened in their order."""
    return _climb(view, sequence.steps, _candidates(view, sequence))[0]


def sequence_leaves(view: View, sequence: Steps) -> int | None:
    """Return the instant from which the sequence is no longer true if nothing else happens.

    None where it is not true now.
    """
    # Backwards the same search ends with the latest event that the first step can have.
    steps = sequence.steps[::-1]
    reached, at = _climb(view, steps, _candidates(view, sequence)[::-1])
    return leaves_at(view, sequence.within, at) if reached == len(steps) else None


def _candidates(view: View, sequence: Steps) -> list[int]:
    positions: set[int] = set()
    for kind in {step.event for step in sequence.steps}:
        positions.update(in_window(view, kind, sequence.within))
    return sorted(positions)


def _climb(view: View, steps: Sequence[Step], positions: Sequence[int]) -> tuple[int, int]:
    """Take as many steps as possible as early as possible; return how many, and where it ended.

    Events of one instant fit any order, so together they take the longest run of the next steps
    in which every step finds an event of its own. Taking more steps at an earlier instant never
    hinders later ones.
    """
    events = view.events
    reached, at, first = 0, view.now, 0
    while first < len(positions) and reached < len(steps):
        instant = events[positions[first]].at
        last = first + 1
        while last < len(positions) and events[positions[last]].at == instant:
            last += 1
        if last - first == 1:
            event, step = events[positions[first]], steps[reached]
            taken = int(event.kind == step.event and _is_meant(view, step, event))
        else:
            together = [events[position] for position in positions[first:last]]
            taken = _run(view, steps[reached:], together)
        if taken:
            reached, at = reached + taken, instant
        first = last
    return reached, at


def _run(view: View, steps: Sequence[Step], together: Sequence[Event]) -> int:
    """Return how many of the steps, from the first on, can each have an event of their own."""
    owner: dict[int, int] = {}  # event -> step

    def place(step: int, tried: set[int]) -> bool:
        meant = steps[step]
        for index, event in enumerate(together):
            if index in tried or event.kind != meant.event or not _is_meant(view, meant, event):
                continue
            tried.add(index)
            if index not in owner or place(owner[index], tried):
                owner[index] = step
                return True
        return False

    taken = 0
    while taken < min(len(steps), len(together)) and place(taken, set()):
        taken += 1
    return taken
