"""Audiences, and other facts about a visit or a visitor."""

from __future__ import annotations

from engine.events import STANDARD_STATES, About
from engine.language import comparisons, scalars
from engine.language.conditions import state_name
from engine.language.kinds import Kind
from engine.language.nodes import Node, ScalarNode
from engine.language.reading import Reading, place
from engine.language.words import quote
from engine.model import AllOf, Audience, Condition, StateIs

_LASTING = (About.VISIT, About.VISITOR)


def audience(reading: Reading, key: ScalarNode, node: Node) -> Audience | None:
    """Return one named audience: facts of which all hold."""
    named = scalars.name(reading, key, "the name of an audience")
    pairs = reading.entries(node, "facts such as { logged_in: true, plan: trial }")
    if pairs is None:
        return None
    if not pairs:
        reading.error(
            node, Kind.EMPTY, "no fact stands here; expected one, such as logged_in: true"
        )
        return None
    read = [_fact(reading, name, value) for name, value in pairs]
    parts = tuple(part for part in read if part is not None)
    if len(parts) < len(read) or named is None:
        return None
    return Audience(key.raw, parts[0] if len(parts) == 1 else AllOf(parts), place(key))


def _fact(reading: Reading, key: ScalarNode, node: Node) -> Condition | None:
    name = state_name(reading, key)
    if name is None:
        return None
    kind = STANDARD_STATES.get(name)
    if kind is not None and kind.about not in _LASTING:
        what = f"the {kind.about.value}" if kind.about is not About.CHAT else "a chat"
        reading.error(
            key, Kind.BAD_AUDIENCE,
            f"{quote(name)} is about {what}, and an audience is about the visit and the visitor; "
            "expected it in when:, unless: or suppress:",
        )  # fmt: skip
        return None
    compare = comparisons.comparison(reading, node, comparisons.of_state(name), fact=True)
    return None if compare is None else StateIs(name, compare)
