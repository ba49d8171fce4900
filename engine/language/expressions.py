"""Name expressions: a name, a list (any of them), `{ not: X }`, `{ all: […] }`, `{ any: […] }`.

`where` and `who` take them, of page groups and of audiences.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.language.grammar import NAMES
from engine.language.kinds import Kind
from engine.language.names import refer
from engine.language.nodes import ListNode, MapNode, Node, ScalarNode
from engine.language.reading import Reading
from engine.language.words import quote
from engine.model import AllOf, AnyOf, Condition, InAudience, InGroup, Not

Leaf = Callable[[ScalarNode], Condition | None]


def groups(reading: Reading, node: Node) -> Condition | None:
    """Return a condition on the page's groups."""

    def leaf(name: ScalarNode) -> Condition | None:
        if name.raw.startswith(("/", "*", "http")) and name.raw not in reading.names.page_groups:
            reading.error(
                name, Kind.UNKNOWN_NAME,
                f"{quote(name.raw)} is a path; expected the name of a page group, with the path "
                "under page_groups: in site.yaml",
            )  # fmt: skip
            return None
        group = refer(reading, name, reading.names.page_groups, "page group", "page_groups:")
        return None if group is None else InGroup(group)

    return _expression(reading, node, leaf, "a page group, or a list of them")


def audiences(reading: Reading, node: Node) -> Condition | None:
    """Return a condition on the visitor's audiences."""

    def leaf(name: ScalarNode) -> Condition | None:
        audience = refer(reading, name, reading.names.audiences, "audience", "audiences:")
        return None if audience is None else InAudience(audience)

    return _expression(reading, node, leaf, "an audience, or a list of them")


def _expression(reading: Reading, node: Node, leaf: Leaf, expected: str) -> Condition | None:
    if isinstance(node, ListNode):
        parts = _parts(reading, node, leaf, expected)
        return None if parts is None else parts[0] if len(parts) == 1 else AnyOf(parts)
    if not isinstance(node, MapNode):
        name = reading.scalar(node, expected)
        return None if name is None else leaf(name)
    fields = reading.fields(node, NAMES)
    if fields is None:
        return None
    if len(fields.values) != 1:
        if len(fields.values) > 1 or not node.pairs:
            reading.error(
                node, Kind.BAD_CONDITION,
                "one of not, all and any belongs here; expected exactly one of them in { }",
            )  # fmt: skip
        return None
    ((word, inner),) = fields.values.items()
    if word == "not":
        part = _expression(reading, inner, leaf, expected)
        return None if part is None else Not(part)
    parts = _parts(reading, inner, leaf, f"a list of names, such as {word}: [one, another]")
    if parts is None:
        return None
    return AllOf(parts) if word == "all" else AnyOf(parts)


def _parts(reading: Reading, node: Node, leaf: Leaf, expected: str) -> tuple[Condition, ...] | None:
    items = reading.items(node, expected)
    if items is None:
        return None
    read = [_expression(reading, item, leaf, expected) for item in items]
    whole = tuple(part for part in read if part is not None)
    return whole if len(whole) == len(read) else None
