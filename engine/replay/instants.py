"""Recorded times: dates with or without a zone, and epochs in seconds or finer."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.clock import SECOND, from_datetime

_EPOCH = re.compile(r"-?\d{1,20}(?:\.\d{1,12})?(?:[eE][+]?\d{1,2})?\Z")
_COMPACT_DATE = re.compile(r"(?:19|20|21)\d{6}\Z")
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999  # the years 1 to 9999, ms
_YEAR_2200 = 7_258_118_400_000  # no clickstream that we guess about is younger

# What a bare number counts, by its size: (below, ms each). Seconds until the year 5138.
_UNITS = (
    (Decimal(10) ** 11, Decimal(SECOND)),
    (Decimal(10) ** 14, Decimal(1)),
    (Decimal(10) ** 17, Decimal("0.001")),
    (Decimal(10) ** 20, Decimal("0.000001")),
)


def zone_of(name: str) -> tzinfo:
    """Return the zone of times that name none."""
    return UTC if name == "UTC" else ZoneInfo(name)


def instant(value: Any, form: str, zone: tzinfo) -> int:
    """Read a recorded time as ms; parts of a millisecond are dropped.

    `form` is iso, epoch_s, epoch_ms, or auto, which tells dates from numbers, and seconds from
    milli-, micro- and nanoseconds by their size. Raises ValueError with a sentence.
    """
    if form == "iso":
        return _iso(value, zone)
    number = _number(value)
    if form == "auto":
        if number is None or (isinstance(value, str) and _COMPACT_DATE.match(value.strip())):
            return _iso(value, zone)
        return _guessed(number)
    if number is None:
        raise ValueError(f'the time "{value}" is not a number, though the map says {form}')
    return _in_range(number * SECOND if form == "epoch_s" else number, value)


def _guessed(number: Decimal) -> int:
    unit = next((unit for below, unit in _UNITS if abs(number) < below), Decimal(0))
    at = _in_range(number * unit, number) if unit else _YEAR_2200
    if at >= _YEAR_2200:
        raise ValueError(
            f"the time {number} is no epoch of our days; say in a map's time: what it counts"
        )
    return at


def _in_range(millis: Decimal, value: Any) -> int:
    if not _EARLIEST <= millis <= _LATEST:
        raise ValueError(f"the time {value} is beyond the years 1 to 9999")
    return math.floor(millis)


def _number(value: Any) -> Decimal | None:
    """Return a number exactly as it was written: 1700000000.123 s is not a millisecond less."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = value.strip() if isinstance(value, str) else repr(value)
    return Decimal(text) if _EPOCH.match(text) else None


def _iso(value: Any, zone: tzinfo) -> int:
    text = str(value).strip().replace(" UTC", "+00:00").replace(" +", "+")
    try:
        moment = datetime.fromisoformat(text)
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f'the time "{value}" is not a date and time such as 2026-12-01T10:00:00Z'
        ) from None
