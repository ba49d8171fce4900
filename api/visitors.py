"""`/v1/visitors/{id}`: everything held about a visitor, and its end."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response
from werkzeug.routing import BaseConverter

from api.guard import printable
from api.replies import Refused, reply
from api.wiring import Wiring


class AnyText(BaseConverter):
    """The rest of the path, slashes too: a server's visitor id is any printable text."""

    regex = "(?s:.+)"
    part_isolating = False


def register(app: Flask, wiring: Wiring) -> None:
    """Add the routes."""
    guard = wiring.guard
    app.url_map.converters["anytext"] = AnyText

    @app.get("/v1/visitors/<anytext:visitor>")
    def visitor(visitor: str) -> Response:
        site = guard.site(guard.server())
        held = wiring.service.visitor(site, visitor) if printable(visitor) else None
        if held is None:
            detail = "nothing is held about a visitor of that id"
            raise Refused(HTTPStatus.NOT_FOUND, "unknown_visitor", detail)
        return reply(held)

    @app.delete("/v1/visitors/<anytext:visitor>")
    def erase(visitor: str) -> Response:
        site = guard.site(guard.server())
        if printable(visitor):
            wiring.service.erase(site, visitor)
        # Erasing twice is no fault: what was asked for is so.
        return Response(status=HTTPStatus.NO_CONTENT)
