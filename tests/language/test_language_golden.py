"""Golden folders: `ok/*` load without a word, `err/*` give exactly what their expected.txt says.

WELLTIMED_TEST_UPDATE_GOLDEN=1 writes the expected texts anew; read the difference before keeping.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
import yaml

from engine.errors import Severity
from engine.language import loader, nodes
from engine.language.kinds import Kind
from engine.language.report import render

HERE = Path(__file__).parent
OK = sorted(path for path in (HERE / "ok").iterdir() if path.is_dir())
ERR = sorted(path for path in (HERE / "err").iterdir() if path.is_dir())
TODAY = date(2026, 12, 1)
UPDATE = os.environ.get("WELLTIMED_TEST_UPDATE_GOLDEN") == "1"

# A file of 1 MiB is not kept here; test_language_nodes.py makes one.
ELSEWHERE = {Kind.TOO_LARGE}


def told(folder: Path) -> str:
    files = loader.read_folder(folder)
    return render(loader.load(files, today=TODAY).problems, files)


@pytest.mark.parametrize("folder", OK, ids=lambda path: path.name)
def test_a_good_folder_loads_without_a_word(folder):
    """A folder under ok/ has no problem, not even a warning, and becomes a Folder."""
    loaded = loader.load(loader.read_folder(folder), today=TODAY)
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.folder is not None


@pytest.mark.parametrize("folder", ERR, ids=lambda path: path.name)
def test_a_folder_with_mistakes_gives_its_expected_text(folder):
    """A folder under err/ gives exactly the text beside it, all faults in one run."""
    expected = folder / "expected.txt"
    if UPDATE:
        expected.write_text(told(folder), encoding="utf-8")
    assert told(folder) == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [*OK, *ERR], ids=lambda path: path.name)
def test_both_yaml_readers_say_the_same(folder, monkeypatch):
    """Where libyaml is missing the pure reader gives the same findings at the same places."""
    first = told(folder)
    monkeypatch.setattr(nodes, "_LOADER", yaml.Loader)
    assert told(folder) == first


@pytest.mark.parametrize("folder", ERR, ids=lambda path: path.name)
def test_errors_refuse_and_warnings_do_not(folder):
    """A folder is refused exactly when one of its problems is an error."""
    loaded = loader.load(loader.read_folder(folder), today=TODAY)
    errors = [p for p in loaded.problems if p.severity is Severity.ERROR]
    assert (loaded.folder is None) == bool(errors)
    assert list(loaded.problems) == sorted(loaded.problems)


def test_every_kind_has_a_golden_folder():
    """No kind of finding is without an example here."""
    seen = "\n".join((folder / "expected.txt").read_text(encoding="utf-8") for folder in ERR)
    assert [kind.value for kind in Kind if kind not in ELSEWHERE and f"[{kind}]" not in seen] == []
