"""YAML text to positioned nodes: the only importer of yaml.

YAML's events are read one by one rather than composed, because only so are anchors seen, depth
bounded before anything recurses, and hostile input refused at its first sign. Plain scalars are
`true`, `false`, `null`, whole numbers and decimals; everything else is text, so that `on`, `NO`,
`17:30` and `012` stay what they look like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from engine.errors import Problem
from engine.language.kinds import Kind
from engine.language.source import Lines
from engine.language.syntax import Fault, explain
from engine.language.words import quote
from engine.model import Scalar

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
MOST_PROBLEMS = 1_000  # of a file, and of a folder: nobody mends more in one go
_RECOVERIES = 20  # how often a list is taken up again after a fault of syntax
_MAX_DIGITS = 18
_LONGEST_RECOVERED = 1 << 17  # characters; each recovery reads the rest of the file again
_COMMENT = re.compile(r"(?<!\S)#[^\n\r]*")

_LOADER: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z")
_WORDS: dict[str, Scalar | None] = {"true": True, "false": False, "null": None, "": None}
# YAML's own list of printable characters, less the byte order mark, which is only fit for a
# file's start; lone surrogates stand for bytes that are not UTF-8.
_UNPRINTABLE = re.compile(
    "[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place: line and column count from 1, length is what a caret underlines."""

    path: str
    line: int
    column: int
    length: int


@dataclass(frozen=True, slots=True)
class ScalarNode(Node):
    """A single value: `raw` as written, `value` typed; `plain` means without quotes."""

    raw: str
    value: Scalar | None
    plain: bool


@dataclass(frozen=True, slots=True)
class ListNode(Node):
    """A list."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapNode(Node):
    """Keys and their values in written order; a key that stands twice is here twice."""

    pairs: tuple[tuple[ScalarNode, Node], ...]


@dataclass(frozen=True, slots=True)
class BrokenNode(Node):
    """What could not be understood and has been reported: readers pass it over in silence."""


@dataclass(slots=True)
class Document:
    """One file, read. `complete` is False where a fault of syntax hid some of it."""

    root: Node | None
    complete: bool = True
    repeats: bool = False  # some key stands twice
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being read."""

    mark: Any
    is_map: bool
    block: bool
    children: list[Node] = field(default_factory=list)
    pairs: list[tuple[ScalarNode, Node]] = field(default_factory=list)
    key: Node | None = None


class _Stop(Exception):
    """Nothing after this is worth reading; the problem has been recorded."""


def parse(path: str, text: str) -> Document:
    """Read one YAML file. Never raises: whatever is wrong is among the document's problems."""
    document = Document(None)
    text = text.removeprefix("\ufeff")
    if not _fit_to_read(path, text, document):
        return document
    lines = Lines(text)
    source, composer = text, _Composer(path, document)
    fault = composer.run(source)
    document.root = composer.root()
    for _ in range(_RECOVERIES):
        if fault is None:
            break
        line = _report(path, fault, lines, document)
        rest = composer.resume(lines, line)
        if rest is None or len(text) > _LONGEST_RECOVERED:
            break
        composer = _Composer(path, document)
        fault = composer.run(rest)
        document.root = _joined(document.root, composer.root())
    if document.complete and "\t" in text:
        _refuse_tab(path, text, composer.quoted, document)
    document.problems.sort()
    return document


def _report(path: str, fault: Fault, lines: Lines, document: Document) -> int:
    """Record a fault of syntax in plain words; return the line (from 0) it was reported on."""
    document.complete = False
    told = explain(fault, lines)
    place = (path, told.line + 1, told.column + 1)
    document.problems.append(Problem(*place, Kind.SYNTAX, told.message, length=told.length))
    return told.line


def _fit_to_read(path: str, text: str, document: Document) -> bool:
    """Refuse what the YAML reader should never see."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        wrong = "this file is larger than 1 MiB; expected it split into several files"
        document.problems.append(Problem(path, 1, 1, Kind.TOO_LARGE, wrong))
        document.complete = False
        return False
    strange = _UNPRINTABLE.search(text)
    if strange is None:
        return True
    code = ord(strange[0])
    wrong = f"the invisible character U+{code:04X} stands here; expected it deleted"
    if 0xD800 <= code <= 0xDFFF or code == 0:
        wrong = "this file is not UTF-8 text; expected it saved with the encoding UTF-8"
    line, column = Lines(text).position(strange.start())
    document.problems.append(Problem(path, line, column, Kind.ENCODING, wrong))
    document.complete = False
    return False


def _joined(before: Node | None, after: Node | None) -> Node | None:
    """Return the tree before a fault of syntax with the list items found after it."""
    if not isinstance(before, MapNode) or not isinstance(after, MapNode):
        return after if before is None else before
    if not before.pairs or not after.pairs:
        return before
    (key, old), (_, new) = before.pairs[-1], after.pairs[0]
    if not isinstance(old, ListNode) or not isinstance(new, ListNode):
        return before
    both = ListNode(old.path, old.line, old.column, old.length, old.items + new.items)
    rest = after.pairs[1:]
    return MapNode(
        before.path, before.line, before.column, before.length,
        (*before.pairs[:-1], (key, both), *rest),
    )  # fmt: skip


class _Composer:
    """Builds nodes out of YAML's events."""

    def __init__(self, path: str, document: Document) -> None:
        self._path = path
        self._document = document
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._header: ScalarNode | None = None
        # Where quoted and block texts stand: (start, end) as indices, in order.
        self.quoted: list[tuple[int, int]] = []

    def run(self, text: str) -> Fault | None:
        """Read the text to its end; return the fault of syntax that stopped it, if any."""
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except _Stop:
            self._document.complete = False
        except yaml.YAMLError as error:
            fault = _told(error)
            if "maximum nesting depth" not in fault.problem + fault.context:
                return fault
            self._too_deep((fault.at[0] + 1, fault.at[1] + 1))
            self._document.complete = False
        return None

    def root(self) -> Node | None:
        """Return what was read: after a fault, all that was whole before it."""
        if self._root is not None:
            return self._root
        if not self._stack or not self._stack[0].is_map:
            return None
        top, inner = self._stack[0], self._stack[1:]
        pairs = tuple(top.pairs)
        if inner and not inner[0].is_map and isinstance(top.key, ScalarNode):
            self._header = top.key
            mark = inner[0].mark
            place = (self._path, mark.line + 1, mark.column + 1)
            # With nothing open inside the list, the fault may have cut its last item short.
            items = inner[0].children[: -1 if len(inner) == 1 else None]
            pairs += ((top.key, ListNode(*place, 1, tuple(items))),)
        start = top.mark
        return MapNode(self._path, start.line + 1, start.column + 1, 1, pairs)

    def resume(self, lines: Lines, after: int) -> str | None:
        """Return a text to read on from: the next item of the list that the fault stands in.

        Its lines keep their numbers.
        """
        if self._header is None or not self._stack[1].block:
            return None
        start = " " * self._stack[1].mark.column + "- "
        for number in range(after + 1, len(lines.all)):
            if lines.all[number].startswith(start):
                rest = "\n".join(lines.all[number:])
                return f"{self._header.raw}:" + "\n" * number + rest
        return None

    def _take(self, event: Any) -> None:
        match event:
            case yaml.ScalarEvent():
                self._refuse_features(event)
                self._add(self._scalar(event))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._refuse_features(event)
                self._push(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._add(self._pop())
            case yaml.AliasEvent():
                self._refuse_alias(event)
            case yaml.DocumentStartEvent() if self._root is not None:
                self._problem(
                    event.start_mark, Kind.SYNTAX,
                    "a second document begins here; expected one document in a file, without "
                    "lines of `---`, `...` or `%`", 3,
                )  # fmt: skip
                raise _Stop
            case _:
                pass

    def _push(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            self._too_deep((event.start_mark.line + 1, event.start_mark.column + 1))
            raise _Stop
        is_map = isinstance(event, yaml.MappingStartEvent)
        self._stack.append(_Open(event.start_mark, is_map, not event.flow_style))

    def _too_deep(self, at: tuple[int, int]) -> None:
        wrong = f"this is nested more than {MAX_DEPTH} deep; expected less, as nothing needs more"
        self._record(at, Kind.TOO_DEEP, wrong)

    def _pop(self) -> Node:
        opened = self._stack.pop()
        place = (self._path, opened.mark.line + 1, opened.mark.column + 1)
        if not opened.is_map:
            return ListNode(*place, 1, tuple(opened.children))
        self._refuse_repeats(opened)
        length = opened.pairs[0][0].length if opened.pairs and opened.block else 1
        return MapNode(*place, length, tuple(opened.pairs))

    def _add(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        if not top.is_map:
            top.children.append(node)
        elif top.key is None:
            top.key = node
        else:
            self._pair(top, top.key, node)
            top.key = None

    def _pair(self, top: _Open, key: Node, value: Node) -> None:
        if isinstance(key, ScalarNode):
            top.pairs.append((key, value))
        elif not isinstance(key, BrokenNode):
            wrong = (
                "a list or mapping stands where a key belongs; expected a plain word and a colon"
            )
            self._record((key.line, key.column), Kind.WRONG_TYPE, wrong)

    def _scalar(self, event: Any) -> ScalarNode:
        start, end, raw = event.start_mark, event.end_mark, str(event.value)
        plain = not event.style
        if not plain:
            self.quoted.append((start.index, end.index))
        one_line = start.line == end.line
        length = max(1, end.column - start.column) if one_line else 1
        value: Scalar | None = raw
        if plain:
            value = self._typed(raw, start, length)
        return ScalarNode(self._path, start.line + 1, start.column + 1, length, raw, value, plain)

    def _typed(self, raw: str, mark: Any, length: int) -> Scalar | None:
        if raw in _WORDS:
            return _WORDS[raw]
        if not _NUMBER.match(raw):
            return raw
        if len(raw) > _MAX_DIGITS:
            wrong = f"the number {quote(raw)} is too long; expected quotes around a text of digits"
            self._problem(mark, Kind.BAD_NUMBER, wrong, length)
            return raw
        return float(raw) if "." in raw else int(raw)

    def _refuse_repeats(self, opened: _Open) -> None:
        seen: dict[str, ScalarNode] = {}
        for key, _ in opened.pairs:
            first = seen.setdefault(key.raw, key)
            if first is key:
                continue
            self._document.repeats = True
            wrong = f"the key {quote(key.raw)} stands twice, first on line {first.line}"
            self._record(
                (key.line, key.column), Kind.DUPLICATE_KEY, f"{wrong}; expected it once", key.length
            )

    def _refuse_features(self, event: Any) -> None:
        if event.anchor:
            wrong = (
                f"the anchor &{event.anchor} is not part of the language; expected the value "
                "itself, or quotes around a text that starts with &"
            )
            self._problem(event.start_mark, Kind.YAML_FEATURE, wrong, len(event.anchor) + 1)
        if event.tag:
            wrong = (
                "a word that starts with ! is a tag, which is not part of the language; expected "
                "the value alone, or quotes around a text that starts with !"
            )
            self._problem(event.start_mark, Kind.YAML_FEATURE, wrong)

    def _refuse_alias(self, event: Any) -> None:
        wrong = (
            f"the alias *{event.anchor} is not part of the language; expected the value itself, "
            "or quotes around a text that starts with *"
        )
        mark = event.start_mark
        self._problem(mark, Kind.YAML_FEATURE, wrong, len(event.anchor) + 1)
        self._add(BrokenNode(self._path, mark.line + 1, mark.column + 1, 1))

    def _problem(self, mark: Any, kind: Kind, message: str, length: int = 1) -> None:
        self._record((mark.line + 1, mark.column + 1), kind, message, length)

    def _record(self, at: tuple[int, int], kind: Kind, message: str, length: int = 1) -> None:
        problems = self._document.problems
        problems.append(Problem(self._path, *at, kind, message, length=length))
        if len(problems) >= MOST_PROBLEMS:
            raise _Stop


def _told(error: Any) -> Fault:
    """Return what the YAML reader says, whichever of its two forms it says it in."""
    mark = getattr(error, "problem_mark", None)
    context = getattr(error, "context_mark", None)
    return Fault(
        problem=str(getattr(error, "problem", None) or error),
        context=str(getattr(error, "context", None) or ""),
        at=(mark.line, mark.column) if mark else (0, 0),
        since=(context.line, context.column) if context else None,
    )


def _refuse_tab(path: str, text: str, quoted: list[tuple[int, int]], document: Document) -> None:
    """Refuse a tab between two values: one of the two YAML readers lets it pass."""
    at, lines = 0, Lines(text)
    for start, end in [*quoted, (len(text), len(text))]:
        gap = _COMMENT.sub(lambda found: " " * len(found[0]), text[at:start])
        tab = gap.find("\t")
        if tab >= 0:
            line, column = lines.position(at + tab)
            _report(path, Fault("tab", "", (line - 1, column - 1), None), lines, document)
            return
        at = max(at, end)
