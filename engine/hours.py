"""When a department's desk is open, as people are told it: the full hours, no wind-down."""

from __future__ import annotations

from collections.abc import Sequence

from engine import wording
from engine.gates import schedule
from engine.model import DeskHours, Schedule, Site


def kept_by(site: Site, department: str) -> Schedule | None:
    """Return the schedule that a department keeps, or None when it is always open.

    `default` falls back to the schedule of the first suppression with `outside`.
    """
    name = site.departments.get(department)
    if name is None and department == "default":
        name = next((rule.outside for rule in site.suppress if rule.outside), None)
    return site.schedules[name] if name else None


def desk(site: Site, department: str, now: int, languages: Sequence[str | None]) -> DeskHours:
    """Say whether the desk is open at `now`, until when or when next, and the offline message.

    `languages` are the tags wanted, best first.
    """
    hours = kept_by(site, department)
    if hours is None:
        return DeskHours(open=True)
    if schedule.is_open(hours, now):
        return DeskHours(open=True, closes_at=schedule.closes_at(hours, now))
    opens_at = schedule.opens_at(hours, now)
    message = None
    if site.offline.message:
        language, text = wording.choose(site.offline.message, languages)
        spoken = language or next(filter(None, languages), None)
        when = wording.opening(opens_at, now, hours.zone, spoken) if opens_at is not None else None
        message = wording.fill(text, {"opens_at": when}.get)
    return DeskHours(open=False, opens_at=opens_at, message=message, contact=site.offline.contact)
