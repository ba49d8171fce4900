"""The Flask application: lean, and with one shape for every error.

No sessions, no cookies, no templates on this path: a request costs what its route does, plus
one hook that sets three headers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response, request
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from flask.wrappers import Request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from api import collect, decide, desk, openapi, operate, scripts, visitors
from api.guard import receive, wrong_origin
from api.replies import Refused, problem
from api.wiring import Wiring
from engine.errors import StoreUnavailable

log = logging.getLogger("welltimed")

RETRY_AFTER = 5  # seconds, where the store is away
PREFLIGHT_KEPT = 7_200  # seconds; browsers keep no preflight longer
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key"


class _NoSessions(SessionInterface):
    """Cookies are neither read nor set."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002 - Flask's signature
        return self._none

    def save_session(self, *_: object) -> None:
        raise AssertionError("there are no sessions to save")


class App(Flask):
    """Flask over one worker's wiring."""

    session_interface = _NoSessions()

    def __init__(self, wiring: Wiring) -> None:
        super().__init__("api", static_folder=None, template_folder=None)
        self.wiring = wiring
        self._work = threading.Lock()
        self.url_map.merge_slashes = False
        self.url_map.strict_slashes = False

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Read the body beside other requests; then work, one request at a time.

        A client that sends slowly holds a thread, not the worker; and no thread that computes
        keeps one that holds the store's lock waiting for the interpreter.
        """
        environ["wsgi.input"] = BytesIO(receive(environ))
        with self._work:
            return super().wsgi_app(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Match the path alone: there is one host here, so its name need not be taken apart."""
        if request is None:
            return super().create_url_adapter(request)
        environ = request.environ
        return MapAdapter(
            self.url_map,
            server_name="",
            script_name=environ.get("SCRIPT_NAME", ""),
            subdomain="",
            url_scheme=environ["wsgi.url_scheme"],
            path_info=environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
            default_method=environ["REQUEST_METHOD"],
            query_args=environ.get("QUERY_STRING"),
        )

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the view as it is: none here is asynchronous."""
        return func

    def dispatch_request(self) -> ResponseReturnValue:
        """Answer by the rules as of now: one stat, to see a reload asked of another worker."""
        self.wiring.reloads.catch_up(self.wiring.service.sites)
        return super().dispatch_request()

    def make_default_options_response(self) -> Response:
        """Answer a preflight: a page of an allowed origin may send, any other is told no."""
        if self.wiring.guard.origin_allowed() is False:
            raise wrong_origin()
        response = Response(status=HTTPStatus.NO_CONTENT)
        adapter = self.create_url_adapter(request)
        methods = ", ".join(sorted(adapter.allowed_methods())) if adapter else ""
        response.headers["Allow"] = methods
        if "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.environ:
            response.headers["Access-Control-Allow-Methods"] = methods
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_KEPT)
        return response

    def process_response(self, response: Response) -> Response:
        """Set what every response carries; allowed origins are echoed, never with credentials."""
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        vary = headers.get("Vary")
        headers["Vary"] = f"{vary}, Origin" if vary else "Origin"
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and self.wiring.guard.origin_allowed():
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "Retry-After"
        return super().process_response(response)


def build(wiring: Wiring) -> App:
    """Return the application with every route and error shape."""
    app = App(wiring)
    for room in (collect, decide, desk, visitors, operate, scripts, openapi):
        room.register(app, wiring)
    app.register_error_handler(Refused, problem)
    app.register_error_handler(StoreUnavailable, _store_away)
    app.register_error_handler(HTTPException, _not_routed)
    app.register_error_handler(Exception, _internal)
    return app


def _store_away(fault: StoreUnavailable) -> Response:
    log.warning("the store is away: %s", fault)
    detail = "the store does not answer; nothing was kept, send it again"
    headers = {"Retry-After": str(RETRY_AFTER)}
    return problem(
        Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "store_unavailable",
            detail,
            headers=headers,
            retry_after=RETRY_AFTER,
        )
    )


def _not_routed(fault: HTTPException) -> Response:
    """Shape what Flask itself refuses: unknown paths and methods."""
    status = HTTPStatus(fault.code or 500)
    if status < 400:
        return Response(fault.get_response().get_data(), status, fault.get_headers())
    headers = {name: value for name, value in fault.get_headers() if name == "Allow"}
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    return problem(Refused(status, code, _sentence(status), headers=headers))


def _sentence(status: HTTPStatus) -> str:
    if status is HTTPStatus.NOT_FOUND:
        return "there is nothing at this path; /openapi.json lists what there is"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        return "this path does not take that method; the Allow header lists what it takes"
    return status.description or status.phrase


def _internal(fault: Exception) -> Response:
    """Answer for a mistake of ours: the log is told what it was, the caller is not."""
    log.error("a request failed: %s %s", request.method, request.path, exc_info=fault)
    detail = "something went wrong here; it has been logged"
    return problem(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail))
