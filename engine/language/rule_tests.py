"""Tests beside the rules: what is given, what happens, what must be decided."""

from __future__ import annotations

from typing import Any

from engine.clock import SECOND
from engine.events import TEXT_FIELDS
from engine.language import moments, scalars
from engine.language.comparisons import as_text
from engine.language.facts import desk, fact, measures
from engine.language.grammar import BUCKET_NAMES, EXPECT, LINE, TEST, TESTS_FILE, VISITOR
from engine.language.kinds import Kind
from engine.language.names import event_name, field_name, refer
from engine.language.nodes import Document, ListNode, MapNode, Node, ScalarNode
from engine.language.reading import Fields, Reading, place
from engine.language.rules import is_nothing
from engine.language.words import did_you_mean, listed, quote, slip
from engine.model import Expectation, RuleTest, Scalar, TimelineLine

_MOST_BUCKETS = 10_000
_BESIDE_EVENT = ("page", "session", "referrer", "title", "id")
_PROMPT_EVENTS = ("prompt_shown", "prompt_accepted", "prompt_dismissed")


def rule_tests(reading: Reading, document: Document) -> tuple[RuleTest, ...]:
    """Return the tests of a file."""
    if document.root is None:
        return ()
    fields = reading.fields(document.root, TESTS_FILE, complete=document.complete)
    if fields is None or not fields.has("tests") or is_nothing(fields.values["tests"]):
        return ()
    items = reading.items(fields.values["tests"], "a list of tests", empty=True) or ()
    read = [_test(reading, item) for item in items]
    return tuple(test for test in read if test is not None)


def _test(reading: Reading, node: Node) -> RuleTest | None:
    fields = reading.fields(node, TEST)
    if fields is None:
        return None
    name = scalars.text(reading, fields.values["test"]) if fields.has("test") else None
    start = moments.read_moment(reading, fields.values["start"]) if fields.has("start") else None
    given: dict[str, Any] = {}
    for key, value in _pairs(reading, fields, "given", "facts such as { logged_in: true }"):
        _given(reading, key, value, given)
    lines = [_line(reading, item) for item in _listed(reading, fields, "timeline", "of lines")]
    expect = [_expect(reading, item) for item in _listed(reading, fields, "expect", "of lines")]
    if fields.has("expect") and isinstance(fields.values["expect"], ListNode) and not expect:
        reading.error(
            fields.values["expect"], Kind.EMPTY,
            "nothing is expected; expected at least one line, such as { at: 0s, decision: hold }",
        )  # fmt: skip
    if name is None or start is None or not expect or None in lines or None in expect:
        return None
    return RuleTest(
        name=name,
        start=moments.instant(start.wall, reading.zone),
        timeline=tuple(line for line in lines if line is not None),
        expect=tuple(line for line in expect if line is not None),
        given=given,
        buckets=_buckets(reading, fields.get("visitor")),
        place=place(fields.values["test"]),
    )


def _pairs(
    reading: Reading, fields: Fields, name: str, expected: str
) -> tuple[tuple[ScalarNode, Node], ...]:
    node = fields.get(name)
    if node is None or is_nothing(node):
        return ()
    return reading.entries(node, expected) or ()


def _listed(reading: Reading, fields: Fields, name: str, what: str) -> tuple[Node, ...]:
    node = fields.get(name)
    if node is None or is_nothing(node):
        return ()
    return reading.items(node, f"a list {what}", empty=True) or ()


def _given(reading: Reading, key: ScalarNode, node: Node, given: dict[str, Any]) -> None:
    found = fact(reading, key, node)
    if found is not None:
        given[key.raw] = found[0]


# --- the timeline ---------------------------------------------------------------------------


def _line(reading: Reading, node: Node) -> TimelineLine | None:
    fields = reading.fields(node, LINE)
    if fields is None or not fields.has("at"):
        return None
    at = scalars.offset(reading, fields.values["at"])
    subjects = [name for name in ("event", "state", "availability") if fields.has(name)]
    if len(subjects) != 1:
        _wrong_subjects(reading, fields, subjects)
        return None
    if subjects[0] == "event":
        return _event_line(reading, fields, at)
    for name, key in fields.keys.items():
        if name not in ("at", subjects[0]):
            reading.error(
                key, Kind.BAD_TEST,
                f"{quote(name)} does not go with {subjects[0]}; expected it in a line with event",
            )  # fmt: skip
    if subjects[0] == "state":
        measured = measures(reading, fields.values["state"])
        if at is None or measured is None:
            return None
        return TimelineLine(at, state=measured, place=place(node))
    reported = desk(reading, fields.values["availability"])
    if at is None or reported is None:
        return None
    return TimelineLine(at, availability=reported, place=place(node))


def _wrong_subjects(reading: Reading, fields: Fields, subjects: list[str]) -> None:
    expected = "expected one of event, state and availability"
    if subjects:
        wrong = f"{listed(subjects, 'and')} stand in one line"
        reading.error(fields.keys[subjects[1]], Kind.BAD_TEST, f"{wrong}; {expected}")
        return
    for key in fields.keys.values():
        meant = slip(key.raw, ("event", "state", "availability"))
        if meant is not None:
            wrong = f"unknown key {quote(key.raw)} in {LINE.title}"
            reading.error(key, Kind.UNKNOWN_KEY, f"{wrong}; did you mean {quote(meant)}?")
            return
    reading.error(fields.node, Kind.BAD_TEST, f"nothing happens in this line; {expected}")


def _event_line(reading: Reading, fields: Fields, at: int | None) -> TimelineLine | None:
    found = reading.scalar(fields.values["event"], "the name of an event")
    event = None if found is None else event_name(reading, found)
    carried: dict[str, Any] = {}
    beside: dict[str, str | None] = {}
    for name, node in fields.values.items():
        if name in _BESIDE_EVENT:
            beside[name] = scalars.text(reading, node)
        elif name not in ("at", "event"):
            key = fields.keys[name]
            known = field_name(reading, key, event)
            value = _field_value(reading, key, node, event)
            if known is not None and value is not None:
                carried[name] = value
    if at is None or event is None:
        return None
    page, session = beside.pop("page", None), beside.pop("session", None)
    carried.update(beside)
    return TimelineLine(at, event, carried, page, session, place=place(fields.node))


def _field_value(reading: Reading, key: ScalarNode, node: Node, event: str | None) -> Any:
    """Return the value of an event's field: a scalar, or a tuple where a list is given."""
    items = reading.one_or_more(node, f"a value for {quote(key.raw)}")
    read: list[Scalar] = []
    for item in items or ():
        found = reading.scalar(item, f"a value for {quote(key.raw)}")
        if found is None or found.value is None:
            return None
        if key.raw == "rule" and event in _PROMPT_EVENTS:
            _rule(reading, found)
        read.append(as_text(found) if key.raw in TEXT_FIELDS else found.value)
    if not read:
        return None
    return tuple(read) if isinstance(node, ListNode) else read[0]


# --- expectations ---------------------------------------------------------------------------


def _expect(reading: Reading, node: Node) -> Expectation | None:
    fields = reading.fields(node, EXPECT)
    if fields is None or not fields.has("at"):
        return None
    at = scalars.offset(reading, fields.values["at"])
    if len(fields.values) == 1 and not fields.strangers:
        reading.error(
            node, Kind.BAD_TEST,
            "nothing is expected here; expected more, such as decision: show or because: capped",
        )  # fmt: skip
    expected: dict[str, Scalar | None] = {}
    for name, value in fields.values.items():
        if name != "at":
            expected[name] = _expected(reading, name, value)
    _variant_exists(reading, fields)
    return None if at is None else Expectation(at, expected, place(node))


def _expected(reading: Reading, name: str, node: Node) -> Scalar | None:
    key = EXPECT.key(name)
    null = isinstance(node, ScalarNode) and node.value is None and node.raw == "null"
    if null and name in ("rule", "by", "variant", "message", "language", "check_again_in"):
        return None
    if key.choices:
        return scalars.choice(reading, node, key.choices)
    if name == "check_again_in":
        if isinstance(node, ScalarNode) and isinstance(node.value, (int, float)):
            found = scalars.number(reading, node)
            return None if found is None else round(found * SECOND)
        return scalars.offset(reading, node)
    if name == "rule":
        rule = reading.scalar(node, "the id of a rule")
        return None if rule is None else _rule(reading, rule)
    return scalars.text(reading, node)


def _rule(reading: Reading, node: ScalarNode) -> str | None:
    if not reading.names.rules_complete:
        return node.raw
    return refer(reading, node, reading.names.rules, "rule", "rules:")


def _variant_exists(reading: Reading, fields: Fields) -> None:
    rule, variant = fields.get("rule"), fields.get("variant")
    if not isinstance(rule, ScalarNode) or not isinstance(variant, ScalarNode):
        return
    known = reading.names.rules.get(rule.raw, ())
    if known and variant.value is not None and variant.raw not in known:
        hint = did_you_mean(variant.raw, known)
        wrong = f"the rule {quote(rule.raw)} has no variant {quote(variant.raw)}"
        reading.error(variant, Kind.UNKNOWN_NAME, f"{wrong}; {hint}")


def _buckets(reading: Reading, node: Node | None) -> dict[str, int]:
    fields = None if node is None else reading.fields(node, VISITOR)
    bucket = None if fields is None else fields.get("bucket")
    if bucket is None:
        return {}
    if not isinstance(bucket, MapNode):
        number = scalars.whole(reading, bucket, 0, _MOST_BUCKETS - 1)
        return {} if number is None else dict.fromkeys(BUCKET_NAMES, number)
    pinned: dict[str, int] = {}
    for key, value in reading.entries(bucket, "buckets by name") or ():
        if key.raw not in BUCKET_NAMES:
            hint = did_you_mean(key.raw, BUCKET_NAMES)
            reading.error(key, Kind.UNKNOWN_KEY, f"unknown bucket {quote(key.raw)}; {hint}")
            continue
        number = scalars.whole(reading, value, 0, _MOST_BUCKETS - 1)
        if number is not None:
            pinned[key.raw] = number
    return pinned
