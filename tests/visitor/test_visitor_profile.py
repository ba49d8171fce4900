from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visitor_samples import DAY, KEEP, T0, event, events, profile_of

from engine.visitor.profile import (
    FORMAT,
    Event,
    Exposure,
    Profile,
    Report,
    fold,
    pack,
    unpack,
    with_report,
)

TIGHT = {"keep": 2 * 3_600_000, "keep_events": 2}


def _fold_all(batches, bounds, profile=None):
    profile = Profile() if profile is None else profile
    for batch in batches:
        profile, _ = fold(profile, batch, **bounds)
    return profile


@settings(max_examples=300)
@given(events(max_size=10), st.data(), st.sampled_from([KEEP, TIGHT]))
def test_neither_order_nor_repetition_of_arrival_matters(done, data, bounds):
    """The same events in any order, in any batches, any number of times, are one profile."""
    exposures = [Exposure("d1", "r", None, T0)]
    done = [
        *done,
        event("prompt_shown", 5, decision_id="d1"),
        event("prompt_shown", 3, decision_id="d1"),
    ]
    reference, _ = fold(Profile(exposures=exposures), done, **bounds)
    arrivals = data.draw(st.permutations(done + data.draw(st.lists(st.sampled_from(done)))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrivals)), max_size=4)))
    edges = [0, *cuts, len(arrivals)]
    batches = [arrivals[a:b] for a, b in pairwise(edges)]
    assert _fold_all(batches, bounds, Profile(exposures=exposures)) == reference
    assert fold(reference, arrivals, **bounds)[0] == reference


@given(events(max_size=10))
def test_events_are_kept_in_order_of_time_then_id(done):
    """Ties in time go by event id."""
    held = profile_of(*done).events
    assert [(e.at, e.id) for e in held] == sorted((e.at, e.id) for e in done)


@given(events(max_size=6), events(max_size=6))
def test_folding_changes_nothing_that_was_there(before, after):
    """A profile that was handed in stays as it was."""
    profile = profile_of(*before)
    packed = pack(profile)
    fold(profile, after, **KEEP)
    assert pack(profile) == packed


def test_ids_already_held_are_named():
    """A batch learns which of its ids were there before; its own repeats are not among them."""
    profile = profile_of(event("search", 1, id_="a"), event("search", 2, id_="b"))
    again = [event("search", 2, id_="b"), event("search", 3, id_="c"), event("search", 3, id_="c")]
    profile, duplicates = fold(profile, again, **KEEP)
    assert duplicates == {"b"}
    assert [e.id for e in profile.events] == ["a", "b", "c"]


@pytest.mark.parametrize("first", [10, 20])
def test_of_two_copies_of_an_id_the_earlier_time_stays(first):
    """Whichever copy came first."""
    other = 30 - first
    profile = profile_of(event("search", first, id_="a"), event("search", 15, id_="b"))
    profile, duplicates = fold(profile, [event("search", other, id_="a")], **KEEP)
    assert [(e.id, e.at - T0) for e in profile.events] == [("a", 10), ("b", 15)]
    assert duplicates == {"a"}


def test_two_copies_that_differ_in_content_alone_are_told_apart_by_it():
    """Even a client that breaks its word gives one answer, whatever comes first."""
    left, right = event("search", 1, id_="a", query="x"), event("search", 1, id_="a", query="y")
    assert profile_of(left, right) == profile_of(right, left)
    assert _fold_all([[left], [right]], KEEP) == _fold_all([[right], [left]], KEEP)


def test_an_event_exactly_as_old_as_is_kept_is_dropped():
    """`keep` looks back from the newest event, and its far end is outside."""
    newest = event("search", 10 * DAY, id_="new")
    edge, inside = event("search", 9 * DAY, id_="edge"), event("search", 9 * DAY + 1, id_="in")
    profile, _ = fold(Profile(), [newest, edge, inside], keep=DAY, keep_events=9)
    assert [e.id for e in profile.events] == ["in", "new"]


def test_each_kind_keeps_its_newest_events():
    """One kind's flood does not wash the others away."""
    flood = [event("scroll", at, id_=f"{at:03}") for at in range(1, 8)]
    profile, _ = fold(Profile(), [*flood, event("search", 0)], keep=DAY, keep_events=3)
    assert [e.at - T0 for e in profile.events] == [0, 5, 6, 7]
    profile, _ = fold(profile, [event("scroll", 8)], keep=DAY, keep_events=3)
    assert [e.at - T0 for e in profile.events] == [0, 6, 7, 8]
    profile, duplicates = fold(profile, flood, keep=DAY, keep_events=3)
    assert [e.at - T0 for e in profile.events] == [0, 6, 7, 8]
    assert duplicates == {"006", "007"}


def test_always_text_fields_become_text():
    """A product sent as a number and as a text is one product."""
    held = profile_of(event("product_view", product=4471, price=5, category=[1, "a"], query=None))
    assert held.events[0].fields == {
        "product": "4471",
        "price": 5,
        "category": ["1", "a"],
        "query": None,
    }


@pytest.mark.parametrize("held", [None, 4, 40])
def test_a_prompt_shown_confirms_its_exposure_with_the_earliest_time(held):
    """The showing is the earliest event that names the decision."""
    exposures = [Exposure("d1", "r", None, T0), Exposure("d2", "r", None, T0)]
    if held is not None:
        exposures[0] = msgspec.structs.replace(exposures[0], shown_at=T0 + held)
    profile = profile_of(
        event("prompt_shown", 9, decision_id="d1"),
        event("prompt_shown", 7, decision_id="d1"),
        event("prompt_shown", 1, decision_id="unknown"),
        event("prompt_shown", 1, decision_id=5),
        event("prompt_shown", 1),
        exposures=exposures,
    )
    assert [e.shown_at for e in profile.exposures] == [T0 + min(7, held or 7), None]
    assert exposures[0].shown_at == (None if held is None else T0 + held)


def test_the_newest_report_stays():
    """Of reports of one instant the later call wins."""
    profile = with_report(Profile(), Report(10, {"idle": 1}))
    profile = with_report(profile, Report(5, {"idle": 2}))
    assert profile.report == Report(10, {"idle": 1})
    assert with_report(profile, Report(10, {"idle": 3})).report == Report(10, {"idle": 3})


def test_what_a_report_says_of_the_cart_outlives_it():
    """Each cart state keeps its newest report by itself."""
    profile = with_report(Profile(), Report(10, {"cart_value": 50, "cart_items": 2}))
    profile = with_report(profile, Report(30, {"cart_value": 60}))
    profile = with_report(profile, Report(20, {"cart_value": 55, "cart_items": 3}))
    assert profile.report == Report(30, {"cart_value": 60})
    assert profile.cart == {"cart_value": (30, 60), "cart_items": (20, 3)}


@given(events(max_size=6))
def test_what_is_packed_comes_back(done):
    """Storing loses nothing."""
    profile = profile_of(*done, verified={"plan": "trial"}, answers=[("k", 1, b"\xff")])
    profile = with_report(profile, Report(T0, {"cart_value": 1.5, "form": "quote"}))
    assert unpack(pack(profile)) == profile


def test_whole_numbers_of_any_size_can_be_stored():
    """A number beyond 64 bits becomes a decimal, wherever it stands."""
    huge = profile_of(event("search", results=10**30, deep={"a": [-(10**30), 1]}, most=10**400))
    assert unpack(pack(huge)) == huge
    assert huge.events[0].fields["results"] == 1e30
    claimed = unpack(pack(Profile(claimed={"age": 10**30}, answers=[("k", 1, b"x")])))
    assert claimed.claimed == {"age": 1e30}
    assert claimed.answers == [("k", 1, b"x")]


def test_a_profile_of_a_newer_welltimed_is_refused_with_a_sentence():
    """An old process never misreads what a newer one wrote."""
    newer = Profile(format=FORMAT + 1)
    with pytest.raises(ValueError, match="newer welltimed"):
        unpack(pack(newer))
    with pytest.raises(ValueError, match="newer welltimed"):
        unpack(msgspec.msgpack.encode([FORMAT + 1, {"quite": "different"}]))


@pytest.mark.parametrize("packed", [b"", b"\xc1", b"\x01", b"\x93\x01\x02", b"\x92\x01\x91\xff"])
def test_a_damaged_profile_is_refused_with_a_sentence(packed):
    """Whatever lies in the store, the answer is a profile or a ValueError."""
    with pytest.raises(ValueError, match="damaged"):
        unpack(packed)


def test_a_profile_of_an_older_layout_is_read():
    """Fields added at the end have defaults."""
    short = msgspec.msgpack.encode([1, [["a", "search", 5]]])
    assert unpack(short).events == [Event("a", "search", 5)]
