"""The map that explains a recorded clickstream of any shape (CONTRACT.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import RecordingInvalid
from engine.events import STANDARD_EVENTS
from engine.language import moments, scalars
from engine.language.grammar import MAP, TIME
from engine.language.kinds import Kind
from engine.language.nodes import Node, ScalarNode, parse
from engine.language.reading import Enough, Fields, Names, Reading
from engine.language.report import render
from engine.language.words import quote, slip
from engine.model import Scalar

# What every row must have, from a column or as a constant.
REQUIRED = ("visitor", "at", "event")


@dataclass(frozen=True, slots=True)
class RecordingMap:
    """How to read one clickstream.

    `columns` maps our names to the file's, `events` the file's event names to ours, `pages` the
    file's event names to pages. `time_format` is iso, epoch_s, epoch_ms or auto; `zone` is that
    of times which name none.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, Scalar] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    time_format: str = "auto"
    zone: str = "UTC"


def load_map(text: str, path: str = "map.yaml") -> RecordingMap:
    """Read a map. Raises RecordingInvalid with every problem in it, each at its place.

    visitor, at and event come from columns of these names where the map does not say else.
    """
    document = parse(path, text)
    reading = Reading(Names())
    reading.problems.extend(document.problems)
    found = None
    try:
        if document.root is not None:
            found = _map(reading, document.root, complete=document.complete)
        elif document.complete:
            place = ScalarNode(path, 1, 1, 1, "", None, plain=True)
            reading.error(place, Kind.EMPTY, "this file is empty; expected columns:")
    except Enough:
        pass
    if found is None or reading.problems:
        raise RecordingInvalid(render(reading.problems, {path: text}).rstrip())
    return found


def _map(reading: Reading, root: Node, *, complete: bool) -> RecordingMap | None:
    fields = reading.fields(root, MAP, complete=complete)
    if fields is None:
        return None
    constants = _constants(reading, fields)
    columns = _columns(reading, fields)
    for name in REQUIRED:
        if name not in constants:
            columns.setdefault(name, name)
    time_format, zone = _time(reading, fields.get("time"))
    return RecordingMap(
        columns, constants, _events(reading, fields), _texts(reading, fields, "pages"),
        time_format, zone,
    )  # fmt: skip


def _columns(reading: Reading, fields: Fields) -> dict[str, str]:
    columns = _texts(reading, fields, "columns")
    theirs = set(columns.values())
    if columns and not columns.keys() & set(REQUIRED) and theirs & set(REQUIRED):
        reading.error(
            fields.values["columns"], Kind.BAD_VALUE,
            "these look the wrong way round; expected our name first, such as visitor: user_id",
        )  # fmt: skip
    return columns


def _texts(reading: Reading, fields: Fields, section: str) -> dict[str, str]:
    node = fields.get(section)
    if node is None:
        return {}
    found: dict[str, str] = {}
    for key, value in reading.entries(node, MAP.key(section).description) or ():
        text = scalars.text(reading, value)
        if text is not None:
            found[key.raw] = text
    return found


def _constants(reading: Reading, fields: Fields) -> dict[str, Scalar]:
    node = fields.get("constants")
    if node is None:
        return {}
    found: dict[str, Scalar] = {}
    for key, value in reading.entries(node, MAP.key("constants").description) or ():
        scalar = reading.scalar(value, "a value")
        if scalar is not None and scalar.value is not None:
            found[key.raw] = scalar.value
    return found


def _events(reading: Reading, fields: Fields) -> dict[str, str]:
    found = _texts(reading, fields, "events")
    node = fields.get("events")
    pairs = reading.entries(node, MAP.key("events").description) if found and node else ()
    for _, value in pairs or ():
        if not isinstance(value, ScalarNode) or value.raw in STANDARD_EVENTS:
            continue
        meant = slip(value.raw, STANDARD_EVENTS)
        if meant is not None:
            wrong = f"no event is called {quote(value.raw)}"
            reading.error(value, Kind.UNKNOWN_EVENT, f"{wrong}; did you mean {quote(meant)}?")
    return found


def _time(reading: Reading, node: Node | None) -> tuple[str, str]:
    fields = None if node is None else reading.fields(node, TIME)
    form, zone = None, None
    if fields is not None and (found := fields.get("format")) is not None:
        form = scalars.choice(reading, found, TIME.key("format").choices)
    if fields is not None and (found := fields.get("zone")) is not None:
        zone = moments.read_zone(reading, found)
    return form or "auto", zone or "UTC"
