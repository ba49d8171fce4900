"""What the compiled rules read of a visitor: each source is one number, read once a match.

A reading is compared with marks and with nothing else, so that text, time, grouping and missing
values stay on this side of the nets. None means that it has reached no mark at all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from engine.events import DESK_STATES
from engine.match.tree import holds
from engine.model import Compare, Condition, Measure, Sequence, Stall, StateIs, Value
from engine.visitor.measures import stalled, tally
from engine.visitor.view import View

Reading = float | None
Needs = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened."""

    measure: Measure

    def needs(self, mark: float) -> Needs:
        """Return how many events of which kinds it takes to reach a mark."""
        return {self.measure.event: math.ceil(mark)}

    def read(self, view: View) -> Reading:
        """Return the count."""
        return tally(view, self.measure).count


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the oldest unanswered first event has waited, ms; the stall's own time aside."""

    stall: Stall

    def needs(self, mark: float) -> Needs:  # noqa: ARG002 - one event reaches any mark in time
        """Return how many events of which kinds it takes to reach a mark."""
        return {self.stall.first.event: 1}

    def read(self, view: View) -> Reading:
        """Return its age; None where nothing waits."""
        waiting = stalled(view, self.stall)
        return view.now - waiting[0] if waiting else None


@dataclass(frozen=True, slots=True)
class Highest:
    """A state as `at_least` sees it: of several values the highest number."""

    state: str
    department: str

    def needs(self, mark: float) -> Needs:  # noqa: ARG002 - no event is needed
        """Return how many events of which kinds it takes to reach a mark: none."""
        return {}

    def read(self, view: View) -> Reading:
        """Return the number; None where there is none."""
        return max(_numbers(view.state(self.state, self.department)), default=None)


@dataclass(frozen=True, slots=True)
class Lowest:
    """A state as `at_most` sees it: minus the lowest number, so that more is reached below."""

    state: str
    department: str

    def needs(self, mark: float) -> Needs:  # noqa: ARG002 - no event is needed
        """Return how many events of which kinds it takes to reach a mark: none."""
        return {}

    def read(self, view: View) -> Reading:
        """Return minus the number; None where there is none."""
        return max((-v for v in _numbers(view.state(self.state, self.department))), default=None)


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a condition holds, as the tree says: text, page groups, audiences, sequences."""

    condition: Condition
    department: str

    def needs(self, mark: float) -> Needs:  # noqa: ARG002 - there is only the one mark
        """Return how many events of which kinds it takes to be true."""
        if isinstance(self.condition, Sequence):
            return Counter(step.event for step in self.condition.steps)
        return {}

    def read(self, view: View) -> Reading:
        """Return 1 where it holds."""
        return 1 if holds(self.condition, view, self.department) else None


class Bound(NamedTuple):
    """Marks that a source must have reached, and must not have reached; None asks nothing."""

    reached: float | None
    short_of: float | None

    def admits(self, reading: Reading) -> bool:
        """Return whether a reading is within the bound."""
        if reading is None:
            return self.reached is None
        low, high = self.reached, self.short_of
        return (low is None or reading >= low) and (high is None or reading < high)


@dataclass(frozen=True, slots=True)
class Joint:
    """Whether several bounds hold at once: what is too long for one condition of a net."""

    bounds: tuple[tuple[Source, Bound], ...]

    def needs(self, mark: float) -> Needs:  # noqa: ARG002 - no event is needed
        """Return how many events of which kinds it takes to reach a mark: none."""
        return {}

    def read(self, view: View) -> Reading:
        """Return 1 where they all do."""
        return 1 if all(bound.admits(source.read(view)) for source, bound in self.bounds) else None


Source = Count | Wait | Highest | Lowest | Truth | Joint
TRUE = 1.0  # the mark of a truth


def of_state(state: StateIs, department: str) -> tuple[Source, float]:
    """Return the source of a compared state, and the mark from which the comparison holds.

    One-sided comparisons of numbers share a source; of two-sided ones a single value has to meet
    both sides, so that they are truths of their own, as are texts and true or false.
    """
    compare, whose = state.compare, department if state.state in DESK_STATES else "default"
    low, high = compare.at_least, compare.at_most
    if low is not None and compare == Compare(at_least=low) and math.isfinite(low):
        return Highest(state.state, whose), low
    if high is not None and compare == Compare(at_most=high) and math.isfinite(high):
        return Lowest(state.state, whose), -high
    return Truth(state, whose), TRUE


def _numbers(value: Value) -> tuple[float, ...]:
    if type(value) is int or type(value) is float:
        return () if math.isnan(value) else (value,)
    if not isinstance(value, tuple):
        return ()
    return tuple(number for scalar in value for number in _numbers(scalar))
