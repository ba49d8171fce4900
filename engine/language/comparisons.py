"""What a value must be: `is`, `not`, `at_least`, `at_most`, `contains`, and `for` of clocks.

Each part must fit the type of what is compared; a part that could never hold is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.events import STANDARD_STATES, TEXT_FIELDS, StateType
from engine.language import scalars
from engine.language.grammar import COMPARE, FACT
from engine.language.kinds import Kind
from engine.language.names import refer
from engine.language.nodes import ListNode, MapNode, Node, ScalarNode
from engine.language.reading import Fields, Reading
from engine.language.words import guess, listed, quote
from engine.model import Compare, Scalar

DEVICES = ("mobile", "tablet", "desktop")

_ANY = ("at_least", "at_most", "is", "not", "contains")
FITTING: dict[StateType | None, tuple[str, ...]] = {
    StateType.CLOCK: ("for", "at_most"),
    StateType.DURATION: ("at_least", "at_most"),
    StateType.NUMBER: ("at_least", "at_most", "is", "not"),
    StateType.BOOLEAN: ("is", "not"),
    StateType.TEXT: ("is", "not", "contains"),
    StateType.GROUPS: ("is", "not"),
    None: _ANY,
}
_TIMES = (StateType.CLOCK, StateType.DURATION)
_CALLED = {
    StateType.CLOCK: "a time that runs",
    StateType.DURATION: "a duration",
    StateType.NUMBER: "a number",
    StateType.BOOLEAN: "true or false",
    StateType.TEXT: "a text",
    StateType.GROUPS: "a set of page groups",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What is compared. A type of None is that of an attribute or field, which may be any."""

    name: str
    type: StateType | None

    @property
    def described(self) -> str:
        """Name it in a message, with its type where that is known."""
        return quote(self.name) + (f", which is {_CALLED[self.type]}" if self.type else "")


def of_state(name: str) -> Target:
    """Return the target for a state or attribute."""
    kind = STANDARD_STATES.get(name)
    return Target(name, kind.type if kind else None)


def of_field(name: str) -> Target:
    """Return the target for a field of an event."""
    return Target(name, StateType.TEXT if name in TEXT_FIELDS else None)


def comparison(
    reading: Reading, node: Node, target: Target, *, fact: bool = False
) -> Compare | None:
    """Return a value, a list of values or a mapping of parts as a comparison.

    A `fact` stands in an audience, where clocks may be compared by `at_least` too.
    """
    if not isinstance(node, MapNode):
        if target.type in _TIMES and isinstance(node, (ScalarNode, ListNode)):
            part = "for" if target.type is StateType.CLOCK else "at_least"
            reading.error(
                node, Kind.BAD_COMPARISON,
                f"{target.described}, has no exact value; expected {{ {part}: 2 minutes }}",
            )  # fmt: skip
            return None
        values = read_values(reading, node, target)
        return None if values is None else Compare(is_=values)
    fields = reading.fields(node, FACT if fact else COMPARE)
    if fields is None:
        return None
    if not node.pairs:
        fitting = listed(FITTING[target.type])
        reading.error(node, Kind.EMPTY, f"the comparison is empty; expected {fitting}")
        return None
    return parts(reading, fields, target, fact=fact)


def parts(
    reading: Reading, fields: Fields, target: Target, *, fact: bool = False
) -> Compare | None:
    """Return the comparison that a mapping's parts make; other keys of it are passed over."""
    fitting = FITTING[target.type]
    if fact and target.type is StateType.CLOCK:
        fitting = ("for", "at_least", "at_most")
    given = {name: fields.values[name] for name in FACT.names if fields.has(name)}
    for name in given:
        if name not in fitting:
            _misfit(reading, fields.keys[name], target, fitting)
    fit = {name: node for name, node in given.items() if name in fitting}
    read = _read_parts(reading, fit, target)
    if len(fit) < len(given) or read is None or not fit:
        return None
    if read.at_least is not None and read.at_most is not None and read.at_least > read.at_most:
        low = "for" if "for" in fit else "at_least"
        reading.error(
            fields.keys["at_most"], Kind.BAD_COUNT,
            f"this is less than {low}, so it can never hold; expected at_most to be the larger",
        )  # fmt: skip
        return None
    return read


def _misfit(reading: Reading, key: ScalarNode, target: Target, fitting: tuple[str, ...]) -> None:
    kind = Kind.BAD_FOR if key.raw == "for" else Kind.BAD_COMPARISON
    hint = f"expected {listed(fitting)}"
    if key.raw == "for":
        clocks = [s.name for s in STANDARD_STATES.values() if s.type is StateType.CLOCK]
        meant = guess(target.name, clocks) if target.type is None else None
        hint = (
            f"did you mean the state {quote(meant)}?"
            if meant
            else f"expected {listed(fitting)}, as for stands only with {listed(clocks, 'and')}, "
            "and with not_followed_by"
        )
    elif target.type is StateType.CLOCK and key.raw == "at_least":
        hint = "expected for, which waits until the time has passed"
    reading.error(key, kind, f"{quote(key.raw)} does not fit {target.described}; {hint}")


def _read_parts(reading: Reading, fit: Mapping[str, Node], target: Target) -> Compare | None:
    bounds: dict[str, float | None] = {}
    for name in ("for", "at_least", "at_most"):
        if name in fit:
            bounds[name] = _bound(reading, fit[name], target)
    is_ = read_values(reading, fit["is"], target) if "is" in fit else None
    not_ = read_values(reading, fit["not"], target) if "not" in fit else None
    contains = _phrases(reading, fit["contains"]) if "contains" in fit else None
    failed = (
        None in bounds.values()
        or ("is" in fit and is_ is None)
        or ("not" in fit and not_ is None)
        or ("contains" in fit and contains is None)
    )
    if failed:
        return None
    at_least = bounds.get("for", bounds.get("at_least"))
    return Compare(is_, not_, at_least, bounds.get("at_most"), contains)


def _bound(reading: Reading, node: Node, target: Target) -> float | None:
    if target.type in _TIMES:
        return scalars.duration(reading, node)
    return scalars.number(reading, node)


def _phrases(reading: Reading, node: Node) -> tuple[str, ...] | None:
    items = reading.one_or_more(node, "a word, or a list of words")
    if items is None:
        return None
    found: list[str] = []
    for item in items:
        phrase = scalars.text(reading, item, "a word, or a list of words")
        if phrase is None:
            return None
        if not any(c.isalnum() for c in phrase):
            reading.error(
                item, Kind.BAD_COMPARISON,
                f"{quote(phrase)} holds no word; expected letters or digits, as contains looks "
                "for whole words",
            )  # fmt: skip
            return None
        found.append(phrase)
    return tuple(found)


def read_values(reading: Reading, node: Node, target: Target) -> tuple[Scalar, ...] | None:
    """Return a value or the values of a list, of the target's type."""
    items = reading.one_or_more(node, "a value, or a list of values")
    if items is None:
        return None
    read = [_value(reading, item, target) for item in items]
    whole = tuple(value for value in read if value is not None)
    return whole if len(whole) == len(read) else None


def _value(reading: Reading, node: Node, target: Target) -> Scalar | None:
    match target.type:
        case StateType.NUMBER:
            return scalars.number(reading, node, f"a number for {quote(target.name)}")
        case StateType.BOOLEAN:
            return scalars.boolean(reading, node)
        case _:
            found = reading.scalar(node, f"a value for {quote(target.name)}")
    if found is None:
        return None
    if target.type is StateType.GROUPS:
        return refer(reading, found, reading.names.page_groups, "page group", "page_groups:")
    if target.type is StateType.TEXT:
        return _text_value(reading, found, target)
    if found.plain and found.raw.casefold() in ("true", "false") and found.value == found.raw:
        reading.warn(
            found, Kind.LOOKS_TYPED,
            f"{found.raw} is a text here, which never equals a true or false; expected "
            f"{found.raw.lower()} without capitals, or quotes around the text",
        )  # fmt: skip
    return found.value


def _text_value(reading: Reading, node: ScalarNode, target: Target) -> Scalar | None:
    if isinstance(node.value, bool):
        reading.wrong_type(node, f"a text for {quote(target.name)} (in quotes if it is one)")
        return None
    text = as_text(node)
    if target.name == "device" and text.strip().casefold() not in DEVICES:
        meant = guess(text, DEVICES)
        hint = f"did you mean {quote(meant)}?" if meant else f"expected {listed(DEVICES)}"
        reading.error(node, Kind.BAD_VALUE, f"no device is called {quote(text)}; {hint}")
        return None
    return text


def as_text(node: ScalarNode) -> str:
    """Return a value as the text it is compared as: 4471 is "4471", 5.0 is "5"."""
    if isinstance(node.value, float) and node.value.is_integer():
        return str(int(node.value))
    return node.raw
