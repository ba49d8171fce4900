"""A whole server in one process: real rules, real SQLite, a clock that tests turn."""

from __future__ import annotations

import uuid
from hashlib import sha256
from pathlib import Path

from api import create_app
from api.guard import Origins
from api.keys import Keys
from api.limits import RateLimiter, Rates
from api.reload import Reloads
from api.wiring import Wiring
from engine.clock import to_text
from engine.ruleset import open_sites
from engine.service import Service
from engine.store import open_store

SITE = """
site: { name: shop, time_zone: Europe/London, caps: [1 prompt per session] }
page_groups:
  product: "**/p/{product}"
  checkout: "**/checkout/**"
events:
  quote_started: [plan]
schedules:
  sales-desk:
    open: { mon-fri: 09:00-17:00 }
departments:
  sales: { schedule: sales-desk }
suppress:
  - { name: checkout, where: checkout, hide: prompt }
offline:
  message: { en: "We are back {opens_at}." }
  contact: https://shop.example/contact
"""

RULES = """
rules:
  - rule: three-searches
    when: { event: search, at_least: 3, within: session }
    show: "Can I help you find it?"
  - rule: long-look
    when: { state: on_page, for: 40 seconds }
    show: "Hello {first_name|there}"
"""

KEY = "sk_test"
AUTH = {"Authorization": f"Bearer {KEY}"}
# A Tuesday, ten in the morning in London.
START = 1_796_119_200_000


class Server:
    """One worker over a folder, and the short ways in which tests talk to it."""

    def __init__(self, folder: Path, *, origins=None, rates=None):
        self.now = START
        self.tick = 0.0
        self.rules = folder / "rules"
        self.rules.mkdir()
        (self.rules / "site.yaml").write_text(SITE)
        (self.rules / "rules.yaml").write_text(RULES)
        self.store = open_store(f"sqlite:///{folder / 'test.db'}")
        self.sites = open_sites(self.rules, folder)
        self.sites["shop"].keep()
        self.service = Service(self.store, self.sites, lambda: self.now)
        self.keys = Keys(b"s" * 32, {"shop": [sha256(KEY.encode()).digest()]}, {})
        self.wiring = Wiring(
            service=self.service,
            keys=self.keys,
            origins=Origins(origins),
            limiter=RateLimiter(rates or Rates(), lambda: self.tick),
            clock=lambda: self.now,
            reloads=Reloads(folder / "reload"),
            scripts=folder / "dist",
        )
        self.app = create_app(self.wiring)
        self.http = self.app.test_client()

    def close(self):
        for holder in self.sites.values():
            holder.current.close()
        self.store.close()

    def post(self, *events, headers=None, **more):
        """Post events as a server, decided at their newest time."""
        body = {"visitor": "v1", "events": list(events), **more}
        return self.http.post("/v1/events", json=body, headers=AUTH | (headers or {}))

    def browse(self, *events, headers=None, **more):
        """Post events as a browser that consents."""
        body = {"visitor": VISITOR, "consent": "full", "events": list(events), **more}
        return self.http.post("/v1/events", json=body, headers=headers or {})

    def decide(self, headers=None, **more):
        """Ask as a chat backend."""
        return self.http.post(
            "/v1/decide", json={"visitor": "v1", **more}, headers=AUTH | (headers or {})
        )

    def at(self, seconds=0.0):
        """Return an instant after the start as RFC 3339."""
        return to_text(START + round(seconds * 1_000))


VISITOR = "abcdefghijklmnopqrstuv"


def event(kind="search", **fields):
    """Return an event as a page sends it."""
    return {"id": str(uuid.uuid4()), "event": kind, **fields}


def is_problem(reply, status, code):
    """Say whether a reply is a problem of that status and code, in the one shape of all."""
    assert reply.status_code == status, reply.get_data(as_text=True)
    assert reply.content_type == "application/problem+json"
    told = reply.get_json()
    assert told["status"] == status
    assert told["code"] == code
    assert told["detail"]
    assert "Traceback" not in told["detail"]
    return told
