"""Why a condition does or does not hold, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from engine.clock import DAY, SECOND, to_datetime
from engine.events import STANDARD_STATES, StateType
from engine.match.phrases import (
    condition_line,
    count_wanted,
    distinct_noun,
    duration,
    number,
    page_line,
    roughly,
    step_line,
    subject,
    value_text,
    window,
    wish,
)
from engine.match.tree import holds
from engine.model import (
    AllOf,
    AnyOf,
    Condition,
    Counted,
    InAudience,
    InGroup,
    Not,
    Scalar,
    Sequence,
    Stall,
    StateIs,
    Value,
)
from engine.visitor.measures import FOREVER, Tally, in_order, leaving, stalled, tally
from engine.visitor.view import View

YES, NO, NOT_REACHED = "yes", "no", "not reached"

Told = dict[str, Any]


def explain(cond: Condition, view: View, department: str = "default") -> Told:
    """Return a condition and what is true of it, fit for JSON.

    Keys: `condition` (one line for people), `verdict` (`yes` or `no`), `wanted` (text), `actual`
    (the value; durations in seconds; None where missing). Where they apply: `group` (the value
    that `same` found), `missing` (what would make it true, in plain words), `parts`.
    """
    match cond:
        case Counted():
            return _counted(cond, view)
        case Stall():
            return _stall(cond, view)
        case Sequence():
            return _sequence(cond, view)
        case StateIs():
            return _state(cond, view, department)
        case InGroup():
            return _in_group(cond, view)
        case InAudience():
            return _in_audience(cond, view, department)
        case AllOf() | AnyOf():
            return _several(cond, view, department)
        case Not():
            return _not(cond, view, department)


def outline(cond: Condition) -> Told:
    """Return a condition that nothing was asked about: the same keys, `not reached`."""
    told: Told = {"condition": condition_line(cond), "verdict": NOT_REACHED}
    told |= {"wanted": condition_line(cond), "actual": None}
    match cond:
        case AllOf(parts) | AnyOf(parts):
            told["parts"] = [outline(part) for part in parts]
        case Not(part):
            told["parts"] = [outline(part)]
    return told


def _told(
    line: str, wanted: str, actual: Any, *, verdict: bool, missing: str | None = None
) -> Told:
    told: Told = {
        "condition": line,
        "verdict": YES if verdict else NO,
        "wanted": wanted,
        "actual": actual,
    }
    if missing and not verdict:
        told["missing"] = missing
    return told


# --- events ---------------------------------------------------------------------------------


def _counted(cond: Counted, view: View) -> Told:
    measure, found = cond.measure, tally(view, cond.measure)
    enough = found.count >= cond.at_least
    few = cond.at_most is None or found.count <= cond.at_most
    group = value_text(found.group) if found.group is not None else None
    of = f" of {cond.at_least}" if cond.at_least else ""
    limit = f", at most {cond.at_most}" if cond.at_most is not None else ""
    line = (
        f"{subject(measure, group)}: {found.count}{of}{distinct_noun(measure)} "
        f"{window(measure.within)}{limit}"
    )
    missing = _too_few(cond, found, view) if not enough else _too_many(cond, view)
    told = _told(line, count_wanted(cond), found.count, verdict=enough and few, missing=missing)
    if found.group is not None:
        told["group"] = found.group
    return told


def _too_few(cond: Counted, found: Tally, view: View) -> str:
    more = f"{_more(cond, found)} would do it"
    if found.count == 0 or not isinstance(cond.measure.within, int):
        return more
    # From the instant on at which the first of those that count now leaves, more are lacking.
    falls_at = leaving(view, cond.measure)[found.count - 1]
    return more.replace(" would", f" before {_when(falls_at, view)} would")


def _more(cond: Counted, found: Tally) -> str:
    measure, lacking = cond.measure, cond.at_least - found.count
    count = "one more" if lacking == 1 else f"{lacking} more"
    if measure.different == "session":
        return f"{count} session" if lacking == 1 else f"{count} sessions"
    said = f"{count} {measure.event}" if lacking == 1 else f"{count} {measure.event} events"
    if measure.same and found.group is not None:
        said += f" of {measure.same} {value_text(found.group)}"
    if measure.different:
        each = "with another" if lacking == 1 else "each with another"
        said += f", {each} {measure.different},"
    return said


def _too_many(cond: Counted, view: View) -> str | None:
    if cond.at_most is None:
        return None
    leaves = leaving(view, cond.measure)
    if len(leaves) <= cond.at_most or leaves[cond.at_most] >= FOREVER:
        return "too many have happened"
    return f"too many have happened; few enough from {_when(leaves[cond.at_most], view)} on"


def _stall(cond: Stall, view: View) -> Told:
    waiting = stalled(view, cond)
    line = condition_line(cond)
    wanted = f"no {cond.then} for {duration(cond.lasting)}" if cond.lasting else f"no {cond.then}"
    if not waiting:
        missing = f"a {step_line(cond.first)} that no {cond.then} follows would do it"
        return _told(f"{line}: none is waiting", wanted, None, verdict=False, missing=missing)
    age = view.now - waiting[0]
    missing = f"{duration(cond.lasting - age)} more without {cond.then} would do it"
    return _told(
        f"{line}: waiting for {roughly(age)}",
        wanted,
        age / SECOND,
        verdict=age >= cond.lasting,
        missing=missing,
    )


def _sequence(cond: Sequence, view: View) -> Told:
    reached, steps = in_order(view, cond), len(cond.steps)
    line = f"{condition_line(cond)}: {reached} of {steps} steps"
    done = reached == steps
    missing = None if done else f"next: {step_line(cond.steps[reached])}"
    return _told(line, f"{steps} steps", reached, verdict=done, missing=missing)


# --- states, pages, people ------------------------------------------------------------------


def _state(cond: StateIs, view: View, department: str) -> Told:
    value = view.state(cond.state, department)
    wanted = wish(cond.compare, timed=_is_timed(cond.state))
    actual = _plain(value, cond.state)
    shown = "not known" if value is None else f"is {_shown(value, cond.state)}"
    return _told(
        f"{cond.state} {wanted}: {shown}",
        wanted,
        actual,
        verdict=holds(cond, view, department),
        missing=_state_missing(cond, value, view),
    )


def _state_missing(cond: StateIs, value: Value, view: View) -> str:
    low, high = cond.compare.at_least, cond.compare.at_most
    timed = _is_timed(cond.state)
    if value is None:
        return f"{cond.state} is not known"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if low is not None and value < low:
            gap = low - value
            if not timed:
                return f"{cond.state} must rise by {number(gap)}"
            stands = "" if view.runs(cond.state) else ", but it stands still"
            return f"{duration(round(gap))} more of {cond.state} would do it{stands}"
        if high is not None and value > high:
            gap = value - high
            said = duration(round(gap)) if timed else number(gap)
            return f"{cond.state} must fall by {said}"
    return f"{cond.state} must be {wish(cond.compare, timed=timed)}"


def _in_group(cond: InGroup, view: View) -> Told:
    groups = sorted(view.page_facts.groups)
    inside = cond.group in groups
    shown = view.page or "not known"
    line = f"page in {cond.group}: {shown}"
    missing = f"the page must be in {cond.group}"
    return _told(line, page_line(cond), groups, verdict=inside, missing=missing)


def _in_audience(cond: InAudience, view: View, department: str) -> Told:
    audience = view.site.audiences.get(cond.audience)
    line = f"visitor in {cond.audience}"
    if audience is None:
        return _told(f"{line}: no such audience", line, None, verdict=False)
    part = explain(audience.condition, view, department)
    inside = part["verdict"] == YES
    told = _told(line, line, inside, verdict=inside, missing=part.get("missing"))
    return told | {"parts": [part]}


# --- several --------------------------------------------------------------------------------


def _several(cond: AllOf | AnyOf, view: View, department: str) -> Told:
    parts = [explain(part, view, department) for part in cond.parts]
    true = sum(part["verdict"] == YES for part in parts)
    if isinstance(cond, AllOf):
        verdict, word, joint = true == len(parts), "all", " and "
    else:
        verdict, word, joint = true > 0, "any", " or "
    line = f"{word} of {len(parts)}: {true} {'holds' if true == 1 else 'hold'}"
    missing = _joined(joint, parts)
    told = _told(line, f"{word} of {len(parts)}", true, verdict=verdict, missing=missing)
    return told | {"parts": parts}


def _joined(joint: str, parts: Iterable[Told]) -> str:
    return joint.join(dict.fromkeys(part["missing"] for part in parts if "missing" in part))


def _not(cond: Not, view: View, department: str) -> Told:
    part = explain(cond.part, view, department)
    holds_inside = part["verdict"] == YES
    line = condition_line(cond)
    missing = f"this must no longer be so: {condition_line(cond.part)}"
    told = _told(line, "not so", holds_inside, verdict=not holds_inside, missing=missing)
    return told | {"parts": [part]}


# --- values and instants --------------------------------------------------------------------


def _is_timed(state: str) -> bool:
    kind = STANDARD_STATES.get(state)
    return kind is not None and kind.type in (StateType.CLOCK, StateType.DURATION)


def _plain(value: Value, state: str) -> Any:
    """Return a value as JSON has it: durations in seconds, several values as a list."""
    if isinstance(value, tuple):
        return [_plain(one, state) for one in value]
    if _is_timed(state) and isinstance(value, int | float) and not isinstance(value, bool):
        return value / SECOND
    return value


def _shown(value: Value, state: str) -> str:
    if isinstance(value, tuple):
        return ", ".join(_shown(one, state) for one in value) or "nothing"
    if value is None:
        return "not known"
    if _is_timed(state) and isinstance(value, int | float) and not isinstance(value, bool):
        return roughly(round(value))
    scalar: Scalar = value
    return value_text(scalar)


def _when(instant: int, view: View) -> str:
    """Say an instant on the site's wall clock: the time while it is near, else the day."""
    zone = ZoneInfo(view.site.time_zone)
    moment, today = to_datetime(instant).astimezone(zone), to_datetime(view.now).astimezone(zone)
    time = f"{moment:%H:%M}" if instant % (60 * SECOND) == 0 else f"{moment:%H:%M:%S}"
    if moment.date() == today.date():
        return time
    day = f"{moment.day} {moment:%b}"
    if moment.year != today.year:
        day = f"{day} {moment.year}"
    return day if instant - view.now > 2 * DAY else f"{day} {time}"
