"""site.yaml: the site itself, and everything that rules refer to by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from engine.events import EVENT_KEYS, STANDARD_EVENTS
from engine.globs import compile_glob
from engine.language import hours, moments, scalars, texts
from engine.language.audiences import audience
from engine.language.grammar import COOLDOWN, DEPARTMENT, IGNORED, OFFLINE, SITE, SITE_FILE
from engine.language.kinds import Kind
from engine.language.names import refer
from engine.language.nodes import Document, MapNode, Node, ScalarNode
from engine.language.reading import Fields, Reading, place
from engine.language.rules import is_nothing
from engine.language.suppressions import suppress
from engine.language.texts import Use
from engine.language.words import quote
from engine.model import (
    Audience,
    Cap,
    Cooldown,
    Offline,
    PageGroup,
    Schedule,
    Site,
    Suppression,
)

V = TypeVar("V")

_SECTIONS = ("page_groups", "audiences", "schedules", "departments", "events")
_MOST_KEPT = 100_000


@dataclass(slots=True)
class _About:
    """What the `site:` section says."""

    name: str = ""
    holdout: float = 0.0
    caps: tuple[Cap, ...] = ()
    cooldown: Cooldown = field(default_factory=Cooldown)


def site(reading: Reading, document: Document) -> Site | None:
    """Return the site; the names it defines are noted for whatever is read after it."""
    if document.root is None:
        return None
    fields = reading.fields(document.root, SITE_FILE, complete=document.complete)
    if fields is None:
        return None
    about = _about(reading, fields)
    reading.site_key = fields.keys.get("site", document.root)
    _register(reading, fields)
    events = _named(reading, fields, "events", _event)
    reading.names.events = {name: found for name, found in events.items() if found is not None}
    groups = _named(reading, fields, "page_groups", _page_group)
    audiences = _named(reading, fields, "audiences", audience)
    schedules = _named(reading, fields, "schedules", hours.schedule)
    departments = _named(reading, fields, "departments", _department)
    offline = _offline(reading, fields.get("offline"))
    return Site(
        name=about.name,
        time_zone=reading.zone,
        session_timeout=reading.session_timeout,
        holdout=about.holdout,
        caps=about.caps,
        cooldown=about.cooldown,
        keep=reading.keep,
        keep_events=reading.keep_events,
        page_groups=tuple(group for group in groups.values() if isinstance(group, PageGroup)),
        audiences={k: v for k, v in audiences.items() if isinstance(v, Audience)},
        schedules={k: v for k, v in schedules.items() if isinstance(v, Schedule)},
        departments={k: v[0] for k, v in departments.items() if v is not None},
        suppress=_suppress(reading, fields),
        events=reading.names.events,
        offline=offline,
    )


def _about(reading: Reading, file: Fields) -> _About:
    """Read the `site:` section; its settings bind whatever is read after it."""
    about = _About()
    node = file.get("site")
    fields = None if node is None else reading.fields(node, SITE)
    if fields is None:
        return about
    if (found := fields.get("name")) is not None:
        about.name = scalars.address_name(reading, found, "the site's name") or ""
    if (found := fields.get("time_zone")) is not None:
        reading.zone = moments.read_zone(reading, found) or "UTC"
    if (found := fields.get("session_timeout")) is not None:
        timeout = scalars.duration(reading, found, positive=True)
        reading.session_timeout = timeout or reading.session_timeout
    if (found := fields.get("keep")) is not None:
        reading.keep = scalars.duration(reading, found, positive=True) or reading.keep
    if (found := fields.get("keep_events")) is not None:
        reading.keep_events = scalars.whole(reading, found, 1, _MOST_KEPT) or reading.keep_events
    if (found := fields.get("holdout")) is not None:
        about.holdout = scalars.percentage(reading, found) or 0.0
    if (found := fields.get("caps")) is not None:
        about.caps = scalars.caps(reading, found)
    if (found := fields.get("cooldown")) is not None:
        about.cooldown = _cooldown(reading, found)
    return about


def _cooldown(reading: Reading, node: Node) -> Cooldown:
    fields = reading.fields(node, COOLDOWN)
    if fields is None:
        return Cooldown()

    def span(name: str) -> int | None:
        found = fields.get(name)
        return None if found is None else scalars.duration(reading, found)

    times = lasting = None
    ignored = fields.get("after_ignored")
    inner = None if ignored is None else reading.fields(ignored, IGNORED)
    if inner is not None and inner.has("times"):
        times = scalars.whole(reading, inner.values["times"], 1, 1_000)
    if inner is not None and inner.has("for"):
        lasting = scalars.duration(reading, inner.values["for"])
    return Cooldown(span("after_dismissal"), span("after_chat"), times, lasting)


def _register(reading: Reading, fields: Fields) -> None:
    """Note every name that is defined, also where its definition turns out to be wrong."""
    names = reading.names
    for section in _SECTIONS:
        node = fields.get(section)
        defined = [key.raw for key, _ in node.pairs] if isinstance(node, MapNode) else []
        if section == "events":
            names.events = dict.fromkeys(defined, ())
        else:
            getattr(names, section).update(defined)
    offline = fields.get("offline")
    reading.has_contact = isinstance(offline, MapNode) and any(
        key.raw == "contact" for key, _ in offline.pairs
    )


def _named(
    reading: Reading,
    fields: Fields,
    section: str,
    read: Callable[[Reading, ScalarNode, Node], V],
) -> dict[str, V]:
    """Read a section of named definitions."""
    node = fields.get(section)
    if node is None or is_nothing(node):
        return {}
    pairs = reading.entries(node, f"names, each with what it stands for ({section})")
    return {key.raw: read(reading, key, value) for key, value in pairs or ()}


def _page_group(reading: Reading, key: ScalarNode, node: Node) -> PageGroup | None:
    named = scalars.name(reading, key, "the name of a page group")
    globs: list[str] = []
    items = reading.one_or_more(node, "a glob such as **/checkout/**, or a list of globs")
    for item in items or ():
        found = reading.scalar(item, "a glob such as **/checkout/**")
        if found is None:
            continue
        try:
            compile_glob(found.raw)
        except ValueError as error:
            reading.error(found, Kind.BAD_GLOB, f"{quote(found.raw)} is not a glob; {error}")
        else:
            globs.append(found.raw)
    if named is None or not items or len(globs) < len(items):
        return None
    return PageGroup(key.raw, tuple(globs), place(key))


def _department(reading: Reading, key: ScalarNode, node: Node) -> tuple[str | None] | None:
    """Return the department's schedule in a tuple; (None,) where it keeps no hours of its own."""
    if scalars.address_name(reading, key, "the name of a department") is None:
        return None
    if is_nothing(node):
        return (None,)
    fields = reading.fields(node, DEPARTMENT)
    if fields is None:
        return None
    inner = fields.get("schedule")
    if inner is None:
        return (None,)
    found = reading.scalar(inner, "the name of a schedule")
    if found is None:
        return None
    schedule = refer(reading, found, reading.names.schedules, "schedule", "schedules:")
    return None if schedule is None else (schedule,)


def _event(reading: Reading, key: ScalarNode, node: Node) -> tuple[str, ...] | None:
    """Return the fields that a declared event may carry."""
    if scalars.name(reading, key, "the name of an event") is None:
        return None
    if key.raw in STANDARD_EVENTS:
        reading.error(
            key, Kind.DUPLICATE_NAME,
            f"{quote(key.raw)} is a standard event and needs no declaring; expected another name",
        )  # fmt: skip
        return None
    if is_nothing(node):
        return ()
    found: list[str] = []
    expected = "a list of field names, such as [code, amount] (or [] for none)"
    items = (
        reading.items(node, expected, empty=True) or ()
        if not isinstance(node, ScalarNode)
        else (node,)
    )
    for item in items:
        name = reading.scalar(item, expected)
        if name is None or scalars.name(reading, name, "the name of a field") is None:
            continue
        if name.raw in EVENT_KEYS:
            reading.error(
                name, Kind.BAD_NAME,
                f"every event has {quote(name.raw)} already; expected another name for a field",
            )  # fmt: skip
            continue
        found.append(name.raw)
    return tuple(dict.fromkeys(found))


def _suppress(reading: Reading, fields: Fields) -> tuple[Suppression, ...]:
    node = fields.get("suppress")
    return () if node is None or is_nothing(node) else suppress(reading, node)


def _offline(reading: Reading, node: Node | None) -> Offline:
    if node is None or is_nothing(node):
        return Offline()
    fields = reading.fields(node, OFFLINE)
    if fields is None:
        return Offline()
    message = contact = None
    if (found := fields.get("message")) is not None:
        message = texts.texts(reading, found, Use.OFFLINE)
    if (found := fields.get("contact")) is not None:
        contact = scalars.link(reading, found, ("https", "mailto", "tel"))
    return Offline(message or (), contact)
