"""`POST /v1/decide`: a chat backend always gets a decision."""

from __future__ import annotations

import pytest
from api_server import AUTH, event, is_problem

from engine.errors import StoreUnavailable


@pytest.fixture
def searched(server):
    """Return a server with a visitor who searched three times, a second apart."""
    server.post(*(event(at=server.at(step)) for step in range(3)))
    server.now += 3_000
    return server


def test_a_decision_has_every_part(searched):
    """The reply's shape is the contract's."""
    told = searched.decide().get_json()
    assert list(told) == [
        "decision",
        "reason",
        "by",
        "rule",
        "variant",
        "decision_id",
        "prompt",
        "widget",
        "check_again_in",
        "desk",
        "ruleset",
    ]
    assert (told["decision"], told["reason"], told["widget"]) == ("show", "shown", "shown")
    assert told["desk"] == {"open": True, "closes_at": None, "opens_at": None, "message": None}


def test_it_needs_the_secret_key(searched):
    """A page cannot ask here."""
    is_problem(searched.http.post("/v1/decide", json={"visitor": "v1"}), 401, "bad_key")


def test_an_unknown_visitor_is_held_and_stays_unknown(server):
    """Nothing is stored by asking."""
    told = server.decide(visitor="nobody").get_json()
    assert (told["decision"], told["reason"]) == ("hold", "unknown_visitor")
    assert server.http.get("/v1/visitors/nobody", headers=AUTH).status_code == 404


def test_a_lost_store_is_held(searched, monkeypatch):
    """A fault never fails the asking chat."""

    def away(*_):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(searched.store, "read", away)
    reply = searched.decide()
    assert reply.status_code == 200
    assert reply.get_json()["reason"] == "store_unavailable"


def test_at_sees_no_later_event(searched):
    """The past is decided as it was."""
    assert searched.decide(at=searched.at(1), dry_run=True).get_json()["decision"] == "hold"
    assert searched.decide(at=searched.at(2), dry_run=True).get_json()["decision"] == "show"


def test_a_dry_run_reserves_nothing(searched):
    """The real ask after it still shows."""
    assert searched.decide(dry_run=True).get_json()["decision"] == "show"
    assert searched.decide().get_json()["decision"] == "show"
    assert searched.decide().get_json()["by"] == "reserved"


def test_an_idempotency_key_repeats_the_answer(searched):
    """For ten minutes, and only that key."""
    first = searched.decide(headers={"Idempotency-Key": "k1"}).get_json()
    again = searched.decide(headers={"Idempotency-Key": "k1"}).get_json()
    assert again == first
    assert searched.decide(headers={"Idempotency-Key": "k2"}).get_json()["decision"] == "hold"
    is_problem(searched.decide(headers={"Idempotency-Key": "x" * 129}), 400, "bad_idempotency_key")


def test_explain_gives_the_trace(searched):
    """Every rule, gate and condition, and only where asked for."""
    trace = searched.decide(explain=True, dry_run=True).get_json()["trace"]
    assert {one["rule"] for one in trace} == {"three-searches", "long-look"}


def test_attributes_last_for_the_call(searched):
    """What is stated here is verified and not kept."""
    searched.post(event("page_view", page="/x"), event("prompt_dismissed"))
    searched.now += 3_600_000
    searched.post(event("page_view", at=searched.at(3_700)))
    told = searched.decide(
        at=searched.at(3_700), attributes={"first_name": "Ada"}, state={"on_page": 50}
    ).get_json()
    assert told["prompt"]["message"] == "Hello Ada"
    held = searched.http.get("/v1/visitors/v1", headers=AUTH).get_json()
    assert held["attributes"]["verified"] == {}


def test_check_again_in_is_seconds(server):
    """To the millisecond."""
    server.post(event("page_view", page="/x", at=server.at()))
    told = server.decide(state={"on_page": 12.345}).get_json()
    assert (told["reason"], told["check_again_in"]) == ("still_waiting", 27.655)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"at": "now"}, "bad_time"),
        ({"at": 5}, "invalid_field"),
        ({"visitor": ""}, "bad_id"),
        ({"visitor": "a\tb"}, "bad_id"),
        ({"visitor": "x" * 129}, "bad_id"),
        ({"dry_run": 1}, "invalid_field"),
        ({"state": {"nonsense": 1}}, "invalid_state"),
    ],
)
def test_a_question_that_cannot_be_understood_is_refused(server, more, code):
    """400 names the field."""
    is_problem(server.decide(**more), 400, code)
