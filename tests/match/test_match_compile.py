"""Compiled conditions mean what the tree means, however they were multiplied out."""

from __future__ import annotations

from random import Random

import pytest
from match_worlds import Visitor, condition, rule

from engine.clock import MINUTE
from engine.match.compile import (
    MOST_ALTERNATIVES,
    MOST_BOUNDS,
    TooManyAlternatives,
    alternatives,
    compile_rules,
)
from engine.match.layout import MOST_CONJUNCTIONS, MOST_FEATURES, lay_out
from engine.match.sources import Bound, Count, Highest, Lowest, Truth
from engine.match.tree import holds
from engine.model import AllOf, AnyOf, Compare, Counted, Measure, Not, Stall, StateIs, Step

RICH = StateIs("cart_value", Compare(at_least=100))


def times(event, at_least=1, at_most=None):
    return Counted(Measure(event), at_least, at_most)


def test_some_alternative_holds_exactly_when_the_tree_does():
    """2,000 random trees: their bounds, read one by one, say of a visitor what the tree says."""
    rnd = Random(71)
    for _ in range(2_000):
        cond, view = condition(rnd), Visitor(rnd).view()
        try:
            found = alternatives(cond, "sales")
        except TooManyAlternatives:
            continue
        true = any(
            all(bound.admits(source.read(view)) for source, bound in one.items()) for one in found
        )
        assert true == holds(cond, view, "sales"), cond


def test_not_at_least_is_one_bound_that_missing_meets():
    """`not: x at least 100` is "missing or below 100" in a single bound."""
    assert alternatives(Not(RICH)) == [{Highest("cart_value", "default"): Bound(None, 100)}]
    assert Bound(None, 100).admits(None)
    assert Bound(None, 100).admits(99.9)
    assert not Bound(None, 100).admits(100)


def test_bounds_on_one_thing_are_drawn_together():
    """Counts of one measure share a source; what contradicts itself is no alternative."""
    searches = Count(Measure("search"))
    both = AllOf((times("search", 2), times("search", 4), times("search", 0, 9)))
    assert alternatives(both) == [{searches: Bound(4, 10)}]
    assert alternatives(AllOf((times("search", 5), times("search", 0, 4)))) == []
    assert alternatives(times("search", 0)) == [{}]
    assert alternatives(Not(times("search", 0))) == []


def test_one_value_has_to_meet_both_sides():
    """A two-sided comparison is one truth: of several values a single one must lie between."""
    between = StateIs("score", Compare(at_least=2, at_most=3))
    assert alternatives(between) == [{Truth(between, "default"): Bound(1, None)}]
    assert alternatives(StateIs("score", Compare(at_most=3))) == [
        {Lowest("score", "default"): Bound(-3, None)}
    ]


def test_only_desk_states_are_kept_apart_by_department():
    """Rules of two departments share every feature but those of the desk."""
    free = StateIs("free_slots", Compare(at_least=1))
    rules = [rule(n, AllOf((free, RICH)), name) for n, name in enumerate(("default", "sales"))]
    assert len(compile_rules(rules).features) == 3


def test_too_many_alternatives_are_refused_with_advice():
    """64 alternatives pass, 65 do not; the message says what multiplies and what to do."""
    kinds = [times(f"event-{n}") for n in range(MOST_ALTERNATIVES + 1)]
    assert len(alternatives(AnyOf(tuple(kinds[:-1])))) == MOST_ALTERNATIVES
    with pytest.raises(TooManyAlternatives, match=r"more than 64 alternatives.*split it"):
        alternatives(AnyOf(tuple(kinds)))
    pairs = AllOf(tuple(AnyOf((times(f"a{n}"), times(f"b{n}"))) for n in range(30)))
    with pytest.raises(ValueError, match="multiply out"):
        alternatives(pairs)
    assert len(alternatives(Not(pairs))) == 30


def test_a_rule_without_when_or_with_one_that_always_holds_needs_no_net():
    """What always holds is known when rules load."""
    program = compile_rules([rule(0, None), rule(1, AnyOf((RICH, times("search", 0))))])
    assert program.always == {0, 1}
    assert program.conjunctions == ()


def test_equal_conjunctions_are_built_once():
    """Rules with the same `when` share a conjunction, in whatever order it is written."""
    pair = (RICH, times("search", 3))
    program = compile_rules([rule(0, AllOf(pair)), rule(1, AllOf(pair[::-1])), rule(2, RICH)])
    assert sorted(one.rules for one in program.conjunctions) == [(0, 1), (2,)]


def test_ranks_are_small_whole_numbers_whatever_the_values():
    """No fraction, exponent or huge number reaches a net, and still none is confused."""
    marks = (-1.5, 1e-300, 0.1, 100, 2.0**60, 1e300)
    rules = [rule(n, StateIs("score", Compare(at_least=mark))) for n, mark in enumerate(marks)]
    (feature,) = compile_rules(rules).features
    assert feature.marks == sorted(marks)
    for value, rank in (
        (-2, 0),
        (-1.5, 1),
        (0, 1),
        (1e-300, 2),
        (0.1, 3),
        (2**60 - 1, 4),
        (2**60, 5),
        (float("inf"), 6),
        ("100", 0),
        (True, 0),
        ((1, "100", 100), 4),
        ((), 0),
        (None, 0),
    ):
        visitor = Visitor(Random(1))
        visitor.profile.verified, visitor.profile.claimed = {"score": value}, {}
        assert feature.rank(visitor.view()) == rank, value


def test_nets_stay_within_what_the_extension_bears():
    """Each net has at most 60 conjunctions and 200 features, a conjunction at most 24 bounds."""
    wide = [rule(n, AllOf(tuple(times(f"event-{n}-{m}") for m in range(20)))) for n in range(100)]
    long = [rule(100, AllOf(tuple(times(f"kind-{m}") for m in range(90))))]
    narrow = [rule(200 + n, times("search", n + 1)) for n in range(150)]
    plans, groups = lay_out(compile_rules([*wide, *long, *narrow]))
    for plan in plans:
        assert len(plan.conjunctions) <= MOST_CONJUNCTIONS
        assert len({name for terms in plan.conjunctions for name, _, _ in terms}) <= MOST_FEATURES
        assert max(map(len, plan.conjunctions)) <= MOST_BOUNDS
    assert sum(len(plan.conjunctions) for plan in plans) == 251
    assert {group.net for group in groups} == set(range(len(plans)))


def test_a_group_knows_how_many_events_it_takes():
    """A net need not be asked before the events that all its conjunctions need have happened."""
    stall = Stall(Step("checkout_started"), "purchase", MINUTE)
    program = compile_rules([rule(0, AllOf((times("search", 3), stall))), rule(1, RICH)])
    _, groups = lay_out(program)
    needs = sorted(group.needs for group in groups)
    assert needs == [(), (("checkout_started", 1), ("search", 3))]
