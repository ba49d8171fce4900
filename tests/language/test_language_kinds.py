"""docs/kinds.md: a heading for each kind, whose example really gives what is printed there.

WELLTIMED_TEST_UPDATE_GOLDEN=1 writes the outputs anew.
"""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest

from engine.errors import Severity
from engine.language import loader
from engine.language.kinds import Kind
from engine.language.report import render
from engine.ruleset import check
from engine.seen import NEVER_SEEN, Seen, findings

PAGE = Path(__file__).parents[2] / "docs" / "kinds.md"
TODAY = date(2026, 12, 1)
UPDATE = os.environ.get("WELLTIMED_TEST_UPDATE_GOLDEN") == "1"

# What only compiling a folder finds; its words are the ruleset's.
COMPILED = "too-complex"

# What only a store tells; the example's has 1,203 visitors who look at pages.
STORED = Seen(1_203, {"page_view"})

_SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^```yaml (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OUTPUT = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections():
    return dict(_SECTION.findall(PAGE.read_text(encoding="utf-8")))


def base_site():
    return dict(_FILE.findall(PAGE.read_text(encoding="utf-8").split("# Errors")[0]))


def files_of(section):
    """Return the example's files; what cannot be printed stands there by a sign."""
    files = {
        name: text.replace("\u2407", "\x07").replace("  # and so on\n", "  # and so on\n" * 80_000)
        for name, text in _FILE.findall(section)
    }
    own_site = any(name.lower().startswith("site.") for name in files)
    return files if own_site else base_site() | files


def told(kind, files):
    """Return all that is said of an example, by whoever says what it is an example of."""
    if kind == COMPILED:
        return check(files).problems
    loaded = loader.load(files, today=TODAY)
    return tuple(findings(loaded.folder, STORED)) if kind == NEVER_SEEN else loaded.problems


def printed(kind, section):
    files = files_of(section)
    found = [p for p in told(kind, files) if p.kind == kind]
    return "".join(render([p], files).rpartition("\n")[0].rpartition("\n")[0] + "\n" for p in found)


def test_each_kind_is_a_heading_and_each_heading_a_kind():
    """The page has exactly the kinds that exist."""
    assert sorted(sections()) == sorted([*(kind.value for kind in Kind), COMPILED, NEVER_SEEN])


@pytest.mark.parametrize("kind", sections())
def test_the_example_gives_what_is_printed(kind):
    """The output below an example is what checking it prints."""
    section = sections()[kind]
    real = printed(kind, section)
    if UPDATE:
        page = PAGE.read_text(encoding="utf-8")
        fresh = _OUTPUT.sub(lambda _: f"```text\n{real}```", section)
        PAGE.write_text(page.replace(section, fresh), encoding="utf-8")
        section = fresh
    assert real
    assert _OUTPUT.findall(section) == [real]


def test_errors_and_warnings_stand_apart():
    """A kind stands below Errors when its example refuses the folder, else below Warnings."""
    page = PAGE.read_text(encoding="utf-8")
    errors, warnings = page.split("\n# Errors\n")[1].split("\n# Warnings\n")
    for text, severity in ((errors, Severity.ERROR), (warnings, Severity.WARNING)):
        for kind, section in _SECTION.findall(text):
            if kind == COMPILED:
                continue
            found = told(kind, files_of(section))
            assert {p.severity for p in found if p.kind == kind} == {severity}, kind
