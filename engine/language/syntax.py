"""Faults of YAML's syntax in plain words: where to look, and what to do there.

The two YAML readers word the same fault differently, so both wordings are looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from engine.language.source import Lines


class Fault(NamedTuple):
    """What the YAML reader says. `at` and `since` are (line, column) from 0."""

    problem: str
    context: str
    at: tuple[int, int]
    since: tuple[int, int] | None


class Told(NamedTuple):
    """The same for people; line and column from 0."""

    line: int
    column: int
    message: str
    length: int = 1


_SWALLOWED = 200  # lines that an unclosed quote is looked for above
_IN_QUOTES = "expected quotes around the whole text"


def explain(fault: Fault, lines: Lines) -> Told:
    """Return where to look and what to do, for any fault."""
    for reading in _READINGS:
        told = reading(fault, lines)
        if told is not None:
            return told
    line, column = _inside(fault.at, lines)
    return Told(
        line, column,
        "this is not YAML that can be read; check the indentation, the quotes and the colons of "
        "this line and of the one above it",
    )  # fmt: skip


def _inside(at: tuple[int, int], lines: Lines) -> tuple[int, int]:
    """Move a place behind the last line to the end of the last line that says something."""
    line, column = at
    if lines.at(line).strip() or line == 0:
        return line, min(column, max(0, len(lines.at(line)) - 1))
    while line > 0 and not lines.at(line).strip():
        line -= 1
    return line, max(0, len(lines.at(line).rstrip()) - 1)


def _tab(fault: Fault, lines: Lines) -> Told | None:
    line, column = fault.at
    text = lines.at(line)
    if "tab" not in fault.problem and text[column : column + 1] != "\t":
        return None
    indent = text[: len(text) - len(text.lstrip())]
    if "\t" in indent:
        where = "a tab indents this line"
        column = indent.index("\t")
    else:
        where = "a tab stands here"
    return Told(line, column, f"{where}; expected spaces, as YAML takes no tabs")


def _unclosed_quote(fault: Fault, lines: Lines) -> Told | None:
    if "quoted scalar" not in fault.context or "found unexpected" not in fault.problem:
        return None
    line, column = fault.since or fault.at
    mark = lines.at(line)[column : column + 1]
    rest = len(lines.at(line)) - column
    return Told(
        line, column,
        f"the quote that opens here is never closed; expected a {mark} at the end of the text",
        max(1, rest),
    )  # fmt: skip


def _escape(fault: Fault, lines: Lines) -> Told | None:
    if "escape" not in fault.problem and "hexdecimal" not in fault.problem:
        return None
    line, column = fault.at
    text = lines.at(line)
    if text[column : column + 1] != "\\":
        column = max(text.rfind("\\", 0, column), 0)
    return Told(
        line, column,
        "a backslash has a special meaning inside double quotes; expected two backslashes, or "
        "single quotes around the text",
    )  # fmt: skip


def _second_colon(fault: Fault, lines: Lines) -> Told | None:
    if "mapping values are not allowed" not in fault.problem:
        return None
    line, column = fault.at
    before = lines.at(line)[:column]
    if re.search(r":\s", before):
        return Told(
            line, column, f"a colon and a blank inside a text begin a new key; {_IN_QUOTES}"
        )
    start = len(before) - len(before.lstrip())
    return Told(
        line, start,
        "a key begins here although the line above is not finished; expected the same indentation "
        "as the line above, and a colon and a blank after its key",
        max(1, column - start),
    )  # fmt: skip


def _bracket(fault: Fault, lines: Lines) -> Told | None:
    """Tell of `{` and `[` that are not closed, and of commas missing in them."""
    if not re.search(r"flow (mapping|sequence)", fault.context) or fault.since is None:
        return None
    opening, closing = ("{", "}") if "mapping" in fault.context else ("[", "]")
    line, column = fault.at
    text = lines.at(line)
    begun = text[:column].lstrip()
    fresh_key = re.fullmatch(r"(- )*[\w.-]+", begun) and text[column : column + 1] == ":"
    fresh = fresh_key or not text.strip() or re.fullmatch(r"(-\s*)*", begun)
    if _at_end(fault, lines) or (line > fault.since[0] and fresh):
        return Told(
            *fault.since, f"the {opening} that opens here is never closed; expected a {closing}"
        )
    after_quote = _after_quote(fault, lines)
    if after_quote is not None:
        return after_quote
    return Told(
        *_inside(fault.at, lines),
        f"a comma or a {closing} is missing before this; expected one, or quotes around a text "
        "that holds a colon, a comma or a bracket",
    )


def _open_bracket(fault: Fault, lines: Lines) -> Told | None:
    """Tell of a list item, or of the file's end, while a bracket above is still open."""
    line, column = fault.at
    text = lines.at(line)
    item = re.fullmatch(r"\s*-", text[: column + 1])
    if "flow node" not in fault.context or not (item or _at_end(fault, lines)):
        return None
    closing = {"{": "}", "[": "]"}
    depth = 0
    for number in range(line, max(-1, line - _SWALLOWED), -1):
        before = text[:column] if number == line else lines.at(number)
        for place in range(len(before) - 1, -1, -1):
            mark = before[place]
            depth += (mark in "}]") - (mark in "{[")
            if depth < 0:
                wrong = f"the {mark} that opens here is never closed"
                return Told(number, place, f"{wrong}; expected a {closing[mark]}")
    return None


def _at_end(fault: Fault, lines: Lines) -> bool:
    """Say whether nothing but blanks follows on a fault."""
    line, column = fault.at
    rest = [lines.at(line)[column:], *lines.all[line + 1 : line + 1 + _SWALLOWED]]
    return not any(text.strip() for text in rest)


def _after_quote(fault: Fault, lines: Lines) -> Told | None:
    line, column = fault.at
    before = lines.at(line)[:column].rstrip()
    if not before.endswith(("'", '"')) or not re.search(r"expected|find", fault.problem):
        return None
    mark = before[-1]
    opened = _opened_above(mark, before, line, lines)
    if opened is not None:
        message = f"the quote that opens here is never closed; expected a {mark} at the end"
        return Told(*opened, message, max(1, len(lines.at(opened[0]).rstrip()) - opened[1]))
    other = "double" if mark == "'" else "single"
    return Told(
        line, column,
        f"the text in quotes ended just before this; expected nothing after the closing {mark} "
        f"(a text that holds a {mark} goes in {other} quotes), and every quote above closed",
    )  # fmt: skip


def _opened_above(mark: str, before: str, line: int, lines: Lines) -> tuple[int, int] | None:
    """Return where a quote opened that swallowed whole lines down to this one."""
    opening = re.compile(rf"(?<![^\s\[{{:,-]){mark}")
    if len(re.findall(mark, before)) % 2 == 0:
        return None
    for number in range(line - 1, max(-1, line - _SWALLOWED), -1):
        text = lines.at(number)
        if text.count(mark) % 2:
            found = list(opening.finditer(text))
            return (number, found[-1].start()) if found else None
    return None


def _special_start(fault: Fault, lines: Lines) -> Told | None:
    """Tell of a text that starts with a mark which means something to YAML."""
    tag = "tag" in fault.context or "tag" in fault.problem
    reference = re.search(r"scanning an? (alias|anchor)", fault.context)
    strange = "cannot start any token" in fault.problem or "node content" in fault.problem
    directive = "directive" in fault.context
    if not (tag or reference or strange or directive):
        return None
    place = fault.since if (tag or reference or directive) and fault.since else fault.at
    line, column = _inside(place, lines)
    mark = lines.at(line)[column : column + 1]
    return Told(line, column, f"a text cannot start with {mark} here; {_IN_QUOTES}")


def _not_allowed_here(fault: Fault, lines: Lines) -> Told | None:
    if "not allowed" not in fault.problem:
        return None
    line, column = fault.at
    mark = lines.at(line)[column : column + 1]
    if mark == "-":
        message = "a list item cannot begin here; expected each `- ` at the start of a line"
    else:
        message = f"a text cannot start with {mark} and a blank; {_IN_QUOTES}"
    return Told(line, column, message)


def _no_colon(fault: Fault, lines: Lines) -> Told | None:
    if "could not find expected ':'" not in fault.problem:
        return None
    line, column = fault.since or fault.at
    length = max(1, len(lines.at(line).rstrip()) - column)
    return Told(
        line, column,
        "this line has a text but no key; expected a key, a colon and a blank before it, or more "
        "indentation where it goes on with the text above",
        length,
    )  # fmt: skip


def _block_text(fault: Fault, _lines: Lines) -> Told | None:
    if "block scalar" not in fault.context:
        return None
    line, column = fault.since or fault.at
    return Told(
        line, column,
        "| and > begin a text of several lines; expected the end of the line after it, or quotes "
        "around a text that starts with such a mark",
    )  # fmt: skip


def _second_document(fault: Fault, lines: Lines) -> Told | None:
    if "document start" not in fault.problem:
        return None
    line, column = _inside(fault.at, lines)
    return Told(
        line, column,
        "a second document begins here; expected one document in a file, without lines of `---`, "
        "`...` or `%`",
    )  # fmt: skip


def _misfit(fault: Fault, lines: Lines) -> Told | None:
    """Tell of a line, or of what follows on a line, that fits nothing before it."""
    if not re.search(r"block (mapping|collection|sequence|end)", fault.context + fault.problem):
        return None
    line, column = _inside(fault.at, lines)
    text = lines.at(line)
    before, mark = text[:column].rstrip(), text[column : column + 1]
    if not before:
        message = (
            "the indentation of this line fits none of the lines above; expected it to start "
            "exactly below its neighbours"
        )
    elif mark in ("}", "]"):
        message = f"this {mark} closes nothing; expected it deleted, or quotes around the text"
    elif before.endswith(("}", "]")):
        message = f"a text that starts with a bracket ended just before this; {_IN_QUOTES}"
    else:
        return None
    return Told(line, column, message)


_READINGS: tuple[Callable[[Fault, Lines], Told | None], ...] = (
    _tab,
    _unclosed_quote,
    _escape,
    _second_colon,
    _bracket,
    _open_bracket,
    _special_start,
    _block_text,
    _not_allowed_here,
    _no_colon,
    _second_document,
    _after_quote,
    _misfit,
)
