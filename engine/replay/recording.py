"""Recorded clickstreams: JSONL or CSV, plain or gzip, in our own shape or explained by a map.

A row that cannot be read is a `BadRow` with its line number, never silently dropped.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from engine.errors import RecordingInvalid
from engine.language.recording import RecordingMap
from engine.language.words import did_you_mean, quote
from engine.replay.rows import Refused, Row, RowReader

MAX_LINE = 1 << 20  # characters; a longer line is a bad row, not a memory problem

_NEEDED = ("visitor", "at", "event")
_CSV_SUFFIXES = frozenset({".csv", ".tsv"})
_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
_DELIMITERS = ",;\t"
# How files begin that are no text that we read.
_FOREIGN = (
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"PK\x03\x04", "a zip archive; unpack it, or pack the file with gzip"),
    (b"PAR1", "a Parquet file; write it out as CSV or JSONL"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it, or pack it with gzip"),
)
_NOT_UTF8 = re.compile("[\udc80-\udcff]")

_json = msgspec.json.Decoder().decode

Raw = tuple[int, Mapping[str, Any] | Refused]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    path: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.why}"


def read_all(
    paths: Sequence[Path], how: RecordingMap | None = None, *, trust_sessions: bool = False
) -> Iterator[Row | BadRow]:
    """Read several files, one after the other. Raises RecordingInvalid as `read` does."""
    number = 0
    for path in paths:
        for item in read(path, how, first=number, trust_sessions=trust_sessions):
            number += 1
            yield item


def read(
    path: Path, how: RecordingMap | None = None, *, first: int = 0, trust_sessions: bool = False
) -> Iterator[Row | BadRow]:
    """Read one file. `first` numbers rows on across files, so that their order breaks ties.

    Raises RecordingInvalid when the file itself cannot be read.
    """
    number = first
    try:
        with _open(path) as text:
            lines = _Lines(text)
            tabular = _is_tabular(path, lines)
            reader = RowReader(how, typed=tabular, trust_sessions=trust_sessions)
            for line, raw in _table(path, lines, how) if tabular else _objects(lines):
                number += 1
                try:
                    if isinstance(raw, Refused):
                        raise raw
                    yield reader.read(raw, number, line)
                except Refused as refusal:
                    yield BadRow(path.name, line, str(refusal))
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingInvalid(f"{path} cannot be read: {_in_words(error)}") from None


def _in_words(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it is cut off in the middle of its gzip data; fetch it again"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return f"its gzip data is damaged ({error}); fetch it again"
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or str(error)).lower()


def _open(path: Path) -> IO[str]:
    raw = path.open("rb")
    start = raw.peek(4)[:4]
    for magic, what in _FOREIGN:
        if start.startswith(magic):
            raw.close()
            raise RecordingInvalid(f"{path} cannot be read: it is {what}")
    zipped = start.startswith(b"\x1f\x8b")
    data = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw
    # Bytes that are not UTF-8 become lone surrogates, so that they cost their own row alone.
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline="")


class _Lines:
    """The lines of a file, each cut at MAX_LINE.

    The first line that says something may be looked at before it is taken.
    """

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._ahead: list[tuple[str, bool]] = []
        self._cut = False

    def __iter__(self) -> Iterator[str]:
        while True:
            line, cut = self._ahead.pop(0) if self._ahead else self._next()
            if not line:
                return
            self._cut = self._cut or cut
            yield line

    def peek(self) -> str:
        """Return the first line that is not blank, or an empty text."""
        while not self._ahead or not self._ahead[-1][0].strip():
            line, cut = self._next()
            if not line:
                return ""
            self._ahead.append((line, cut))
        return self._ahead[-1][0]

    def was_cut(self) -> bool:
        """Say whether one of the lines taken since the last call was longer than it may be."""
        cut, self._cut = self._cut, False
        return cut

    def _next(self) -> tuple[str, bool]:
        line = rest = self._text.readline(MAX_LINE)
        cut = False
        while len(rest) == MAX_LINE and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(MAX_LINE)
            cut = cut or bool(rest)
        return line, cut


def _is_tabular(path: Path, lines: _Lines) -> bool:
    """Tell CSV from JSONL: by the file's name, else by how it begins."""
    names = {part.lower() for part in path.suffixes}
    if names & _CSV_SUFFIXES:
        return True
    if names & _JSON_SUFFIXES:
        return False
    start = lines.peek().lstrip()
    return bool(start) and not start.startswith(("{", "["))


# --- JSONL ----------------------------------------------------------------------------------


def _objects(lines: _Lines) -> Iterator[Raw]:
    for line, content in enumerate(lines, start=1):
        if lines.was_cut():
            yield line, _too_long()
        elif content.strip():
            yield line, _object(content)


def _too_long() -> Refused:
    return Refused(f"the line is longer than {MAX_LINE:,} characters")


def _object(content: str) -> Mapping[str, Any] | Refused:
    if not content.isascii() and _NOT_UTF8.search(content):
        return Refused("not UTF-8")
    try:
        record = _json(content)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        told = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        return Refused(f"not JSON: {told}")
    if not isinstance(record, dict):
        return Refused("not a JSON object; each line is one event in { }")
    return record


# --- CSV ------------------------------------------------------------------------------------


def _table(path: Path, lines: _Lines, how: RecordingMap | None) -> Iterator[Raw]:
    first = lines.peek()
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(iter(lines), delimiter=delimiter)
    header = next((cells for cells in reader if cells), None)
    if header is None:
        raise RecordingInvalid(f"{path} is empty; a CSV file starts with the names of its columns")
    header = [name.strip() for name in header]
    _check_columns(path, header, how)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield line, _too_long() if lines.was_cut() else Refused(f"not CSV: {error}")
            continue
        if cells is None:
            return
        if cells:
            yield line, _cells(cells, header, lines, reader.line_num - line)


def _cells(
    cells: list[str], header: list[str], lines: _Lines, more: int
) -> Mapping[str, str] | Refused:
    if lines.was_cut():
        return _too_long()
    if len(cells) != len(header):
        runs_on = f" and runs on for {more:,} more lines; is a quote not closed?" if more else ""
        return Refused(
            f"the row has {len(cells)} cells where the header has {len(header)}{runs_on}"
        )
    if not all(map(str.isascii, cells)) and any(map(_NOT_UTF8.search, cells)):
        return Refused("not UTF-8")
    return dict(zip(header, cells, strict=True))


def _check_columns(path: Path, header: list[str], how: RecordingMap | None) -> None:
    """Refuse a file whose columns are not those that are asked for: every row would be bad."""
    wanted = how.columns if how is not None else {name: name for name in _NEEDED}
    for ours, theirs in wanted.items():
        if theirs not in header:
            told = "the map takes" if how else "every row needs"
            source = f"{quote(ours)} from a column {quote(theirs)}" if how else quote(ours)
            hint = did_you_mean(theirs, header)
            more = "" if how else "; a --map says which column holds what"
            raise RecordingInvalid(f"{path}: {told} {source}, and there is none: {hint}{more}")
        if header.count(theirs) > 1:
            raise RecordingInvalid(f"{path}: two columns are called {quote(theirs)}")
