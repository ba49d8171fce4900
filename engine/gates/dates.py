"""A rule's `active` dates: from an instant on, until another one."""

from __future__ import annotations

from engine.gates.refusal import Refusal
from engine.model import Reason, Rule
from engine.spans import EMPTY, Spans


def refusal(rule: Rule, now: int) -> Refusal | None:
    """Refuse a rule before its first instant, and at or after its last."""
    active = rule.active
    if active is None:
        return None
    too_early = active.since is not None and now < active.since
    too_late = active.until is not None and now >= active.until
    return Refusal(Reason.OUTSIDE_DATES) if too_early or too_late else None


def spans(rule: Rule, lo: int, hi: int) -> Spans:
    """Return the part of [lo, hi) (ms) in which the rule is active."""
    active = rule.active
    if active is not None:
        lo = lo if active.since is None else max(lo, active.since)
        hi = hi if active.until is None else min(hi, active.until)
    return ((lo, hi),) if lo < hi else EMPTY
