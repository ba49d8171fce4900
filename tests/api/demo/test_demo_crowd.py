"""The demo's sample visitors: what they do is taken, and what they are offered they answer."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import pytest

from api.app import build
from api.demo.crowd import AGENTS, PRESENT, STORIES, Crowd, Sample
from api.demo.desk import DemoDesk, Keeper
from api.guard import Origins
from api.keys import load as load_keys
from api.wiring import Wiring
from engine.clock import now
from engine.ruleset import open_sites
from engine.service import Service
from engine.store import open_store


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return how to send to a demo whose desk is staffed."""
    folder = tmp_path_factory.mktemp("demo")
    desk = DemoDesk(folder)
    desk.prepare()
    with closing(open_store(f"sqlite:///{folder / 'demo.db'}")) as store:
        sites = open_sites(desk.rules)
        service = Service(store, sites, now)
        keeper = Keeper(desk, service)
        keeper.start()
        keeper.stop()
        client = build(Wiring(service, load_keys(folder, list(sites)), Origins(None))).test_client()

        def send(body):
            sent = dict(body)
            headers = {"User-Agent": sent.pop("agent")}
            reply = client.post("/v1/events", json=sent, headers=headers)
            assert reply.status_code == 202, reply.json
            assert reply.json["rejected"] == []
            return reply.json

        yield send
        for holder in sites.values():
            holder.current.close()


@pytest.mark.parametrize("story", STORIES)
def test_every_story_is_taken_to_its_end(shop, story) -> None:
    """Each story's events are all taken, whatever comes in between."""
    person = Sample(story, AGENTS[0], accepts=True)
    while not person.gone:
        person.live(shop)
    assert person.step == len(story)


@pytest.mark.parametrize(("story", "rule"), [(0, "three-searches"), (2, "stuck-form")])
@pytest.mark.parametrize("accepts", [True, False])
def test_an_offer_is_answered(shop, story, rule, accepts) -> None:
    """Who searches or is stuck is offered a chat, says that it was seen, and takes it or not."""
    told: list[tuple[str, str | None]] = []

    def listening(body):
        told.extend((event["event"], event.get("rule")) for event in body["events"])
        return shop(body)

    person = Sample(STORIES[story], AGENTS[0], accepts=accepts)
    while not person.gone:
        person.live(listening)
    answer = "prompt_accepted" if accepts else "prompt_dismissed"
    assert [name for name, about in told if about == rule][:2] == ["prompt_shown", answer]


def test_the_shop_is_never_empty_nor_full() -> None:
    """At most a few people are there at once, and whoever leaves is replaced by a stranger."""
    seen: Counter[str] = Counter()

    def send(body):
        seen[body["visitor"]] += 1
        return {}

    crowd = Crowd("http://127.0.0.1:9", seed=1)
    for _ in range(200):
        crowd.step(send)
    assert len(crowd._people) <= PRESENT
    assert len(seen) > 20
    assert max(seen.values()) <= max(map(len, STORIES))


def test_a_crowd_before_a_closed_door_waits_and_can_be_sent_home() -> None:
    """Where nobody listens the crowd tries again quietly, and ends when it is told to."""
    crowd = Crowd("http://127.0.0.1:9", seed=1, beat=0.01)
    crowd.start()
    crowd.stop()
    assert not crowd._thread.is_alive()
