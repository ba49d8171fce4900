"""Requests against a real store: one prompt, whatever the order, the repeats and the races."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import StoreUnavailable
from engine.model import Reason
from engine.service import Proof, TokenRequired

RULES = """
rules:
  - rule: three
    when: { event: search, at_least: 3 }
    show: "Can I help?"
"""


def test_64_threads_asking_for_one_visitor_get_one_prompt(make):
    """A prompt is reserved atomically before its answer leaves."""
    bench = make(RULES)
    bench.post(*(bench.event("search", n) for n in range(3)))
    with ThreadPoolExecutor(64) as pool:
        decisions = list(pool.map(lambda _: bench.decide(5), range(64)))
    assert sum(decision.show for decision in decisions) == 1
    assert {d.by for d in decisions if not d.show} == {"reserved"}


def test_two_tabs_posting_at_once_get_one_prompt(make):
    """Batches of one visitor that race are all kept, and one of them is answered with a prompt."""
    bench = make(RULES)
    batches = [
        [bench.event("search", n), bench.event("page_view", n, page="/a")] for n in range(32)
    ]
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda b: bench.post(*b, ask=True, at=40), batches))
    assert sum(reply.decision.show for reply in replies) == 1
    assert len(bench.service.visitor("shop", "v")["events"]) == 64


def test_a_redelivered_batch_gets_the_same_decision_again(make):
    """The reply that was lost is sent once more, while its reservation is open."""
    bench = make(RULES)
    batch = [bench.event("search", n) for n in range(3)]
    first = bench.post(*batch, ask=True).decision
    again = bench.post(*batch, ask=True, at=30)
    assert (again.accepted, again.duplicates) == (0, 3)
    assert again.decision == first
    assert bench.post(*batch, ask=True, at=63).decision.decision_id != first.decision_id


def test_a_browser_needs_its_token_after_the_first_write(make):
    """The first browser write is free, later ones prove themselves by token or a known event."""
    bench = make(RULES)
    first = bench.event("search", 0)
    bench.post(first, browser=True)
    with pytest.raises(TokenRequired):
        bench.post(bench.event("search", 1), browser=True)
    bench.post(bench.event("search", 1), browser=True, proof=Proof.VALID)
    assert bench.post(first, bench.event("search", 2), browser=True).duplicates == 1


def test_a_visitor_known_from_the_server_alone_needs_no_token_yet(make):
    """A server's events do not lock the browser out."""
    bench = make(RULES)
    bench.post(bench.event("search", 0))
    assert bench.post(bench.event("search", 1), browser=True).accepted == 1


def test_a_stale_ask_holds_once_and_the_next_decides_normally(make):
    """Old events feed the funnel and never trigger a prompt by themselves."""
    bench = make(RULES)
    batch = [bench.event("search", n) for n in range(3)]
    stale = bench.post(*batch, ask=True, stale=True, at=100).decision
    assert (stale.reason, stale.show) == (Reason.STALE_EVENT, False)
    assert stale.check_again_in == 1
    assert bench.post(ask=True, at=101).decision.show


def test_a_bot_reads_not_now_and_the_journal_knows_better(make):
    """Nobody tells a bot that it was found out."""
    bench = make(RULES)
    batch = [bench.event("search", n) for n in range(3)]
    decision = bench.post(*batch, ask=True, bot=True).decision
    assert (decision.show, decision.reason) == (False, Reason.NOT_NOW)
    assert decision.check_again_in is None


def test_withdrawn_consent_holds_until_it_is_given_again(make):
    """A server may post `none`; every later decision then holds."""
    bench = make(RULES)
    bench.post(*(bench.event("search", n) for n in range(3)), consent="none")
    assert bench.decide(5).reason is Reason.NO_CONSENT
    bench.post(consent="full", at=6)
    assert bench.decide(7).show


def test_an_idempotency_key_repeats_the_first_answer(make):
    """The same question asked twice is one prompt; ten minutes later it is a new question."""
    bench = make(RULES)
    bench.post(*(bench.event("search", n) for n in range(3)))
    first = bench.decide(5, idempotency_key="k")
    assert first.show
    assert bench.decide(6, idempotency_key="k") == first
    bench.now += 10 * 60_000
    assert bench.decide(700, idempotency_key="k").decision_id != first.decision_id


def test_dry_run_reserves_nothing(make):
    """A question that is only a question leaves no trace."""
    bench = make(RULES)
    bench.post(*(bench.event("search", n) for n in range(3)))
    assert bench.decide(5, dry_run=True).show
    assert bench.decide(5, dry_run=True).show
    assert bench.service.visitor("shop", "v")["exposures"] == []


def test_a_page_state_is_kept_and_runs_on_until_the_next_report(make):
    """Asking again at check_again_in passes, one millisecond earlier does not."""
    bench = make("""
rules:
  - { rule: slow, when: { state: on_page, for: 40 seconds }, show: "x" }
""")
    bench.post(bench.event("page_view", 0, page="/a"), state={"on_page": 10})
    held = bench.decide(5)
    assert (held.reason, held.check_again_in) == (Reason.STILL_WAITING, 25_000)
    assert not bench.decide(29.999, dry_run=True).show
    assert bench.decide(30, dry_run=True).show


def test_erasing_removes_everything(make):
    """After an erasure nothing is held, and the visitor starts anew."""
    bench = make(RULES)
    bench.post(*(bench.event("search", n) for n in range(3)), ask=True)
    assert bench.service.erase("shop", "v")
    assert bench.service.visitor("shop", "v") is None
    assert not bench.service.erase("shop", "v")
    assert bench.decide(9).reason is Reason.UNKNOWN_VISITOR


def test_asking_alone_keeps_nothing(make):
    """A page that only asks about a stranger makes no visitor."""
    bench = make(RULES)
    bench.post(ask=True, browser=True, claimed={"device": "mobile"}, at=0)
    assert bench.service.visitor("shop", "v") is None


def test_a_visitor_without_events_is_unknown(make):
    """Attributes alone are nobody's visit; withdrawn consent is said all the same."""
    bench = make(RULES)
    bench.post(attributes={"plan": "trial"}, at=0)
    assert bench.decide(1).reason is Reason.UNKNOWN_VISITOR
    bench.post(consent="none", at=2)
    assert bench.decide(3).reason is Reason.NO_CONSENT


def test_an_id_twice_in_one_batch_is_one_event(make):
    """Accepted and duplicate together are what was sent."""
    bench = make(RULES)
    event = bench.event("search")
    reply = bench.post(event, event)
    assert (reply.accepted, reply.duplicates) == (1, 1)


def test_a_damaged_visitor_is_never_overwritten(make):
    """What cannot be read is refused as the store's fault, and stays as it is."""
    bench = make(RULES)
    assert bench.service.store.commit("shop", "v", 0, b"\xc1 not a profile", [])
    with pytest.raises(StoreUnavailable):
        bench.post(bench.event("search"))
    assert bench.decide(1).reason is Reason.STORE_UNAVAILABLE
    assert bench.service.store.read("shop", "v").value == b"\xc1 not a profile"
