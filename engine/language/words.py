"""How messages speak: quoting what was written, listing what would do, guessing what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache

_CLIP = 60
_LISTED = 12
_LONGEST_GUESS = 64  # difflib is quadratic, and nobody misspells a longer word


def quote(text: str) -> str:
    """Return what the author wrote in quotes, clipped and on one line."""
    shown = text if len(text) <= _CLIP else text[: _CLIP - 1] + "…"
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
    return f'"{shown}"'


def listed(words: Iterable[str], last: str = "or") -> str:
    """Return `a, b or c`; a long list is cut."""
    names = list(words)
    if len(names) > _LISTED:
        names = [*names[:_LISTED], f"{len(names) - _LISTED} more"]
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def guess(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word that was probably meant."""
    names = list(known)
    if len(word) > _LONGEST_GUESS:
        return None
    plain = _plain(word)
    for name in names:
        if _plain(name) == plain:
            return name
    close = difflib.get_close_matches(word.casefold(), [n.casefold() for n in names], 1, cutoff)
    return next((n for n in names if n.casefold() == close[0]), None) if close else None


def slip(word: str, known: Iterable[str]) -> str | None:
    """Return the known word of which this is all but certainly a misspelling, where one is.

    Stricter than `guess`, for places where a new word may well be meant: nothing but case and
    joints differs, or an `s`, or one letter in five, two in nine.
    """
    return None if len(word) > _LONGEST_GUESS else _slip(word, tuple(known))


@lru_cache(maxsize=4_096)
def _slip(word: str, known: tuple[str, ...]) -> str | None:
    if word in known:
        return None
    plain = _plain(word)
    letters = set(plain)
    for name, other, others in _plain_words(known):
        if plain in (other, other + "s") or plain + "s" == other:
            return name
        allowed = 0 if len(other) < 5 else 1 if len(other) < 9 else 2
        # One edit brings at most two letters that the other word has not: a cheap first look.
        if abs(len(plain) - len(other)) > allowed or len(letters ^ others) > 2 * allowed:
            continue
        if _distance(plain, other) <= allowed:
            return name
    return None


@lru_cache(maxsize=256)
def _plain_words(known: tuple[str, ...]) -> tuple[tuple[str, str, frozenset[str]], ...]:
    plain = [(name, _plain(name)) for name in known]
    return tuple((name, word, frozenset(word)) for name, word in plain)


def did_you_mean(word: str, known: Iterable[str], none: str = "") -> str:
    """Return the second half of a message about an unknown word.

    `none` is said where there is nothing to choose from.
    """
    names = sorted(known) if isinstance(known, (set, frozenset)) else list(dict.fromkeys(known))
    meant = guess(word, names)
    if meant is not None:
        return f"did you mean {quote(meant)}?"
    if not names:
        return none or "none is defined"
    return f"expected {'one of ' if len(names) > 2 else ''}{listed(names)}"


def _plain(word: str) -> str:
    return "".join(c for c in word.casefold() if c not in "_- ")


def _distance(one: str, other: str) -> int:
    """Count the letters added, dropped, changed or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
