"""How values compare: text without case and outer blanks, numbers as numbers, never across.

LANGUAGE.md section 1. A missing value makes every comparison false.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeGuard

from engine.model import Compare, Scalar, Value

# What `norm` returns: equal keys are equal values. A true/false is a tuple, for in Python
# True == 1, and in the language it is not.
Key = str | int | float | tuple[bool]


def norm(value: Scalar) -> Key:
    """Return the key under which a value is compared, grouped and told apart."""
    if isinstance(value, str):
        return value.strip().casefold()
    if isinstance(value, bool):
        return (value,)
    return value


def is_scalar(value: Any) -> TypeGuard[Scalar]:
    """Tell whether a value can be compared at all: a text, a true/false or a number."""
    return isinstance(value, str | int | float) and value == value  # noqa: PLR0124 # NaN is not


def as_text(value: Any) -> Any:
    """Return a value of a field that is always text: 4471 and 4471.0 are `4471`.

    Lists are taken element by element; what has no text (null, objects) stays as it is.
    """
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return str(int(value)) if whole else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return [as_text(element) for element in value]
    return value


def as_value(raw: Any) -> Value:
    """Return what a JSON value is in the language: lists become tuples, objects are missing."""
    if isinstance(raw, str | int | float):
        return raw if raw == raw else None  # noqa: PLR0124 # NaN is missing
    if isinstance(raw, list | tuple):
        return tuple(element for element in raw if is_scalar(element))
    return None


def matches(compare: Compare, value: Value, *, prefix_subtag: bool = False) -> bool:
    """Tell whether a value is what `compare` asks for; all its parts must hold.

    Of several values (a tuple), some element must be what is asked, and none what `not` names.
    `prefix_subtag` is for languages: `fr` is `fr-CA` too.
    """
    if value is None:
        return False
    values = value if isinstance(value, tuple) else (value,)
    if compare.not_ is not None and any(
        _among(compare.not_, element, prefix_subtag=prefix_subtag) for element in values
    ):
        return False
    if (
        compare.is_ is None
        and compare.at_least is None
        and compare.at_most is None
        and compare.contains is None
    ):
        return True
    return any(_is_asked(compare, element, prefix_subtag=prefix_subtag) for element in values)


def prepared(compare: Compare) -> Callable[[Any], bool]:
    """Return `matches` of a raw field, made ready to be asked of many events."""
    alone = compare.is_ is not None and compare == Compare(is_=compare.is_)
    keys = frozenset(map(norm, compare.is_ or ())) if alone else None

    def test(raw: Any) -> bool:
        kind = type(raw)
        if keys is not None:
            if kind is str:
                return raw.strip().casefold() in keys
            if kind is int:
                return raw in keys
        return matches(compare, as_value(raw))

    return test


def _is_asked(compare: Compare, value: Scalar, *, prefix_subtag: bool) -> bool:
    if compare.is_ is not None and not _among(compare.is_, value, prefix_subtag=prefix_subtag):
        return False
    if compare.at_least is not None or compare.at_most is not None:
        if isinstance(value, str | bool):
            return False  # a text or a true/false has no order
        if compare.at_least is not None and not value >= compare.at_least:
            return False
        if compare.at_most is not None and not value <= compare.at_most:
            return False
    if compare.contains is not None:
        return isinstance(value, str) and has_words(value, compare.contains)
    return True


def _among(wanted: Iterable[Scalar], value: Scalar, *, prefix_subtag: bool) -> bool:
    key = norm(value)
    if prefix_subtag and isinstance(key, str):
        tag = key.replace("_", "-") + "-"
        return any(
            isinstance(each, str) and tag.startswith(str(norm(each)).replace("_", "-") + "-")
            for each in wanted
        )
    return any(norm(each) == key for each in wanted)


# --- whole words ----------------------------------------------------------------------------


def has_words(text: str, phrases: Iterable[str]) -> bool:
    """Tell whether one of the phrases stands in the text as whole words, in its order."""
    there = words(text)
    return any(_runs_in(words(phrase), there) for phrase in phrases)


def _runs_in(phrase: tuple[str, ...], there: tuple[str, ...]) -> bool:
    size = len(phrase)
    if size == 1:
        return phrase[0] in there
    return size > 0 and any(there[at : at + size] == phrase for at in range(len(there) - size + 1))


@lru_cache(maxsize=2_048)
def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, without case.

    Scripts that write no blanks between words (Chinese, Japanese, Thai …) show no word's end,
    so each of their letters counts as a word of its own: there, a phrase is found anywhere.
    """
    found: list[str] = []
    word = ""
    for character in unicodedata.normalize("NFC", text.casefold()):
        if _writes_no_blanks(character):
            found.extend((word, character) if word else (character,))
            word = ""
        elif character.isalnum() or unicodedata.category(character)[0] == "M":
            word += character
        elif word:
            found.append(word)
            word = ""
    if word:
        found.append(word)
    return tuple(found)


_NO_BLANKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic marks
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def _writes_no_blanks(character: str) -> bool:
    if character < "\u0e00":
        return False
    point = ord(character)
    return any(first <= point <= last for first, last in _NO_BLANKS)
