"""Who is calling, from where, with how much: asked before a body is read or a site touched.

A *server* proves itself with the secret key and belongs to one site; everyone else is a
*browser* and is held to its origin, the smaller body and the rates.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import request

from api.keys import Keys
from api.replies import Refused, bad_request

BROWSER_BODY = 64 * 1024
SERVER_BODY = 512 * 1024
DROPPED = 8 * 1024 * 1024  # bytes too many that are still read

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class Origins:
    """The allow-list of browser origins.

    Without a list (None), pages of this very host and of the loopback are allowed: enough to
    try it out, and no stranger's page. `null` (sandboxed frames, files) is never allowed.
    """

    def __init__(self, allowed: Iterable[str] | None) -> None:
        self.allowed = None if allowed is None else frozenset(map(_tidy, allowed))
        self.allows = lru_cache(maxsize=1024)(self._allows)

    def _allows(self, origin: str, host: str) -> bool:
        """Say whether a page of `origin` may call; `host` is the request's Host header."""
        origin = _tidy(origin)
        if self.allowed is not None:
            return origin in self.allowed
        try:
            parts = urlsplit(origin)
            name = parts.hostname or ""
        except ValueError:
            return False
        if parts.scheme not in {"http", "https"}:
            return False
        return parts.netloc == host.lower() or name in _LOOPBACK or name.endswith(".localhost")


def _tidy(origin: str) -> str:
    return origin.strip().rstrip("/").lower()


@dataclass(frozen=True, slots=True)
class Caller:
    """`site` is the secret key's, None for a browser."""

    site: str | None = None

    @property
    def browser(self) -> bool:
        """Whether the caller has no more rights than a page has."""
        return self.site is None

    @property
    def body_limit(self) -> int:
        """How many bytes the caller may send in one body."""
        return BROWSER_BODY if self.site is None else SERVER_BODY


BROWSER = Caller()


class Guard:
    """Answers who calls. Every method reads the current request; refusals are problems."""

    def __init__(self, keys: Keys, origins: Origins, sites: Container[str] | Iterable[str]) -> None:
        self._keys = keys
        self._origins = origins
        self._sites: Any = sites

    def origin_allowed(self) -> bool | None:
        """Say whether the page that calls may; None where no Origin was sent."""
        environ = request.environ
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return None
        return self._origins.allows(origin, environ.get("HTTP_HOST", ""))

    def anyone(self) -> Caller:
        """Return a server where a secret key is sent, else a browser of an allowed origin."""
        if "HTTP_AUTHORIZATION" in request.environ:
            return self.server()
        if self.origin_allowed() is False:
            raise wrong_origin()
        return BROWSER

    def server(self) -> Caller:
        """Return the server that the secret key proves; refuse everybody else."""
        environ = request.environ
        scheme, _, secret = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        site = self._keys.site_of(secret.strip()) if scheme.lower() == "bearer" else None
        if site is None:
            detail = "send the site's secret key as Authorization: Bearer KEY"
            headers = {"WWW-Authenticate": "Bearer"}
            raise Refused(HTTPStatus.UNAUTHORIZED, "bad_key", detail, headers=headers)
        if "HTTP_ORIGIN" in environ:
            detail = "a secret key must never be in a page: anybody could read it there"
            raise Refused(HTTPStatus.FORBIDDEN, "secret_key_in_browser", detail)
        return Caller(site)

    def site(self, caller: Caller, named: str | None = None) -> str:
        """Return the site that a request is about: named in the body, by `?site=`, or the key's."""
        if request.environ.get("QUERY_STRING"):
            asked = request.args.get("site")
            if asked is not None and named is not None and asked != named:
                raise bad_request("wrong_site", "the body and ?site= name different sites")
            named = named if named is not None else asked
        if caller.site is not None:
            if named is not None and named != caller.site:
                detail = f'this secret key is for the site "{caller.site}" and for no other'
                raise Refused(HTTPStatus.FORBIDDEN, "wrong_site", detail)
            named = caller.site
        if named is None:
            if len(self._sites) != 1:
                raise bad_request("site_required", "several sites are served here; name one")
            return str(next(iter(self._sites)))
        if named not in self._sites:
            raise Refused(HTTPStatus.NOT_FOUND, "unknown_site", "no site of that name is here")
        return named


def wrong_origin() -> Refused:
    """Return the refusal of a page whose origin is not allowed."""
    detail = "pages of this origin may not call here; list it in WELLTIMED_ORIGINS"
    return Refused(HTTPStatus.FORBIDDEN, "wrong_origin", detail)


def receive(environ: Mapping[str, Any]) -> bytes:
    """Read a request's body: what anybody may send, and one byte more to tell that it is more.

    What comes beyond is read and dropped up to a bound, so that a client which sends far too much
    reads the refusal rather than a broken pipe.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdecimal():
        rest = int(length)
    else:
        rest = DROPPED if environ.get("wsgi.input_terminated") else 0
    stream = environ["wsgi.input"]
    kept: bytes = stream.read(min(rest, SERVER_BODY + 1))
    rest = min(rest - len(kept), DROPPED)
    while rest > 0 and (more := stream.read(min(rest, 65_536))):
        rest -= len(more)
    return kept


def body(limit: int) -> bytes:
    """Return the request's body. Raises Refused (413) when it is over `limit` bytes."""
    environ = request.environ
    if environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        detail = "send the body as it is, without a Content-Encoding"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", detail)
    data: bytes = environ["wsgi.input"].read(limit + 1)
    if len(data) > limit:
        detail = f"the body must be at most {limit // 1024} KiB; send it in parts"
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise Refused(status, "body_too_large", detail, limit=f"{limit} bytes")
    return data


def check_visitor(visitor: str, caller: Caller) -> None:
    """Refuse (400) a visitor id that is not in the form that the caller must use."""
    if not caller.browser:
        if not printable(visitor):
            raise bad_request("bad_id", "visitor: must be 1 to 128 printable characters")
    elif not unguessable(visitor):
        detail = "visitor: must be 22 to 64 characters of A-Z a-z 0-9 - _, chosen at random"
        raise bad_request("bad_id", detail)


def printable(text: str) -> bool:
    """Say whether a text may be an id from a server."""
    return 1 <= len(text) <= 128 and text.isprintable()


def unguessable(text: str) -> bool:
    """Say whether a text is long enough to be a random id from a browser (a UUID is)."""
    return 22 <= len(text) <= 64 and _BASE64URL.issuperset(text)
