"""The scripts: a short name that is looked at again, and a versioned one for ever."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json

import pytest
from api_server import Server, is_problem

from api.scripts import _built
from api.wiring import SCRIPTS

BUILD = "0a1b2c3d"
TEXT = f"/* tracker {BUILD} */ " + "x" * 1_000


@pytest.fixture
def built(tmp_path):
    """Return a server over a built tracker, and no prompt."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "tracker.js").write_text(TEXT)
    (tmp_path / "dist" / "forms.js").write_text("export {};")
    one = Server(tmp_path)
    yield one
    one.close()


def test_a_script_is_served_with_a_short_life(built):
    """As JavaScript, for some minutes."""
    reply = built.http.get("/tracker.js")
    assert reply.get_data(as_text=True) == TEXT
    assert reply.content_type == "text/javascript; charset=utf-8"
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_versioned_name_is_for_ever_and_has_its_integrity(built):
    """The hash listed is that of what is served."""
    listed = built.http.get("/scripts.json").get_json()["tracker.js"]
    reply = built.http.get(listed["path"])
    digest = base64.b64encode(hashlib.sha384(reply.data).digest()).decode()
    assert listed["integrity"] == f"sha384-{digest}"
    assert "immutable" in reply.headers["Cache-Control"]


def test_a_file_of_this_build_may_be_kept_for_ever(built):
    """The tracker names its build; a build that is not served here is not kept under its name."""
    assert "immutable" in built.http.get(f"/forms.js?v={BUILD}").headers["Cache-Control"]
    for other in ("", "00000000", BUILD[:-1], "tracker"):
        reply = built.http.get(f"/forms.js?v={other}")
        assert reply.headers["Cache-Control"] == "public, max-age=300"


def test_a_listed_origin_may_import_it(built):
    """A module is fetched across origins only with their leave."""
    reply = built.http.get("/forms.js", headers={"Origin": "http://localhost:3000"})
    assert reply.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "Origin" in reply.headers["Vary"]
    assert "Access-Control-Allow-Origin" not in built.http.get("/forms.js").headers


def test_the_manifest_of_the_build_agrees():
    """The versions and SRI that the build wrote are those that are served."""
    for name, told in json.loads((SCRIPTS / "manifest.json").read_text()).items():
        script = next(one for one in _built(SCRIPTS) if f"{one.name}.js" == name)
        assert (script.version, script.integrity) == (told["version"], told["integrity"])


def test_another_version_is_not_found(built):
    """An old page is not served a script that its integrity refuses."""
    is_problem(built.http.get("/tracker.000000000000.js"), 404, "unknown_script")


def test_a_script_is_packed_where_it_may_be(built):
    """Gzip is understood by every browser; who refuses it gets it plain."""
    reply = built.http.get("/tracker.js", headers={"Accept-Encoding": "br, gzip"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(reply.data).decode() == TEXT
    assert "Accept-Encoding" in reply.headers["Vary"]
    plain = built.http.get("/tracker.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers


def test_an_unchanged_script_is_not_sent_again(built):
    """A matching ETag is answered with 304."""
    tag = built.http.get("/tracker.js").headers["ETag"]
    reply = built.http.get("/tracker.js", headers={"If-None-Match": tag})
    assert (reply.status_code, reply.data) == (304, b"")


def test_a_script_that_is_not_built_is_said_to_be_missing(built):
    """404 names the file."""
    told = is_problem(built.http.get("/prompt.js"), 404, "unknown_script")
    assert "prompt.js" in told["detail"]
    for name in ("other", "..%2fx", "%00", "manifest"):
        is_problem(
            built.http.get(f"/{name}.js"),
            404,
            "unknown_script" if "2f" not in name else "not_found",
        )
