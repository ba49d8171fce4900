"""Everything that can go wrong, in one tree.

    WelltimedError            base of all of ours; its text is fit for a person
    ├── RulesInvalid          a rules folder has errors; carries its problems
    ├── SettingsInvalid       a flag, environment variable or settings file is wrong
    ├── RecordingInvalid      a recorded clickstream or its map cannot be read
    └── StoreUnavailable      the store did not answer, or is not fit to be used

A `Problem` is one finding in a YAML file: the only way that the language reports anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Errors refuse the folder; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding in a rules folder.

    `path` is relative to the folder; `line` and `column` count from 1; `length` is the number
    of characters to underline; `kind` is a heading in docs/kinds.md.
    """

    path: str
    line: int
    column: int
    kind: str
    message: str
    severity: Severity = Severity.ERROR
    length: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message} [{self.kind}]"


class WelltimedError(Exception):
    """Base class; `str()` of any of these is one clear sentence."""


class RulesInvalid(WelltimedError):
    """A rules folder was refused; `problems` says why, sorted by position."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)) or "the rules folder was refused")


class SettingsInvalid(WelltimedError):
    """A setting is unknown or has a value that cannot be used."""


class RecordingInvalid(WelltimedError):
    """A recorded clickstream, or the map that explains it, cannot be read."""


class StoreUnavailable(WelltimedError):
    """The store could not be reached or refused; nothing was written."""
