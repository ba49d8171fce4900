"""Rules files: a list of rules."""

from __future__ import annotations

from typing import NamedTuple

from engine.language import conditions, expressions, moments, scalars, show
from engine.language.grammar import ACTIVE, RULE, RULES_FILE
from engine.language.kinds import Kind
from engine.language.names import refer
from engine.language.nodes import Document, MapNode, Node, ScalarNode
from engine.language.reading import Fields, Reading, place
from engine.language.words import quote
from engine.model import Active, Cap, Condition, Mode, Rule


def items(reading: Reading, document: Document) -> tuple[Node, ...]:
    """Return the rules of a file, not yet read."""
    if document.root is None:
        return ()
    fields = reading.fields(document.root, RULES_FILE, complete=document.complete)
    if fields is None or not fields.has("rules") or is_nothing(fields.values["rules"]):
        return ()
    return reading.items(fields.values["rules"], "a list of rules", empty=True) or ()


def is_nothing(node: Node) -> bool:
    """Say whether a section is there with nothing in it, which is the same as leaving it out."""
    return isinstance(node, ScalarNode) and node.plain and not node.raw


def register(reading: Reading, nodes: tuple[Node, ...]) -> None:
    """Note the ids of all rules, so that tests may refer to them; each stands once."""
    seen: dict[str, ScalarNode] = {}
    for node in nodes:
        for key, value in node.pairs if isinstance(node, MapNode) else ():
            if key.raw != "rule" or not isinstance(value, ScalarNode):
                continue
            first = seen.setdefault(value.raw, value)
            if first is not value:
                reading.error(
                    value, Kind.DUPLICATE_NAME,
                    f"the rule {quote(value.raw)} exists already, in {first.path} on line "
                    f"{first.line}; expected another id",
                )  # fmt: skip
    reading.names.rules = dict.fromkeys(seen, ())


class _Parts(NamedTuple):
    """The conditions of a rule; `ok` is False where one could not be read."""

    ok: bool
    when: Condition | None
    where: Condition | None
    who: Condition | None
    unless: Condition | None


def rule(reading: Reading, node: Node) -> Rule | None:
    """Return one rule."""
    fields = reading.fields(node, RULE)
    if fields is None:
        return None
    found = scalars.rule_id(reading, fields.values["rule"]) if fields.has("rule") else None
    parts = _parts(reading, fields)
    variants = show.variants(reading, fields.values["show"]) if fields.has("show") else None
    if found is not None and variants is not None:
        named = tuple(variant.name for variant in variants if variant.name)
        reading.names.rules[found.raw] = named
    made = Rule(
        id=found.raw if found else "",
        variants=variants or (),
        when=parts.when,
        where=parts.where,
        who=parts.who,
        unless=parts.unless,
        during=_named(reading, fields, "during"),
        department=_named(reading, fields, "department") or "default",
        mode=_mode(reading, fields),
        active=_active(reading, fields),
        priority=_priority(reading, fields),
        limits=_limits(reading, fields),
        rollout=_percentage(reading, fields, "rollout", 100.0),
        holdout=_percentage(reading, fields, "holdout", 0.0),
        description=_words(reading, fields, "description"),
        owner=_words(reading, fields, "owner"),
        place=place(found or node),
    )
    return made if found is not None and parts.ok and variants is not None else None


def _parts(reading: Reading, fields: Fields) -> _Parts:
    readers = {
        "when": conditions.condition,
        "where": expressions.groups,
        "who": expressions.audiences,
        "unless": conditions.condition,
    }
    read = {
        name: reader(reading, fields.values[name])
        for name, reader in readers.items()
        if fields.has(name)
    }
    ok = None not in read.values()
    return _Parts(ok, *(read.get(name) for name in readers))


def _named(reading: Reading, fields: Fields, word: str) -> str | None:
    """Return the schedule or department that a rule names."""
    node = fields.get(word)
    if node is None:
        return None
    names = reading.names
    what, known = ("schedule", names.schedules)
    if word == "department":
        what, known = "department", names.departments
    found = reading.scalar(node, f"the name of a {what}")
    return None if found is None else refer(reading, found, known, what, f"{what}s:")


def _mode(reading: Reading, fields: Fields) -> Mode:
    node = fields.get("mode")
    word = None if node is None else scalars.choice(reading, node, [mode.value for mode in Mode])
    return Mode.LIVE if word is None else Mode(word)


def _priority(reading: Reading, fields: Fields) -> int:
    node = fields.get("priority")
    found = None if node is None else scalars.whole(reading, node, 1, 100)
    return 50 if found is None else found


def _limits(reading: Reading, fields: Fields) -> tuple[Cap, ...]:
    node = fields.get("limit")
    return () if node is None else scalars.caps(reading, node)


def _percentage(reading: Reading, fields: Fields, word: str, default: float) -> float:
    node = fields.get(word)
    found = None if node is None else scalars.percentage(reading, node)
    return default if found is None else found


def _words(reading: Reading, fields: Fields, word: str) -> str:
    node = fields.get(word)
    return "" if node is None else scalars.text(reading, node) or ""


def _active(reading: Reading, fields: Fields) -> Active | None:
    node = fields.get("active")
    inner = None if node is None else reading.fields(node, ACTIVE)
    if node is None or inner is None:
        return None
    if not inner.values and isinstance(node, MapNode) and not node.pairs:
        reading.error(node, Kind.EMPTY, "no date stands here; expected from, until or both")
    since = until = None
    if (start := inner.get("from")) is not None:
        moment = moments.read_moment(reading, start)
        since = moment and moments.instant(moment.wall, reading.zone)
    if (end := inner.get("until")) is not None:
        moment = moments.read_moment(reading, end)
        if moment is not None and moment.whole_day:  # the last day is still inside
            following = moments.next_day(moment.wall)
            until = moments.instant(following, reading.zone)
        elif moment is not None:
            until = moments.instant(moment.wall, reading.zone, later=True)
    if since is not None and until is not None and since >= until and end is not None:
        reading.error(
            end, Kind.BAD_DATE, "this is not after from; expected a later date, or from before it"
        )
    return Active(since, until)
