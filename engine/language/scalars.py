"""The single values: durations, percentages, caps, dates, numbers, links.

Each has a pure reading, which raises ValueError with what was expected, and a reader that turns
that into a problem at its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlsplit

from engine.clock import DAY, HOUR, MINUTE, SECOND, WEEK
from engine.language.kinds import Kind
from engine.language.nodes import Node, ScalarNode
from engine.language.reading import Reading
from engine.language.words import guess, listed, quote
from engine.model import Cap, Span, Window

V = TypeVar("V")

MAX_DURATION = 36_500 * DAY  # a century: longer is a slip, and milliseconds stay exact
_UNITS = {
    word: span
    for words, span in (
        (("s", "second", "seconds"), SECOND),
        (("m", "minute", "minutes"), MINUTE),
        (("h", "hour", "hours"), HOUR),
        (("d", "day", "days"), DAY),
        (("w", "week", "weeks"), WEEK),
    )
    for word in words
}
_DURATION = re.compile(r"(\d{1,12})\s*([a-z]+)", re.IGNORECASE)
_OFFSET_PART = re.compile(r"\s*(\d{1,12})(?:\.(\d{1,3}))?\s*([a-z]+)", re.IGNORECASE)
_PERCENTAGE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s*%")
_CAP = re.compile(r"(\d{1,6})(?:\s+prompts?)?\s+(?:(ever)|per\s+(.+))", re.IGNORECASE)
_ID = re.compile(r"[a-z0-9-]{1,64}")
_KEY_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST_NAME = 64
MOST = 1_000_000_000  # a bound on whole numbers that have no other

DURATION_HINT = "a whole number and a unit, such as 40 seconds, 30m or 7 days"


# --- pure readings --------------------------------------------------------------------------


def parse_duration(text: str) -> int:
    """Return a duration in ms."""
    found = _DURATION.fullmatch(text.strip())
    span = _UNITS.get(found[2].lower()) if found else None
    if found is None or span is None:
        raise ValueError(f"expected {DURATION_HINT}{_unit_hint(text)}")
    millis = int(found[1]) * span
    if millis > MAX_DURATION:
        raise ValueError("expected no more than 100 years")
    return millis


def _unit_hint(text: str) -> str:
    """Say more about the usual slips."""
    if re.fullmatch(r"\s*\d+\s*", text):
        return " (the unit is missing)"
    if re.match(r"\s*\d+[.,]\d", text):
        return " (only whole numbers, so a smaller unit)"
    word = re.fullmatch(r"\s*\d+\s*([a-z]+)\s*", text, re.IGNORECASE)
    if word:
        meant = guess(word[1].lower(), [unit for unit in _UNITS if len(unit) > 1])
        months = word[1].lower().startswith(("month", "year"))
        hint = "days or weeks, as months differ" if months else meant
        return f" (did you mean {hint}?)" if hint else ""
    return ""


def parse_offset(text: str) -> int:
    """Return durations joined, such as `2d 31s` or `39.999s`, in ms."""
    at, millis = 0, 0
    stripped = text.strip()
    while at < len(stripped):
        part = _OFFSET_PART.match(stripped, at)
        span = _UNITS.get(part[3].lower()) if part else None
        if part is None or span is None or (part[2] and span != SECOND):
            break
        millis += int(part[1]) * span + int((part[2] or "").ljust(3, "0"))
        at = part.end()
    if at < len(stripped) or not stripped:
        raise ValueError("expected durations such as 40s, 2d 31s or 39.999s")
    if millis > MAX_DURATION:
        raise ValueError("expected no more than 100 years")
    return millis


def parse_percentage(text: str) -> float:
    """Return a percentage: 10.0 for `10%`."""
    found = _PERCENTAGE.fullmatch(text.strip())
    if found is None or Decimal(found[1]) > 100:
        bare = re.fullmatch(r"\s*\d{1,3}(\.\d{1,2})?\s*", text)
        hint = f" (did you mean {text.strip()}%?)" if bare else ""
        raise ValueError(f"expected 0% to 100%, with up to two decimals, such as 10%{hint}")
    return float(found[1])


def parse_cap(text: str) -> Cap:
    """Return a cap."""
    shape = "expected one such as 1 per session, 3 prompts per 7 days or 1 ever"
    found = _CAP.fullmatch(text.strip())
    if found is None:
        raise ValueError(shape)
    times = int(found[1])
    if times == 0:
        raise ValueError("expected at least 1 (to stop a rule, write mode: paused)")
    within: Window | None = None
    if not found[2]:
        span = found[3].strip().lower()
        if span in _UNITS and len(span) > 1:
            raise ValueError(f"{shape} (did you mean {found[1]} per 1 {span}?)")
        within = Span.SESSION if span == "session" else parse_cap_span(span, shape)
    return Cap(times, within, " ".join(text.split()))


def parse_cap_span(text: str, shape: str) -> int:
    """Return the span of a cap in ms."""
    try:
        millis = parse_duration(text)
    except ValueError:
        raise ValueError(shape) from None
    if millis == 0:
        raise ValueError("expected a span longer than nothing")
    return millis


def parse_link(text: str, schemes: Sequence[str] = ("https",)) -> str:
    """Return an https link or a path on the site."""
    link = text.strip()
    expected = "expected a path that starts with / or a link that starts with https://"
    if any(c in link for c in "\\<>\"'`") or any(c.isspace() or not c.isprintable() for c in link):
        raise ValueError("expected a link without blanks, quotes or backslashes")
    if link.startswith("/"):
        if link.startswith("//"):
            raise ValueError(expected)
        return link
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme.lower() not in schemes or (parts.scheme.lower() == "https" and not host):
        raise ValueError(expected)
    return link


# --- readers --------------------------------------------------------------------------------


def _read(
    reading: Reading, node: Node, kind: Kind, what: str, parse: Callable[[str], V]
) -> V | None:
    """Read a scalar by a pure reading; `what` names it in messages."""
    found = reading.scalar(node, what)
    if found is None:
        return None
    try:
        return parse(found.raw)
    except ValueError as error:
        reading.error(found, kind, f"{quote(found.raw)} is not {what}; {error}")
        return None


def text(reading: Reading, node: Node, expected: str = "a text") -> str | None:
    """Return a text, as written."""
    found = reading.scalar(node, expected)
    return None if found is None else found.raw.strip()


def duration(reading: Reading, node: Node, *, positive: bool = False) -> int | None:
    """Return a duration in ms, longer than nothing where it must be `positive`."""
    millis = _read(reading, node, Kind.BAD_DURATION, "a duration", parse_duration)
    if millis == 0 and positive:
        reading.error(node, Kind.BAD_DURATION, "no time at all; expected at least 1 second")
        return None
    return millis


def offset(reading: Reading, node: Node) -> int | None:
    """Return joined durations in ms."""
    return _read(reading, node, Kind.BAD_DURATION, "a time from the start", parse_offset)


def window(reading: Reading, node: Node) -> Window | None:
    """Return a look-back window; a warning where it looks further than events are kept."""
    found = reading.scalar(node, "a duration, session or page")
    if found is None:
        return None
    for span in Span:
        if found.raw.strip() == span:
            return span
    try:
        millis = parse_duration(found.raw)
    except ValueError as error:
        meant = guess(found.raw.strip(), [span.value for span in Span])
        more = str(error).removeprefix(f"expected {DURATION_HINT}")
        hint = f"expected session, page or a duration such as 30 minutes{more}"
        if meant:
            hint = f"did you mean {quote(meant)}?"
        reading.error(found, Kind.BAD_DURATION, f"{quote(found.raw)} is not a window; {hint}")
        return None
    if millis == 0:
        reading.error(node, Kind.BAD_DURATION, "no time at all; expected at least 1 second")
        return None
    if millis > reading.keep:
        days = f"{reading.keep / DAY:g} days"
        reading.warn(
            found, Kind.WITHIN_BEYOND_KEEP,
            f"events are kept for {days}, and this looks further back; expected at most "
            f"{days}, or a longer keep: in site.yaml",
        )  # fmt: skip
    return millis


def percentage(reading: Reading, node: Node) -> float | None:
    """Return a percentage."""
    return _read(reading, node, Kind.BAD_PERCENTAGE, "a percentage", parse_percentage)


def caps(reading: Reading, node: Node) -> tuple[Cap, ...]:
    """Return a cap or a list of them."""
    found = reading.one_or_more(node, "a cap or a list of caps") or ()
    read = (_read(reading, item, Kind.BAD_CAP, "a cap", parse_cap) for item in found)
    return tuple(cap for cap in read if cap is not None)


def link(reading: Reading, node: Node, schemes: Sequence[str] = ("https",)) -> str | None:
    """Return a link."""
    return _read(reading, node, Kind.BAD_LINK, "a link", lambda raw: parse_link(raw, schemes))


def number(reading: Reading, node: Node, expected: str = "a number") -> float | int | None:
    """Return a number."""
    found = reading.scalar(node, expected)
    if found is None:
        return None
    if isinstance(found.value, bool) or not isinstance(found.value, (int, float)):
        quoted = " (without the quotes)" if not found.plain and _is_number(found.raw) else ""
        reading.wrong_type(found, expected + quoted)
        return None
    return found.value


def _is_number(raw: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", raw) is not None


def whole(reading: Reading, node: Node, least: int, most: int) -> int | None:
    """Return a whole number between two bounds, both included."""
    expected = f"a whole number from {least:,} to {most:,}"
    if most >= MOST:
        expected = f"a whole number of {least} or more"
    found = number(reading, node, expected)
    if found is None:
        return None
    if found != int(found) or not least <= found <= most:
        reading.error(
            node, Kind.BAD_NUMBER,
            f"{found:g} does not fit here; expected {expected}",
        )  # fmt: skip
        return None
    return int(found)


def boolean(reading: Reading, node: Node) -> bool | None:
    """Return true or false."""
    if isinstance(node, ScalarNode) and isinstance(node.value, bool):
        return node.value
    hint = ""
    if isinstance(node, ScalarNode):
        word = node.raw.strip().casefold()
        if word in ("true", "yes", "on", "y"):
            hint = " (did you mean true?)"
        elif word in ("false", "no", "off", "n"):
            hint = " (did you mean false?)"
    reading.wrong_type(node, f"true or false{hint}")
    return None


def choice(reading: Reading, node: Node, choices: Sequence[str]) -> str | None:
    """Return one of a closed list of words."""
    found = reading.scalar(node, listed(choices))
    if found is None:
        return None
    if found.raw in choices:
        return found.raw
    meant = guess(found.raw, choices)
    hint = f"did you mean {quote(meant)}?" if meant else f"expected {listed(choices)}"
    reading.error(found, Kind.BAD_VALUE, f"{quote(found.raw)} does not fit here; {hint}")
    return None


def rule_id(reading: Reading, node: Node) -> ScalarNode | None:
    """Return the node of a rule's id."""
    found = reading.scalar(node, "an id of small letters, digits and dashes")
    if found is None or _ID.fullmatch(found.raw):
        return found
    made = re.sub(r"[^a-z0-9]+", "-", found.raw.lower()[:64]).strip("-")
    hint = f", such as {quote(made)}" if made else ""
    reading.error(
        found, Kind.BAD_NAME,
        f"{quote(found.raw)} is not an id; expected 1 to 64 small letters, digits and dashes{hint}",
    )  # fmt: skip
    return None


def name(reading: Reading, node: Node, what: str) -> ScalarNode | None:
    """Return the node of a name of the author's own: any text, but not a long one."""
    found = reading.scalar(node, what)
    if found is None:
        return None
    raw = found.raw
    if len(raw) > _LONGEST_NAME or not raw.isprintable() or raw != raw.strip():
        reading.error(
            found, Kind.BAD_NAME,
            f"{quote(raw)} cannot be {what}; expected 1 to {_LONGEST_NAME} characters on one line, "
            "without blanks around them",
        )  # fmt: skip
        return None
    return found


def address_name(reading: Reading, node: Node, what: str) -> str | None:
    """Return a name that also stands in addresses: letters, digits, dots, dashes, underscores."""
    found = reading.scalar(node, what)
    if found is None:
        return None
    if not _KEY_NAME.fullmatch(found.raw):
        reading.error(
            found, Kind.BAD_NAME,
            f"{quote(found.raw)} cannot be {what}; expected 1 to 64 letters, digits, dots, dashes "
            "and underscores, as it stands in addresses",
        )  # fmt: skip
        return None
    return found.raw
