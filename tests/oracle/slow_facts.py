"""A slow, plain reading of LANGUAGE.md section 3: what is true of a visitor at an instant.

Written from the text alone, by brute force. Events are plain mappings with `id`, `kind`, `at`,
`fields`, `page`, `session` and `referrer`. All times are ms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from typing import Any
from urllib.parse import parse_qs, urlsplit

import slow_hours

from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Counted,
    Folder,
    InAudience,
    InGroup,
    Measure,
    Not,
    Span,
    Stall,
    StateIs,
    Step,
)
from engine.model import (
    Sequence as Ordered,
)

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
PASSIVE = ("page_hidden", "prompt_shown")
CHAT = ("chat_started", "chat_ended", "chat_message", "chat_rated")
CART = ("add_to_cart", "remove_from_cart", "cart_view", "checkout_started")
ALWAYS_TEXT = ("product", "query", "form", "field", "article", "category")
CLOCKS = ("on_page", "on_site", "idle", "idle_in_field", "field_time", "hesitation")
RUNNING = ("on_page", "idle", "idle_in_field", "field_time")
COUNTERS = (
    "scroll_depth", "field_returns", "corrections", "failed_submits", "same_field_errors",
    "submit_no_progress", "form",
)  # fmt: skip
FORM = (
    "idle_in_field", "field_time", "hesitation", "field_returns", "corrections",
    "failed_submits", "same_field_errors", "submit_no_progress", "form_stuck", "form",
)  # fmt: skip
DESK = ("agents_available", "free_slots", "queue_wait", "queue_length")


# --- values ---------------------------------------------------------------------------------


def key(value: Any) -> tuple[str, Any]:
    """Return what tells a value apart from others: text ignores case and outer blanks."""
    if isinstance(value, bool):
        return ("true or false", value)
    if isinstance(value, (int, float)):
        return ("number", value)
    return ("text", value.strip().casefold())


def words(text: str) -> list[str]:
    """Return the whole words of a text."""
    return [word for word in re.split(r"[\W_]+", text.casefold()) if word]


def has_phrase(text: Any, phrase: str) -> bool:
    """Say whether the words of a phrase stand in a text, one after the other."""
    if not isinstance(text, str):
        return False
    inside, wanted = words(text), words(phrase)
    starts = range(len(inside) - len(wanted) + 1)
    return any(inside[start : start + len(wanted)] == wanted for start in starts)


def is_number(value: Any) -> bool:
    """Say whether a value can be ordered."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def fits(compare: Compare, value: Any, *, language: bool = False) -> bool:
    """Say whether a value is what is wanted; a missing one never is.

    Of several values one must be all that is wanted, and none what is not.
    """

    def equals(one: Any, wanted: Any) -> bool:
        if language and isinstance(one, str) and isinstance(wanted, str):
            tag, prefix = (key(each)[1].replace("_", "-") + "-" for each in (one, wanted))
            return tag.startswith(prefix)
        return key(one) == key(wanted)

    def is_meant(one: Any) -> bool:
        listed, phrases = compare.is_, compare.contains
        low, high = compare.at_least, compare.at_most
        return (
            (listed is None or any(equals(one, wanted) for wanted in listed))
            and (low is None or (is_number(one) and one >= low))
            and (high is None or (is_number(one) and one <= high))
            and (phrases is None or any(has_phrase(one, phrase) for phrase in phrases))
        )

    if value is None:
        return False
    values = value if isinstance(value, (tuple, list)) else (value,)
    refused = compare.not_ or ()
    asked = (compare.is_, compare.at_least, compare.at_most, compare.contains) != (None,) * 4
    return (not asked or any(is_meant(one) for one in values)) and not any(
        equals(one, unwanted) for one in values for unwanted in refused
    )


def always_text(value: Any) -> str:
    """Return the text of a value that is always text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else str(value)


# --- what is held of a visitor --------------------------------------------------------------


@dataclass
class World:
    """Everything that is known when the decision at `at` is taken; `desk` stands as it is.

    `desk` maps a department to its states, or to None where they are unknown.
    """

    folder: Folder
    at: int
    events: Sequence[Mapping[str, Any]]
    exposures: Sequence[Mapping[str, Any]] = ()
    reports: Sequence[Mapping[str, Any]] = ()  # in the order in which they came
    call: Mapping[str, Any] = field(default_factory=dict)
    verified: Mapping[str, Any] = field(default_factory=dict)
    claimed: Mapping[str, Any] = field(default_factory=dict)
    desk: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    page: str | None = None
    visitor: str = "v"
    hindsight: bool = False  # a dry run, which does not see what was shown later

    def __post_init__(self) -> None:
        """Keep what is kept, and drop what happens after the decision."""
        self.site = self.folder.site
        first: dict[str, Mapping[str, Any]] = {}
        for event in self.events:
            if event["id"] not in first or event["at"] < first[event["id"]]["at"]:
                first[event["id"]] = event
        ordered = sorted(first.values(), key=lambda e: (e["at"], e["id"]))
        kept = [
            event
            for n, event in enumerate(ordered)
            if sum(e["kind"] == event["kind"] for e in ordered[n + 1 :]) < self.site.keep_events
        ]
        self.events = [_with_text(event) for event in kept if event["at"] <= self.at]
        self.session_of = _sessions(self.events, self.site.session_timeout)
        pages = [e["page"] for e in self.events if e["page"] is not None]
        self.page_now = self.page if self.page is not None else pages[-1] if pages else None
        if self.hindsight:
            self.exposures = [_by_then(e, self.at) for e in self.exposures if e["at"] <= self.at]
        self.reports = [report for report in self.reports if report["at"] <= self.at]

    # --- sessions ---------------------------------------------------------------------------

    def signs(self, session: Any = None) -> list[Mapping[str, Any]]:
        """Return the events that make sessions (of one session, where it is named)."""
        return [
            e
            for e in self.events
            if e["kind"] not in PASSIVE and session in (None, self.session_of[e["id"]])
        ]

    def session_at(self, t: int, until: int) -> Any:
        """Return the session that runs at `t`, from the events up to `until`; None if none."""
        before = [e for e in self.signs() if e["at"] <= until]
        if not before or t - before[-1]["at"] >= self.site.session_timeout:
            return None
        return self.session_of[before[-1]["id"]]

    def session(self, t: int) -> Any:
        """Return the session that runs at an instant."""
        return self.session_at(t, t)

    # --- windows ----------------------------------------------------------------------------

    def window(self, within: Any, t: int) -> list[Mapping[str, Any]]:
        """Return the events that a window holds when it ends at `t`."""
        if within is Span.SESSION:
            now = self.session(t)
            return [e for e in self.events if now is not None and self.session_of[e["id"]] == now]
        if within is Span.PAGE:
            views = [n for n, e in enumerate(self.events) if e["kind"] == "page_view"]
            return list(self.events[views[-1] :]) if views else []
        return [e for e in self.events if t - e["at"] < within]

    def groupable(self, event: Mapping[str, Any], name: str) -> Any:
        """Return an event's value of a field; a list of several is none to count by."""
        value = event["fields"].get(name)
        return None if isinstance(value, list) else value

    def page_value(self, name: str) -> Any:
        """Return the current page's value of a field, None where it has none."""
        if self.page_now is None:
            return None
        value = slow_hours.captured(self.site, self.page_now, name)
        if value is not None:
            return value
        url = self.page_now.partition("#")[0]
        for event in reversed(self.events):
            if event["page"] is None or event["page"].partition("#")[0] != url:
                continue
            if (held := self.groupable(event, name)) is not None:
                return held
        return None

    # --- states -----------------------------------------------------------------------------

    def seen(self, since: int, t: int, *, from_view: bool = False) -> int:
        """Return for how much of [since, t] the page was visible.

        `from_view` starts at the newest page_view itself, after whatever came before it.
        """
        switches = [
            e for e in self.events if e["kind"] in ("page_view", "page_hidden", "page_visible")
        ]
        if from_view:
            newest = max(n for n, e in enumerate(switches) if e["kind"] == "page_view")
            before, after = [switches[newest]], switches[newest + 1 :]
        else:
            before = [e for e in switches if e["at"] <= since]
            after = [e for e in switches if e["at"] > since]
        hidden = bool(before) and before[-1]["kind"] == "page_hidden"
        total, at = 0, since
        for event in after:
            total += 0 if hidden else event["at"] - at
            hidden, at = event["kind"] == "page_hidden", event["at"]
        return total + (0 if hidden else t - at)

    def report(self) -> Mapping[str, Any] | None:
        """Return the page's newest report, unless another page has opened since."""
        newest = None
        for report in self.reports:
            if newest is None or report["at"] >= newest["at"]:
                newest = report
        if newest is None:
            return None
        opened = [e for e in self.events if e["kind"] == "page_view" and e["at"] > newest["at"]]
        return None if opened else newest

    def page_state(self, name: str, t: int) -> Any:
        """Return what the page measured, its clocks run on."""
        report = self.report()
        measured = None if report is None else report["values"].get(name)
        if name in RUNNING and measured is not None:
            return round(measured * SECOND) + self.seen(report["at"], t)
        if name == "on_page":
            views = [e for e in self.events if e["kind"] == "page_view"]
            return self.seen(views[-1]["at"], t, from_view=True) if views else None
        if name == "hesitation" and measured is not None:
            return round(measured * SECOND)
        return measured

    def form_stuck(self, t: int) -> Any:
        """Say whether the visitor cannot get on with the form."""
        report = self.report()
        if report is None or not any(name in report["values"] for name in FORM):
            return None  # nothing of a form was measured

        def of(name: str) -> float:
            return self.page_state(name, t) or 0

        return (
            report["values"].get("form_stuck") is True
            or of("failed_submits") >= 2
            or of("same_field_errors") >= 2
            or of("submit_no_progress") >= 2
            or (
                of("idle_in_field") >= 30 * SECOND
                and (of("field_returns") >= 2 or of("corrections") >= 10)
            )
            or (of("field_time") >= 60 * SECOND and of("field_returns") >= 1)
        )

    def cart(self, name: str, t: int) -> Any:
        """Return the newest report of the cart in this session since its newest purchase."""
        now = self.session(t)
        if now is None:
            return None
        told: list[tuple[int, int, str, Any]] = []  # time, events before reports, id, value
        for event in self.signs(now):
            if event["kind"] == "purchase":
                told.append((event["at"], 0, event["id"], None))
            elif event["kind"] in CART and event["fields"].get(name) is not None:
                told.append((event["at"], 0, event["id"], event["fields"][name]))
        for n, report in enumerate(self.reports):
            value = report["values"].get(name)
            if value is not None and report["at"] >= self.signs(now)[0]["at"]:
                told.append((report["at"], 1, f"{n:03}", value))
        return max(told)[3] if told else None

    def landing(self, t: int) -> Mapping[str, Any] | None:
        """Return the event of the session's first page."""
        now = self.session(t)
        events = [e for e in self.events if now is not None and self.session_of[e["id"]] == now]
        return next((e for e in events if e["page"] is not None), None)

    def referrer(self, t: int) -> str | None:
        """Return the host that the session's first page was reached from.

        The first event to say so counts, up to the one that opens another page.
        """
        landing = self.landing(t)
        if landing is None:
            return None
        for event in self.window(Span.SESSION, t):
            if event["page"] not in (None, landing["page"]):
                return None
            if event["referrer"] is not None:
                return urlsplit(event["referrer"]).hostname
        return None

    def days_since_last_visit(self, t: int) -> float | None:
        """Return the days between the visits, or up to now where there is none.

        The previous session is the one that began before this one; its last event may be passive.
        """
        now = self.session(t)
        begun = list(dict.fromkeys(self.session_of[e["id"]] for e in self.signs()))
        if now is None:
            previous = self.session_of[self.signs()[-1]["id"]] if begun else None
            until = t
        else:
            place = begun.index(now)
            previous = begun[place - 1] if place else None
            until = self.signs(now)[0]["at"]
        if previous is None:
            return None
        last = max(e["at"] for e in self.events if self.session_of[e["id"]] == previous)
        return max(until - last, 0) / DAY

    def chat_active(self, t: int) -> bool:
        """Say whether a chat was started, has not ended, and is not four hours silent."""
        chats = [e for e in self.events if e["kind"] in CHAT]
        turns = [e["kind"] for e in chats if e["kind"] in ("chat_started", "chat_ended")]
        return bool(turns) and turns[-1] == "chat_started" and t - chats[-1]["at"] < 4 * HOUR

    def desk_state(self, name: str, department: str) -> Any:
        """Return a state of the department's desk."""
        states = self.desk.get(department)
        if states is None:
            return 0 if name in ("agents_available", "free_slots") else None
        return states[name]

    def state(self, name: str, t: int, department: str) -> Any:
        """Return a state or an attribute; times in ms, None where it is missing."""
        if name in DESK:
            return self.desk_state(name, department)
        if name in self.call and name not in (*RUNNING, *COUNTERS, "hesitation", "form_stuck"):
            given = self.call[name]  # what the request itself says beats what is derived
            return given * SECOND if name == "on_site" else given
        if name in (*RUNNING, *COUNTERS, "hesitation"):
            return self.page_state(name, t)
        now = self.session(t)
        landing = self.landing(t)
        match name:
            case "form_stuck":
                return self.form_stuck(t)
            case "on_site":
                return None if now is None else t - self.signs(now)[0]["at"]
            case "cart_value" | "cart_items":
                return self.cart(name, t)
            case "referrer":
                return self.referrer(t)
            case "campaign":
                asked = parse_qs(urlsplit(landing["page"]).query) if landing else {}
                return asked.get("utm_campaign", [None])[0]
            case "landing":
                return tuple(slow_hours.groups_of(self.site, landing["page"])) if landing else None
            case "visits":
                return len({self.session_of[e["id"]] for e in self.signs()})
            case "days_since_last_visit":
                return self.days_since_last_visit(t)
            case "chat_active":
                return self.chat_active(t)
        for told in (self.call, self.verified, self.claimed):
            if told.get(name) is not None:
                return told[name]
        return None


def _by_then(exposure: Mapping[str, Any], at: int) -> Mapping[str, Any]:
    shown = exposure["shown_at"]
    return {**exposure, "shown_at": shown if shown is not None and shown <= at else None}


def _with_text(event: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {
        name: always_text(value) if name in ALWAYS_TEXT and value is not None else value
        for name, value in event["fields"].items()
    }
    return {**event, "fields": told}


def _sessions(events: Sequence[Mapping[str, Any]], timeout: int) -> dict[str, Any]:
    """Return the session of each event's id; None before the first one.

    A passive event that names a session belongs to it, wherever that begins.
    """
    found: dict[str, Any] = {}
    current: Any = None  # the session of the newest sign of the visitor
    last: int | None = None  # when that was
    signs = [e for e in events if e["kind"] not in PASSIVE]
    for event in events:
        passive, name = event["kind"] in PASSIVE, event["session"]
        if passive:
            begins = any(sign["session"] == name for sign in signs)
            named = ("named", name) if begins else None
            found[event["id"]] = current if name is None else named
            continue
        if name is not None:
            current = ("named", name)
        elif last is None or event["at"] - last >= timeout:
            current = ("begun by", event["id"])
        last = event["at"]
        found[event["id"]] = current
    return found


# --- conditions -----------------------------------------------------------------------------


def passes(world: World, step: Step | Measure, event: Mapping[str, Any]) -> bool:
    """Say whether an event is one that a step or a measure looks for."""
    return (
        event["kind"] == step.event
        and all(fits(compare, event["fields"].get(name)) for name, compare in step.fields)
        and (step.where is None or in_groups(world, step.where, event["page"]))
    )


def in_groups(world: World, where: Any, page: str | None) -> bool:
    """Say whether a page is where an expression of page groups says."""
    match where:
        case InGroup(group):
            return group in slow_hours.groups_of(world.site, page)
        case AnyOf(parts):
            return any(in_groups(world, part, page) for part in parts)
        case AllOf(parts):
            return all(in_groups(world, part, page) for part in parts)
        case Not(part):
            return not in_groups(world, part, page)
    raise AssertionError(where)


def count(world: World, measure: Measure, t: int) -> int:
    """Return how often something happened: of the best group, or of the current page's."""
    events = [e for e in world.window(measure.within, t) if passes(world, measure, e)]
    if measure.same is None:
        return _distinct(world, measure, events)
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for event in events:
        if (value := world.groupable(event, measure.same)) is not None:
            groups.setdefault(key(value), []).append(event)
    bound = world.page_value(measure.same)
    if bound is not None:
        return _distinct(world, measure, groups.get(key(bound), []))
    return max((_distinct(world, measure, group) for group in groups.values()), default=0)


def _distinct(world: World, measure: Measure, events: Sequence[Mapping[str, Any]]) -> int:
    if measure.different is None:
        return len(events)
    if measure.different == "session":
        sessions = {world.session_of[e["id"]] for e in events}
        return len(sessions - {None})
    values = [world.groupable(e, measure.different) for e in events]
    return len({key(value) for value in values if value is not None})


def stalls(world: World, stall: Stall, t: int) -> bool:
    """Say whether some first event in the window is old enough and has no answer."""
    return any(
        passes(world, stall.first, first)
        and t - first["at"] >= stall.lasting
        and not any(
            e["kind"] == stall.then and e["at"] >= first["at"] and e["id"] != first["id"]
            for e in world.events
        )
        for first in world.window(stall.within, t)
    )


def in_order(world: World, ordered: Ordered, t: int) -> bool:
    """Say whether distinct events of the window can be put to the steps with rising times."""
    events = world.window(ordered.within, t)
    useful = [e for e in events if any(passes(world, step, e) for step in ordered.steps)]
    return any(
        all(passes(world, step, e) for step, e in zip(ordered.steps, chosen, strict=True))
        and all(one["at"] <= two["at"] for one, two in pairwise(chosen))
        for chosen in permutations(useful, len(ordered.steps))
    )


def holds(world: World, condition: Any, t: int, department: str = "default") -> bool:
    """Say whether a condition holds at an instant, if nothing happens after the decision's."""
    match condition:
        case AllOf(parts):
            return all(holds(world, part, t, department) for part in parts)
        case AnyOf(parts):
            return any(holds(world, part, t, department) for part in parts)
        case Not(part):
            return not holds(world, part, t, department)
        case InGroup():
            return in_groups(world, condition, world.page_now)
        case InAudience(name):
            return holds(world, world.site.audiences[name].condition, t, department)
        case StateIs(name, compare):
            value = world.state(name, t, department)
            return fits(compare, value, language=name == "language")
        case Counted(measure, low, high):
            return low <= count(world, measure, t) and (
                high is None or count(world, measure, t) <= high
            )
        case Stall():
            return stalls(world, condition, t)
        case Ordered():
            return in_order(world, condition, t)
    raise AssertionError(condition)


def is_short(world: World, condition: Any, t: int, department: str) -> bool:
    """Say whether a part that makes a false condition false is an event that is short."""
    match condition:
        case AllOf(parts):
            false = [part for part in parts if not holds(world, part, t, department)]
            return any(is_short(world, part, t, department) for part in false)
        case AnyOf(parts):
            return any(is_short(world, part, t, department) for part in parts)
        case Counted(measure, low, _):
            return count(world, measure, t) < low
        case Stall() | Ordered():
            return True
    return False


def told_states(world: World, department: str) -> set[str]:
    """Return the desk states that a department has told; queue states may be left out."""
    return {name for name, value in (world.desk.get(department) or {}).items() if value is not None}


def surely(world: World, condition: Any, t: int, department: str) -> bool | None:
    """Say whether a condition holds, None where that hangs on an unknown desk."""
    match condition:
        case AllOf(parts):
            told = [surely(world, part, t, department) for part in parts]
            return False if False in told else None if None in told else True
        case AnyOf(parts):
            told = [surely(world, part, t, department) for part in parts]
            return True if True in told else None if None in told else False
        case Not(part):
            inner = surely(world, part, t, department)
            return None if inner is None else not inner
        case StateIs(name) if name in DESK and name not in told_states(world, department):
            return None
    return holds(world, condition, t, department)
