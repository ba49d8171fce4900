"""A backtest's counts as text, from the same record that is printed as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

_HELD = 4  # reasons told on the first line of a rule; the others follow beneath


def render(told: Record) -> str:
    """Write what `Summary.record` says, and what it was compared with under `against`."""
    lines = [_size(told)]
    if told["bad_rows"]:
        lines.append(f"{_many(told['bad_rows'], 'bad row')} passed over, as told above")
    if told["repeated_rows"]:
        repeated = _many(told["repeated_rows"], "row")
        lines.append(f"{repeated} with an id that had come before: each event counts once")
    lines += ["", *_table(told["rules"])]
    if "against" in told:
        lines += ["", *_against(told["rules"], told["against"])]
    lines += ["", "Caps and answers are simulated: a prompt counts as shown and left unanswered."]
    return "\n".join(lines)


def _size(told: Record) -> str:
    stretch = f", {told['from']} to {told['until']}" if told["from"] else ""
    return (
        f"{_many(told['events'], 'event')} of {_many(told['visitors'], 'visitor')} in "
        f"{_many(told['sessions'], 'session')}{stretch}"
    )


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _table(rules: Mapping[str, Record]) -> list[str]:
    if not rules:
        return ["there are no rules"]
    width = max(4, *map(len, rules))
    lines = [f"{'rule':<{width}}  {'triggered':>9}  {'shown':>7}  {'visitors':>8}  held because"]
    for name, count in rules.items():
        held = [f"{why} {times:,}" for why, times in _by_size(count["held"])] or ["-"]
        first, *rest = (held[start : start + _HELD] for start in range(0, len(held), _HELD))
        lines.append(
            f"{name:<{width}}  {count['triggered']:>9,}  {count['shown']:>7,}  "
            f"{count['visitors']:>8,}  {', '.join(first)}"
        )
        for more in rest:
            lines[-1] += ","
            lines.append(f"{'':<{width + 32}}{', '.join(more)}")
    return lines


def _by_size(held: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(held.items(), key=lambda pair: (-pair[1], pair[0]))


def _against(ours: Mapping[str, Record], other: Record) -> list[str]:
    theirs: Mapping[str, Record] = other["rules"]
    names = [*ours, *(name for name in theirs if name not in ours)]
    width = max(5, *map(len, names)) if names else 5
    lines = [f"{'shown':<{width}}  {'here':>9}  {'there':>9}  {'change':>9}"]
    for name in names:
        here, there = (_shown(rules, name) for rules in (ours, theirs))
        more = "" if here is None or there is None else f"{here - there:+,}"
        lines.append(f"{name:<{width}}  {_number(here):>9}  {_number(there):>9}  {more:>9}")
    gained, lost = (_many(other[f"visitors_{way}"], "visitor") for way in ("gained", "lost"))
    lines.append(f"a prompt only with these rules: {gained}; only with the others: {lost}; ")
    lines[-1] += f"with both: {other['visitors_in_both']:,}"
    return ["against the other folder", *lines]


def _shown(rules: Mapping[str, Record], name: str) -> int | None:
    return rules[name]["shown"] if name in rules else None


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
