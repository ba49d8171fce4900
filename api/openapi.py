"""`GET /openapi.json`: what this server answers, as written in `openapi.json` beside this file."""

from __future__ import annotations

from pathlib import Path

import msgspec
from flask import Flask, Response

from api.replies import reply
from api.wiring import Wiring

PATH = Path(__file__).with_name("openapi.json")


def register(app: Flask, wiring: Wiring) -> None:  # noqa: ARG001 - every room is registered alike
    """Add the route."""
    described = msgspec.json.decode(PATH.read_bytes())

    @app.get("/openapi.json")
    def description() -> Response:
        return reply(described)
