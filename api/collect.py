"""`POST /v1/events`: what visitors do, in; where asked, a decision in the same reply."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Flask, Response, request

from api import wire
from api.answer import decision_as_json
from api.devices import NOTHING_KNOWN, look
from api.facts import read_attributes, read_language, read_page, read_state
from api.guard import Caller, body, check_visitor
from api.items import EVENT_BYTES, Items, Sender, read_items
from api.replies import Refused, bad_request, reply
from api.wiring import Wiring
from engine.events import STANDARD_EVENTS
from engine.model import Site
from engine.service import Batch, Collected, Proof, TokenRequired

BROWSER_EVENTS = 100
SERVER_EVENTS = 1_000


class EventsBody(msgspec.Struct):
    """The body of `POST /v1/events`."""

    visitor: str
    site: str | None = None
    token: str | None = None
    sent_at: str | None = None
    consent: str | None = None
    page: str | None = None
    language: str | None = None
    ask: bool = False
    events: list[Any] = []
    state: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None


def register(app: Flask, wiring: Wiring) -> None:
    """Add the route."""
    guard = wiring.guard

    @app.post("/v1/events")
    def events() -> Response:
        caller = guard.anyone()
        raw = body(caller.body_limit)
        sent = wire.read(EventsBody, wire.parse_object(raw))
        site = guard.site(caller, sent.site)
        _admit(wiring, site, sent, caller)
        items, batch = _batch(wiring, site, sent, caller, roomy=len(raw) > EVENT_BYTES)
        try:
            collected = wiring.service.collect(site, batch)
        except TokenRequired as fault:
            raise Refused(HTTPStatus.FORBIDDEN, "token_required", str(fault)) from None
        token = wiring.keys.write_token(site, sent.visitor)
        return reply(_answer(items, batch, collected, token), HTTPStatus.ACCEPTED)


def _admit(wiring: Wiring, site: str, sent: EventsBody, caller: Caller) -> None:
    """Refuse a whole batch that may not be taken, whatever its items are."""
    _check_consent(sent, caller)
    check_visitor(sent.visitor, caller)
    if caller.browser:
        _hold_to_rate(wiring, site, sent.visitor)
        if sent.token is not None and not wiring.keys.proves(sent.token, site, sent.visitor):
            detail = "the token is not this visitor's; use the one from the newest reply"
            raise Refused(HTTPStatus.FORBIDDEN, "bad_token", detail)
    most = BROWSER_EVENTS if caller.browser else SERVER_EVENTS
    if len(sent.events) > most:
        detail = f"a batch must have at most {most} events; send it in parts"
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise Refused(status, "batch_too_long", detail, limit=f"{most} events")


def _batch(
    wiring: Wiring, site: str, sent: EventsBody, caller: Caller, *, roomy: bool
) -> tuple[Items, Batch]:
    received = wiring.clock()
    page = read_page(sent.page)
    sender = Sender(
        browser=caller.browser,
        received=received,
        lag=_lag(sent, received) if caller.browser else 0,
        page=page,
        declared=_Declared(wiring.service.ruleset(site).site),
    )
    items = read_items(sent.events, sender, roomy=roomy)
    believed = None if caller.browser else items.newest_sent
    device = look(request.environ.get("HTTP_USER_AGENT")) if caller.browser else NOTHING_KNOWN
    return items, Batch(
        visitor=sent.visitor,
        events=tuple(items.events),
        received=received,
        at=received if believed is None else believed,
        browser=caller.browser,
        proof=Proof.ABSENT if sent.token is None else Proof.VALID,
        consent=sent.consent,
        page=page,
        language=read_language(sent.language),
        state=read_state(sent.state),
        attributes=read_attributes(sent.attributes),
        claimed=device.claims,
        ask=sent.ask,
        bot=device.bot,
        stale=sent.ask and items.stale,
    )


class _Declared:
    """The event names that a site takes."""

    def __init__(self, site: Site) -> None:
        self._own = site.events

    def __contains__(self, name: object) -> bool:
        return name in STANDARD_EVENTS or name in self._own


def _check_consent(sent: EventsBody, caller: Caller) -> None:
    if sent.consent not in {"full", "memory", "none", None}:
        raise bad_request("invalid_field", "consent: must be full, memory or none")
    if caller.browser and (
        sent.consent in {"none", None} or request.environ.get("HTTP_SEC_GPC", "").strip() == "1"
    ):
        detail = "without the visitor's consent nothing is kept and nothing is decided"
        raise Refused(HTTPStatus.FORBIDDEN, "consent_required", detail)


def _hold_to_rate(wiring: Wiring, site: str, visitor: str) -> None:
    seconds = wiring.limiter.wait(site, visitor)
    if seconds:
        raise Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            "rate_limited",
            f"too many requests; try again in {seconds} s",
            headers={"Retry-After": str(seconds)},
            retry_after=seconds,
        )


def _lag(sent: EventsBody, received: int) -> int:
    """Return how far the browser's clock is behind ours; 0 where it did not say its time."""
    if sent.sent_at is None:
        return 0
    try:
        return received - wire.parse_instant(sent.sent_at)
    except ValueError as fault:
        raise bad_request("bad_time", f"sent_at: {fault}") from None


def _answer(items: Items, batch: Batch, collected: Collected, token: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "accepted": collected.accepted,
        "duplicate": collected.duplicates,
        "rejected": items.rejected,
        "token": token,
    }
    if items.flagged:
        answer["flagged"] = items.flagged
    if collected.decision is not None:
        answer["decision"] = decision_as_json(collected.decision)
    if batch.page is not None:
        groups, values = collected.page
        answer["page"] = {"groups": sorted(groups), "values": dict(values)}
    return answer
