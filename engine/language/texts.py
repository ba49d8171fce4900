"""Texts that people see: by language or not, with placeholders, worded so that they fit all."""

from __future__ import annotations

import re
from enum import Enum

from engine.language.kinds import Kind
from engine.language.nodes import MapNode, Node, ScalarNode
from engine.language.reading import Reading
from engine.language.words import quote
from engine.model import Texts

LONGEST_MESSAGE = 140
LONGEST_TEXT = 1_000  # characters; beyond it a prompt is refused

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_FIELD = re.compile(r"[A-Za-z0-9_]{1,64}")
_PIECE = re.compile(r"\{([^{}]*)\}|[{}]")

# Openers that say something is wrong before anybody said so. Few and plain: a false alarm costs
# more than a miss.
_TROUBLE = r"\b[^.!?]*\b(problem|issue|trouble|difficult)\w*"
_PRESUMING = re.compile(
    "|".join(
        (
            r"\b(what|which)" + _TROUBLE,
            r"\b(having|have|got|experiencing|facing|running into|ran into)" + _TROUBLE,
            r"\b(are|were) you (stuck|lost|confused|struggling)\b",
            r"\bwhat['’]?s (wrong|the matter)\b|\bwhat (is|went) wrong\b",
            r"\b(describe|tell us about) (your|the) (problem|issue)",
            r"\bwelche[sn]?\b[^.!?]*\bproblem",
            r"\bquels?\b[^.!?]*\bproblème",
            r"\b(qué|que|quale|che|jaki)\b[^.!?]*\bproblema?\b",
        )
    ),
    re.IGNORECASE,
)


class Use(Enum):
    """What a text is for; decides which placeholders it may hold."""

    MESSAGE = "a message"
    LABEL = "a label"
    OFFLINE = "an offline message"


def texts(reading: Reading, node: Node, use: Use) -> Texts | None:
    """Return a text, or texts by language in written order."""
    if not isinstance(node, MapNode):
        said = _text(reading, node, use)
        return None if said is None else (("", said),)
    pairs = reading.entries(node, "a text, or texts by language")
    if not pairs:
        reading.error(node, Kind.EMPTY, 'no text stands here; expected one, such as en: "Hello"')
        return None
    found: list[tuple[str, str]] = []
    seen: dict[str, ScalarNode] = {}
    ok = True
    for key, value in pairs:
        said = _text(reading, value, use)
        ok = _language(reading, key, seen) and said is not None and ok
        found.append((key.raw, said or ""))
    if not ok:
        return None
    subtags = frozenset(tag.split("-")[0].casefold() for tag, _ in found)
    reading.translated.append((node, subtags))
    return tuple(found)


def _language(reading: Reading, key: ScalarNode, seen: dict[str, ScalarNode]) -> bool:
    if not _LANGUAGE.fullmatch(key.raw):
        hint = f" (did you mean {key.raw.replace('_', '-')}?)" if "_" in key.raw else ""
        reading.error(
            key, Kind.BAD_LANGUAGE,
            f"{quote(key.raw)} is not a language; expected a tag such as en or fr-CA{hint}",
        )  # fmt: skip
        return False
    first = seen.setdefault(key.raw.casefold(), key)
    if first is not key:
        reading.error(
            key, Kind.DUPLICATE_KEY,
            f"the language {quote(key.raw)} stands twice, first as {quote(first.raw)}; expected "
            "it once",
        )  # fmt: skip
        return False
    return True


def _text(reading: Reading, node: Node, use: Use) -> str | None:
    found = reading.scalar(node, "a text")
    if found is None:
        return None
    said = found.raw.strip()
    if len(said) > LONGEST_TEXT:
        reading.error(
            found, Kind.LONG_MESSAGE,
            f"this text has {len(said):,} characters; expected at most {LONGEST_TEXT:,}, better "
            f"{LONGEST_MESSAGE}",
        )  # fmt: skip
        return None
    if not _placeholders_fit(reading, found, said, use):
        return None
    if use is Use.MESSAGE:
        _advise(reading, found, said)
    return said


def _placeholders_fit(reading: Reading, node: ScalarNode, said: str, use: Use) -> bool:
    for piece in _PIECE.finditer(said):
        wrong = _fault(piece[0], piece[1], use)
        if wrong is not None:
            reading.error(node, Kind.BAD_PLACEHOLDER, wrong)
            return False
    return True


def _fault(whole: str, inner: str | None, use: Use) -> str | None:
    """Say what is wrong with one placeholder, or with a brace that is none."""
    if inner is None:
        return f"a {whole} stands alone; expected placeholders such as {{first_name|there}}"
    name, bar, fallback = inner.partition("|")
    if name == "opens_at":
        if use is Use.OFFLINE:
            return None
        return "{opens_at} has a meaning only in the offline message; expected it there"
    if use is Use.OFFLINE:
        return f"{quote(whole)} does not fit an offline message; expected {{opens_at}} only"
    if not _FIELD.fullmatch(name):
        return (
            f"{quote(whole)} names no attribute; expected letters, digits and underscores and a "
            "fallback, such as {first_name|there}"
        )
    if not bar or not fallback.strip():
        words = "a moment" if name == "wait" else "there"
        return f"{quote(whole)} has no fallback; expected one, such as {{{name}|{words}}}"
    return None


def _advise(reading: Reading, node: ScalarNode, said: str) -> None:
    """Warn of messages that are long, or that presume a problem."""
    shown = _PIECE.sub(lambda found: (found[1] or "").partition("|")[2], said)
    if len(shown) > LONGEST_MESSAGE:
        reading.warn(
            node, Kind.LONG_MESSAGE,
            f"this message has {len(shown)} characters; expected at most {LONGEST_MESSAGE}, as "
            "most visitors read it on a phone",
        )  # fmt: skip
    if _PRESUMING.search(said):
        reading.warn(
            node, Kind.PRESUMES_PROBLEM,
            "this message presumes a problem; expected words that fit everybody, such as "
            '"How can I help you today?"',
        )  # fmt: skip
