"""The switches of the tests: all told in docs/design.md, all named so that no server minds them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# How a test reads a variable whose name it spells out.
READ = re.compile(r'os\.(?:environ\.get|environ|getenv)[(\[]\s*"(\w+)"')


def switches():
    """Return the environment variables of ours that tests read."""
    files = (ROOT / "tests").rglob("*.py")
    found = {name for file in files for name in READ.findall(file.read_text(encoding="utf-8"))}
    return {name for name in found if name.startswith("WELLTIMED_")}


def test_every_switch_is_told_in_one_place_and_no_other_is():
    """The table in docs/design.md has a row for each."""
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(WELLTIMED_TEST_\w+)`", page, re.MULTILINE)) == switches()


def test_every_switch_has_the_prefix_that_settings_pass_over():
    """One by another name would stop the servers that tests start."""
    assert {name for name in switches() if not name.startswith("WELLTIMED_TEST_")} == set()
