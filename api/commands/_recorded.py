"""What was really decided around an instant, from the journal: for `welltimed explain`."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from engine.clock import MINUTE, SECOND
from engine.journal.entries import Decided, Line, decisions
from engine.store import Store

AROUND = 10 * MINUTE
_TOLD = 5

Local = Callable[[int], str]


def nearest(store: Store, site: str, visitor: str, at: int) -> list[Line]:
    """Return the decisions nearest to an instant (ms), in their order. Raises StoreUnavailable."""
    lines = decisions(store, site, visitor=visitor, since=at - AROUND, until=at + AROUND + 1)
    near = heapq.nsmallest(_TOLD, lines, key=lambda line: (abs(line.at - at), line.at))
    return sorted(near, key=lambda line: (line.at, line.decision_id))


def told(near: Sequence[Line], at: int, ruleset: str, local: Local) -> str:
    """Say what was decided around an instant (ms).

    `ruleset` is the digest of the rules at hand, so that decisions by others are marked; `local`
    says an instant on the site's clock.
    """
    if not near:
        return (
            "Nothing that was decided within 10 minutes of it is in the journal, which keeps the\n"
            "decisions that came with events and those that showed a prompt."
        )
    found = ["What was really decided within 10 minutes of it, from the journal"]
    for line in near:
        found += [f"  {each}" for each in _decision(line, at, ruleset, local)]
    return "\n".join(found)


def _decision(line: Line, at: int, ruleset: str, local: Local) -> list[str]:
    decided = line.decided
    page = f" on {decided.page}" if decided.page else ""
    found = [f"{local(line.at)} ({_distance(line.at - at)}){page}: {_answer(decided)}"]
    if decided.ruleset != ruleset:
        found.append(f"  by other rules than these: {decided.ruleset}")
    found += [
        f"  {miss.rule} came near: {_because(miss.reason, miss.by)}"
        for miss in decided.near
        if miss.rule != decided.rule
    ]
    if decided.shadow:
        found.append(f"  in shadow, {' and '.join(decided.shadow)} would have passed")
    return found


def _answer(decided: Decided) -> str:
    if decided.show:
        variant = f" ({decided.variant})" if decided.variant else ""
        return f"SHOW {decided.rule}{variant}"
    nearest = f", {decided.rule} came furthest" if decided.rule else ""
    return f"HOLD {_because(decided.reason, decided.by)}{nearest}"


def _because(reason: str, by: str | None) -> str:
    return f"{reason} ({by})" if by else reason


def _distance(millis: int) -> str:
    if not millis:
        return "at that instant"
    minutes, seconds = divmod(abs(millis) / SECOND, 60)
    parts = [f"{minutes:.0f} min"] * (minutes > 0)
    if seconds or not parts:
        parts.append(f"{seconds:.3f}".rstrip("0").rstrip(".") + " s")
    return f"{' '.join(parts)} {'after' if millis > 0 else 'before'}"
