"""Conditions: counted events, stalls, sequences, states, and any, all and not of them."""

from __future__ import annotations

from engine.events import STANDARD_STATES, StateType
from engine.language import comparisons, expressions, scalars
from engine.language.grammar import (
    ALL,
    ANY,
    CONDITION,
    COUNTED,
    NOT,
    SEQUENCE,
    STALL,
    STATE,
    STEP,
    Form,
)
from engine.language.kinds import Kind
from engine.language.names import event_name, field_name
from engine.language.nodes import ListNode, MapNode, Node, ScalarNode
from engine.language.reading import Fields, Reading
from engine.language.words import listed, quote, slip
from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Counted,
    Measure,
    Not,
    Sequence,
    Span,
    Stall,
    StateIs,
    Step,
    Window,
)
from engine.model import Fields as FieldCompares

_SUBJECTS = ("event", "sequence", "state", "any", "all", "not")
_MOST_STEPS = 50


def condition(reading: Reading, node: Node) -> Condition | None:
    """Return a condition."""
    if isinstance(node, ListNode):
        reading.error(
            node, Kind.WRONG_TYPE,
            "a list stands here; expected { any: [ … ] } or { all: [ … ] } around conditions",
        )  # fmt: skip
        return None
    expected = f"a condition with {listed(_SUBJECTS)}"
    fields = None if reading.mapping(node, expected) is None else reading.fields(node, CONDITION)
    return None if fields is None else from_fields(reading, fields)


def from_fields(reading: Reading, fields: Fields) -> Condition | None:
    """Return the condition that a mapping's known keys make."""
    subjects = [
        name
        for name in _SUBJECTS
        if fields.has(name) and not (name == "not" and fields.has("state"))
    ]
    if not subjects:
        if not fields.strangers:
            reading.error(
                fields.node, Kind.BAD_CONDITION,
                f"this condition does not say what it is about; expected {listed(_SUBJECTS)}",
            )  # fmt: skip
        return None
    if len(subjects) > 1:
        reading.error(
            fields.keys[subjects[1]], Kind.BAD_CONDITION,
            f"{listed(map(quote, subjects), 'and')} stand in one condition; expected each in a "
            "condition of its own, inside all: [ … ] or any: [ … ]",
        )  # fmt: skip
        return None
    match subjects[0]:
        case "event":
            stall = fields.has("not_followed_by")
            return _stall(reading, fields) if stall else _counted(reading, fields)
        case "sequence":
            return _sequence(reading, fields)
        case "state":
            return _state(reading, fields)
        case word:
            return _combined(reading, fields, word)


def _fits(reading: Reading, fields: Fields, form: Form) -> bool:
    """Refuse the keys that stand in other conditions, but not in this one."""
    strangers = [key for name, key in fields.keys.items() if name not in form.names]
    for key in strangers:
        if key.raw == "for":
            wrong = f'"for" only waits, which {form.title} cannot'
            hint = "expected within to look back, or a clock state or not_followed_by to wait"
            reading.error(key, Kind.BAD_FOR, f"{wrong}; {hint}")
        else:
            wrong = f"{quote(key.raw)} does not fit {form.title}"
            names = [name for name in form.names if name not in fields.keys]
            hint = f"expected {listed(names)}" if names else "expected nothing beside it"
            reading.error(key, Kind.BAD_CONDITION, f"{wrong}; {hint}")
    return not strangers


# --- any, all, not --------------------------------------------------------------------------


def _combined(reading: Reading, fields: Fields, word: str) -> Condition | None:
    fits = _fits(reading, fields, {"any": ANY, "all": ALL, "not": NOT}[word])
    inner = fields.values[word]
    if word == "not":
        part = condition(reading, inner)
        return Not(part) if part is not None and fits else None
    items = reading.items(inner, "a list of conditions")
    if items is None:
        return None
    read = [condition(reading, item) for item in items]
    parts = tuple(part for part in read if part is not None)
    if not fits or len(parts) < len(read):
        return None
    return AllOf(parts) if word == "all" else AnyOf(parts)


# --- events ---------------------------------------------------------------------------------


def _event(reading: Reading, node: Node) -> str | None:
    if isinstance(node, ListNode):
        reading.error(
            node, Kind.WRONG_TYPE,
            "a list stands here; expected one event (several go inside any: [ … ])",
        )  # fmt: skip
        return None
    found = reading.scalar(node, "the name of an event")
    return None if found is None else event_name(reading, found)


def _step(reading: Reading, fields: Fields) -> tuple[bool, Step]:
    """Return the filtered event of a condition; False where some of it is wrong."""
    event = _event(reading, fields.values["event"]) if fields.has("event") else None
    ok = event is not None
    compared: FieldCompares = ()
    where: Condition | None = None
    if fields.has("with"):
        read = _with(reading, fields.values["with"], event)
        ok, compared = ok and read is not None, read or ()
    if fields.has("where"):
        where = expressions.groups(reading, fields.values["where"])
        ok = ok and where is not None
    return ok, Step(event or "", compared, where)


def _with(reading: Reading, node: Node, event: str | None) -> FieldCompares | None:
    pairs = reading.entries(node, "fields and what they must be, such as { results: 0 }")
    if pairs is None:
        return None
    if not pairs:
        reading.error(node, Kind.EMPTY, "no field stands here; expected one, such as results: 0")
        return None
    read: list[tuple[str, Compare]] = []
    for key, value in pairs:
        name = field_name(reading, key, event)
        compare = comparisons.comparison(reading, value, comparisons.of_field(key.raw))
        if name is not None and compare is not None:
            read.append((name, compare))
    return tuple(read) if len(read) == len(pairs) else None


def _within(reading: Reading, fields: Fields) -> Window | None:
    """Return the window, `session` where none is given; None where it is wrong."""
    node = fields.get("within")
    return Span.SESSION if node is None else scalars.window(reading, node)


def _counted(reading: Reading, fields: Fields) -> Condition | None:
    fits = _fits(reading, fields, COUNTED)
    ok, step = _step(reading, fields)
    within = _within(reading, fields)
    same = _grouping(reading, fields, "same", step.event)
    different = _grouping(reading, fields, "different", step.event)
    counts = _counts(reading, fields)
    ok = _grouping_fits(reading, fields, within) and ok
    named = (same or not fields.has("same")) and (different or not fields.has("different"))
    if not (fits and ok and named) or within is None or counts is None:
        return None
    measure = Measure(step.event, within, step.fields, step.where, same, different)
    return Counted(measure, *counts)


def _grouping(reading: Reading, fields: Fields, word: str, event: str) -> str | None:
    node = fields.get(word)
    if node is None:
        return None
    found = reading.scalar(node, "a field of the event")
    if found is None:
        return None
    if word == "different" and found.raw == "session":
        return "session"
    return field_name(reading, found, event or None)


def _grouping_fits(reading: Reading, fields: Fields, within: Window | None) -> bool:
    """Refuse groupings that could never mean anything."""
    same, different = fields.get("same"), fields.get("different")
    if same is not None and fields.has("at_most"):
        reading.error(
            fields.keys["at_most"], Kind.BAD_GROUPING,
            '"at_most" does not go with "same", as some value is always rare; expected at_least',
        )  # fmt: skip
        return False
    if not isinstance(different, ScalarNode):
        return True
    if isinstance(same, ScalarNode) and same.raw == different.raw:
        reading.error(
            different, Kind.BAD_GROUPING,
            f"each value of {quote(same.raw)} has just one {quote(same.raw)}; expected another "
            "field, or session",
        )  # fmt: skip
        return False
    short = within is not None and (isinstance(within, Span) or within <= reading.session_timeout)
    if different.raw == "session" and short:
        place = fields.get("within") or different
        reading.error(
            place, Kind.BAD_GROUPING,
            "several sessions never fit into this window; expected a within: longer than a "
            "session, such as 30 days",
        )  # fmt: skip
        return False
    return True


def _counts(reading: Reading, fields: Fields) -> tuple[int, int | None] | None:
    """Return (at_least, at_most) with their defaults; None where they are wrong."""
    low, high = fields.get("at_least"), fields.get("at_most")
    at_least = None if low is None else scalars.whole(reading, low, 0, scalars.MOST)
    at_most = None if high is None else scalars.whole(reading, high, 0, scalars.MOST)
    if (low is not None and at_least is None) or (high is not None and at_most is None):
        return None
    keep = reading.keep_events
    for node, count in ((low, at_least), (high, None if at_most is None else at_most + 1)):
        if node is not None and count is not None and count > keep:
            reading.error(
                node, Kind.BAD_COUNT,
                f"only the newest {keep:,} events of a kind are kept; expected a count within "
                "them, or a larger keep_events: in site.yaml",
            )  # fmt: skip
            return None
    if at_least == 0 and at_most is None and low is not None:
        reading.error(
            low, Kind.BAD_COUNT, "0 or more is always true; expected 1 or more, or at_most: 0"
        )
        return None
    if at_least is not None and at_most is not None and at_least > at_most and high is not None:
        reading.error(
            high, Kind.BAD_COUNT,
            "this is less than at_least, so it can never hold; expected at_most to be the larger",
        )  # fmt: skip
        return None
    if at_least is None:
        at_least = 1 if at_most is None else 0
    return at_least, at_most


def _stall(reading: Reading, fields: Fields) -> Condition | None:
    fits = _fits(reading, fields, STALL)
    ok, first = _step(reading, fields)
    then = _event(reading, fields.values["not_followed_by"])
    within = _within(reading, fields)
    waits = fields.get("for")
    lasting = 0 if waits is None else scalars.duration(reading, waits)
    if not (fits and ok) or then is None or within is None or lasting is None:
        return None
    if isinstance(within, int) and lasting >= within and waits is not None:
        reading.error(
            waits, Kind.BAD_FOR,
            "this waits for longer than within: looks back, so it can never hold; expected less",
        )  # fmt: skip
        return None
    return Stall(first, then, lasting, within)


def _sequence(reading: Reading, fields: Fields) -> Condition | None:
    fits = _fits(reading, fields, SEQUENCE)
    within = _within(reading, fields)
    node = fields.values["sequence"]
    items = reading.items(node, "a list of two or more events")
    if items is None:
        return None
    if not 1 < len(items) <= _MOST_STEPS:
        reading.error(
            node, Kind.BAD_CONDITION,
            f"a sequence has 2 to {_MOST_STEPS} steps and this one has {len(items)}; expected "
            "more than one event (for one, write event:)",
        )  # fmt: skip
        return None
    steps: list[Step] = []
    for item in items:
        ok, step = _sequence_step(reading, item)
        if ok:
            steps.append(step)
    if not fits or within is None or len(steps) < len(items):
        return None
    return Sequence(tuple(steps), within)


def _sequence_step(reading: Reading, node: Node) -> tuple[bool, Step]:
    if not isinstance(node, MapNode):
        event = _event(reading, node)
        return event is not None, Step(event or "")
    fields = reading.fields(node, STEP)
    return (False, Step("")) if fields is None else _step(reading, fields)


# --- states ---------------------------------------------------------------------------------


def _state(reading: Reading, fields: Fields) -> Condition | None:
    fits = _fits(reading, fields, STATE)
    found = reading.scalar(fields.values["state"], "the name of a state")
    name = None if found is None else state_name(reading, found)
    if found is None or name is None:
        return None
    target = comparisons.of_state(name)
    if any(fields.has(part) for part in STATE.names if part != "state"):
        compare = comparisons.parts(reading, fields, target)
        return StateIs(name, compare) if compare is not None and fits else None
    if target.type in (StateType.BOOLEAN, None):
        return StateIs(name, Compare(is_=(True,))) if fits else None
    if fields.strangers:
        return None
    shown = "for: 40 seconds" if target.type is StateType.CLOCK else "at_least: 1"
    if target.type in (StateType.TEXT, StateType.GROUPS):
        shown = "is: a value"
    elif target.type is StateType.DURATION:
        shown = "at_least: 60 seconds"
    reading.error(
        found, Kind.BAD_CONDITION,
        f"nothing is said of {target.described}; expected more, such as {shown}",
    )  # fmt: skip
    return None


def state_name(reading: Reading, node: ScalarNode) -> str | None:
    """Return the name of a state: a standard one, or any attribute that is not a slip of one."""
    name = node.raw
    meant = None if name in STANDARD_STATES else slip(name, STANDARD_STATES)
    if meant is not None:
        reading.error(
            node, Kind.UNKNOWN_STATE, f"unknown state {quote(name)}; did you mean {quote(meant)}?"
        )
        return None
    return None if scalars.name(reading, node, "the name of a state") is None else name
