"""A rule's `active` dates: the first instant is inside, the last is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import spans
from engine.gates import dates
from engine.gates.refusal import Refusal
from engine.model import Active, Reason, Rule

OUTSIDE = Refusal(Reason.OUTSIDE_DATES, None)
INSTANT = st.integers(0, 50)


def make(active: Active | None) -> Rule:
    return Rule(id="advent", variants=(), active=active)


@pytest.mark.parametrize(
    ("now", "answer"), [(99, OUTSIDE), (100, None), (199, None), (200, OUTSIDE)]
)
def test_from_is_inclusive_and_until_exclusive(now, answer):
    """The loader turns whole days into such instants."""
    assert dates.refusal(make(Active(100, 200)), now) == answer


def test_a_rule_without_dates_is_always_active():
    """No `active`, or an empty one, refuses nothing."""
    for active in (None, Active()):
        assert dates.refusal(make(active), 5) is None
        assert dates.spans(make(active), 5, 9) == ((5, 9),)


@given(since=INSTANT | st.none(), until=INSTANT | st.none(), lo=INSTANT, length=st.integers(0, 50))
def test_spans_are_the_instants_that_are_not_refused(since, until, lo, length):
    """Looking ahead says the same as asking at each instant."""
    rule = make(Active(since, until))
    ahead = dates.spans(rule, lo, lo + length)
    for t in range(lo, lo + length):
        assert spans.contains(ahead, t) is (dates.refusal(rule, t) is None)
    assert not spans.contains(ahead, lo - 1)
    assert not spans.contains(ahead, lo + length)
