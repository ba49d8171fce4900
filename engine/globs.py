"""Globs: the only pattern a marketer writes (LANGUAGE.md section 4).

`*` matches within a segment, `**` across segments; `**/` and a final `/**` also match nothing.
`{field}` is a `*` that matches at least one character and captures it. A host may stand before
the first slash, `?key=value` after the path. Case, a final slash and the fragment are ignored.

Where a pattern can match in several ways, a capture takes as little as it can and a `*` as much,
from left to right: `*-{product}` and `{product}-*` both capture `4471`, of `boots-4471` and of
`4471-boots`.

Matching takes time in proportion to (length of the page) x (parts of the pattern), whatever the
page holds: one pass from the right marks the positions from which the rest of the pattern still
matches, so nothing is ever tried twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

MAX_GLOB = 1_024  # characters of a pattern
MAX_PATH = 4_096  # a longer path is in no page group: no honest page has one
_MAX_QUERY = 16_384
_MAX_PARAMETERS = 256

# Segments are joined by a character that no segment holds, so that an encoded slash stays inside
# the segment that it is in.
_SLASH = "\0"


class _Literal(NamedTuple):
    text: str


class _Star(NamedTuple):
    least: int  # 1 where it is a whole segment: an empty one does not exist


class _Field(NamedTuple):
    name: str


class _Gap(NamedTuple):
    """`**`: anything, slashes included."""


class _Leading(NamedTuple):
    """`**/`: nothing, or anything that ends with a slash."""


class _Trailing(NamedTuple):
    """A final `/**`: nothing, or a slash and anything."""


_Part = _Literal | _Star | _Field | _Gap | _Leading | _Trailing


class Address(NamedTuple):
    """A page, taken apart. `path` keeps its case (captures are text), `folded` does not."""

    host: str | None
    path: str
    folded: str
    query: str


class Glob:
    """A compiled glob; immutable. `fields` are the names that it captures, in order."""

    __slots__ = ("_host", "_literals", "_path", "_query", "fields", "text")

    def __init__(
        self,
        text: str,
        host: tuple[_Part, ...] | None,
        path: tuple[_Part, ...],
        query: tuple[tuple[str, tuple[_Part, ...]], ...],
    ) -> None:
        self.text = text
        self._host = host
        self._path = path
        self._query = query
        self._literals = tuple(part.text for part in path if isinstance(part, _Literal))
        every = [*(host or ()), *path, *(part for _, parts in query for part in parts)]
        self.fields = tuple(part.name for part in every if isinstance(part, _Field))

    def __repr__(self) -> str:
        return f"Glob({self.text!r})"

    def match(self, url: str) -> dict[str, str] | None:
        """Return what the fields captured, or None where the page does not match.

        `url` is a full URL or a path.
        """
        address = take_apart(url)
        return None if address is None else self.match_address(address)

    def match_address(self, address: Address) -> dict[str, str] | None:
        """Do the same for a page that is already taken apart."""
        folded = address.folded
        for literal in self._literals:  # rejects nearly every page at the speed of C
            if literal not in folded:
                return None
        found: dict[str, str] = {}
        if self._host is not None and not self._match_host(address.host, found):
            return None
        if not _match(self._path, address.path, folded, found):
            return None
        if self._query and not self._match_query(address.query, found):
            return None
        return found

    def _match_host(self, host: str | None, found: dict[str, str]) -> bool:
        parts = self._host or ()
        if host is None:
            return False
        if _match(parts, host, host, found):
            return True
        name, colon, port = host.rpartition(":")
        return bool(colon) and port.isdecimal() and _match(parts, name, name, found)

    def _match_query(self, query: str, found: dict[str, str]) -> bool:
        pairs = _parameters(query)
        return all(
            any(key == wanted and _match(parts, raw, fold(raw), found) for key, raw in pairs)
            for wanted, parts in self._query
        )


# --- pages ----------------------------------------------------------------------------------


def take_apart(url: str) -> Address | None:
    """Return the parts of a full URL or a path, or None where its path is over-long."""
    rest = url.strip()
    rest, _, _ = rest.partition("#")
    rest, _, query = rest.partition("?")
    scheme, colon, after = rest.partition("://")
    host: str | None = None
    if colon and "/" not in scheme:
        host, _, rest = after.partition("/")
        host = fold(host.rpartition("@")[2].rstrip("."))
    if len(rest) > MAX_PATH:
        return None
    if "%" in rest or _SLASH in rest:
        segments = [
            unquote(part, errors="replace").replace(_SLASH, "\ufffd")
            for part in rest.split("/")
            if part
        ]
    else:
        segments = [part for part in rest.split("/") if part]
    path = _SLASH.join(segments)
    return Address(host or None, path, fold(path), query)


def fold(text: str) -> str:
    """Return the text without case and of the same length, so that positions still fit."""
    folded = text.lower() if text.isascii() else text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    folded = character.casefold()
    if len(folded) != 1:
        folded = character.lower()
    return folded if len(folded) == 1 else character


def _parameters(query: str) -> list[tuple[str, str]]:
    """Return the page's query as (key without case, value), blanks decoded."""
    pairs = []
    for piece in query[:_MAX_QUERY].split("&", _MAX_PARAMETERS)[:_MAX_PARAMETERS]:
        key, _, value = piece.partition("=")
        pairs.append((fold(unquote_plus(key)), unquote_plus(value)))
    return pairs


# --- matching -------------------------------------------------------------------------------


def _match(parts: Sequence[_Part], text: str, folded: str, found: dict[str, str]) -> bool:
    """Match the whole text; put what the fields captured into `found`."""
    size = len(text)
    if len(parts) <= 1:
        if not parts:
            return not text
        if isinstance(parts[0], _Literal):
            return folded == parts[0].text
    # fits[j][p] is 1 where parts[j:] match folded[p:].
    last = bytearray(size + 1)
    last[size] = 1
    fits = [last]
    for part in reversed(parts):
        marks = _fits(part, folded, fits[-1])
        if marks.find(1) < 0:
            return False
        fits.append(marks)
    fits.reverse()
    if not fits[0][0]:
        return False
    if any(isinstance(part, _Field) for part in parts):
        _capture(parts, text, fits, found)
    return True


def _fits(part: _Part, text: str, rest: bytearray) -> bytearray:
    """Return the positions from which `part` and then the rest match; `rest` has the rest's."""
    marks = bytearray(len(rest))
    match part:
        case _Literal(literal):
            at = text.find(literal)
            while at >= 0:
                marks[at] = rest[at + len(literal)]
                at = text.find(literal, at + 1)
        case _Star(least):
            _fill_segments(marks, text, rest, least)
        case _Field():
            _fill_segments(marks, text, rest, 1)
        case _Gap():
            _fill(marks, 0, rest.rfind(1))
        case _Leading():
            end = rest.rfind(1)
            while end > 0 and text[end - 1] != _SLASH:
                end = rest.rfind(1, 0, end)
            marks[:] = rest
            _fill(marks, 0, end - 1)
        case _Trailing():
            marks[-1] = 1
            at = text.find(_SLASH)
            while at >= 0:
                marks[at] = 1
                at = text.find(_SLASH, at + 1)
    return marks


def _fill(marks: bytearray, first: int, last: int) -> None:
    if last >= first:
        marks[first : last + 1] = b"\1" * (last + 1 - first)


def _fill_segments(marks: bytearray, text: str, rest: bytearray, least: int) -> None:
    """Mark, in each segment, every position at least `least` before the last one of `rest`."""
    end = rest.rfind(1)
    while end >= 0:
        start = text.rfind(_SLASH, 0, end) + 1
        _fill(marks, start, end - least)
        end = rest.rfind(1, 0, start)


def _capture(
    parts: Sequence[_Part], text: str, fits: Sequence[bytearray], found: dict[str, str]
) -> None:
    """Walk a text that is known to match, choosing at each part as the module's text says."""
    at = 0
    for part, rest in zip(parts, fits[1:], strict=True):
        start = at
        match part:
            case _Literal(literal):
                at += len(literal)
            case _Star(least):
                at = rest.rfind(1, at + least, _segment_end(text, at) + 1)
            case _Field(name):
                at = rest.find(1, at + 1)
                found[name] = text[start:at]
            case _Gap():
                at = rest.find(1, at)
            case _Leading():
                while not rest[at] or (at > start and text[at - 1] != _SLASH):
                    at = rest.find(1, at + 1)
            case _Trailing():
                at = len(text)


def _segment_end(text: str, at: int) -> int:
    end = text.find(_SLASH, at)
    return len(text) if end < 0 else end


# --- compiling ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of a pattern before its place is known: a literal, `*`, `**` or `{field}`."""

    kind: str  # "text", "*", "**", "{"
    text: str = ""


def compile_glob(text: str) -> Glob:
    """Return the compiled glob, or raise ValueError with one sentence for its author."""
    pattern = text.strip()
    _refuse_strangers(pattern)
    path, question, query = pattern.partition("?")
    host, slash, rest = path.partition("/")
    if pattern.startswith(("/", "**")):
        host, rest = "", path
    elif not slash:
        raise ValueError(
            f"`{pattern}` has no slash, so it is neither a path nor a host with a path; "
            f"write `/{pattern}`, `**/{pattern}` or `{pattern}/**`"
        )
    host_parts = _parts([_tokens(fold(host).rstrip("."))]) if host else None
    glob = Glob(
        pattern,
        host_parts,
        _parts([_tokens(segment) for segment in rest.split("/") if segment]),
        _query_parts(query) if question else (),
    )
    repeated = sorted({name for name in glob.fields if glob.fields.count(name) > 1})
    if repeated:
        raise ValueError(f"`{{{repeated[0]}}}` stands twice; a page has one value of a field")
    return glob


_STRANGERS = {
    "#": "a glob never looks at the fragment; leave out `#` and what follows it",
    "\\": "a glob is not a regular expression: `*` matches within a segment, `**` across them",
    "^": "a glob is not a regular expression and always matches the whole path; leave out `^`",
    "|": "a glob has no alternatives; write a list of globs instead of `|`",
    "[": "a glob has no character sets; use `*`, or a list of globs, instead of `[`",
    "]": "a glob has no character sets; use `*`, or a list of globs, instead of `]`",
    "<": "a page's address never holds `<`; a captured field is written `{field}`",
    ">": "a page's address never holds `>`; a captured field is written `{field}`",
    '"': "a page's address never holds `\"`",
    "`": "a page's address never holds a backtick",
}


def _refuse_strangers(pattern: str) -> None:
    """Raise ValueError for what can never be a glob, in words that say what to write."""
    if not pattern:
        raise ValueError("a glob is empty; write a path such as `/basket` or `**/checkout/**`")
    if len(pattern) > MAX_GLOB:
        raise ValueError(f"a glob has at most {MAX_GLOB:,} characters; this one has more")
    for character in pattern:
        if character in _STRANGERS:
            raise ValueError(_STRANGERS[character])
        if not character.isprintable():
            raise ValueError(f"a glob cannot hold the control character U+{ord(character):04X}")
    if "://" in pattern:
        raise ValueError("leave out the scheme: a glob starts with `/`, `**` or a host")
    if pattern.endswith("$"):
        raise ValueError("a glob always matches the whole path; leave out the `$` at its end")
    if any(segment in {".*", ".+"} for segment in pattern.split("/")):
        raise ValueError(
            "a glob is not a regular expression: write `*` for one segment and `**` for any number"
        )
    if "***" in pattern:
        raise ValueError("`***` means nothing; `*` matches within a segment, `**` across them")


def _query_parts(query: str) -> tuple[tuple[str, tuple[_Part, ...]], ...]:
    wanted = []
    for piece in query.split("&"):
        key, equals, value = piece.partition("=")
        if not key or not equals or "?" in piece:
            raise ValueError("after `?` a glob has `key=value`, several of them joined by `&`")
        if any(character in key for character in "*{}"):
            raise ValueError(f"`{key}`: the key of a query is written out, without `*` or braces")
        tokens = _tokens(value)
        if any(token.kind == "**" for token in tokens):
            raise ValueError("`**` crosses segments, which a query has not; write `*`")
        parts = _segment_parts(tokens)
        # In a query a value may well be empty.
        wanted.append((fold(unquote_plus(key)), _with_least(parts, 0)))
    return tuple(wanted)


def _tokens(text: str) -> list[_Token]:
    """Return the pieces of one segment; ValueError for unbalanced braces and the like."""
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        stop = min((i for i in map(text.find, "*{}", [at] * 3) if i >= 0), default=len(text))
        if stop > at:
            tokens.append(_Token("text", text[at:stop]))
            at = stop
        elif text[at] == "*":
            stars = "**" if text.startswith("**", at) else "*"
            tokens.append(_Token(stars))
            at += len(stars)
        else:
            end = text.find("}", at)
            name = text[at + 1 : end]
            if text[at] == "}" or end < 0 or "{" in name:
                raise ValueError("the braces do not pair up; a captured field is written `{field}`")
            tokens.append(_Token("{", _field_name(name)))
            at = end + 1
    _refuse_neighbours(tokens)
    return tokens


def _field_name(name: str) -> str:
    if not name.isascii() or not name.replace("-", "_").isidentifier():
        raise ValueError(
            f"`{{{name}}}` does not name a field; inside braces stands a name such as `product`"
        )
    return name


def _refuse_neighbours(tokens: Sequence[_Token]) -> None:
    for left, right in pairwise(tokens):
        if left.kind != "text" and right.kind != "text":
            raise ValueError(
                "nothing tells two neighbouring wildcards apart; put text or a `/` between them"
            )


def _parts(segments: Sequence[Sequence[_Token]]) -> tuple[_Part, ...]:
    """Join the segments' pieces, giving `**` its meaning by its place."""
    parts: list[_Part] = []
    gap = [_Token("**")]
    # Two neighbouring `**` say no more than one.
    places = [
        p for p, tokens in enumerate(segments) if tokens != gap or segments[p - 1 : p] != [gap]
    ]
    for place in places:
        tokens = segments[place]
        if tokens == gap and place == places[-1]:
            parts.append(_Trailing() if parts else _Gap())
            continue
        if parts and not isinstance(parts[-1], _Leading):
            parts.append(_Literal(_SLASH))
        parts.extend([_Leading()] if tokens == gap else _segment_parts(tokens))
    return _joined(parts)


def _segment_parts(tokens: Sequence[_Token]) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    for token in tokens:
        match token.kind:
            case "text":
                text = unquote(token.text, errors="replace").replace(_SLASH, "\ufffd")
                parts.append(_Literal(fold(text)))
            case "*":
                parts.append(_Star(1 if len(tokens) == 1 else 0))
            case "**":
                parts.append(_Gap())
            case _:
                parts.append(_Field(token.text))
    return tuple(parts)


def _with_least(parts: Sequence[_Part], least: int) -> tuple[_Part, ...]:
    return tuple(_Star(least) if isinstance(part, _Star) else part for part in parts)


def _joined(parts: Sequence[_Part]) -> tuple[_Part, ...]:
    """Return the parts with neighbouring literals made one."""
    joined: list[_Part] = []
    for part in parts:
        if joined and isinstance(part, _Literal) and isinstance(joined[-1], _Literal):
            joined[-1] = _Literal(joined[-1].text + part.text)
        else:
            joined.append(part)
    return tuple(joined)
