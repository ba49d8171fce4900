"""What a desk last reported, and what its states read as when it has not.

Silence never summons a chat: a department that is unknown has nobody free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.clock import SECOND
from engine.events import DESK_STATES, STANDARD_STATES, ZERO_WHEN_UNKNOWN, StateType
from engine.model import Value

MOST = 1_000_000_000  # beyond any desk; keeps sums exact


class Availability(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A department's report. Spans are seconds; `at` is when it arrived, ms, set by the server."""

    agents_online: int
    active_chats: int = 0
    chats_per_agent: int = 1
    reserve: int = 0
    queue_length: int | None = None
    queue_wait: float | None = None
    ttl: float = 120
    at: int = 0

    @property
    def free_slots(self) -> int:
        """How many more chats the department could take now."""
        capacity = self.agents_online * self.chats_per_agent
        return max(0, capacity - self.active_chats - self.reserve)

    def fresh(self, now: int) -> bool:
        """Say whether the report still counts; a report exactly as old as its `ttl` does."""
        return now - self.at <= self.ttl * SECOND


_KEYS = tuple(name for name in Availability.__struct_fields__ if name != "at")
_UNKNOWN_ALLOWED = frozenset({"queue_length", "queue_wait"})
_FRACTIONS_ALLOWED = frozenset({"queue_wait", "ttl"})


def read(report: object, now: int) -> Availability:
    """Read a department's report as it came in at `now` (ms).

    Raises ValueError with one sentence that says what is wrong and what was expected.
    """
    if not isinstance(report, Mapping):
        raise ValueError(  # noqa: TRY004 - bad input, as every fault here
            'availability must be an object, such as {"agents_online": 3}'
        )
    for key in report:
        if key not in _KEYS:
            raise ValueError(f"availability has no {_shown(key)}; it has {', '.join(_KEYS)}")
    if "agents_online" not in report:
        raise ValueError("availability needs agents_online: how many agents are online")
    values: dict[str, Any] = {key: _number(key, value) for key, value in report.items()}
    return Availability(**values, at=now)


def _number(key: str, value: object) -> int | float | None:
    if value is None and key in _UNKNOWN_ALLOWED:
        return None
    fractions = key in _FRACTIONS_ALLOWED
    wanted = "a number" if fractions else "a whole number"
    bad = ValueError(f"{key} must be {wanted} from 0 to {MOST:,}, not {_shown(value)}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad
    if not math.isfinite(value) or not 0 <= value <= MOST:
        raise bad
    if fractions:
        return value
    if value != int(value):
        raise bad
    return int(value)


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _read_as(state: str, value: Value) -> Value:
    """Turn a desk state as written (seconds, counts) into what conditions compare."""
    if value is None:
        return 0 if state in ZERO_WHEN_UNKNOWN else None
    if STANDARD_STATES[state].type is StateType.DURATION and isinstance(value, int | float):
        return round(value * SECOND)
    return value


class Desk:
    """The departments as they stand at `now` (ms): always the present, whatever is decided."""

    def __init__(self, by_department: Mapping[str, Availability], now: int) -> None:
        self._reports = {
            name: report for name, report in by_department.items() if report.fresh(now)
        }

    def known(self, department: str) -> bool:
        """Say whether the department has reported and its report has not grown too old."""
        return department in self._reports

    def value(self, department: str, state: str) -> Value:
        """Return a desk state; durations are ms. Unknown: nobody free, and no queue states."""
        if state not in DESK_STATES:
            return None
        report = self._reports.get(department)
        if report is None:
            return _read_as(state, None)
        name = "agents_online" if state == "agents_available" else state
        return _read_as(state, getattr(report, name))


class FixedDesk:
    """Desk states stated outright, the same for every department: rule tests and backtests.

    `states` are as written (seconds, counts); None, or a state left out, is unknown.
    """

    def __init__(self, states: Mapping[str, Value]) -> None:
        self._states = states

    def known(self, department: str) -> bool:  # noqa: ARG002 - one desk for all
        """Say whether the desk is known; one that is told not to know who is free is not."""
        return all(self._states.get(state) is not None for state in ZERO_WHEN_UNKNOWN)

    def value(self, department: str, state: str) -> Value:  # noqa: ARG002 - one desk for all
        """Return a desk state; durations are ms."""
        return _read_as(state, self._states.get(state)) if state in DESK_STATES else None
