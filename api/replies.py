"""The two shapes that leave this server: a JSON object, or an RFC 9457 problem.

A route returns `reply(...)` or raises `Refused`; nothing else builds a response, so that every
error of every route looks the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Response

_encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """A request that is answered with a problem.

    `code` is the stable word that clients branch on, `detail` one sentence for a person,
    `more` further members of the problem (such as `limit`).
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def reply(data: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return a JSON reply. API replies are about one visitor at one moment: never stored."""
    response = Response(_encode(data), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def problem(refused: Refused) -> Response:
    """Return the problem that a refusal stands for."""
    body = {
        "type": "about:blank",
        "title": refused.status.phrase,
        "status": refused.status.value,
        "code": refused.code,
        "detail": refused.detail,
        **refused.more,
    }
    response = Response(
        _encode(body), refused.status.value, content_type="application/problem+json"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(refused.headers)
    return response


def bad_request(code: str, detail: str) -> Refused:
    """Return the refusal of a request that cannot be understood."""
    return Refused(HTTPStatus.BAD_REQUEST, code, detail)
