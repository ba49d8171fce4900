"""A trace as text, for people at a terminal: the same facts as in JSON, nothing more.

The verdict stands before what it is about, so that a column of them can be read down whatever
the length of the lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.model import Reason

_VERDICTS = {"yes": "yes", "no": "NO", "not reached": "-"}
_GATE, _VERDICT = 13, 4  # widths of the two columns
_OVERVIEW = 100  # characters that the overview spends on what held a rule
# Gates that say nothing worth reading while they let a rule through.
_USUAL = frozenset({"paused", "cooldown", "shadow", "priority"})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z")

Entry = Mapping[str, Any]


def render(
    trace: Sequence[Entry], *, rule: str | None = None, zone: str = "UTC", every: bool = False
) -> str:
    """Write a decision's trace, or that of one rule, as lines; times on the clock of a zone.

    Gates at which nothing is asked of a rule are left out unless `every` is wanted.
    """
    chosen = [entry for entry in trace if rule is None or entry["rule"] == rule]
    text = "\n\n".join("\n".join(_entry(entry, every=every)) for entry in chosen)
    return _localised(text, zone)


def overview(trace: Sequence[Entry], *, zone: str = "UTC") -> str:
    """Write one line a rule: what became of it, and the first thing that held it."""
    width = max((len(entry["rule"]) for entry in trace), default=0)
    reasons = max((len(entry["reason"]) for entry in trace), default=0)
    lines = [
        f"{entry['rule']:<{width}}  {_decision(entry)}  {entry['reason']:<{reasons}}  "
        f"{_first_no(entry)}".rstrip()
        for entry in trace
    ]
    return _localised("\n".join(lines), zone)


def _decision(entry: Entry) -> str:
    return f"{entry['decision'].upper():<4}"


def _first_no(entry: Entry) -> str:
    for gate in entry["gates"]:
        if gate["verdict"] == "no":
            told = gate.get("conditions")
            said = _said(gate) if told is None else _shortest(told, gate["gate"])
            return f"{gate['gate']}: {said}"
    return ""


def _shortest(told: Entry, gate: str) -> str:
    """Say in one line what decided: of `any` and `all` the parts that did."""
    decisive = "yes" if gate == "unless" else "no"
    said = "; ".join(_leaves(told, decisive)) or told["condition"]
    return said if len(said) <= _OVERVIEW else f"{said[: _OVERVIEW - 1]}…"


def _leaves(told: Entry, decisive: str) -> Iterator[str]:
    parts = told.get("parts") or ()
    negated = any(part["verdict"] != told["verdict"] for part in parts) and len(parts) == 1
    if not parts or negated:
        yield told["condition"]
        return
    for part in parts:
        if part["verdict"] == decisive:
            yield from _leaves(part, decisive)


# --- one rule in full -----------------------------------------------------------------------


def _entry(entry: Entry, *, every: bool) -> Iterator[str]:
    by = f" ({entry['by']})" if entry["by"] else ""
    yield f"{entry['rule']}   {entry['decision'].upper()}  {entry['reason']}{by}   {entry['place']}"
    owner = f"({entry['owner']})" if entry["owner"] else ""
    if entry["description"] or owner:
        yield f"  {entry['description'] or ''} {owner}".rstrip()
    for gate in entry["gates"]:
        if every or _tells(gate):
            yield from _gate(gate)
    if entry["decision"] == "hold":
        earliest = entry["earliest"] or "not within 24 hours, if nothing else happens"
        yield _line("earliest", "", earliest)


def _tells(gate: Entry) -> bool:
    """Say whether a gate is worth a line: it is asked something, and not for the usual answer."""
    if gate["verdict"] == "no" or gate.get("conditions"):
        return True
    return gate["verdict"] == "yes" and gate["wanted"] is not None and gate["gate"] not in _USUAL


def _gate(gate: Entry) -> Iterator[str]:
    verdict, told = _VERDICTS[gate["verdict"]], gate.get("conditions")
    if told is None:
        yield _line(gate["gate"], verdict, _said(gate))
        return
    lines = list(_condition(told, 0, helps=gate["gate"] in ("when", "who")))
    yield _line(gate["gate"], verdict, lines[0][1])
    for inner, text in lines[1:]:
        yield _line("", inner, text)


def _line(gate: str, verdict: str, text: str) -> str:
    return f"  {gate:<{_GATE}} {verdict:<{_VERDICT}} {text}".rstrip()


def _said(gate: Entry) -> str:
    """Say what a gate without conditions wanted and found."""
    wanted, actual, refused = gate["wanted"], gate["actual"], gate["verdict"] == "no"
    match gate["gate"]:
        case "paused" | "shadow":
            return f"the rule's mode is {actual}"
        case "during":
            return str(actual)
        case "suppress" if not refused:
            return f"{wanted} applies"
        case "suppress" if gate["reason"] == Reason.AVAILABILITY_UNKNOWN:
            return f"{gate['by']}, as nothing is known of the desk"
        case "suppress":
            return str(actual)
        case "caps" if refused:
            return f"{gate['by']}: {actual}"
        case "cooldown" if refused:
            return str(gate["by"])
        case "priority" if refused:
            return f"{actual}, and {gate['by']} is ranked before it"
    return ": ".join(str(part) for part in (wanted, actual) if part is not None)


def _condition(told: Entry, depth: int, *, helps: bool) -> Iterator[tuple[str, str]]:
    """Yield (verdict, text) lines; `helps` adds what would make the false ones true."""
    indent = "  " * depth
    yield _VERDICTS[told["verdict"]], f"{indent}{told['condition']}"
    parts = told.get("parts") or ()
    for part in parts:
        yield from _condition(part, depth + 1, helps=helps and told["verdict"] == "no")
    if helps and not parts and told.get("missing") and told["actual"] is not None:
        yield "", f"{indent}  {told['missing']}"


def _localised(text: str, zone: str) -> str:
    """Turn instants in UTC into times on a zone's clock."""
    if zone == "UTC":
        return text
    info = ZoneInfo(zone)

    def local(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0]).astimezone(info)
        spec = "milliseconds" if moment.microsecond else "seconds"
        return moment.replace(tzinfo=None).isoformat(sep=" ", timespec=spec)

    return _INSTANT.sub(local, text)
