"""Spans are sets of instants: every function must do what it would do to plain sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import spans

HORIZON = 40
instants = st.integers(0, HORIZON)
pairs = st.lists(st.tuples(instants, instants), max_size=6)
some = pairs.map(spans.normal)


def members(these):
    return {t for start, end in these for t in range(start, end)}


def is_normal(these):
    flat = [edge for pair in these for edge in pair]
    return flat == sorted(set(flat))


@given(pairs)
def test_any_intervals_become_sorted_disjoint_and_never_touching(these):
    """`normal` keeps exactly the instants, in the one form that they have."""
    tidy = spans.normal(these)
    assert is_normal(tidy)
    assert members(tidy) == members(these)


@given(some, some, some)
def test_union_and_intersection_are_those_of_the_instants(a, b, c):
    """`union` and `intersect` of spans are the union and intersection of their instants."""
    assert spans.union(a, b, c) == spans.normal(a + b + c)
    assert members(spans.union(a, b, c)) == members(a) | members(b) | members(c)
    both = spans.intersect(a, b, c)
    assert is_normal(both)
    assert members(both) == members(a) & members(b) & members(c)


@given(some, instants, instants)
def test_complement_and_clip_split_a_stretch_between_them(these, lo, hi):
    """Inside [lo, hi) an instant is either in the spans or in their complement; outside in none."""
    inside, outside = spans.clip(these, lo, hi), spans.complement(these, lo, hi)
    assert is_normal(inside)
    assert is_normal(outside)
    assert members(inside) == members(these) & set(range(lo, hi))
    assert members(outside) == set(range(lo, hi)) - members(these)


@given(some, instants)
def test_asking_for_an_instant_agrees_with_the_set(these, t):
    """`contains` and `first_at_or_after` answer as the set of instants would."""
    assert spans.contains(these, t) == (t in members(these))
    later = [instant for instant in members(these) if instant >= t]
    assert spans.first_at_or_after(these, t) == min(later, default=None)


def test_always_is_the_whole_stretch_or_nothing():
    """`always` is one interval, and empty when its end is not after its start."""
    assert spans.always(3, 7) == ((3, 7),)
    assert spans.always(7, 7) == spans.EMPTY
    assert spans.always(8, 7) == spans.EMPTY


def test_an_intersection_of_nothing_is_refused():
    """Without any spans an intersection would have no bounds, and says so."""
    with pytest.raises(ValueError, match="at least one"):
        spans.intersect()
