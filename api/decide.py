"""`POST /v1/decide`: a chat backend asks; the answer is always a decision."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Flask, Response, request

from api import wire
from api.answer import decision_as_json
from api.facts import read_attributes, read_language, read_page, read_state
from api.guard import body, check_visitor, printable
from api.replies import bad_request, reply
from api.wiring import Wiring
from engine.service import Ask


class DecideBody(msgspec.Struct):
    """The body of `POST /v1/decide`."""

    visitor: str
    site: str | None = None
    page: str | None = None
    language: str | None = None
    attributes: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    at: str | None = None
    dry_run: bool = False
    explain: bool = False


def register(app: Flask, wiring: Wiring) -> None:
    """Add the route."""
    guard = wiring.guard

    @app.post("/v1/decide")
    def decide() -> Response:
        caller = guard.server()
        sent = wire.read(DecideBody, wire.parse_object(body(caller.body_limit)))
        site = guard.site(caller, sent.site)
        check_visitor(sent.visitor, caller)
        ask = Ask(
            visitor=sent.visitor,
            at=wiring.clock() if sent.at is None else _instant(sent.at),
            page=read_page(sent.page),
            language=read_language(sent.language),
            attributes=read_attributes(sent.attributes),
            state=read_state(sent.state),
            dry_run=sent.dry_run,
            explain=sent.explain,
            idempotency_key=_idempotency_key(),
        )
        return reply(decision_as_json(wiring.service.decide(site, ask)))


def _instant(text: str) -> int:
    try:
        return wire.parse_instant(text)
    except ValueError as fault:
        raise bad_request("bad_time", f"at: {fault}") from None


def _idempotency_key() -> str | None:
    key: str | None = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not printable(key):
        detail = "Idempotency-Key: must be 1 to 128 printable characters"
        raise bad_request("bad_idempotency_key", detail)
    return key
