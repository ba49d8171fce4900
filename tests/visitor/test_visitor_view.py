from __future__ import annotations

import pytest
from visitor_samples import DAY, SITE, T0, event, profile_of, view_of

from engine.visitor.profile import Event, Exposure, Profile
from engine.visitor.view import unknown_desk


def test_events_after_now_are_not_seen():
    """A decision at T sees no event after T, and the one at T."""
    done = [event("search", 0), event("search", 5), event("search", 6, page="/later")]
    view = view_of(*done, at=5)
    assert [e.at - T0 for e in view.events] == [0, 5]
    assert len(view.of("search")) == 2
    assert view.newest("search") == done[1]
    assert view.page is None
    assert view.of("purchase") == ()
    assert view.newest("purchase") is None


def test_the_session_ends_after_its_last_event_that_counts():
    """`session_ends_at` is when it is over if nothing else happens."""
    view = view_of(event("search", 10), event("page_hidden", 20), at=30)
    assert view.session_ends_at == T0 + 10 + SITE.session_timeout
    over = view_of(event("search", 10), at=10 + SITE.session_timeout)
    assert over.session is None
    assert over.session_ends_at is None


def test_the_page_now_is_the_requests_else_the_newest_event_that_names_one():
    """Of any session; else it is unknown and in no group."""
    done = [event("search", 0, page="/p/7"), event("search", 9 * DAY)]
    assert view_of(*done, at=9 * DAY).page == "/p/7"
    assert view_of(*done, at=9 * DAY).page_facts.groups == {"product"}
    assert view_of(*done, at=9 * DAY, page="/basket").page_facts.groups == {"checkout"}
    assert view_of(event("search")).page is None
    assert view_of(event("search")).page_facts.groups == frozenset()


def test_the_pages_value_of_a_field_is_its_globs_else_its_newest_events():
    """The fragment is dropped, everything else of the address counts; lists are no value."""
    done = [
        event("x", 0, page="/v?id=1#a", sku="old"),
        event("x", 1, page="/v?id=1#b", sku="new"),
        event("x", 2, page="/v?id=1", sku=["two", "values"]),
        event("x", 3, page="/v?id=2", sku="other"),
        event("x", 4, sku="nowhere"),
        event("x", 5, page="/p/7", product="8"),
    ]
    assert view_of(*done, at=9, page="/v?id=1#c").value("sku") == "new"
    assert view_of(*done, at=9, page="/p/7").value("product") == "7"
    assert view_of(*done, at=9, page="/p/7").value("sku") is None
    assert view_of(*done, at=9, page="/nothing").value("sku") is None
    assert view_of(event("x", sku="nowhere"), at=9).value("sku") is None


def test_an_attribute_of_this_call_beats_a_verified_one_and_that_a_claimed_one():
    """Null for this call means that it is missing."""
    held = Profile(verified={"plan": "trial", "age": 3}, claimed={"plan": "gold", "city": "York"})
    view = view_of(held=held)
    assert view.attribute("plan") == view.state("plan") == "trial"
    assert view.attribute("city") == "York"
    assert view.attribute("none") is None
    called = view_of(held=held, attributes={"plan": "free", "age": None})
    assert called.attribute("plan") == "free"
    assert called.state("age") is None


def test_personal_texts_take_what_a_server_vouches_for():
    """A browser's claim is never verified, whatever else is."""
    held = Profile(verified={"first_name": "Ada"}, claimed={"first_name": "Eve", "nick": "x"})
    assert view_of(held=held).verified("first_name") == "Ada"
    assert view_of(held=held).verified("nick") is None
    assert view_of(held=held, attributes={"first_name": "Bo"}).verified("first_name") == "Bo"


def test_attributes_of_several_values_are_tuples_and_objects_are_missing():
    """As everywhere in the language."""
    view = view_of(held=Profile(verified={"tags": ["a", "b"], "address": {"city": "York"}}))
    assert view.attribute("tags") == ("a", "b")
    assert view.attribute("address") is None


def test_desk_states_are_asked_of_the_department():
    """Each time, and with nobody there where no desk ever reported."""
    view = view_of(desk=lambda department, state: f"{state} of {department}")
    assert view.state("queue_wait", "sales") == "queue_wait of sales"
    assert view.state("queue_wait") == "queue_wait of default"
    silent = view_of()
    assert silent.state("agents_available") == silent.state("free_slots") == 0
    assert silent.state("queue_wait") is None
    assert unknown_desk("default", "queue_length") is None


def test_exposures_after_now_count_except_in_hindsight():
    """A prompt decided meanwhile still uses up its caps."""
    exposures = [Exposure("a", "r", None, T0), Exposure("b", "r", None, T0 + 5)]
    held = Profile(exposures=exposures)
    assert [e.decision_id for e in view_of(held=held, at=1).exposures] == ["a", "b"]
    assert [e.decision_id for e in view_of(held=held, at=1, hindsight=True).exposures] == ["a"]


def test_looking_changes_nothing():
    """A profile is shared between views."""
    held = profile_of(event("search", 0, page="/p/7"), event("purchase", 5))
    before = list(held.events)
    view = view_of(held=held, at=3)
    view.state("visits")
    view.value("product")
    assert held.events == before
    assert view.events is not held.events


@pytest.mark.parametrize("size", [0, 1, 300])
def test_positions_of_each_kind_ascend(size):
    """Measures rely on it."""
    done = [Event(f"{n:04}", ("a", "b")[n % 3 == 0], T0 + n // 4) for n in range(size)]
    view = view_of(*done, at=size)
    assert sorted(p for positions in view.kinds.values() for p in positions) == [*range(size)]
    assert all(positions == sorted(positions) for positions in view.kinds.values())
