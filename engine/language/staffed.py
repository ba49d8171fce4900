"""Whether any staffed hour lies ahead of a rule: its schedules laid over each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.clock import DAY, MINUTE, SECOND
from engine.model import Rule, Schedule, Site
from engine.spans import Spans, intersect, normal

_AHEAD = 400  # days


# Which schedules, laid over each other between which days, leave something.
Memo = dict[tuple[tuple[str, ...], date, date], bool]


def never_staffed(site: Site, rule: Rule, today: date, memo: Memo) -> tuple[str, ...]:
    """Return the names of the schedules that leave a rule no hour within 400 days, if so.

    Schedules in several zones are not compared, and holidays count as open: only what is certain
    is told. `memo` is shared by the rules of one site, most of which ask the same.
    """
    names = _binding(site, rule)
    schedules = [site.schedules[name] for name in names]
    zones = {schedule.zone for schedule in schedules}
    if not schedules or len(zones) > 1:
        return ()
    first, last = _days(rule, today, ZoneInfo(zones.pop()))
    if first > last:
        return ()
    question = (names, first, last)
    if question not in memo:
        laid_out = (_laid_out(schedule, first, last) for schedule in schedules)
        memo[question] = bool(intersect(*laid_out))
    return () if memo[question] else names


def _binding(site: Site, rule: Rule) -> tuple[str, ...]:
    """Return the schedules of which every one must be open for the rule to show."""
    names = [rule.during, site.departments.get(rule.department)]
    for veto in site.suppress:
        alone = veto.where is None and veto.who is None and veto.condition is None
        if veto.hides_prompt and alone:
            names.append(veto.outside)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _days(rule: Rule, today: date, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and last local day ahead on which the rule may be active."""
    first, last = today, today + timedelta(days=_AHEAD)
    if rule.active is not None and rule.active.since is not None:
        first = max(first, _local(rule.active.since, zone))
    if rule.active is not None and rule.active.until is not None:
        last = min(last, _local(rule.active.until - 1, zone))
    return first, last


def _local(instant: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(instant / SECOND, UTC).astimezone(zone).date()


def _laid_out(schedule: Schedule, first: date, last: date) -> Spans:
    """Return the inviting hours on local days, ms of the wall clock counted from the first."""
    open_: list[tuple[int, int]] = []
    for number in range(-1, (last - first).days + 1):
        day = first + timedelta(days=number)
        name = day.isoformat()
        ranges = schedule.week[day.weekday()]
        if name in schedule.open_on:
            ranges = schedule.open_on[name]
        elif name in schedule.closed:
            ranges = ()
        start = number * DAY
        open_.extend((start + low * MINUTE, start + high * MINUTE) for low, high in ranges)
    whole = normal(open_)
    inviting = normal(
        [(low, high - schedule.wind_down) for low, high in whole if low < high - schedule.wind_down]
    )
    return intersect(inviting, ((0, ((last - first).days + 1) * DAY),))
