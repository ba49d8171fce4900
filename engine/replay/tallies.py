"""What a backtest counts, and how counts of several processes become one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from engine.clock import to_text
from engine.model import Reason

# Names that say more than their reason does, so that they are counted apart.
_BY_NAME = frozenset({Reason.SUPPRESSED, Reason.AVAILABILITY_UNKNOWN})


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule whose `when` came true at an instant (ms), and what became of it then."""

    visitor: str
    at: int
    rule: str
    show: bool
    reason: Reason
    by: str | None

    def record(self) -> dict[str, Any]:
        """Return the firing as one JSON object."""
        return {
            "visitor": self.visitor,
            "at": to_text(self.at),
            "rule": self.rule,
            "decision": "show" if self.show else "hold",
            "reason": self.reason.value,
            "by": self.by,
        }


@dataclass
class RuleCount:
    """What became of one rule; `visitors` are those for whom its `when` ever came true."""

    triggered: int = 0
    shown: int = 0
    visitors: int = 0
    held: Counter[str] = field(default_factory=Counter)

    def add(self, other: RuleCount) -> None:
        """Add what another part of the recording brought; it has other visitors."""
        self.triggered += other.triggered
        self.shown += other.shown
        self.visitors += other.visitors
        self.held += other.held

    def fired(self, firing: Firing) -> None:
        """Count an instant at which the rule's `when` came true."""
        self.triggered += 1
        if not firing.show:
            named = firing.reason in _BY_NAME and firing.by is not None
            self.held[f"{firing.reason}:{firing.by}" if named else str(firing.reason)] += 1

    def record(self) -> dict[str, Any]:
        """Return the counts as one JSON object."""
        return {
            "triggered": self.triggered,
            "shown": self.shown,
            "visitors": self.visitors,
            "held": dict(sorted(self.held.items())),
        }


@dataclass
class Summary:
    """A backtest's counts. Instants are ms; `repeated` rows carried an id already seen.

    `shown_to` maps each rule to the visitors that saw its prompt.
    """

    rules: dict[str, RuleCount]
    events: int = 0
    repeated: int = 0
    visitors: int = 0
    sessions: int = 0
    since: int | None = None
    until: int | None = None
    bad: int = 0
    shown_to: dict[str, set[str]] = field(default_factory=dict)

    def covers(self, since: int, until: int) -> None:
        """Widen the stretch of time that the recording covers."""
        self.since = since if self.since is None else min(self.since, since)
        self.until = until if self.until is None else max(self.until, until)

    def add(self, other: Summary) -> None:
        """Add what another part of the recording brought; it has other visitors."""
        self.events += other.events
        self.repeated += other.repeated
        self.visitors += other.visitors
        self.sessions += other.sessions
        self.bad += other.bad
        if other.since is not None and other.until is not None:
            self.covers(other.since, other.until)
        for name, count in other.rules.items():
            self.rules[name].add(count)
        for name, visitors in other.shown_to.items():
            self.shown_to.setdefault(name, set()).update(visitors)

    def compared(self, other: Summary) -> dict[str, Any]:
        """Return what other rules did with the same recording, and who sees a prompt now."""
        ours, theirs = (set[str]().union(*s.shown_to.values()) for s in (self, other))
        return {
            "rules": {name: count.record() for name, count in other.rules.items()},
            "visitors_gained": len(ours - theirs),
            "visitors_lost": len(theirs - ours),
            "visitors_in_both": len(ours & theirs),
        }

    def record(self) -> dict[str, Any]:
        """Return the summary as one JSON object (CONTRACT.md section 1)."""
        return {
            "events": self.events,
            "visitors": self.visitors,
            "sessions": self.sessions,
            "from": None if self.since is None else to_text(self.since),
            "until": None if self.until is None else to_text(self.until),
            "bad_rows": self.bad,
            "repeated_rows": self.repeated,
            "rules": {name: count.record() for name, count in self.rules.items()},
        }
