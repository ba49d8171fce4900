"""The names that a folder defines, and whether what refers to them exists."""

from __future__ import annotations

from collections.abc import Iterable

from engine.events import EVENT_KEYS, STANDARD_EVENTS
from engine.language.kinds import Kind
from engine.language.nodes import ScalarNode
from engine.language.reading import Reading
from engine.language.words import did_you_mean, guess, quote, slip

# What GA4, Segment and Snowplow call our standard events: for did-you-mean only.
_ELSEWHERE = {
    "view_item": "product_view",
    "product viewed": "product_view",
    "view_cart": "cart_view",
    "cart viewed": "cart_view",
    "product added": "add_to_cart",
    "product removed": "remove_from_cart",
    "begin_checkout": "checkout_started",
    "checkout started": "checkout_started",
    "order completed": "purchase",
    "products searched": "search",
    "view_search_results": "search",
    "sign_up": "signup",
    "signed up": "signup",
    "signed in": "login",
    "form_start": "form_started",
    "form_submit": "form_submitted",
    "page": "page_view",
    "page viewed": "page_view",
    "pageview": "page_view",
    "click": "link_click",
}


def refer(
    reading: Reading, node: ScalarNode, known: Iterable[str], what: str, where: str
) -> str | None:
    """Return a name that must be defined; `where` says under which key such names are."""
    name = node.raw
    if name in known or not reading.names.complete:
        return name
    known = sorted(known)
    hint = did_you_mean(name, known, f"expected one that is defined under {where}")
    if known and not hint.startswith("did you mean"):
        hint += f", or another defined under {where}"
    reading.error(node, Kind.UNKNOWN_NAME, f"unknown {what} {quote(name)}; {hint}")
    return None


def event_name(reading: Reading, node: ScalarNode) -> str | None:
    """Return the name of a standard or declared event."""
    name, declared = node.raw, reading.names.events
    if name in STANDARD_EVENTS or name in declared or not reading.names.complete:
        return name
    meant = _ELSEWHERE.get(name.casefold()) or guess(name, [*STANDARD_EVENTS, *declared])
    hint = f"did you mean {quote(meant)}?" if meant else "expected a standard event, or"
    tail = "" if meant else f" {quote(name)} declared under events: in site.yaml"
    reading.error(node, Kind.UNKNOWN_EVENT, f"unknown event {quote(name)}; {hint}{tail}")
    return None


def field_name(reading: Reading, node: ScalarNode, event: str | None) -> str | None:
    """Return the name of a field that an event may carry.

    A declared event has the fields that it declares. A site may send more with a standard one,
    so there only what looks like a misspelling is refused.
    """
    name = node.raw
    if name in EVENT_KEYS:
        other = "where, with a page group" if name == "page" else "a field of the event"
        reading.error(
            node, Kind.UNKNOWN_FIELD, f"{quote(name)} is not a field of its own; expected {other}"
        )
        return None
    if event is None:
        return name
    if event in reading.names.events:
        fields = reading.names.events[event]
        if name in fields or not reading.names.complete:
            return name
        none = "expected none, as it declares none"
        hint = did_you_mean(name, fields, none)
    else:
        meant = slip(name, STANDARD_EVENTS[event].fields) if event in STANDARD_EVENTS else None
        if meant is None:
            return name
        hint = f"did you mean {quote(meant)}?"
    reading.error(node, Kind.UNKNOWN_FIELD, f"{quote(event)} has no field {quote(name)}; {hint}")
    return None
