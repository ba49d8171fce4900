"""The guide for chat backends: every call that it shows is made, and answered as it says."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from api.app import build
from api.demo.desk import DemoDesk
from api.guard import Origins
from api.keys import load as load_keys
from api.wiring import Wiring
from engine.clock import DAY, now, to_text
from engine.ruleset import open_sites
from engine.service import Service
from engine.store import open_store

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8")
CALL = re.compile(
    r"curl -s (?:-X (?P<method>[A-Z]+) )?\$WT(?P<path>\S+)(?P<headers>[^\n]*?) -d '(?P<body>.*?)'",
    re.DOTALL,
)
CALLS = [match.groupdict() for match in CALL.finditer(GUIDE)]
KEY = "sk_for_the_guide"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Return a client of a server with the starter rules, whose desk is open at any hour."""
    data = tmp_path_factory.mktemp("data")
    desk = DemoDesk(data)
    desk.prepare()
    sites = open_sites(desk.rules)
    with closing(open_store(f"sqlite:///{data / 'welltimed.db'}")) as store:
        keys = load_keys(data, list(sites), KEY)
        yield build(Wiring(Service(store, sites, now), keys, Origins(None))).test_client()
    for holder in sites.values():
        holder.current.close()


def call(client, path, body, *, method="POST", headers=""):
    sent = dict(re.findall(r'-H "([\w-]+): ([^"]+)"', headers.replace("$KEY", KEY)))
    sent["Idempotency-Key"] = sent.get("Idempotency-Key", "").encode().decode("latin-1")
    sent = {name: value for name, value in sent.items() if value}
    return client.open(path, method=method, data=body.encode(), headers=sent)


def test_the_guide_shows_calls() -> None:
    """The guide shows how to decide, to report events, and to say who is there."""
    paths = {shown["path"].split("?")[0] for shown in CALLS}
    assert paths == {"/v1/decide", "/v1/events", "/v1/availability/default"}


@pytest.mark.parametrize("shown", CALLS, ids=lambda shown: shown["path"])
def test_a_call_is_answered(client, shown) -> None:
    """Each call, as it stands there, is taken."""
    headers = shown["headers"].replace("…", "")
    reply = call(
        client, shown["path"], shown["body"], method=shown["method"] or "POST", headers=headers
    )
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
