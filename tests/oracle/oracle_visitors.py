"""Random visitors whose events, exposures and reports lie at and around boundaries in time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from oracle_folders import DURATIONS, FIELDS, KINDS, Pick


def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


# An ordinary Tuesday, nights on which clocks change, weekends, holidays, ends of days.
NOWS = tuple(
    _instant(text)
    for text in (
        "2026-12-01T10:00:00", "2026-12-01T10:00:00", "2026-12-01T10:00:00",
        "2026-12-01T17:15:00", "2026-12-04T23:30:00", "2026-12-05T01:59:59.999",
        "2026-12-24T12:00:00", "2026-12-25T09:30:00", "2026-03-28T23:59:00",
        "2026-03-29T00:59:59.999", "2026-03-29T01:10:00", "2026-10-25T00:10:00",
        "2026-10-25T00:59:59.999", "2026-10-25T01:29:00", "2026-10-24T14:20:00",
        "2026-04-04T15:10:00", "2026-11-01T05:40:00", "2026-03-08T06:59:00",
    )
)  # fmt: skip
GAPS = (0, 0, 1, 999, 1_000, 20_000, 90_000, 300_000, 1_800_000, 3_600_000, 18_000_000)
NUDGES = (0, 0, 1, -1)
PAGES = (
    None, None, None, "/", "/p/a", "/p/B?x=1", "/p/b#top", "https://shop.example/p/a", "/basket/",
    "/checkout/pay", "/sale/shoes/12", "/list?sort=Price&page=2", "/help#x", "/help",
    "https://shop.example/start?utm_campaign=Spring",
)  # fmt: skip
VALUES: dict[str, tuple[Any, ...]] = {
    "query": ("boots", " Boots", "hats", "red boots, cheap", "hat", None),
    "results": (0, 3, 5.0, "0", None),
    "product": ("a", "A ", "b", 5, None),
    "price": (10, 9.99, 20, "10", None),
    "category": ("shoes", "Shoes", "bags", None),
    "cart_value": (100, 99.5, 250, None),
    "amount": (5, 5.0, "5", "five", True, None),
    "code": ("x", "x-y", "Y", ["x", "z"], ["y", 5], None),
    "value": (10, 5, None),
}
ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    "plan": ("trial", "Trial ", "pro"),
    "country": ("GB", "gb", "FR"),
    "language": ("fr", "fr-CA", "en"),
    "device": ("mobile", "desktop"),
    "logged_in": (True, False),
    "trial_day": (7, 6.5, "7", 9),
    "tags": (("a", "b"), ("b",), "A", ("c", 5)),
    "vip": (True, False, 1, "true"),
}
GIVEN: dict[str, tuple[Any, ...]] = {
    "visits": (1, 2, 3),
    "cart_value": (100, 99),
    "on_site": (20, 300),
    "days_since_last_visit": (0.25, 1, 30),
    "referrer": ("news.example",),
    "landing": (("product",), ("home", "sale")),
    "campaign": ("spring",),
    "chat_active": (True, False),
}
MEASURED: dict[str, tuple[Any, ...]] = {
    "on_page": (0, 12.5, 19.999, 20, 299),
    "idle": (0, 19.5, 90),
    "idle_in_field": (5, 29.9, 30),
    "field_time": (10, 59.999, 60),
    "hesitation": (1, 20),
    "scroll_depth": (49, 50),
    "field_returns": (0, 1, 2),
    "corrections": (9, 10),
    "failed_submits": (0, 1, 2),
    "same_field_errors": (1, 2),
    "submit_no_progress": (1, 2),
    "form": ("quote", " QUOTE", "quote me"),
    "form_stuck": (True,),
    "cart_value": (100, 20),
    "cart_items": (2, 2.0, 3),
}


def _some(pick: Pick, known: dict[str, tuple[Any, ...]], percent: int) -> dict[str, Any]:
    return {name: pick.one(values) for name, values in known.items() if pick.chance(percent)}


def _age(pick: Pick) -> int:
    """Return an age at or next to the end of some window."""
    span = pick.one([0, 0, *DURATIONS.values(), 60_000, 63_000, 14_400_000])
    return max(span + pick.one(NUDGES), 0)


def now(pick: Pick) -> int:
    """Return the instant of the decision."""
    return pick.one(NOWS) + pick.one([0, 0, 0, 1, 59_999, 1_800_000])


def events(pick: Pick, at: int, mentioned: list[str]) -> list[dict[str, Any]]:
    """Return events around an instant, a few of them after it, mostly of the kinds mentioned."""
    found: list[dict[str, Any]] = []
    ids = list("hgfedcbajkiml")
    kinds = [kind for kind in KINDS if kind in mentioned] or KINDS
    gaps = GAPS if pick.chance(50) else GAPS[:8]
    named = 50 if pick.chance(12) else 3
    pages = PAGES
    if pick.chance(60):
        pages = ("/help#x", "/help", None) if pick.chance(30) else (pick.one(PAGES), None, None)
    when = at - _age(pick) if pick.chance(30) else at - pick.one(gaps[:6])
    if pick.chance(10):
        when = at + pick.one([1, 5_000, 1_800_000])
    for n in range(pick.one([6, 1, 2, 3, 4, 5, 8, 10, 0])):
        kind = pick.one(kinds) if pick.chance(80) else pick.one(KINDS)
        found.append(
            {
                "id": ids[n], "kind": kind, "at": when, "fields": _fields(pick, kind),
                "page": pick.one(pages),
                "session": pick.one(["one", "two"]) if pick.chance(named) else None,
                "referrer": pick.one([None, None, "https://News.example/a", "https://b.example/"]),
            }
        )  # fmt: skip
        if pick.chance(5):
            found.append({**found[-1], "at": when + pick.one([1, -1, 20_000])})
        when = at - _age(pick) if pick.chance(20) else when - pick.one(gaps) - pick.one(NUDGES)
    return found


def _fields(pick: Pick, kind: str) -> dict[str, Any]:
    """Return fields; most values are the first of those known, so that they meet their like."""
    found = {}
    for name in FIELDS.get(kind, ()):
        if pick.chance(85):
            found[name] = VALUES[name][0] if pick.chance(40) else pick.one(VALUES[name])
    if kind == "checkout_started" and pick.chance(50):
        found["cart_items"] = 2
    return found


def exposures(pick: Pick, at: int, rules: list[str]) -> list[dict[str, Any]]:
    """Return prompts and silent exposures of an earlier time, a few of them of a later one."""
    found = []
    for n in range(pick.one([0, 0, 0, 0, 1, 2, 3])):
        decided = at - _age(pick)
        if pick.chance(5):
            decided = at + pick.one([1, 5_000])
        held = pick.one(["site", "rule"]) if pick.chance(25) else None
        shown = pick.one([0, 1_000, 59_999, 120_000]) if pick.chance(60) and not held else None
        found.append(
            {
                "id": f"d{n}", "at": decided, "rule": pick.one([*rules, *rules, "gone", None]),
                "delay": pick.one([0, 3_000]), "held": held,
                "shown_at": None if shown is None else decided + shown,
            }
        )  # fmt: skip
    return found


def reports(pick: Pick, at: int, *, likely: bool) -> list[dict[str, Any]]:
    """Return what pages measured."""
    if not pick.chance(80 if likely else 40):
        return []
    if pick.chance(4):
        return [{"at": at + 1, "values": _some(pick, MEASURED, 45)}]  # only the newest is held
    known = [0, 0, 1, 500, 999, 1_000, 10_000, 20_000, 1_800_000]
    ages = [pick.one(known) for _ in range(pick.one([1, 1, 2]))]
    return [{"at": at - age, "values": _some(pick, MEASURED, 45)} for age in ages]


def attributes(pick: Pick) -> dict[str, Any]:
    """Return some attributes."""
    return _some(pick, ATTRIBUTES, 60)


def availability(pick: Pick, at: int) -> dict[str, dict[str, Any]]:
    """Return what desks have reported, by department; some never have, some long ago."""
    found = {}
    for department in ("default", "sales"):
        if pick.chance(75):
            found[department] = {
                "agents_online": pick.number(3), "active_chats": pick.number(4),
                "chats_per_agent": 1 + pick.number(2), "reserve": pick.number(2),
                "queue_length": pick.number(3), "queue_wait": pick.one([0, 19.999, 20, 60, None]),
                "ttl": 120, "at": at - pick.one([0, 1_000, 119_999, 120_000, 120_001]),
            }  # fmt: skip
    return found


def given(pick: Pick) -> dict[str, Any]:
    """Return what a call states of itself: attributes, and now and then facts of the visit."""
    return attributes(pick) | (_some(pick, GIVEN, 30) if pick.chance(20) else {})
