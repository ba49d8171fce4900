"""A stand-in for the collector and for the shop whose pages carry the tracker.

One small HTTP server per test: it serves the built scripts and whatever pages the test wrote,
keeps every request, and answers `/v1/events` as the test says. Waiting is for conditions only.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DIST = Path(__file__).parents[2] / "tracker_js" / "dist"
PATIENCE = 8.0  # seconds until a condition that does not come is a failure

HOLD = {"decision": "hold", "reason": "needs_more_events", "prompt": None, "widget": "shown"}


def show(message: str = "Can I help you?", **prompt: Any) -> dict[str, Any]:
    """Return a decision that shows a prompt."""
    given = {"message": message, "language": "en", "button": "Chat with us", "delay": 0}
    return {
        "decision": "show",
        "reason": "shown",
        "rule": "three-searches",
        "variant": "plain",
        "decision_id": "decision-1",
        "prompt": {**given, "articles": [], "open": "chat", "department": "default", **prompt},
        "widget": "shown",
        "check_again_in": None,
        "desk": {"open": True, "message": None},
    }


@dataclass
class Request:
    """One request as it came. `body` is the parsed JSON of a batch, else None."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    status: int = 0
    body: dict[str, Any] | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        sent = self.body["events"] if self.body else []
        return [e for e in sent if isinstance(e, dict)]


Answer = tuple[int, dict[str, str], Any]


@dataclass
class Collector:
    """`replies` answer the next batches, one each; then batches are accepted.

    `decide` gives the decision for a batch that asks. `pages` maps a path to HTML, or to HTML
    and headers.
    """

    pages: dict[str, Any] = field(default_factory=dict)
    replies: list[Callable[[dict[str, Any]], Answer]] = field(default_factory=list)
    decide: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda _: HOLD
    values: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        handler = type("Handler", (_Handler,), {"collector": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.elsewhere = f"http://localhost:{self.port}"  # the same server, another origin
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self, path: str, body: str = "", head: str = "", snippet: str = "") -> str:
        """Write a page with the tracker on it; return its URL. `snippet` is its attributes."""
        self.pages[path] = html(body, head, snippet or 'data-consent="granted"')
        return self.url + path

    @property
    def batches(self) -> list[Request]:
        return [r for r in self.requests if r.path == "/v1/events" and r.method == "POST"]

    @property
    def accepted(self) -> list[Request]:
        return [r for r in self.batches if r.status == 202]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events accepted, each id once, in the order of their times."""
        seen = {e["id"]: e for r in self.accepted for e in r.events}
        return sorted(seen.values(), key=lambda e: e["at"])

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == kind]

    @property
    def asks(self) -> list[dict[str, Any]]:
        return [r.body for r in self.accepted if r.body and r.body.get("ask")]

    def wait(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Wait until `condition` gives something true, and return that."""
        until = time.monotonic() + PATIENCE
        with self._changed:
            while not (found := condition()):
                left = until - time.monotonic()
                if left <= 0:
                    kinds = [[e["event"] for e in r.events] for r in self.batches]
                    raise AssertionError(f"never came: {what or 'the condition'}; got {kinds}")
                self._changed.wait(left)
        return found

    def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for `count` accepted events of a kind; return them."""
        return self.wait(lambda: len(self.of(kind)) >= count and self.of(kind), kind)

    def keep(self, request: Request) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def answer(self, body: dict[str, Any]) -> Answer:
        reply = self.replies.pop(0) if self.replies else self.accept
        return reply(body)

    def accept(self, body: dict[str, Any]) -> Answer:
        decision = self.decide(body) if body.get("ask") else None
        return (
            202,
            {},
            {
                "accepted": len(body["events"]),
                "duplicate": 0,
                "rejected": [],
                "token": f"token-of-{body['visitor']}",
                "page": {"groups": [], "values": self.values},
                **({"decision": decision} if decision else {}),
            },
        )


def refuse(status: int, code: str = "", **headers: str) -> Callable[[dict[str, Any]], Answer]:
    """Return a reply that is a problem."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (status, named, {"status": status, "code": code})


def html(body: str, head: str = "", snippet: str = "", src: str = "/tracker.js") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>'
        f'<meta name="viewport" content="width=device-width">{head}'
        f'<script async src="{src}" data-site="shop" {snippet}></script></head>'
        f"<body>{body}</body></html>"
    )


class _Handler(BaseHTTPRequestHandler):
    collector: Collector
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        script = DIST / path.lstrip("/")
        if path.endswith(".js") and script.is_file():
            cors = {"Access-Control-Allow-Origin": "*"}
            self._send(200, script.read_bytes(), "text/javascript; charset=utf-8", cors)
        elif path in self.collector.pages:
            page = self.collector.pages[path]
            text, headers = page if isinstance(page, tuple) else (page, {})
            self._send(200, text.encode(), "text/html; charset=utf-8", headers)
        else:
            self._send(404, b"nothing here", "text/plain", {})

    def do_OPTIONS(self) -> None:
        self._send(403, b"no preflight was expected", "text/plain", {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != "/v1/events":
            self._send(200, b"<p>Thank you", "text/html", {}, raw=raw)
            return
        body = json.loads(raw)
        status, headers, reply = self.collector.answer(body)
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        cors = {"Access-Control-Allow-Origin": self.headers.get("origin", "*"), "Vary": "Origin"}
        cors["Access-Control-Expose-Headers"] = "Retry-After"
        self._send(status, content, "application/json", cors | headers, raw=raw, body=body)

    def _send(
        self,
        status: int,
        content: bytes,
        kind: str,
        headers: dict[str, str],
        *,
        raw: bytes = b"",
        body: dict[str, Any] | None = None,
    ) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": len(content)}.items():
                self.send_header(name, str(value))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            pass  # the page is gone; what it sent still counts
        sent = {name.lower(): value for name, value in self.headers.items()}
        self.collector.keep(Request(self.command, self.path, sent, raw, status, body))

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests look at the requests."""
