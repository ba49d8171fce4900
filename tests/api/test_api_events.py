"""`POST /v1/events`: durable when acknowledged, with a decision where one is asked for."""

from __future__ import annotations

import json

import pytest
from api_server import AUTH, START, VISITOR, event, is_problem

from api.limits import Rates
from engine.clock import DAY, to_text
from engine.errors import StoreUnavailable


def test_events_are_acknowledged_and_held(server):
    """202 says how many are new, and they are there."""
    reply = server.post(event(query="boots"), event("page_view", page="/p/1"))
    assert reply.status_code == 202
    told = reply.get_json()
    assert (told["accepted"], told["duplicate"], told["rejected"]) == (2, 0, [])
    held = server.http.get("/v1/visitors/v1", headers=AUTH).get_json()
    assert {one["event"] for one in held["events"]} == {"search", "page_view"}


def test_a_batch_sent_twice_counts_once(server):
    """Sending again is harmless and says so."""
    one = event()
    server.post(one)
    assert server.post(one, event()).get_json() | {"token": ""} == {
        "accepted": 1,
        "duplicate": 1,
        "rejected": [],
        "token": "",
    }


def test_an_event_twice_in_one_batch_counts_once(server):
    """The earlier time stays, and the copy is told as one."""
    one = event(at=server.at(5))
    told = server.post(one, one | {"at": server.at(3)}).get_json()
    assert (told["accepted"], told["duplicate"]) == (1, 1)
    told = server.post(one, one, event()).get_json()
    assert (told["accepted"], told["duplicate"]) == (1, 2)
    held = server.http.get("/v1/visitors/v1", headers=AUTH).get_json()["events"]
    assert [one["at"] for one in held].count(server.at(3)) == 1
    assert len(held) == 2


@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "application/json", ""])
def test_the_body_may_be_text_or_json(server, kind):
    """A page sends text/plain, which needs no preflight."""
    body = '{"visitor": "v1", "events": [{"event": "search"}]}'
    reply = server.http.post("/v1/events", data=body, content_type=kind, headers=AUTH)
    assert reply.status_code == 202


def test_bad_items_are_told_and_the_others_kept(server):
    """A malformed item is rejected with its index and code."""
    reply = server.post(event(), {"event": "nonsense"}, "x").get_json()
    assert reply["accepted"] == 1
    assert [(one["index"], one["code"]) for one in reply["rejected"]] == [
        (1, "unknown_event"),
        (2, "not_an_object"),
    ]


def test_a_declared_event_is_taken(server):
    """What site.yaml declares is no unknown event."""
    assert server.post(event("quote_started", plan="pro")).get_json()["accepted"] == 1


def test_the_third_search_brings_the_offer_in_the_same_reply(server):
    """With `ask`, the reply carries the decision."""
    two = server.post(event(at=server.at(0)), event(at=server.at(1)), ask=True).get_json()
    assert two["decision"]["decision"] == "hold"
    assert two["decision"]["reason"] == "needs_more_events"
    third = server.post(event(at=server.at(2)), ask=True).get_json()["decision"]
    assert third["decision"] == "show"
    assert third["rule"] == "three-searches"
    assert third["prompt"] == {
        "message": "Can I help you find it?",
        "language": third["prompt"]["language"],
        "button": None,
        "delay": 0,
        "articles": [],
        "open": "chat",
        "department": "default",
    }
    assert third["check_again_in"] is None
    assert third["ruleset"].startswith("sha256:")
    assert "trace" not in third


def test_no_decision_without_asking(server):
    """A batch that does not ask gets none."""
    assert "decision" not in server.post(event()).get_json()


def test_a_page_may_ask_without_events(server):
    """That is how it asks again after check_again_in."""
    server.browse(event("page_view", page="/home"))
    token = server.browse(event("page_view", page="/x"), token=_token(server)).get_json()["token"]
    first = server.browse(ask=True, token=token, state={"on_page": 30}).get_json()["decision"]
    assert first["reason"] == "still_waiting"
    assert first["check_again_in"] == 10
    server.now += 10_000
    again = server.browse(ask=True, token=token).get_json()["decision"]
    assert (again["decision"], again["rule"]) == ("show", "long-look")


def _token(server, visitor=VISITOR):
    return server.keys.write_token("shop", visitor)


def test_the_reply_says_what_the_page_means(server):
    """Groups, and values captured from the address."""
    reply = server.browse(event("page_view"), page="https://shop.example/gb/p/4471?x=1")
    assert reply.get_json()["page"] == {"groups": ["product"], "values": {"product": "4471"}}
    assert "page" not in server.browse(event(), token=_token(server)).get_json()


def test_a_server_decides_at_the_newest_time_sent(server):
    """A back-fill is decided in its own time, whatever the clock says."""
    times = [to_text(START - 90 * DAY + step) for step in (0, 1_000, 2_000)]
    told = server.post(*(event(at=at) for at in times), ask=True).get_json()
    assert told["decision"]["decision"] == "show"


def test_a_browsers_old_events_count_and_bring_no_prompt(server):
    """Events over a minute old hold one reply; the next ask decides normally."""
    sent = [event(at=server.at(-100 - step)) for step in range(3)]
    told = server.browse(*sent, sent_at=server.at(), ask=True).get_json()
    assert told["accepted"] == 3
    assert told["decision"]["reason"] == "stale_event"
    after = server.browse(ask=True, token=told["token"]).get_json()["decision"]
    assert after["decision"] == "show"


def test_a_browsers_clock_is_put_right(server):
    """An hour of skew on both readings changes nothing."""
    one = event(at=server.at(3_600 - 5))
    told = server.browse(one, sent_at=server.at(3_600)).get_json()
    assert told["accepted"] == 1
    held = server.http.get(f"/v1/visitors/{VISITOR}", headers=AUTH).get_json()
    assert held["events"][0]["at"] == server.at(-5)


def test_a_time_far_ahead_is_flagged(server):
    """It is kept at receipt, and the reply says so."""
    told = server.browse(event(at=server.at(61))).get_json()
    assert told["accepted"] == 1
    assert told["flagged"] == [{"index": 0, "code": "future", "at": server.at()}]


# --- who writes -----------------------------------------------------------------------------


def test_a_browsers_first_write_needs_no_token_and_gets_one(server):
    """Later writes need it."""
    token = server.browse(event()).get_json()["token"]
    is_problem(server.browse(event()), 403, "token_required")
    assert server.browse(event(), token=token).status_code == 202
    is_problem(server.browse(event(), token=token[:-2] + "xx"), 403, "bad_token")
    is_problem(server.browse(event(), token=_token(server, "another" * 4)), 403, "bad_token")
    is_problem(server.browse(event(), token=""), 403, "bad_token")


def test_a_visitor_known_from_a_server_alone_needs_no_token_yet(server):
    """The first browser write is still the first."""
    server.post(event(), visitor=VISITOR)
    assert server.browse(event()).status_code == 202
    is_problem(server.browse(event()), 403, "token_required")


def test_a_tokenless_batch_with_a_stored_event_proves_itself(server):
    """The reply that carried the token may have been lost."""
    one = event()
    token = server.browse(one).get_json()["token"]
    assert server.browse(one, event()).get_json()["token"] == token


def test_attributes_are_claimed_from_browsers_and_verified_from_servers(server):
    """The two are kept apart."""
    server.browse(event(), attributes={"plan": "trial"})
    server.post(event(), visitor=VISITOR, attributes={"plan": "pro", "tags": ["a", "b"]})
    held = server.http.get(f"/v1/visitors/{VISITOR}", headers=AUTH).get_json()["attributes"]
    assert held["claimed"]["plan"] == "trial"
    assert held["verified"] == {"plan": "pro", "tags": ["a", "b"]}


def test_the_user_agent_claims_the_device(server):
    """A browser's header says what it is."""
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari"
    server.browse(event(), headers={"User-Agent": phone})
    held = server.http.get(f"/v1/visitors/{VISITOR}", headers=AUTH).get_json()["attributes"]
    assert held["claimed"]["device"] == "mobile"


def test_a_bot_reads_not_now(server):
    """A crawler is not told that it was taken for one."""
    told = server.browse(
        *(event(at=server.at(-step)) for step in range(3)),
        sent_at=server.at(),
        ask=True,
        headers={"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"},
    ).get_json()
    assert told["decision"]["reason"] == "not_now"


# --- consent --------------------------------------------------------------------------------


@pytest.mark.parametrize("consent", ["none", None])
def test_a_browser_without_consent_is_refused(server, consent):
    """Nothing is kept."""
    is_problem(server.browse(event(), consent=consent), 403, "consent_required")
    assert server.http.get(f"/v1/visitors/{VISITOR}", headers=AUTH).status_code == 404


def test_global_privacy_control_is_a_no(server):
    """The header outweighs the body; a server does not send it for anyone."""
    is_problem(server.browse(event(), headers={"Sec-GPC": "1"}), 403, "consent_required")
    assert server.browse(event(), headers={"Sec-GPC": "0"}).status_code == 202
    assert server.post(event(), headers={"Sec-GPC": "1"}).status_code == 202


def test_memory_is_consent(server):
    """A visitor may be known for the length of a page."""
    assert server.browse(event(), consent="memory").status_code == 202


def test_a_server_may_say_that_a_visitor_said_no(server):
    """Later decisions hold, until a yes."""
    server.post(event(), consent="none")
    assert server.decide().get_json()["reason"] == "no_consent"
    server.post(event())
    assert server.decide().get_json()["reason"] == "no_consent"
    server.post(event(), consent="full")
    assert server.decide().get_json()["reason"] != "no_consent"


# --- limits ---------------------------------------------------------------------------------


def test_a_body_has_a_limit(server):
    """64 KiB from a browser, 512 KiB from a server; the limit itself is allowed."""
    for headers, limit in (({}, 65_536), (AUTH, 524_288)):
        bare = json.dumps({"visitor": VISITOR, "consent": "full", "x": ""})
        body = bare.replace('""', '"' + "x" * (limit - len(bare)) + '"')
        reply = server.http.post("/v1/events", data=body, headers=headers)
        assert reply.status_code == 202
        reply = server.http.post("/v1/events", data=body + " ", headers=headers)
        is_problem(reply, 413, "body_too_large")


def test_a_batch_has_a_limit(server):
    """100 events from a browser, 1,000 from a server."""
    assert server.browse(*(event() for _ in range(100))).get_json()["accepted"] == 100
    many = server.browse(*(event() for _ in range(101)), token=_token(server))
    is_problem(many, 413, "batch_too_long")
    assert server.post(*({"event": "search"} for _ in range(1_000))).status_code == 202
    is_problem(server.post(*({"event": "search"} for _ in range(1_001))), 413, "batch_too_long")


def test_a_browser_is_held_to_its_rate(make):
    """Past the burst: 429, with the time after which it passes."""
    server = make(rates=Rates(visitor_burst=2))
    token = server.browse(event()).get_json()["token"]
    assert server.browse(event(), token=token).status_code == 202
    refused = server.browse(event(), token=token)
    is_problem(refused, 429, "rate_limited")
    server.tick += int(refused.headers["Retry-After"])
    assert server.browse(event(), token=token).status_code == 202


def test_a_server_is_not_held_to_a_rate(make):
    """A back-fill may run as fast as it can."""
    server = make(rates=Rates(visitor_burst=2))
    assert {server.post(event()).status_code for _ in range(10)} == {202}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"visitor": "short"}, "bad_id"),
        ({"visitor": "x" * 65}, "bad_id"),
        ({"visitor": "x" * 21 + "="}, "bad_id"),
        ({"visitor": 5}, "invalid_field"),
        ({"visitor": None}, "invalid_field"),
        ({"events": None}, "invalid_field"),
        ({"events": {}}, "invalid_field"),
        ({"ask": "yes"}, "invalid_field"),
        ({"consent": "maybe"}, "invalid_field"),
        ({"page": 5}, "invalid_field"),
        ({"sent_at": "soon"}, "bad_time"),
        ({"language": "x" * 65}, "invalid_field"),
        ({"state": []}, "invalid_field"),
        ({"state": {"speed": 1}}, "invalid_state"),
        ({"state": {"on_page": "long"}}, "invalid_state"),
        ({"state": {"on_page": True}}, "invalid_state"),
        ({"state": {"on_page": -1}}, "invalid_state"),
        ({"state": {"on_page": 1e300}}, "invalid_state"),
        ({"state": {"form_stuck": 1}}, "invalid_state"),
        ({"state": {"form": 1}}, "invalid_state"),
        ({"attributes": {"a": {}}}, "invalid_attribute"),
        ({"attributes": {"a": [[]]}}, "invalid_attribute"),
        ({"attributes": {"a": "x" * 1_025}}, "attribute_limit"),
        ({"attributes": {"x" * 65: 1}}, "attribute_limit"),
        ({"attributes": {"": 1}}, "attribute_limit"),
        ({"attributes": {f"a{i}": i for i in range(65)}}, "attribute_limit"),
        ({"attributes": {"a": list(range(65))}}, "attribute_limit"),
        ({"site": 5}, "invalid_field"),
    ],
)
def test_a_body_that_cannot_be_understood_is_refused_whole(server, more, code):
    """400 names the field."""
    is_problem(server.browse(event(), **more), 400, code)


def test_a_long_page_is_cut_and_not_refused(server):
    """A page with a very long query still has its page group."""
    page = "https://shop.example/p/4471?x=" + "y" * 3_000 + "#z"
    assert server.browse(event(), page=page).get_json()["page"]["values"] == {"product": "4471"}


def test_a_missing_visitor_is_named(server):
    """The sentence says which field is missing."""
    reply = server.http.post("/v1/events", json={"events": []}, headers=AUTH)
    assert "visitor" in is_problem(reply, 400, "invalid_field")["detail"]


# --- faults ---------------------------------------------------------------------------------


def test_nothing_is_acknowledged_while_the_store_is_away(server, monkeypatch):
    """503, with when to try again."""

    def away(*_):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(server.store, "commit", away)
    reply = server.post(event())
    is_problem(reply, 503, "store_unavailable")
    assert int(reply.headers["Retry-After"]) >= 1
    monkeypatch.undo()
    assert server.http.get("/v1/visitors/v1", headers=AUTH).status_code == 404


def test_a_mistake_of_ours_is_told_in_the_log_alone(server, monkeypatch, caplog):
    """The caller reads one sentence; the log has the trace."""

    def broken(*_):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(server.service, "collect", broken)
    told = is_problem(server.post(event()), 500, "internal")
    assert "secret detail" not in str(told)
    assert "secret detail" in caplog.text
    assert "sk_test" not in caplog.text
