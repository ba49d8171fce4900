"""One sent event after another: kept as the engine's Event, or rejected with a code.

A bad item never costs the others. Times are put right here: a browser's clock is not believed,
only the span between two of its readings; a server's is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import msgspec

from api.facts import LONGEST_ADDRESS, LONGEST_TEXT
from api.guard import printable, unguessable
from api.wire import parse_instant
from engine.clock import DAY, MINUTE, to_text
from engine.events import EVENT_KEYS
from engine.visitor.profile import Event

EVENT_BYTES = 32 * 1024
FIELDS = 64
DEPTH = 8  # the event itself is the first level
AHEAD = MINUTE  # further ahead of us, a browser's time is replaced and flagged
TRIGGERS_FOR = MINUTE  # an older browser event counts, but never brings a prompt
OLDEST = DAY  # an older browser event is refused

# Texts whose length a page does not choose: cut, where other long texts are refused.
_CUT = {"page": LONGEST_ADDRESS, "referrer": LONGEST_ADDRESS, "title": LONGEST_TEXT}

_encode = msgspec.json.Encoder().encode


class Rejected(Exception):
    """One item that is not taken."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose events these are. `lag` is what to add to a browser's times, ms."""

    browser: bool
    received: int
    lag: int
    page: str | None
    declared: Container[str]


@dataclass(slots=True)
class Items:
    """What became of a batch's items.

    `newest_sent` is the newest time that a kept item carried; `stale` says that every item with
    a usable time was too old to bring a prompt, and that there was one.
    """

    events: list[Event] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    flagged: list[dict[str, Any]] = field(default_factory=list)
    newest_sent: int | None = None
    stale: bool = False


def read_items(sent: Sequence[Any], sender: Sender, *, roomy: bool) -> Items:
    """Read every item. `roomy`: the body is so large that one event may be over its limit."""
    items = Items()
    old = recent = 0
    for index, item in enumerate(sent):
        try:
            fields = _own_fields(item, roomy=roomy)
            kind = _kind(item, sender)
            at, flag = _time(item, sender)
            if sender.received - at > TRIGGERS_FOR:
                old += 1
            else:
                recent += 1
            event = _event(item, kind, at, fields, sender)
        except Rejected as fault:
            items.rejected.append({"index": index, "code": fault.code, "detail": fault.detail})
            continue
        items.events.append(event)
        if flag:
            items.flagged.append({"index": index, "code": flag, "at": to_text(at)})
        if item.get("at") is not None and (items.newest_sent is None or at > items.newest_sent):
            items.newest_sent = at
    items.stale = sender.browser and old > 0 and recent == 0
    return items


def _event(
    item: dict[str, Any], kind: str, at: int, fields: dict[str, Any], sender: Sender
) -> Event:
    if sender.received - at > OLDEST and sender.browser:
        raise Rejected("too_old", "the event is more than 24 hours old")
    return Event(
        id=_id(item, sender),
        kind=kind,
        at=at,
        fields=fields,
        page=_cut(item, "page") or sender.page,
        session=None if sender.browser else _session(item),
        referrer=_cut(item, "referrer"),
        title=_cut(item, "title"),
    )


def _own_fields(item: Any, *, roomy: bool) -> dict[str, Any]:
    """Return the event's own fields, nulls left out, once the item is known to be in bounds."""
    if type(item) is not dict:
        raise Rejected("not_an_object", "an event must be an object, as {…}")
    if roomy and len(_encode(item)) > EVENT_BYTES:
        raise Rejected("event_too_large", f"an event must be at most {EVENT_BYTES // 1024} KiB")
    fields = {}
    for name, value in item.items():
        if type(value) is str:
            if len(value) > LONGEST_TEXT and name not in _CUT:
                raise _over_long()
        else:
            _check(value, 1)
        if value is not None and name not in EVENT_KEYS:
            fields[name] = value
            if len(name) > LONGEST_TEXT:
                raise _over_long()
    if len(fields) > FIELDS:
        raise Rejected("property_limit", f"an event must have at most {FIELDS} fields of its own")
    return fields


def _check(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is str:
        if len(value) > LONGEST_TEXT:
            raise _over_long()
    elif kind is dict or kind is list:
        if depth >= DEPTH:
            raise Rejected("event_too_deep", f"an event must not nest deeper than {DEPTH} levels")
        for inner in value.values() if kind is dict else value:
            _check(inner, depth + 1)


def _over_long() -> Rejected:
    detail = f"a text in an event must have at most {LONGEST_TEXT} characters"
    return Rejected("property_limit", detail)


def _kind(item: dict[str, Any], sender: Sender) -> str:
    kind = item.get("event")
    if type(kind) is not str or not kind:
        raise Rejected("bad_name", "event: the event's name is missing")
    if kind not in sender.declared:
        detail = f'event: "{kind[:64]}" is not declared; declare it under events: in site.yaml'
        raise Rejected("unknown_event", detail)
    return kind


def _id(item: dict[str, Any], sender: Sender) -> str:
    given = item.get("id")
    if given is None and not sender.browser:
        return uuid4().hex
    well_formed: Callable[[str], bool] = unguessable if sender.browser else printable
    if type(given) is not str or not well_formed(given):
        wanted = "a UUID" if sender.browser else "1 to 128 printable characters"
        raise Rejected("bad_id", f"id: must be {wanted}")
    return given


def _time(item: dict[str, Any], sender: Sender) -> tuple[int, str | None]:
    """Return when it happened (ms), and `future` where the time sent could not be believed."""
    text = item.get("at")
    if text is None:
        return sender.received, None
    try:
        at = parse_instant(text)
    except ValueError as fault:
        raise Rejected("bad_time", f"at: {fault}") from None
    if not sender.browser:
        return at, None
    at += sender.lag
    if at > sender.received:
        return sender.received, "future" if at > sender.received + AHEAD else None
    return at, None


def _text(item: dict[str, Any], name: str) -> str | None:
    value = item.get(name)
    if value is not None and type(value) is not str:
        raise Rejected("invalid_field", f"{name}: must be text")
    return value


def _cut(item: dict[str, Any], name: str) -> str | None:
    """Return a text that the page did not choose the length of: cut, never a reason to refuse."""
    text = _text(item, name)
    return text[: _CUT[name]] if text else None


def _session(item: dict[str, Any]) -> str | None:
    session = _text(item, "session")
    if session is not None and not printable(session):
        raise Rejected("invalid_field", "session: must be 1 to 128 printable characters")
    return session
