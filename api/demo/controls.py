"""What the strip at the top of the demo can do: demo-only routes, never part of `serve`.

They act for the visitor who is named, as a server would, so they answer the demo's own pages
only: a header that no form and no foreign page can send without asking first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from api import wire
from api.answer import decision_as_json
from api.demo import folder
from api.demo.ageing import come_back_another_day
from api.demo.desk import DemoDesk
from api.guard import body, unguessable
from api.replies import Refused, bad_request, reply
from engine.clock import Clock
from engine.service import Ask, Service

HEADER = "X-Welltimed-Demo"
BODY = 4 * 1024


def add_controls(
    demo: Blueprint, service: Service, desk: DemoDesk, clock: Clock, reload: Callable[[], Any]
) -> None:
    """Add the routes below `/demo/controls/`. `reload` loads the rules anew in every worker."""

    @demo.get("/controls/why")
    def why() -> Response:
        _own_page()
        ask = Ask(
            visitor=_visitor(request.args),
            at=clock(),
            page=request.args.get("page", "")[:1024] or None,
            dry_run=True,
            explain=True,
        )
        answer = decision_as_json(service.decide(folder.SITE, ask))
        return reply({**answer, "rules": _rules(service)})

    @demo.post("/controls/desk")
    def switch() -> Response:
        wanted = _sent().get("open")
        if not isinstance(wanted, bool):
            raise bad_request("invalid_field", "open: must be true or false")
        desk.switch(is_open=wanted)
        reload()
        return reply({"open": desk.is_open})

    @demo.post("/controls/another-day")
    def another_day() -> Response:
        return reply({"done": come_back_another_day(service, folder.SITE, _visitor(_sent()))})

    @demo.post("/controls/forget")
    def forget() -> Response:
        return reply({"done": service.erase(folder.SITE, _visitor(_sent()))})


def _rules(service: Service) -> dict[str, Any]:
    last = service.sites[folder.SITE].last
    return {"ok": last.ok, "problems": [str(problem) for problem in last.problems]}


def _own_page() -> None:
    if request.headers.get(HEADER) != "1":
        detail = f"these routes are for the demo's own pages, which send {HEADER}: 1"
        raise Refused(HTTPStatus.FORBIDDEN, "demo_only", detail)


def _sent() -> dict[str, Any]:
    _own_page()
    return wire.parse_object(body(BODY))


def _visitor(sent: Mapping[str, Any]) -> str:
    visitor = sent.get("visitor")
    if not isinstance(visitor, str) or not unguessable(visitor):
        raise bad_request("bad_id", "visitor: must be the id that the tracker made up")
    return visitor
