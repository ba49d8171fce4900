"""One folder while it is read: what is known so far, and every problem found.

Readers take a node and return what it means, or None where it means nothing: the problem is
recorded already, and reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.clock import DAY, MINUTE
from engine.errors import Problem, Severity
from engine.language.grammar import Form, in_file, inside
from engine.language.kinds import Kind
from engine.language.nodes import (
    MOST_PROBLEMS,
    BrokenNode,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
)
from engine.language.words import did_you_mean, guess, quote
from engine.model import Place

_NO_BLANK = re.compile(r"[\w-]+:\S")


class Enough(Exception):
    """So many problems were found that reading on helps nobody."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping whose keys are known to its form; of a key that stands twice, one copy."""

    node: MapNode
    keys: Mapping[str, ScalarNode]
    values: Mapping[str, Node]
    strangers: bool = False  # unknown keys stand beside them, and have been told

    def get(self, name: str) -> Node | None:
        """Return the value of a key, None where it is not there."""
        return self.values.get(name)

    def has(self, name: str) -> bool:
        """Say whether a key is there."""
        return name in self.values


@dataclass(slots=True)
class Names:
    """What one folder defines.

    Where `complete` is False some of it could not be read, and then nobody is told that a name
    does not exist.
    """

    page_groups: set[str] = field(default_factory=set)
    audiences: set[str] = field(default_factory=set)
    schedules: set[str] = field(default_factory=set)
    departments: set[str] = field(default_factory=lambda: {"default"})
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # rule id -> the names of its variants
    rules: dict[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True
    rules_complete: bool = True


@dataclass(slots=True)
class Reading:
    """The state of reading one folder. `last` reads the second copy of a key that stands twice."""

    names: Names
    last: bool = False
    problems: list[Problem] = field(default_factory=list)
    zone: str = "UTC"
    session_timeout: int = 30 * MINUTE
    keep: int = 180 * DAY
    keep_events: int = 500
    has_contact: bool = True
    site_key: Node | None = None  # where `site:` is written
    # (place of a text written by language, its languages' first subtags)
    translated: list[tuple[Node, frozenset[str]]] = field(default_factory=list)

    def error(self, node: Node, kind: Kind, message: str) -> None:
        """Record an error at a node."""
        self._record(node, kind, message, Severity.ERROR)

    def warn(self, node: Node, kind: Kind, message: str) -> None:
        """Record a warning at a node."""
        self._record(node, kind, message, Severity.WARNING)

    def _record(self, node: Node, kind: Kind, message: str, severity: Severity) -> None:
        self.problems.append(
            Problem(node.path, node.line, node.column, kind, message, severity, node.length)
        )
        if len(self.problems) >= MOST_PROBLEMS:
            raise Enough

    def wrong_type(self, node: Node, expected: str) -> None:
        """Record that a node is not of the expected type."""
        if isinstance(node, BrokenNode):
            return
        if isinstance(node, ScalarNode) and node.value is None:
            self.error(node, Kind.EMPTY, f"nothing stands here; expected {expected}")
            return
        hint = ""
        if isinstance(node, ScalarNode) and _NO_BLANK.match(node.raw):
            hint = " (a blank is missing after the colon)"
        self.error(node, Kind.WRONG_TYPE, f"{told(node)} stands here; expected {expected}{hint}")

    def scalar(self, node: Node, expected: str) -> ScalarNode | None:
        """Return a node that must be a single value, not nothing and not blank."""
        if not isinstance(node, ScalarNode) or node.value is None:
            self.wrong_type(node, expected)
            return None
        if not node.raw.strip():
            self.error(node, Kind.EMPTY, f"the text is empty; expected {expected}")
            return None
        return node

    def mapping(self, node: Node, expected: str) -> MapNode | None:
        """Return a node that must be a mapping."""
        if not isinstance(node, MapNode):
            self.wrong_type(node, expected)
            return None
        return node

    def items(self, node: Node, expected: str, *, empty: bool = False) -> tuple[Node, ...] | None:
        """Return the items of a node that must be a list, with something in it unless `empty`."""
        if not isinstance(node, ListNode):
            self.wrong_type(node, expected)
            return None
        if not node.items and not empty:
            self.error(node, Kind.EMPTY, f"the list is empty; expected {expected}")
            return None
        return node.items

    def one_or_more(
        self, node: Node, expected: str, *, empty: bool = False
    ) -> tuple[Node, ...] | None:
        """Return the items of a list, or the node alone where it is none."""
        if isinstance(node, ListNode):
            return self.items(node, expected, empty=empty)
        return (node,)

    def entries(self, node: Node, expected: str) -> tuple[tuple[ScalarNode, Node], ...] | None:
        """Return the pairs of a mapping from names of the author's own; each name once."""
        found = self.mapping(node, expected)
        if found is None:
            return None
        pairs = {}
        for key, value in found.pairs:
            if self.last or key.raw not in pairs:
                pairs[key.raw] = (key, value)
        return tuple(pairs.values())

    def fields(self, node: Node, form: Form, *, complete: bool = True) -> Fields | None:
        """Return a node that must be a mapping of the form; unknown and missing keys are told.

        Where it is not `complete` (a fault of syntax hid some), missing keys are not.
        """
        shown = [key.name for key in form.keys if key.required] or form.names[:3]
        example = ", ".join(f"{name}: …" for name in shown)
        found = self.mapping(node, f"{form.title}, such as {{ {example} }}")
        if found is None:
            return None
        known = frozenset(form.names)
        keys: dict[str, ScalarNode] = {}
        values: dict[str, Node] = {}
        strangers = False
        for key, value in found.pairs:
            if key.raw not in known and not form.open:
                self._unknown_key(key, form)
                strangers = True
            elif self.last or key.raw not in keys:
                keys[key.raw], values[key.raw] = key, value
        if complete:
            self._missing_keys(found, form, keys)
        return Fields(found, keys, values, strangers=strangers)

    def _missing_keys(self, node: MapNode, form: Form, keys: Mapping[str, ScalarNode]) -> None:
        for key in form.keys:
            if key.required and key.name not in keys:
                wrong = f"{form.title} has no {quote(key.name)}"
                expected = f"expected {key.name}: {key.example} ({key.description})"
                self.error(node, Kind.MISSING_KEY, f"{wrong}; {expected}")

    def _unknown_key(self, key: ScalarNode, form: Form) -> None:
        parent, file = inside(form, key.raw), in_file(form, key.raw)
        if key.raw == "<<":
            hint = "expected the keys themselves, as YAML's merge keys are not part of it"
        elif file is not None:
            hint = f"expected it in {file}"
        elif parent is not None and guess(key.raw, form.names, 0.85) is None:
            hint = f"expected it inside {quote(parent)}"
        else:
            hint = did_you_mean(key.raw, form.names)
        message = f"unknown key {quote(key.raw)} in {form.title}; {hint}"
        self.error(key, Kind.UNKNOWN_KEY, message)


def told(node: Node) -> str:
    """Say what a node is, in a few words."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "a mapping of keys"
    if not isinstance(node, ScalarNode) or node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return node.raw
    return f"the {'text' if isinstance(node.value, str) else 'number'} {quote(node.raw)}"


def place(node: Node) -> Place:
    """Return where a node stands."""
    return Place(node.path, node.line, node.column)
