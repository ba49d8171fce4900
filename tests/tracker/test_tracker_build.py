"""What the built scripts weigh, and that they are what the source builds."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import brotli
import pytest

ROOM = Path(__file__).parents[2] / "tracker_js"
DIST = ROOM / "dist"
VENDORS = [
    "chatwoot",
    "crisp",
    "helpscout",
    "hubspot",
    "intercom",
    "livechat",
    "olark",
    "rocketchat",
    "salesforce",
    "tawk",
    "tidio",
    "zendesk",
]
FILES = {"tracker.js", "prompt.js", "button.js", "stuck.js", *(f"open-{v}.js" for v in VENDORS)}


@pytest.mark.parametrize(
    ("name", "gzipped", "brotlied"),
    [("tracker.js", 4_608, 4_096), ("prompt.js", 2_560, 2_240)],
)
def test_a_script_weighs_no_more_than_promised(name, gzipped, brotlied):
    """Bytes at gzip -9 and at brotli 11."""
    script = (DIST / name).read_bytes()
    assert len(gzip.compress(script, 9)) <= gzipped
    assert len(brotli.compress(script, quality=11)) <= brotlied


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_adapter_is_small(vendor):
    """A page fetches one of them, when a chat is opened."""
    assert len(gzip.compress((DIST / f"open-{vendor}.js").read_bytes(), 9)) <= 400


def test_the_manifest_names_every_script_with_its_integrity():
    """Each file of dist, its version and the hash that a page may demand."""
    manifest = json.loads((DIST / "manifest.json").read_text())
    assert set(manifest) == FILES == {path.name for path in DIST.glob("*.js")}
    for name, entry in manifest.items():
        content = (DIST / name).read_bytes()
        digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
        assert entry["integrity"] == f"sha384-{digest}"
        assert entry["version"] == hashlib.sha256(content).hexdigest()[:8]


def test_the_tracker_names_only_files_that_are_there():
    """What it loads later lies beside it; an adapter's name is the page's."""
    script = (DIST / "tracker.js").read_text()
    assert {f"{name}.js" for name in ("prompt", "button", "stuck")} <= FILES
    assert re.search(r"\.js\?v=[0-9a-f]{8}\b", script)
    assert "http://" not in script
    assert "https://" not in script


def test_the_tracker_leaves_cookies_and_markup_alone():
    """No cookie, no HTML from texts, no code from texts, no beacon, no unload listener."""
    for path in DIST.glob("*.js"):
        script = path.read_text()
        for word in (
            "document.cookie",
            "innerHTML",
            "eval(",
            "Function(",
            "sendBeacon",
            '"unload"',
        ):
            assert word not in script, f"{word} in {path.name}"


def test_no_module_is_long():
    """Each reads in one sitting."""
    for path in (ROOM / "src").rglob("*.js"):
        assert len(path.read_text().splitlines()) < 300, path.name


def test_the_lock_names_no_download_address():
    """Packages are pinned by version and hash; where they come from is the machine's business."""
    lock = json.loads((ROOM / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all("integrity" in entry for entry in packages.values())


def test_dist_is_what_the_source_builds():
    """A fresh build of src gives dist, byte for byte."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("DIST NOT CHECKED AGAINST ITS SOURCE: no node on this machine")
    if not (ROOM / "node_modules" / "esbuild").is_dir():
        pytest.skip("DIST NOT CHECKED AGAINST ITS SOURCE: run `npm ci` in tracker_js first")
    done = subprocess.run(
        [node, "build.mjs", "--check"], cwd=ROOM, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
