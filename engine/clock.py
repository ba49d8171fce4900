"""What time it is, in one replaceable place.

Every instant inside the engine is a whole number of milliseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


def now() -> int:
    """Return the wall clock in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def to_datetime(instant: int) -> datetime:
    """Return an instant (ms) as an aware UTC datetime, exact to the millisecond."""
    seconds, millis = divmod(instant, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1_000)


def from_datetime(moment: datetime) -> int:
    """Return an aware datetime as milliseconds; parts of a millisecond are dropped."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond // 1_000


def to_text(instant: int) -> str:
    """Return an instant (ms) as RFC 3339 in UTC, with milliseconds only where there are some."""
    moment = to_datetime(instant)
    spec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")
