"""Sample visitors: made-up people who walk through the demo shop as browsers would.

They come in through `POST /v1/events` like anybody else, so that journal, reports and explanations
have something to show. Each lives one story; some accept what they are offered, some close it.
"""

from __future__ import annotations

import json
import random
import secrets
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from uuid import uuid4

Event = Mapping[str, Any]
# Sends one body to the collector and returns its reply.
Send = Callable[[Mapping[str, Any]], Mapping[str, Any]]

BEAT = 8.0  # seconds between two steps of the crowd
PRESENT = 3  # people in the shop at a time
TIMEOUT = 5.0
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1",
)


def _page(path: str) -> Event:
    return {"event": "page_view", "page": f"/demo/{path}"}


def _search(query: str, results: int) -> tuple[Event, ...]:
    path = f"search?q={query.replace(' ', '+')}"
    return _page(path), {"event": "search", "query": query, "results": results}


def _look(product: str) -> tuple[Event, ...]:
    return _page(f"p/{product}"), {"event": "product_view", "product": product}


# One step is what somebody does on one page.
STORIES: tuple[tuple[tuple[Event, ...], ...], ...] = (
    (_search("boots", 2), _search("winter boots", 2), _search("wide boots", 2), _look("4471")),
    (_look("5210"), _look("5214"), _look("8402"), _look("6105"), _look("6320")),
    (
        (_page("quote"), {"event": "form_started", "form": "quote"}),
        ({"event": "submit_failed", "form": "quote"},),
        ({"event": "submit_failed", "form": "quote"},),
    ),
    (
        _look("7034"),
        ({"event": "add_to_cart", "product": "7034", "cart_value": 185, "cart_items": 1},),
        (_page("basket"), {"event": "cart_view", "cart_value": 185, "cart_items": 1}),
        (_page("checkout/payment"), {"event": "checkout_started", "cart_value": 185}),
        (_page("checkout/done"), {"event": "purchase", "value": 185}),
    ),
    ((_page("help/returns"), {"event": "help_view", "article": "returns"}), (_page("help"),)),
    (_search("crampons", 0), _search("ice axe", 0), (_page(""),)),
)


@dataclass
class Sample:
    """One made-up visitor, somewhere in a story."""

    story: tuple[tuple[Event, ...], ...]
    agent: str
    accepts: bool
    visitor: str = field(default_factory=lambda: f"sample-{secrets.token_urlsafe(16)}")
    step: int = 0
    token: str | None = None

    @property
    def gone(self) -> bool:
        """Whether the story is told."""
        return self.step >= len(self.story)

    def live(self, send: Send) -> None:
        """Take one step, and answer what it brings."""
        events = self.story[self.step]
        self.step += 1
        decision = self._tell(send, events, ask=True).get("decision") or {}
        if decision.get("decision") != "show":
            return
        answer = "prompt_accepted" if self.accepts else "prompt_dismissed"
        names = ["prompt_shown", answer, *(["chat_started", "chat_ended"] if self.accepts else [])]
        told = {key: decision[key] for key in ("decision_id", "rule", "variant")}
        self._tell(send, [{"event": name, **told} for name in names], ask=False)

    def _tell(self, send: Send, events: Any, *, ask: bool) -> Mapping[str, Any]:
        page = next((event["page"] for event in events if "page" in event), None)
        reply = send(
            {
                "visitor": self.visitor,
                "token": self.token,
                "consent": "full",
                "page": page,
                "ask": ask,
                "agent": self.agent,
                "events": [{"id": str(uuid4()), **event} for event in events],
            }
        )
        self.token = reply.get("token", self.token)
        return reply


class Crowd:
    """A thread that moves sample visitors through the shop at `address`, a step a beat."""

    def __init__(self, address: str, *, seed: int | None = None, beat: float = BEAT) -> None:
        self._url = f"{address}/v1/events"
        self._dice = random.Random(seed)  # noqa: S311 - who comes next is no secret
        self._beat = beat
        self._people: list[Sample] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-crowd", daemon=True)

    def start(self) -> None:
        """Let them in."""
        self._thread.start()

    def stop(self) -> None:
        """Send them home; the thread is gone when this returns."""
        self._stop.set()
        self._thread.join(timeout=TIMEOUT + 1)

    def step(self, send: Send) -> None:
        """Move one of them one step; whoever is through makes room for another."""
        self._people = [person for person in self._people if not person.gone]
        while len(self._people) < PRESENT:
            story, agent = self._dice.choice(STORIES), self._dice.choice(AGENTS)
            self._people.append(Sample(story, agent, accepts=self._dice.random() < 0.5))
        self._dice.choice(self._people).live(send)

    def _run(self) -> None:
        while not self._stop.wait(self._beat):
            try:
                self.step(self._send)
            except (OSError, ValueError, HTTPException):
                # The server is still starting, or busy, or ends: nobody waits for this crowd.
                continue

    def _send(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        sent = dict(body)
        request = urllib.request.Request(  # noqa: S310 - our own address, http
            self._url, headers={"User-Agent": sent.pop("agent")}, data=json.dumps(sent).encode()
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:  # noqa: S310 - likewise
            answer: dict[str, Any] = json.load(reply)
        return answer
