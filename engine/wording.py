"""The words of a prompt: which language, and what stands in the placeholders.

Text is text: nothing here is ever read as HTML, and a placeholder takes verified attributes
only (LANGUAGE.md section 5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_timedelta, get_timezone

from engine.clock import DAY, to_datetime
from engine.model import Texts

# Our own closed form, not a marketer's pattern: linear by construction.
_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)(?:\|([^{}]*))?\}", re.IGNORECASE)


def choose(texts: Texts, wanted: Sequence[str | None]) -> tuple[str | None, str]:
    """Return (language, text): each wanted tag exactly, then by first subtag; else the first.

    The language is None where the text was written without one.
    """
    tags = [(tag.casefold().replace("_", "-"), tag, text) for tag, text in texts]
    for want in wanted:
        if not want:
            continue
        folded = want.strip().casefold().replace("_", "-")
        for tag, written, text in tags:
            if tag == folded:
                return written or None, text
        for tag, written, text in tags:
            if tag and tag.split("-")[0] == folded.split("-")[0]:
                return written or None, text
    written, text = texts[0]
    return written or None, text


def fill(text: str, lookup: Callable[[str], object]) -> str:
    """Replace each `{field|fallback}`; a field that `lookup` does not know takes its fallback."""

    def replace(match: re.Match[str]) -> str:
        value = lookup(match[1])
        if value is None or isinstance(value, bool) or not str(value).strip():
            return match[2] or ""
        return str(value).strip()

    return _PLACEHOLDER.sub(replace, text)


def locale(language: str | None) -> Locale:
    """Return the nearest locale that is known, English where there is none."""
    tag = (language or "en").replace("_", "-")
    for candidate in (tag, tag.split("-")[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def wait(millis: int, language: str | None) -> str:
    """Say a waiting time (ms) in words, such as `20 seconds` or `2 minutes`."""
    seconds = max(1, round(millis / 1_000))
    span = timedelta(seconds=seconds)
    return format_timedelta(span, threshold=1.5, locale=locale(language))


def opening(instant: int, now: int, zone: str, language: str | None) -> str:
    """Say when the desk opens: the time today, the weekday within six days, else the date."""
    where = get_timezone(zone)
    then, today = (to_datetime(t).astimezone(where) for t in (instant, now))
    if then.date() == today.date():
        skeleton = "Hm"
    elif instant - now < 6 * DAY:
        skeleton = "EHm"
    else:
        skeleton = "MMMdHm"
    spoken = locale(language)
    if skeleton == "MMMdHm":
        day = format_skeleton("MMMEd", then, tzinfo=where, locale=spoken)
        return f"{day} {format_skeleton('Hm', then, tzinfo=where, locale=spoken)}"
    return format_skeleton(skeleton, then, tzinfo=where, locale=spoken)
