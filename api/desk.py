"""The desk: what a department reports of itself, and its hours for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from http import HTTPStatus
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time
from babel.units import format_unit
from flask import Flask, Response, request

from api.answer import instant
from api.facts import read_language
from api.guard import body
from api.replies import Refused, bad_request, reply
from api.wire import parse_object
from api.wiring import Wiring
from engine import hours, wording
from engine.gates import availability, schedule
from engine.gates.availability import Availability
from engine.model import MinuteRange, Schedule
from engine.ruleset import Ruleset

DEFAULT = "default"
_DAY = 24 * 60

# The one word that the locale data lack; a dash where the language is not here.
_CLOSED = {
    "en": "closed",
    "cs": "zavřeno",
    "da": "lukket",
    "de": "geschlossen",
    "es": "cerrado",
    "fi": "suljettu",
    "fr": "fermé",
    "it": "chiuso",
    "ja": "休業",
    "nb": "stengt",
    "nl": "gesloten",
    "pl": "nieczynne",
    "pt": "fechado",
    "sv": "stängt",
    "tr": "kapalı",
    "uk": "зачинено",
    "zh": "休息",
}


def register(app: Flask, wiring: Wiring) -> None:
    """Add the routes."""
    guard, service = wiring.guard, wiring.service

    @app.put("/v1/availability/<department>")
    def report(department: str) -> Response:
        caller = guard.server()
        site = guard.site(caller)
        _check_department(service.ruleset(site), department)
        sent = parse_object(body(caller.body_limit))
        try:
            received = availability.read(sent, wiring.clock())
        except ValueError as fault:
            raise bad_request("invalid_field", str(fault)) from None
        service.put_availability(site, department, received)
        return reply(_as_json(department, received, wiring.clock()))

    @app.get("/v1/availability/<department>")
    def reported(department: str) -> Response:
        site = guard.site(guard.server())
        _check_department(service.ruleset(site), department)
        held = service.availability(site, department)
        if held is None:
            detail = f'the department "{department}" has not reported yet'
            raise Refused(HTTPStatus.NOT_FOUND, "not_reported", detail)
        return reply(_as_json(department, held, wiring.clock()))

    @app.get("/v1/hours")
    def opening_hours() -> Response:
        ruleset = service.ruleset(guard.site(guard.anyone()))
        department = request.args.get("department", DEFAULT)
        _check_department(ruleset, department)
        language = read_language(request.args.get("language"))
        return reply(hours_as_json(ruleset, department, wiring.clock(), language))


def _check_department(ruleset: Ruleset, department: str) -> None:
    known = {DEFAULT, *ruleset.site.departments, *(rule.department for rule in ruleset.rules)}
    if department not in known:
        detail = f"the site has no such department; it has {', '.join(sorted(known))}"
        raise Refused(HTTPStatus.NOT_FOUND, "unknown_department", detail)


def _as_json(department: str, held: Availability, now: int) -> dict[str, Any]:
    return {
        "department": department,
        "agents_online": held.agents_online,
        "active_chats": held.active_chats,
        "chats_per_agent": held.chats_per_agent,
        "reserve": held.reserve,
        "queue_length": held.queue_length,
        "queue_wait": held.queue_wait,
        "ttl": held.ttl,
        "free_slots": held.free_slots,
        "at": instant(held.at),
        "fresh": held.fresh(now),
    }


def hours_as_json(
    ruleset: Ruleset, department: str, now: int, language: str | None
) -> dict[str, Any]:
    """Return whether the department is open, until or from when, and seven days' full hours.

    `week` starts today, by the desk's own wall clock; a department without a schedule is always
    open and has no `week`.
    """
    desk = hours.desk(ruleset.site, department, now, [language])
    kept = hours.kept_by(ruleset.site, department)
    spoken = wording.locale(language)
    return {
        "department": department,
        "open": desk.open,
        "closes_at": instant(desk.closes_at),
        "opens_at": instant(desk.opens_at),
        "message": desk.message,
        "contact": ruleset.site.offline.contact,
        "time_zone": kept.zone if kept else ruleset.site.time_zone,
        "language": str(spoken).replace("_", "-"),
        "week": _week(kept, now, spoken) if kept else None,
    }


def _week(kept: Schedule, now: int, spoken: Locale) -> list[dict[str, Any]]:
    return [
        {
            "date": day,
            "day": format_date(date.fromisoformat(day), "EEEE", locale=spoken),
            "hours": _spoken_hours(ranges, spoken),
            "ranges": [[_clock(start), _clock(end)] for start, end in ranges],
        }
        for day, ranges in schedule.week(kept, now)
    ]


def _spoken_hours(ranges: Sequence[MinuteRange], spoken: Locale) -> str:
    if not ranges:
        return _CLOSED.get(spoken.language, "–")
    if tuple(ranges) == ((0, _DAY),):
        return str(format_unit(24, "hour", locale=spoken))
    return ", ".join(
        f"{_spoken_time(start, spoken)} – {_spoken_time(end, spoken)}" for start, end in ranges
    )


def _spoken_time(minute: int, spoken: Locale) -> str:
    return format_time(time(*divmod(minute % _DAY, 60)), "short", locale=spoken)


def _clock(minute: int) -> str:
    """Write a minute of the day as 17:30; the end of the day is 24:00, tomorrow's 2 is 02:00."""
    minute = minute if minute <= _DAY else minute - _DAY
    return f"{minute // 60:02}:{minute % 60:02}"
