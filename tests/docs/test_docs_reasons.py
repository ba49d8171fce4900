"""docs/reasons.md: each reason arises as its section says, in a rule test or over HTTP."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from docs_server import calls, make

from engine import ruleset as rulesets
from engine.decide import decide
from engine.errors import StoreUnavailable
from engine.gates.buckets import TestBuckets
from engine.journal.entries import decisions
from engine.model import Reason
from engine.replay.gather import canonical
from engine.replay.visit import Visit
from engine.visitor.profile import Event

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reasons.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
HTTP = ("stale_event", "bot", "no_consent", "unknown_visitor", "store_unavailable")
# Not to be asked of a rule test: no decision gives the one, and where something shows a test
# sees the winner alone.
ELSEWHERE = {*HTTP, "no_capacity", "outranked"}


def test_each_reason_is_a_heading_and_each_heading_a_reason() -> None:
    """The page has exactly the reasons that exist, and each says by whom and what to do."""
    assert sorted(SECTIONS) == sorted(reason.value for reason in Reason)
    for name, section in SECTIONS.items():
        assert "`by`:" in section, name
        assert "\n**Do**: " in section, name


@pytest.mark.parametrize("name", [r.value for r in Reason if r.value not in ELSEWHERE])
def test_a_reason_has_a_rule_test_that_gives_it(name: str) -> None:
    """A test in the section expects just this reason (test_docs_examples.py runs it)."""
    tests = re.findall(r"^```yaml tests\n(.*?)^```$", SECTIONS[name], re.MULTILINE | re.DOTALL)
    assert any(f"because: {name}," in block for block in tests)


def promised(name: str) -> dict[str, object]:
    """Return the answer that a section shows."""
    return json.loads(re.findall(r"```json\n(.*?)```", SECTIONS[name], re.DOTALL)[0])


@pytest.mark.parametrize("name", HTTP)
def test_a_reason_arises_over_http_as_shown(name, service, client, monkeypatch) -> None:
    """The calls of the section are answered at last as it shows."""

    def away(*_arguments):
        raise StoreUnavailable("the disk is gone")

    if name == "store_unavailable":
        monkeypatch.setattr(service.store, "read", away)
    replies = [make(client, shown) for shown in calls(SECTIONS[name])]
    assert all(reply.status_code in {200, 202} for reply in replies), replies[0].json
    told = replies[-1].json
    decision = told.get("decision", {})
    decision = told if isinstance(decision, str) else decision
    assert promised(name).items() <= decision.items()


def test_a_bot_stands_in_the_journal(service, client) -> None:
    """What reads not_now in the answer is kept as bot."""
    (shown,) = calls(SECTIONS["bot"])
    visitor = json.loads(shown["body"])["visitor"]
    assert make(client, shown).json["decision"]["reason"] == "not_now"
    kept = decisions(service.store, "shop", visitor=visitor)
    assert {line.decided.reason for line in kept} == {Reason.BOT}


def test_outranked_stands_in_the_trace() -> None:
    """In the section's story the rule that loses is outranked by the one that shows."""
    blocks = re.findall(r"^```yaml (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    rules = [text for kind, text in blocks if kind == "rules" and "rules: []" not in text]
    site = next(text for kind, text in blocks if kind == "site")
    files = {f"{number:02}.yaml": text for number, text in enumerate(rules)}
    loaded = rulesets.check({"site.yaml": site, **files})
    live = rulesets.Ruleset(loaded.folder)
    try:
        visit = Visit(live, "v", TestBuckets("v", {}))
        at = 1_796_119_200_000  # 2026-12-01 10:00 UTC
        for number in range(3):
            fields = {"query": f"ice {number}", "results": 0}
            visit.add(*canonical([Event(id=f"e{number}", kind="search", at=at, fields=fields)]))
        outcome = decide(live, visit.facts(at), explain=True)
    finally:
        live.close()
    assert outcome.decision.rule == "searching-in-vain"
    (lost,) = [told for told in outcome.decision.trace if told["rule"] == "three-searches"]
    assert (lost["reason"], lost["by"]) == ("outranked", "searching-in-vain")


def test_no_decision_gives_no_capacity() -> None:
    """As its section says: nothing in the engine refuses a rule for it."""
    engine = Path(__file__).resolve().parents[2] / "engine"
    refusals = [
        path
        for path in engine.rglob("*.py")
        if "Refusal(Reason.NO_CAPACITY" in path.read_text(encoding="utf-8")
    ]
    assert refusals == []
