"""Rules that can never win, because a better one always holds with them."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.implies import implies
from engine.model import Active, Folder, Mode, Rule

_MOST_PAIRS = 200_000  # looked at in a folder; a large one is checked against its best rules only


def outranked(folder: Folder) -> Iterator[tuple[Rule, Rule]]:
    """Give each live rule that never wins, with one that passes whenever it does and ranks first.

    Only what is certain is told.
    """
    ranked = sorted(folder.rules, key=lambda rule: -rule.priority)  # stable: file order stays
    reach = max(20, _MOST_PAIRS // max(1, len(ranked)))
    better: list[Rule] = []
    for rule in ranked:
        if rule.mode is Mode.LIVE:
            winner = next((other for other in better if _covers(other, rule)), None)
            if winner is not None:
                yield rule, winner
            elif len(better) < reach and _always_passes(rule):
                better.append(rule)


def _always_passes(rule: Rule) -> bool:
    """Say whether nothing but its conditions, shared by all, keeps a rule from showing."""
    return rule.mode is Mode.LIVE and not rule.limits and rule.rollout == 100 and rule.holdout == 0


def _covers(other: Rule, rule: Rule) -> bool:
    return (
        implies(rule.when, other.when)
        and implies(rule.where, other.where)
        and implies(rule.who, other.who)
        and (
            other.unless is None or (rule.unless is not None and implies(other.unless, rule.unless))
        )
        and other.during in (None, rule.during)
        and other.department == rule.department
        and _dates_cover(other.active, rule.active)
    )


def _dates_cover(wide: Active | None, narrow: Active | None) -> bool:
    if wide is None:
        return True
    if narrow is None:
        return False
    starts = wide.since is None or (narrow.since is not None and wide.since <= narrow.since)
    ends = wide.until is None or (narrow.until is not None and narrow.until <= wide.until)
    return starts and ends
