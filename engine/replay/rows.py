"""One recorded row: a mapping of names to values becomes an event, or is refused with a reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.events import EVENT_KEYS, TEXT_FIELDS
from engine.language.recording import RecordingMap
from engine.replay.instants import instant, zone_of
from engine.visitor.profile import Event
from engine.visitor.text import as_text

_NOT_FIELDS = EVENT_KEYS | {"visitor"}
_ALWAYS_TEXT = TEXT_FIELDS | _NOT_FIELDS
_ABSENT = (None, "")

# The same restricted scalars as in YAML: 012 and 1e5 stay text.
_SCALAR = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?\Z")


class Refused(Exception):
    """Why one row cannot be used."""


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded event and whose it is; `line` counts from 1 in its file."""

    visitor: str
    event: Event
    line: int


class RowReader:
    """Reads the rows of one file.

    `typed` says that the file has texts only (CSV), so that numbers and true/false among them
    are read as such. Session names are believed only under `trust_sessions`.
    """

    def __init__(
        self, how: RecordingMap | None, *, typed: bool = False, trust_sessions: bool = False
    ) -> None:
        self._how = how
        self._typed = typed
        self._trust_sessions = trust_sessions
        self._form = how.time_format if how else "auto"
        self._zone = zone_of(how.zone if how else "UTC")

    def read(self, raw: Mapping[str, Any], number: int, line: int) -> Row:
        """Return the row as an event; `number` orders rows without an id. Raises Refused."""
        how = self._how
        record = self._own_shape(raw) if how is None else self._mapped(raw, how)
        visitor, kind = self._required(record, "visitor"), self._required(record, "event")
        page = record.get("page")
        if how is not None:
            page = how.pages.get(kind, page)
            kind = how.events.get(kind, kind)
        session = record.get("session") if self._trust_sessions else None
        own_id = record.get("id")
        event = Event(
            id=f"row-{number:012d}" if own_id in _ABSENT else str(as_text(own_id)),
            kind=kind,
            at=self._instant(record),
            fields=_fields(record),
            page=_text(page),
            session=_text(session),
            referrer=_text(record.get("referrer")),
            title=_text(record.get("title")),
        )
        return Row(visitor, event, line)

    def _instant(self, record: Mapping[str, Any]) -> int:
        at = record.get("at")
        if at in _ABSENT:
            raise self._missing("at")
        try:
            return instant(at, self._form, self._zone)
        except ValueError as error:
            raise Refused(str(error)) from None

    def _required(self, record: Mapping[str, Any], name: str) -> str:
        value = record.get(name)
        if value is None or isinstance(value, dict | list | bool):
            raise self._missing(name)
        text = str(as_text(value)).strip()
        if not text:
            raise self._missing(name)
        return text

    def _missing(self, name: str) -> Refused:
        column = self._how.columns.get(name, name) if self._how else name
        place = f' in the column "{column}"' if column != name else ""
        return Refused(f'no "{name}"{place}; every row needs visitor, at and event')

    def _own_shape(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self._typed:
            return raw
        return {name: _scalar(name, text) for name, text in raw.items() if text != ""}

    def _mapped(self, raw: Mapping[str, Any], how: RecordingMap) -> Mapping[str, Any]:
        """Rename columns; a constant stands where its column says nothing."""
        record: dict[str, Any] = dict(how.constants)
        for ours, theirs in how.columns.items():
            found: Any = raw.get(theirs)
            if found is None and "." in theirs:
                found = _inside(raw, theirs)
            if found not in _ABSENT:
                record[ours] = _scalar(ours, found) if self._typed else found
        return record


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in record.items()
        if name not in _NOT_FIELDS and value is not None
    }


def _inside(raw: Mapping[str, Any], path: str) -> Any:
    """Follow a dotted name into nested objects."""
    found: Any = raw
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _text(value: Any) -> str | None:
    if value in _ABSENT or isinstance(value, dict | list | bool):
        return None
    return str(as_text(value))


def _scalar(name: str, text: str) -> Any:
    """Read a cell; what is always text stays as it was written: 1.50 is no 1.5."""
    if name in _ALWAYS_TEXT:
        return text
    if text in ("true", "false"):
        return text == "true"
    if not _SCALAR.match(text):
        return text
    return float(text) if "." in text else int(text)
