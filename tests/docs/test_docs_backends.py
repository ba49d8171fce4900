"""The guide for chat backends: every call that it shows is made, and answered as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from docs_server import KEY, call, calls, make

from engine.clock import DAY, now, to_text

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8")
CALLS = calls(GUIDE)


def test_the_guide_shows_calls() -> None:
    """The guide shows how to decide, to report events, and to say who is there."""
    paths = {shown["path"].split("?")[0] for shown in CALLS}
    assert paths == {"/v1/decide", "/v1/events", "/v1/availability/default"}


@pytest.mark.parametrize("shown", CALLS, ids=lambda shown: shown["path"])
def test_a_call_is_answered(client, shown) -> None:
    """Each call, as it stands there, is taken."""
    reply = make(client, shown)
    assert reply.status_code in {200, 202}, reply.json
    assert reply.json.get("rejected", []) == []


def answer(start: str) -> dict:
    """Return the JSON block of the guide that starts so."""
    blocks = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    return json.loads(next(block for block in blocks if block.startswith(start)))


def test_a_decision_has_the_fields_that_the_guide_shows(client) -> None:
    """The answer in the guide has just the fields of a real one, and its prompt and desk too."""
    shown = answer('{"decision": "show"')
    headers = f'-H "Authorization: Bearer {KEY}"'
    found = now()
    desk = '{"agents_online": 1}'
    call(client, "/v1/availability/default", desk, method="PUT", headers=headers)
    for day in (20, 10, 0):
        at = to_text(found - day * DAY)
        body = {
            "visitor": "g-1",
            "events": [
                {"event": "product_view", "product": "4471", "at": at, "session": f"day {day}"}
            ],
        }
        assert call(client, "/v1/events", json.dumps(body), headers=headers).status_code == 202
    body = {"visitor": "g-1", "page": "https://shop.example/p/4471", "dry_run": True}
    told = call(client, "/v1/decide", json.dumps(body), headers=headers).json
    assert set(told) == set(shown)
    assert told["reason"] == "shown"
    assert set(told["desk"]) - {"contact"} == set(shown["desk"])
    assert set(told["prompt"]) - {"wait"} == set(shown["prompt"])
    assert told["prompt"]["message"] == shown["prompt"]["message"]


def test_a_problem_reads_as_the_guide_says(client) -> None:
    """The problem in the guide is word for word what a wrong visitor gets."""
    headers = f'-H "Authorization: Bearer {KEY}"'
    reply = call(client, "/v1/decide", '{"visitor": 5}', headers=headers)
    assert reply.content_type == "application/problem+json"
    assert reply.json == answer('{"type": "about:blank"')
