"""Findings for people and machines: text with the line and a caret, JSON, GitHub annotations."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence

from engine.errors import Problem, Severity
from engine.language.source import Lines

FORMATS = ("text", "json", "github")

_WIDEST = 120  # characters of a source line that are shown around the caret
_BEFORE = 60


def render(
    problems: Sequence[Problem],
    files: Mapping[str, str],
    format: str = "text",  # noqa: A002 - the name of the command line's option
    *,
    folder: str = "",
) -> str:
    """Return the findings in a format of `FORMATS`, ending with a line break.

    `files` are the texts that were loaded. `folder` is put before each path, so that the reader's
    editor finds the file.
    """
    prefix = f"{folder.rstrip('/')}/" if folder else ""
    ordered = sorted(problems)
    if format == "json":
        return _json(ordered, prefix)
    if format == "github":
        return "".join(_annotation(problem, prefix) for problem in ordered)
    lines = {path: Lines(files[path].removeprefix("\ufeff")) for path in _paths(ordered, files)}
    told = [_told(problem, lines.get(problem.path), prefix) for problem in ordered]
    return "".join(told) + count(ordered) + "\n"


def count(problems: Sequence[Problem]) -> str:
    """Return the last line: how many errors and warnings there are."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    parts = [_many(errors, "error")] * bool(errors) + [_many(warnings, "warning")] * bool(warnings)
    return ", ".join(parts) or "no problems"


def _many(number: int, word: str) -> str:
    return f"{number} {word}" + ("s" if number > 1 else "")


def _paths(problems: Sequence[Problem], files: Mapping[str, str]) -> set[str]:
    return {problem.path for problem in problems if problem.path in files}


# --- text -----------------------------------------------------------------------------------


def _told(problem: Problem, lines: Lines | None, prefix: str) -> str:
    warning = "warning: " if problem.severity is Severity.WARNING else ""
    head = (
        f"{prefix}{problem.path}:{problem.line}:{problem.column}: "
        f"{warning}{problem.message} [{problem.kind}]\n"
    )
    if lines is None or not lines.at(problem.line - 1):
        return head
    source, start = _window(lines.at(problem.line - 1), problem.column - 1)
    gutter = str(problem.line)
    before = source[:start]
    marked = source[start : start + max(1, problem.length)]
    caret = "^" + "~" * (_width(marked) - 1)
    return f"{head}  {gutter} | {source}\n  {' ' * len(gutter)} | {_padding(before)}{caret}\n"


def _window(line: str, column: int) -> tuple[str, int]:
    """Return what is shown of a line and where the column is in it; long lines are cut."""
    start = max(0, min(column - _BEFORE, len(line) - _WIDEST))
    cut = line[start : start + _WIDEST]
    shown = "".join(c if c == "\t" or c.isprintable() else "\ufffd" for c in cut)
    if start + _WIDEST < len(line):
        shown += "…"
    return ("…" + shown, column - start + 1) if start else (shown, column)


def _width(text: str) -> int:
    """Return how many columns a text takes on a terminal, at least 1."""
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return max(1, wide - sum(unicodedata.combining(c) > 0 for c in text))


def _padding(text: str) -> str:
    """Return blanks as wide as the text; tabs stay tabs."""
    padded = []
    for c in text:
        if c == "\t":
            padded.append(c)
        elif not unicodedata.combining(c):
            padded.append("  " if unicodedata.east_asian_width(c) in "WF" else " ")
    return "".join(padded)


# --- machines -------------------------------------------------------------------------------


def _json(problems: Sequence[Problem], prefix: str) -> str:
    found = [
        {
            "path": prefix + problem.path,
            "line": problem.line,
            "column": problem.column,
            "length": problem.length,
            "severity": problem.severity.value,
            "kind": str(problem.kind),
            "message": problem.message,
        }
        for problem in problems
    ]
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _annotation(problem: Problem, prefix: str) -> str:
    """Return one workflow command, which marks the line in the pull request."""
    place = {
        "file": prefix + problem.path,
        "line": str(problem.line),
        "col": str(problem.column),
        "endColumn": str(problem.column + problem.length),
        "title": str(problem.kind),
    }
    named = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in place.items())
    return f"::{problem.severity.value} {named}::{_escaped(problem.message)}\n"


def _escaped(text: str, more: str = "") -> str:
    """Return a text as a workflow command takes it."""
    for mark in "%\r\n" + more:
        text = text.replace(mark, f"%{ord(mark):02X}")
    return text
