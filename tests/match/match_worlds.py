"""Random conditions and random visitors for the tests of this room.

Times, windows and thresholds are drawn from a few round numbers on purpose, so that "exactly as
old as the window" and its like come up all the time. Everything follows from the `Random` given.
"""

from __future__ import annotations

from random import Random

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.events import CLOCK_STATES
from engine.model import (
    AllOf,
    AnyOf,
    Audience,
    Compare,
    Condition,
    Counted,
    InAudience,
    InGroup,
    Measure,
    Not,
    PageGroup,
    Rule,
    Sequence,
    Show,
    Site,
    Span,
    Stall,
    StateIs,
    Step,
    Variant,
)
from engine.visitor.pages import Pages
from engine.visitor.profile import Event, Profile, Report, fold
from engine.visitor.view import View

NOW = 1_780_000_000_000
KINDS = (
    "page_view",
    "search",
    "product_view",
    "add_to_cart",
    "purchase",
    "page_hidden",
    "page_visible",
    "chat_started",
    "chat_message",
    "chat_ended",
    "prompt_shown",
    "field_edit",
)
GROUPS = ("home", "product", "checkout")
PAGES = (None, "/", "/p/1", "/p/2?x=1", "/checkout/pay", "/about")
VALUES = ("boots", "Boots ", "walking boots", 1, 1.0, True, 2, 2.5, 0, -3, 1e-9, 1e300, 2**60)
WINDOWS = (Span.SESSION, Span.PAGE, 30 * SECOND, MINUTE, HOUR, DAY, 30 * DAY)
GAPS = (0, 1, 1, SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, DAY)
NUMBERS = (
    "cart_value",
    "cart_items",
    "scroll_depth",
    "visits",
    "free_slots",
    "queue_wait",
    "score",
)
FIELDS = ("query", "product", "results")
REPORTED = (
    "on_page",
    "idle",
    "idle_in_field",
    "field_time",
    "hesitation",
    "field_returns",
    "corrections",
    "failed_submits",
    "scroll_depth",
    "cart_value",
    "form_stuck",
)


def site() -> Site:
    """Return a site with three page groups and two audiences."""
    audiences = {
        "spenders": AllOf((StateIs("cart_value", Compare(at_least=2)), InGroup("product"))),
        "fresh": Not(StateIs("days_since_last_visit", Compare(at_least=1))),
    }
    return Site(
        "shop",
        "Europe/London",
        page_groups=(
            PageGroup("home", ("/",)),
            PageGroup("product", ("**/p/{product}",)),
            PageGroup("checkout", ("**/checkout/**",)),
        ),
        audiences={name: Audience(name, cond) for name, cond in audiences.items()},
    )


SITE = site()
PAGES_OF_SITE = Pages(SITE.page_groups)


def rule(number: int, when: Condition | None, department: str = "default") -> Rule:
    """Return a rule of which only `when` matters."""
    variant = Variant(None, 1, Show((("", "Hello"),)))
    return Rule(f"rule-{number}", (variant,), when=when, department=department)


# --- visitors -------------------------------------------------------------------------------


class Visitor:
    """A visitor to whom nothing happens any more; `view(at)` is what they are at that instant."""

    def __init__(self, rnd: Random, *, events: int = 14) -> None:
        self.events = _events(rnd, rnd.randrange(events))
        self.now = self.events[-1].at + rnd.choice(GAPS) if self.events else NOW
        profile, _ = fold(Profile(), self.events, keep=400 * DAY, keep_events=500)
        profile.verified = _attributes(rnd)
        if rnd.random() < 0.6:
            profile.report = Report(self.now - rnd.choice(GAPS), _reported(rnd))
        if rnd.random() < 0.3:
            profile.cart = {"cart_value": (self.now - rnd.choice(GAPS), rnd.choice(VALUES))}
        self.profile = profile
        self.page = rnd.choice(PAGES)
        self.given = {"cart_value": rnd.choice(VALUES)} if rnd.random() < 0.1 else {}
        if rnd.random() < 0.1:
            self.given |= {"on_site": 30, "days_since_last_visit": (1, 2.5), "chat_active": True}
        self.desk = {
            state: rnd.choice((None, 0, 1, 2, MINUTE))
            for state in ("agents_available", "free_slots", "queue_wait", "queue_length")
        }

    def view(self, at: int | None = None) -> View:
        """Return the view of an instant, by default `now`."""
        return View(
            self.profile,
            SITE,
            PAGES_OF_SITE,
            self.now if at is None else at,
            page=self.page,
            attributes=self.given,
            desk=self._ask_desk,
        )

    def _ask_desk(self, department: str, state: str):
        value = self.desk[state]
        return 0 if department == "sales" and value is None else value


def _events(rnd: Random, count: int) -> list[Event]:
    at, events = NOW, []
    kinds = rnd.sample(KINDS, rnd.randrange(1, 6))
    for number in range(count):
        at += rnd.choice(GAPS)
        fields = {name: rnd.choice(VALUES) for name in FIELDS if rnd.random() < 0.5}
        session = rnd.choice((None, None, None, None, "one", "two"))
        page = rnd.choice(PAGES)
        events.append(Event(f"e{number}", rnd.choice(kinds), at, fields, page, session))
    return events


def _attributes(rnd: Random) -> dict:
    held = {}
    if rnd.random() < 0.6:
        held["plan"] = rnd.choice(("trial", "Trial", "pro", ["trial", "vip"], True, 5))
    if rnd.random() < 0.6:
        held["score"] = rnd.choice((*VALUES, [1, 2.5], ["boots", 2], [], float("inf")))
    if rnd.random() < 0.5:
        held["language"] = rnd.choice(("fr", "fr-CA", "en"))
    if rnd.random() < 0.5:
        held["logged_in"] = rnd.choice((True, False))
    return held


def _reported(rnd: Random) -> dict:
    values = {}
    for name in REPORTED:
        if rnd.random() < 0.5:
            values[name] = rnd.choice((0, 1, 2, 10, 29.999, 30, 60, 1200))
    if "form_stuck" in values:
        values["form_stuck"] = rnd.random() < 0.3
    return values


# --- conditions -----------------------------------------------------------------------------


def condition(rnd: Random, depth: int = 3, *, pages_of_event: bool = True) -> Condition:
    """Return a random tree of conditions."""
    if depth and rnd.random() < 0.55:
        if rnd.random() < 0.3:
            return Not(condition(rnd, depth - 1))
        parts = tuple(condition(rnd, depth - 1) for _ in range(rnd.randrange(1, 4)))
        return rnd.choice((AllOf, AnyOf))(parts)
    return rnd.choice((_counted, _counted, _stall, _sequence, _state, _state, _place))(rnd)


def _counted(rnd: Random) -> Condition:
    within = rnd.choice(WINDOWS)
    step = _step(rnd)
    different = rnd.choice((None, None, "query", "session"))
    same = rnd.choice((None, None, "product")) if rnd.random() < 0.7 else None
    measure = Measure(step.event, within, step.fields, step.where, same, different)
    shape = rnd.random()
    if shape < 0.6 or same:
        return Counted(measure, rnd.randrange(1, 4))
    if shape < 0.85:
        return Counted(measure, 0, rnd.randrange(3))
    return Counted(measure, rnd.randrange(0, 3), rnd.randrange(1, 5))


def _step(rnd: Random) -> Step:
    fields = ((rnd.choice(FIELDS), _compare(rnd)),) if rnd.random() < 0.2 else ()
    where = _groups(rnd) if rnd.random() < 0.2 else None
    return Step(rnd.choice(KINDS), fields, where)


def _groups(rnd: Random) -> Condition:
    group = InGroup(rnd.choice(GROUPS))
    return rnd.choice((group, Not(group), AnyOf((group, InGroup("home")))))


def _stall(rnd: Random) -> Condition:
    lasting = rnd.choice((0, 1, 30 * SECOND, MINUTE, HOUR))
    return Stall(_step(rnd), rnd.choice(KINDS), lasting, rnd.choice(WINDOWS))


def _sequence(rnd: Random) -> Condition:
    steps = tuple(_step(rnd) for _ in range(rnd.randrange(1, 4)))
    return Sequence(steps, rnd.choice(WINDOWS))


def _compare(rnd: Random) -> Compare:
    shape = rnd.randrange(6)
    if shape == 0:
        return Compare(is_=tuple(rnd.sample(VALUES, 2)))
    if shape == 1:
        return Compare(not_=(rnd.choice(VALUES),))
    if shape == 2:
        return Compare(contains=(rnd.choice(("boots", "walking")),))
    if shape == 3:
        return Compare(at_least=rnd.choice((0, 1, 2, 2.5, 1e-9, 1e300)))
    if shape == 4:
        return Compare(at_most=rnd.choice((-3, 0, 1, 2, 2**60)))
    return Compare(at_least=rnd.choice((0, 1)), at_most=rnd.choice((1, 2.5)))


def _state(rnd: Random) -> Condition:
    shape = rnd.randrange(6)
    if shape == 0:
        name = rnd.choice(("chat_active", "form_stuck", "logged_in"))
        return StateIs(name, Compare(is_=(rnd.choice((True, True, False)),)))
    if shape == 1:
        return StateIs("plan", rnd.choice((Compare(is_=("trial",)), Compare(not_=("pro",)))))
    if shape == 2:
        name, value = rnd.choice((("language", "fr"), ("landing", "product")))
        return StateIs(name, rnd.choice((Compare(is_=(value,)), Compare(not_=(value,)))))
    if shape == 3:
        return StateIs("days_since_last_visit", _days(rnd))
    if shape == 4:
        return StateIs(rnd.choice(NUMBERS), _compare(rnd))
    return StateIs(rnd.choice(sorted(CLOCK_STATES)), _clock(rnd))


def _clock(rnd: Random) -> Compare:
    span = rnd.choice((0, 1, 30 * SECOND, MINUTE, 30 * MINUTE, HOUR))
    shape = rnd.randrange(5)
    if shape == 0:
        return Compare(at_most=span)
    if shape == 1:
        return Compare(at_least=span, at_most=span + rnd.choice((0, MINUTE)))
    if shape == 2:
        return rnd.choice((Compare(is_=(span, True)), Compare(not_=(span,))))
    return Compare(at_least=span)


def _days(rnd: Random) -> Compare:
    days = rnd.choice((0, 1 / 48, 1 / 3, 0.1, 1, 2))
    return rnd.choice((Compare(at_least=days), Compare(at_most=days), Compare(is_=(days,))))


def _place(rnd: Random) -> Condition:
    return rnd.choice((InGroup(rnd.choice(GROUPS)), InAudience(rnd.choice(("spenders", "fresh")))))
