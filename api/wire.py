"""Bytes to values, strictly: what one JSON parser reads another must not read differently.

Refused with 400: bytes that are not UTF-8, NaN and infinities, lone surrogates, duplicate keys,
nesting deeper than DEPTH, integers beyond 64 bits, number texts longer than DIGITS.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from api.replies import Refused, bad_request
from engine.clock import from_datetime

DEPTH = 64  # of a whole body; one event has its own, smaller limit
DIGITS = 64

_decode = msgspec.json.decode
_KEY = re.compile(rb'"[ \t\n\r]*:')
_SPACED = (b'" ', b'"\n', b'"\t', b'"\r')
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
_LONG = b"0" * (DIGITS + 1)
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
# What the schedules, the time zones and the holidays are good for.
_EARLIEST, _LATEST = (
    from_datetime(datetime.fromisoformat("1970-01-01T00:00:00Z")),
    from_datetime(datetime.fromisoformat("2100-01-01T00:00:00Z")),
)

T = TypeVar("T")


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`. Raises Refused (400) with a code and a sentence."""
    value = _parse(body)
    if type(value) is not dict:
        raise bad_request("not_an_object", "the body must be one JSON object, as {…}")
    keys = len(value) + _walk(value, 1)
    if not _surely_plain(body, keys):
        _look_closely(body)
    return value


def read(shape: type[T], value: Any) -> T:
    """Return `value` as the struct `shape`. Raises Refused (400 `invalid_field`)."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise bad_request("invalid_field", _plain(str(error))) from None


def parse_instant(text: Any) -> int:
    """Return an RFC 3339 text as ms since the epoch. Raises ValueError with a sentence."""
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("a time must be RFC 3339 text with its offset, as 2026-12-01T10:00:00Z")
    instant = from_datetime(moment)
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("a time must lie between the years 1970 and 2100")
    return instant


def _parse(body: bytes) -> Any:
    try:
        return _decode(body)
    except UnicodeDecodeError:
        raise bad_request("not_utf8", "the body must be UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except msgspec.ValidationError:
        # The only faults of well-formed JSON read as plain values: numbers out of range.
        raise _too_long() from None
    except msgspec.DecodeError as error:
        fault = str(error).removeprefix("JSON is malformed: ")
        raise bad_request("not_json", f"the body must be JSON: {fault}") from None


def _walk(value: Any, depth: int) -> int:
    """Return the number of keys below `value`, checking depth and integers on the way."""
    if depth > DEPTH:
        raise _too_deep()
    keys = 0
    for inner in value.values() if type(value) is dict else value:
        kind = type(inner)
        if kind is dict:
            keys += len(inner) + _walk(inner, depth + 1)
        elif kind is list:
            keys += _walk(inner, depth + 1)
        elif kind is int and not _INT_MIN <= inner <= _INT_MAX:
            raise _too_long()
    return keys


def _surely_plain(body: bytes, keys: int) -> bool:
    """Tell cheaply that there are no duplicate keys and no over-long number texts.

    A key is the only place where a quote is followed by a colon, except inside texts: so the
    pairs counted are never fewer than the keys written, and if they are as many as the keys
    that were kept, none was written twice.
    """
    pairs = body.count(b'":')
    if pairs != keys or any(mark in body for mark in _SPACED):
        pairs = len(_KEY.findall(body))
    return pairs == keys and _LONG not in body.translate(_DIGITS_TO_ZERO)


def _look_closely(body: bytes) -> None:
    """Parse again, slowly, to see whether what looked odd really is. Depth is known to be fine."""

    def once(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            detail = f'the key "{twice[:64]}" is written twice in one object; write it once'
            raise bad_request("duplicate_key", detail)

    def short(text: str) -> None:
        if len(text) > DIGITS:
            raise _too_long()

    json.loads(body, object_pairs_hook=once, parse_float=short, parse_int=short)


def _too_deep() -> Refused:
    return bad_request("json_too_deep", f"the body must not nest deeper than {DEPTH} levels")


def _too_long() -> Refused:
    detail = f"a number must fit 64 bits and be written in at most {DIGITS} characters"
    return bad_request("number_too_long", detail)


def _plain(fault: str) -> str:
    """Turn msgspec's sentence into ours: "Expected `str`, got `int` - at `$.visitor`"."""
    sentence, _, place = fault.partition(" - at ")
    where = place.strip("`").removeprefix("$.") or "the body"
    return f"{where}: {sentence[:1].lower()}{sentence[1:]}".replace("`", '"')
