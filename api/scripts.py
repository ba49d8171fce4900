"""The built scripts, each by a short name and by a name that never changes.

The short name is looked at again every few minutes; the versioned one carries a hash of its
content, may be kept for a year, and is what a page with `integrity` should load. `/scripts.json`
lists both with their SRI. The tracker loads its other files by `?v=` and the build's version: they
may be kept as long, but only while that is the build served here, so that no cache between can be
made to keep another's content under it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, request

from api.replies import Refused, reply
from api.wiring import Wiring

# What pages and documentation name; the tracker finds the others beside it.
NAMED = ("tracker", "prompt")
HASH = 8  # characters of a version; tracker_js/build.mjs writes the same into its manifest
_SHORT = "public, max-age=300"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Script:
    """One built script. `version` is part of a hash of its content."""

    name: str
    content: bytes
    packed: bytes
    version: str
    integrity: str


def register(app: Flask, wiring: Wiring) -> None:
    """Add the routes. The files are read once: a new build is served after a restart."""
    scripts = {script.name: script for script in _built(wiring.scripts)}
    tracker = scripts["tracker"].content if "tracker" in scripts else b""

    @app.get("/<name>.js")
    def script(name: str) -> Response:
        build = request.args.get("v", "")
        of_this_build = len(build) >= HASH and build.encode() in tracker
        return _serve(_found(scripts, name), _FOREVER if of_this_build else _SHORT)

    for name in NAMED:
        app.add_url_rule(f"/{name}.js", name, partial(script, name))

    @app.get("/<name>.<version>.js")
    def versioned(name: str, version: str) -> Response:
        found = _found(scripts, name)
        if version != found.version:
            raise _no_script(f"this is not the version served here; {found.version} is")
        return _serve(found, _FOREVER)

    @app.get("/scripts.json")
    def listed() -> Response:
        return reply(
            {
                f"{name}.js": {
                    "path": f"/{name}.{found.version}.js",
                    "integrity": found.integrity,
                    "bytes": len(found.content),
                }
                for name, found in scripts.items()
            }
        )


def _built(folder: Path) -> Iterator[Script]:
    for path in sorted(folder.glob("*.js")):
        content = path.read_bytes()
        digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
        yield Script(
            name=path.stem,
            content=content,
            packed=gzip.compress(content, 9, mtime=0),
            version=hashlib.sha256(content).hexdigest()[:HASH],
            integrity=f"sha384-{digest}",
        )


def _found(scripts: Mapping[str, Script], name: str) -> Script:
    if name not in scripts:
        detail = f"tracker_js/dist/{name}.js has not been built"
        raise _no_script(detail if name in NAMED else "there is no script of that name")
    return scripts[name]


def _no_script(detail: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, "unknown_script", detail)


def _serve(script: Script, caching: str) -> Response:
    response = Response(content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = caching
    response.headers["Vary"] = "Accept-Encoding"
    # A page that checks `integrity` loads it across origins; a script has nothing to hide.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(script.version)
    if script.version in request.if_none_match:
        response.status_code = HTTPStatus.NOT_MODIFIED
    elif request.accept_encodings.quality("gzip") > 0:
        response.headers["Content-Encoding"] = "gzip"
        response.set_data(script.packed)
    else:
        response.set_data(script.content)
    return response
