"""Suppressions: the guardrails that no rule can override.

Beside `event:`, `where` is what it is everywhere in a suppression: the page now. An event that
is to be filtered by the page it happened on stands in `all: [ { event: …, where: … } ]`.
"""

from __future__ import annotations

from engine.language import conditions, expressions, scalars
from engine.language.grammar import SUPPRESSION, SUPPRESSION_OWN
from engine.language.kinds import Kind
from engine.language.names import refer
from engine.language.nodes import Node, ScalarNode
from engine.language.reading import Fields, Reading, place
from engine.language.words import quote
from engine.model import Suppression


def suppress(reading: Reading, node: Node) -> tuple[Suppression, ...]:
    """Return the suppressions, in order."""
    items = reading.items(node, "a list of suppressions", empty=True) or ()
    found: list[Suppression] = []
    seen: dict[str, ScalarNode] = {}
    for item in items:
        read = _suppression(reading, item, seen)
        if read is not None:
            found.append(read)
    return tuple(found)


def _suppression(reading: Reading, node: Node, seen: dict[str, ScalarNode]) -> Suppression | None:
    fields = reading.fields(node, SUPPRESSION)
    if fields is None:
        return None
    name = _name(reading, fields, seen)
    hidden = _hidden(reading, fields)
    ok = name is not None and hidden is not None
    where = who = outside = condition = None
    if fields.has("where"):
        where = expressions.groups(reading, fields.values["where"])
        ok = ok and where is not None
    if fields.has("who"):
        who = expressions.audiences(reading, fields.values["who"])
        ok = ok and who is not None
    if fields.has("outside"):
        outside = _schedule(reading, fields.values["outside"])
        ok = ok and outside is not None
    rest = _rest(fields)
    if rest.values:
        condition = conditions.from_fields(reading, rest)
        ok = ok and condition is not None
    if not (rest.values or fields.strangers or fields.values.keys() & {"where", "who", "outside"}):
        reading.error(
            node, Kind.BAD_CONDITION,
            "this suppression does not say when; expected where, who, outside or a condition",
        )  # fmt: skip
        return None
    if not ok or name is None or hidden is None:
        return None
    return Suppression(
        name, "prompt" in hidden, "widget" in hidden, where, who, outside, condition,
        place(fields.values["name"]),
    )  # fmt: skip


def _name(reading: Reading, fields: Fields, seen: dict[str, ScalarNode]) -> str | None:
    if not fields.has("name"):
        return None
    found = scalars.name(reading, fields.values["name"], "the name of a suppression")
    if found is None:
        return None
    first = seen.setdefault(found.raw, found)
    if first is not found:
        reading.error(
            found, Kind.DUPLICATE_NAME,
            f"the suppression {quote(found.raw)} exists already, on line {first.line}; expected "
            "another name",
        )  # fmt: skip
        return None
    return found.raw


def _hidden(reading: Reading, fields: Fields) -> tuple[str, ...] | None:
    if not fields.has("hide"):
        return None
    items = reading.one_or_more(fields.values["hide"], "prompt, widget, or a list of both")
    read = [scalars.choice(reading, item, ("prompt", "widget")) for item in items or ()]
    whole = tuple(word for word in read if word is not None)
    return whole if whole and len(whole) == len(read) else None


def _schedule(reading: Reading, node: Node) -> str | None:
    found = reading.scalar(node, "the name of a schedule")
    if found is None:
        return None
    return refer(reading, found, reading.names.schedules, "schedule", "schedules:")


def _rest(fields: Fields) -> Fields:
    """Return the keys of the condition that stands beside a suppression's own keys."""
    own = SUPPRESSION_OWN
    return Fields(
        fields.node,
        {name: key for name, key in fields.keys.items() if name not in own},
        {name: value for name, value in fields.values.items() if name not in own},
        strangers=fields.strangers,
    )
