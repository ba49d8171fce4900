"""Values that a rule test states: what is given, what a page measured, what the desk reports.

Times are seconds, as in the page's own report; a duration such as `30 seconds` does as well.
"""

from __future__ import annotations

from typing import Any

from engine.clock import SECOND
from engine.events import (
    DESK_STATES,
    REPORTED_STATES,
    STANDARD_STATES,
    About,
    StateKind,
    StateType,
)
from engine.language import comparisons, scalars
from engine.language.conditions import state_name
from engine.language.kinds import Kind
from engine.language.nodes import ListNode, Node, ScalarNode
from engine.language.reading import Reading
from engine.language.words import did_you_mean, quote
from engine.model import Scalar

_ELSEWHERE = {
    About.PAGE: "a line with state: in the timeline",
    About.FORM: "a line with state: in the timeline",
    About.CHAT: "event: chat_started in the timeline",
}


def fact(reading: Reading, key: ScalarNode, node: Node) -> tuple[Any] | None:
    """Return a given fact in a tuple; (None,) states that it is unknown."""
    name = state_name(reading, key)
    if name is None:
        return None
    kind = STANDARD_STATES.get(name)
    if kind is not None and kind.about in _ELSEWHERE:
        reading.error(
            key, Kind.BAD_TEST,
            f"{quote(name)} cannot be given, as it changes by itself; expected "
            f"{_ELSEWHERE[kind.about]}",
        )  # fmt: skip
        return None
    if _is_null(node):
        return (None,)
    if kind is not None and kind.type is not StateType.GROUPS:
        value = _of_kind(reading, node, kind)
        return None if value is None else (value,)
    values = comparisons.read_values(reading, node, comparisons.of_state(name))
    if values is None:
        return None
    several = isinstance(node, ListNode) or kind is not None
    return (values if several else values[0],)


def measures(reading: Reading, node: Node) -> dict[str, Scalar] | None:
    """Return what a page measured."""
    found = _by_name(reading, node, REPORTED_STATES, "a page does not measure")
    if found is None:
        return None
    whole: dict[str, Scalar] = {k: v for k, v in found.items() if v is not None}
    return whole if len(whole) == len(found) else None


def desk(reading: Reading, node: Node) -> dict[str, Scalar | None] | None:
    """Return what the desk reports; None for what it does not know."""
    return _by_name(reading, node, DESK_STATES, "a desk does not report", null=True)


def _by_name(
    reading: Reading, node: Node, known: frozenset[str], wrong: str, *, null: bool = False
) -> dict[str, Scalar | None] | None:
    pairs = reading.entries(node, "states with their values, such as { free_slots: 0 }")
    if pairs is None:
        return None
    if not pairs:
        reading.error(node, Kind.EMPTY, "no state stands here; expected at least one")
    found: dict[str, Scalar | None] = {}
    for key, value in pairs:
        if key.raw not in known:
            hint = did_you_mean(key.raw, known)
            reading.error(key, Kind.UNKNOWN_STATE, f"{wrong} {quote(key.raw)}; {hint}")
        elif null and _is_null(value):
            found[key.raw] = None
        else:
            found[key.raw] = _of_kind(reading, value, STANDARD_STATES[key.raw])
    return found


def _of_kind(reading: Reading, node: Node, kind: StateKind) -> Scalar | None:
    match kind.type:
        case StateType.CLOCK | StateType.DURATION:
            return _seconds(reading, node)
        case StateType.NUMBER:
            return scalars.number(reading, node)
        case StateType.BOOLEAN:
            return scalars.boolean(reading, node)
        case _:
            values = comparisons.read_values(reading, node, comparisons.of_state(kind.name))
            return None if values is None else values[0]


def _seconds(reading: Reading, node: Node) -> float | int | None:
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        millis = scalars.duration(reading, node)
        if millis is None:
            return None
        return millis // SECOND if millis % SECOND == 0 else millis / SECOND
    found = scalars.number(reading, node, "seconds, such as 30")
    if found is not None and found < 0:
        reading.error(node, Kind.BAD_NUMBER, "a time is below 0; expected 0 seconds or more")
        return None
    return found


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None and node.raw == "null"
