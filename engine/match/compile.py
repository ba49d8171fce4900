"""Rules as the nets want them: features with marks, and conjunctions of bounds on them.

`not` is pushed down to the leaves and every `any` multiplied out. A leaf becomes a bound: a
source has reached one mark, or has not reached another. What is missing has reached no mark, so
that "not (x at least 3)" is one bound (x missing or below 3), not two alternatives.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from engine.match.sources import TRUE, Bound, Count, Joint, Needs, Source, Truth, Wait, of_state
from engine.model import (
    AllOf,
    AnyOf,
    Condition,
    Counted,
    InAudience,
    Not,
    Rule,
    Stall,
    StateIs,
)
from engine.visitor.view import View

MOST_ALTERNATIVES = 64
# The extension takes about 100 expressions a condition; a bound is up to two.
MOST_BOUNDS = 24


class TooManyAlternatives(ValueError):
    """A condition multiplies out into more alternatives than a net should carry."""

    def __init__(self) -> None:
        super().__init__(
            f"its `any` lists multiply out into more than {MOST_ALTERNATIVES} alternatives; "
            "use fewer or shorter `any` lists inside `all`, or split it into several rules"
        )


# One alternative: every bound holds. Empty: always true.
Alternative = dict[Source, Bound]


def alternatives(condition: Condition, department: str = "default") -> list[Alternative]:
    """Return a condition as alternatives, any of which makes it true; none: never true.

    Raises TooManyAlternatives.
    """
    return _expand(condition, department, wanted=True)


def _expand(condition: Condition, department: str, *, wanted: bool) -> list[Alternative]:
    match condition:
        case Not(part):
            return _expand(part, department, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            each = (_expand(part, department, wanted=wanted) for part in parts)
            if isinstance(condition, AllOf) is wanted:
                return _every(each)
            return _some(each)
        case Counted(measure, at_least, at_most):
            enough = _mark(Count(measure), at_least, wanted=wanted, always=at_least <= 0)
            if at_most is None:
                return enough
            many = _mark(Count(measure), at_most + 1, wanted=not wanted, always=at_most < 0)
            return _every([enough, many]) if wanted else _some([enough, many])
        case Stall():
            return _mark(Wait(replace(condition, lasting=0)), condition.lasting, wanted=wanted)
        case StateIs():
            return _mark(*of_state(condition, department), wanted=wanted)
        case InAudience():
            return _mark(Truth(condition, department), TRUE, wanted=wanted)
        case _:
            return _mark(Truth(condition, "default"), TRUE, wanted=wanted)


def _mark(source: Source, at: float, *, wanted: bool, always: bool = False) -> list[Alternative]:
    """Return the single bound on a source; `always` says that it reaches the mark come what may."""
    if always:
        return [{}] if wanted else []
    return [{source: Bound(at, None) if wanted else Bound(None, at)}]


def _some(each: Iterable[list[Alternative]]) -> list[Alternative]:
    """Return the alternatives of any of the parts."""
    return _distinct(one for some in each for one in some)


def _every(each: Iterable[list[Alternative]]) -> list[Alternative]:
    """Return the alternatives of all parts together: their product."""
    product: list[Alternative] = [{}]
    for some in each:
        joint = (_join(left, right) for left in product for right in some)
        product = _distinct(one for one in joint if one is not None)
    return product


def _join(left: Alternative, right: Alternative) -> Alternative | None:
    """Return both at once; None where one bound contradicts another."""
    joint = dict(left)
    for source, bound in right.items():
        old = joint.get(source)
        if old is not None:
            lows = [mark for mark in (old.reached, bound.reached) if mark is not None]
            highs = [mark for mark in (old.short_of, bound.short_of) if mark is not None]
            bound = Bound(max(lows, default=None), min(highs, default=None))  # noqa: PLW2901 - the tighter of both
        low, high = bound
        if low is not None and high is not None and low >= high:
            return None
        joint[source] = bound
    return joint


def _distinct(found: Iterable[Alternative]) -> list[Alternative]:
    kept: dict[frozenset[tuple[Source, Bound]], Alternative] = {}
    for one in found:
        kept.setdefault(frozenset(one.items()), one)
        if len(kept) > MOST_ALTERNATIVES:
            raise TooManyAlternatives
    return list(kept.values())


# --- a whole folder -------------------------------------------------------------------------


class Feature:
    """A source and the marks that rules ask of it; its rank is how many of them are reached.

    Ranks are small whole numbers whatever was read, so nothing else ever reaches the nets: no
    text, no fraction or exponent, no number beyond what the extension compares rightly.
    """

    __slots__ = ("marks", "read", "source")

    def __init__(self, source: Source, marks: Iterable[float]) -> None:
        self.source = source
        self.marks = sorted(set(marks))
        self.read = source.read

    def rank(self, view: View) -> int:
        """Return how many marks the visitor has reached."""
        reading = self.read(view)
        return 0 if reading is None else bisect_right(self.marks, reading)

    def needs(self, rank: int) -> Needs:
        """Return how many events of which kinds it takes to reach a rank, of 1 or more."""
        return self.source.needs(self.marks[rank - 1])


class Term(NamedTuple):
    """A bound in ranks: feature `feature` is at least `reached` (0: any) and below `below`."""

    feature: int
    reached: int
    below: int | None


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Terms that together make each of the `rules` (indices) true."""

    terms: tuple[Term, ...]
    rules: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Rules, compiled. `always` are those that hold whatever the visitor did."""

    features: tuple[Feature, ...]
    conjunctions: tuple[Conjunction, ...]
    always: frozenset[int]


def compile_rules(rules: Sequence[Rule]) -> Program:
    """Compile the `when` of every rule. Raises TooManyAlternatives."""
    found = [_of_rule(rule) for rule in rules]
    marks: dict[Source, list[float]] = {}
    for some in found:
        for one in some:
            for source, bound in one.items():
                marks.setdefault(source, []).extend(mark for mark in bound if mark is not None)
    features = {source: Feature(source, asked) for source, asked in marks.items()}
    numbers = {source: number for number, source in enumerate(features)}
    owners: dict[tuple[Term, ...], list[int]] = {}
    for index, some in enumerate(found):
        for one in some:
            terms = sorted(
                _term(numbers[source], features[source], bound) for source, bound in one.items()
            )
            owners.setdefault(tuple(terms), []).append(index)
    return Program(
        tuple(features.values()),
        tuple(Conjunction(terms, tuple(rules)) for terms, rules in owners.items() if terms),
        frozenset(owners.get((), ())),
    )


def _of_rule(rule: Rule) -> list[Alternative]:
    some = [{}] if rule.when is None else alternatives(rule.when, rule.department)
    return [{}] if {} in some else [_shortened(one) for one in some]


def _shortened(one: Alternative) -> Alternative:
    if len(one) <= MOST_BOUNDS:
        return one
    bounds = list(one.items())
    rest = Joint(tuple(bounds[MOST_BOUNDS - 1 :]))
    return dict(bounds[: MOST_BOUNDS - 1]) | {rest: Bound(TRUE, None)}


def _term(number: int, feature: Feature, bound: Bound) -> Term:
    reached = 0 if bound.reached is None else feature.marks.index(bound.reached) + 1
    below = None if bound.short_of is None else feature.marks.index(bound.short_of) + 1
    return Term(number, reached, below)
