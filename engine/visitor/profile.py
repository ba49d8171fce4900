"""A visitor as it is stored: a bounded, sorted set of events, and what was shown and claimed.

`fold` adds events to the set. It is pure, and the order and the number of times in which events
arrive do not matter: the same set of events gives the same profile. (Where two copies of one id
carry different times, this holds as long as neither copy was dropped for its age meanwhile.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from engine.events import TEXT_FIELDS
from engine.visitor.text import as_text

FORMAT = 1


class Event(Struct, frozen=True, array_like=True, gc=False):
    """One thing that a visitor did. `at` is ms; `fields` are the event's own."""

    id: str
    kind: str
    at: int
    fields: dict[str, Any] = field(default_factory=dict)
    page: str | None = None
    session: str | None = None
    referrer: str | None = None
    title: str | None = None


class Exposure(Struct, frozen=True, array_like=True):
    """A prompt that was decided: reserved until `shown_at` or its lapse; `held` is silent."""

    decision_id: str
    rule: str | None
    variant: str | None
    at: int
    delay: int = 0  # ms
    shown_at: int | None = None
    held: str | None = None  # None, "site" or "rule": which holdout kept it silent
    trigger: str | None = None  # newest event id of the batch that asked
    answer: bytes | None = None  # the packed reply, while reserved


class Report(Struct, frozen=True, array_like=True):
    """What the page measured of itself, as sent: seconds and counts."""

    at: int
    values: dict[str, Any]


class Profile(Struct, array_like=True):
    """Everything held about one visitor. Treated as immutable: every change makes a new one."""

    format: int = FORMAT
    events: list[Event] = field(default_factory=list)  # sorted by (at, id)
    verified: dict[str, Any] = field(default_factory=dict)
    claimed: dict[str, Any] = field(default_factory=dict)
    exposures: list[Exposure] = field(default_factory=list)
    report: Report | None = None
    # cart_value and cart_items as pages reported them: name -> (instant, value)
    cart: dict[str, tuple[int, Any]] = field(default_factory=dict)
    consent: str = "full"
    browser: bool = False  # a browser has written
    answers: list[tuple[str, int, bytes]] = field(default_factory=list)  # key, at, reply


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Profile)


def pack(profile: Profile) -> bytes:
    """Return the profile as msgpack. Whole numbers beyond 64 bits become decimals."""
    try:
        return _encoder.encode(profile)
    except OverflowError:
        plain = msgspec.to_builtins(profile, builtin_types=(bytes,))
        return _encoder.encode(_storable(plain))


def unpack(packed: bytes) -> Profile:
    """Return the profile; ValueError where it is damaged or of a newer welltimed."""
    try:
        profile = _decoder.decode(packed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse_newer(_format_of(packed))
        raise ValueError(f"a stored visitor is damaged and cannot be read: {error}") from error
    _refuse_newer(profile.format)
    return profile


def _refuse_newer(format_: int) -> None:
    if format_ > FORMAT:
        raise ValueError(
            f"a visitor was stored in format {format_} by a newer welltimed; this one reads "
            f"formats up to {FORMAT}: upgrade it"
        )


def _format_of(packed: bytes) -> int:
    """Return what a value that is no profile says of its format; 0 where it says nothing."""
    try:
        raw = msgspec.msgpack.decode(packed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0
    return raw[0] if isinstance(raw, list) and raw and type(raw[0]) is int else 0


# --- adding ---------------------------------------------------------------------------------

_place = attrgetter("at", "id")


def fold(
    profile: Profile, events: Sequence[Event], *, keep: int, keep_events: int
) -> tuple[Profile, frozenset[str]]:
    """Add events to the set; return the new profile and the ids that were already held.

    Of two copies of an id the earlier time stays. Dropped are events `keep` ms older than the
    newest one or more, and of each kind all but the newest `keep_events`. An id that comes twice
    in `events` itself is not among the ids returned.
    """
    if not events:
        return profile, frozenset()
    fresh = [_canonical(event) for event in events]
    exposures = _confirmed(profile.exposures, fresh)
    held = profile.events
    ids = {event.id for event in held}
    if len(fresh) > 1:
        fresh.sort(key=_place)
    in_order = not held or _place(held[-1]) < _place(fresh[0])
    new_ids = {event.id for event in fresh}
    if in_order and len(new_ids) == len(fresh) and ids.isdisjoint(new_ids):
        merged, duplicates = held + fresh, frozenset[str]()
    else:
        merged, duplicates = _merge(held, fresh), frozenset(ids & new_ids)
    merged = _trim(merged, keep, keep_events)
    return replace(profile, events=merged, exposures=exposures), duplicates


def _merge(held: Sequence[Event], fresh: Sequence[Event]) -> list[Event]:
    by_id = {event.id: event for event in held}
    for event in fresh:
        other = by_id.get(event.id)
        if other is None or _precedes(event, other):
            by_id[event.id] = event
    return sorted(by_id.values(), key=_place)


def _precedes(event: Event, other: Event) -> bool:
    """Choose between two copies of an id, whichever came first: by time, then by content."""
    if event.at != other.at:
        return event.at < other.at
    return event != other and _encoder.encode(event) < _encoder.encode(other)


def _trim(events: list[Event], keep: int, keep_events: int) -> list[Event]:
    """Drop what is too old or too many; `events` is sorted."""
    oldest = events[-1].at - keep
    if events[0].at <= oldest:
        events = [event for event in events if event.at > oldest]
    if len(events) <= keep_events:
        return events
    surplus = {
        kind: count - keep_events
        for kind, count in Counter(event.kind for event in events).items()
        if count > keep_events
    }
    if not surplus:
        return events
    kept = []
    for event in events:
        if surplus.get(event.kind, 0) > 0:
            surplus[event.kind] -= 1
        else:
            kept.append(event)
    return kept


def _canonical(event: Event) -> Event:
    """Return the event with its always-text fields as text and numbers that can be stored."""
    changed = {}
    for name, value in event.fields.items():
        kind = type(value)
        if kind is str:
            continue
        if name in TEXT_FIELDS:
            changed[name] = as_text(value)
        elif kind is not float and kind is not bool:
            storable = _storable(value)
            if storable is not value:
                changed[name] = storable
    return replace(event, fields={**event.fields, **changed}) if changed else event


def _storable(value: Any) -> Any:
    """Return the value with whole numbers of more than 64 bits as the nearest decimal."""
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else _as_float(value)
    if isinstance(value, list | tuple):
        return [_storable(element) for element in value]
    if isinstance(value, dict):
        return {str(key): _storable(element) for key, element in value.items()}
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return 1.7976931348623157e308 if value > 0 else -1.7976931348623157e308


def _confirmed(exposures: list[Exposure], events: Sequence[Event]) -> list[Exposure]:
    """Return the exposures, with the earliest `prompt_shown` that names each as its showing."""
    if not exposures:
        return exposures
    shown: dict[str, int] = {}
    for event in events:
        if event.kind == "prompt_shown":
            decision = event.fields.get("decision_id")
            if isinstance(decision, str):
                shown[decision] = min(event.at, shown.get(decision, event.at))
    if not shown:
        return exposures
    return [_shown(exposure, shown.get(exposure.decision_id)) for exposure in exposures]


def _shown(exposure: Exposure, at: int | None) -> Exposure:
    if at is None or (exposure.shown_at is not None and exposure.shown_at <= at):
        return exposure
    return replace(exposure, shown_at=at)


CART_STATES = ("cart_value", "cart_items")


def with_report(profile: Profile, report: Report) -> Profile:
    """Take in what the page measured; the newest report stays (of equal times the later call).

    What it says about the cart is kept apart, for it outlives the page.
    """
    newest = profile.report is None or report.at >= profile.report.at
    cart = profile.cart
    for name in CART_STATES:
        value = report.values.get(name)
        if value is not None and (name not in cart or report.at >= cart[name][0]):
            cart = {**cart, name: (report.at, value)}
    return replace(profile, report=report if newest else profile.report, cart=cart)
