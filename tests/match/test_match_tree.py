"""What conditions mean, on visitors small enough to check by eye."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from match_worlds import NOW, PAGES_OF_SITE, SITE

from engine.clock import HOUR, MINUTE, SECOND
from engine.match.tree import hangs_on_unknown, holds, shortfall
from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Counted,
    InAudience,
    InGroup,
    Measure,
    Not,
    Reason,
    Sequence,
    Span,
    Stall,
    StateIs,
    Step,
)
from engine.visitor.profile import Event, Profile, fold
from engine.visitor.view import View

FREE = StateIs("free_slots", Compare(at_most=0))
LONG = StateIs("queue_wait", Compare(at_least=MINUTE))
IN_THE_UK = StateIs("country", Compare(is_=("GB",)))


def view(*events, at=NOW, page=None, desk: Callable | None = None, **facts):
    """Return the view at NOW of a visitor with these (kind, ms ago) events and attributes."""
    held = [Event(f"e{n}", kind, at - ago) for n, (kind, ago) in enumerate(events)]
    profile, _ = fold(Profile(), held, keep=400 * 24 * HOUR, keep_events=500)
    profile.verified = facts
    more = {} if desk is None else {"desk": desk}
    return View(profile, SITE, PAGES_OF_SITE, at, page=page, **more)


def times(event, at_least=1, at_most=None, within=Span.SESSION):
    return Counted(Measure(event, within), at_least, at_most)


# --- truth ----------------------------------------------------------------------------------


def test_a_count_is_reached_at_its_threshold_and_not_before():
    """`at_least` is ≥: three searches are enough for three, two are not."""
    three = times("search", 3)
    assert holds(three, view(*[("search", n) for n in (1, 2, 3)]))
    assert not holds(three, view(("search", 1), ("search", 2)))


def test_at_most_alone_is_absence():
    """`at_most: 0` holds of a visitor without any, and ends with the first."""
    none = times("purchase", 0, 0, within=HOUR)
    assert holds(none, view())
    assert holds(none, view(("purchase", HOUR)))
    assert not holds(none, view(("purchase", HOUR - 1)))


def test_an_event_exactly_as_old_as_the_window_is_outside():
    """Windows end at the instant being decided, inclusive, and start after now − window."""
    recent = times("search", within=MINUTE)
    assert holds(recent, view(("search", MINUTE - 1)))
    assert not holds(recent, view(("search", MINUTE)))
    assert holds(recent, view(("search", 0)))


def test_a_stall_is_true_at_its_time_and_until_answered():
    """`for: 90 seconds` is true at 90 s; an answer ends it."""
    stall = Stall(Step("verification_started"), "verification_passed", 90 * SECOND)
    assert not holds(stall, view(("verification_started", 90 * SECOND - 1)))
    assert holds(stall, view(("verification_started", 90 * SECOND)))
    assert not holds(stall, view(("verification_started", 95_000), ("verification_passed", 1)))


def test_a_sequence_lets_others_lie_between():
    """Steps in order hold whatever else happened among them, and not the other way round."""
    steps = Sequence((Step("add_to_cart"), Step("product_view")))
    assert holds(steps, view(("add_to_cart", 9), ("search", 5), ("product_view", 1)))
    assert not holds(steps, view(("product_view", 9), ("search", 5), ("add_to_cart", 1)))


def test_a_missing_value_fails_a_not_inside_and_passes_a_not_around():
    """`country: {not: GB}` is false of an unknown country; `not` around the condition is true."""
    elsewhere = StateIs("country", Compare(not_=("GB",)))
    assert not holds(elsewhere, view())
    assert holds(Not(IN_THE_UK), view())
    assert holds(elsewhere, view(country="FR"))


def test_a_language_is_its_variants_too():
    """`fr` is `fr-CA` too, and only for languages."""
    assert holds(StateIs("language", Compare(is_=("fr",))), view(language="fr-CA"))
    assert not holds(StateIs("plan", Compare(is_=("fr",))), view(plan="fr-CA"))


def test_an_unknown_page_is_in_no_group():
    """`where: G` is false and its `not` true while the page is unknown."""
    assert not holds(InGroup("home"), view())
    assert holds(Not(InGroup("home")), view())
    assert holds(InGroup("home"), view(page="/"))


def test_an_audience_is_its_condition():
    """Being in an audience is what its condition says; one that is not there has nobody."""
    spender = view(("cart_view", 1), page="/p/1")
    assert holds(InAudience("spenders"), spender) == holds(
        SITE.audiences["spenders"].condition, spender
    )
    assert not holds(InAudience("nowhere"), spender)


def test_desk_states_are_those_of_the_department():
    """The department that is asked about is the rule's."""

    def desk(department, state):
        return {"sales": 0, "default": 3}[department]

    assert holds(FREE, view(desk=desk), "sales")
    assert not holds(FREE, view(desk=desk))


# --- why not --------------------------------------------------------------------------------

SHORT = times("search", 3)
TOO_MANY = times("page_view", 0, 0)
RICH = StateIs("cart_value", Compare(at_least=100))
NEVER_BEGUN = Stall(Step("checkout_started"), "purchase", MINUTE)
ONE_VIEW = (("page_view", 1),)


@pytest.mark.parametrize(
    ("cond", "reason"),
    [
        (SHORT, Reason.NEEDS_MORE_EVENTS),
        (NEVER_BEGUN, Reason.NEEDS_MORE_EVENTS),
        (Sequence((Step("page_view"), Step("search"))), Reason.NEEDS_MORE_EVENTS),
        (TOO_MANY, Reason.NOT_NOW),
        (RICH, Reason.NOT_NOW),
        (Not(times("page_view")), Reason.NOT_NOW),
        (AllOf((SHORT, RICH)), Reason.NEEDS_MORE_EVENTS),
        (AllOf((TOO_MANY, times("page_view"))), Reason.NOT_NOW),
        (AnyOf((RICH, TOO_MANY)), Reason.NOT_NOW),
        (AnyOf((RICH, AllOf((times("page_view"), SHORT)))), Reason.NEEDS_MORE_EVENTS),
        (AllOf((times("page_view", 0, 5), RICH)), Reason.NOT_NOW),
        (AllOf((Stall(Step("page_view"), "purchase"), RICH)), Reason.NOT_NOW),
        (times("page_view", 2, 5), Reason.NEEDS_MORE_EVENTS),
    ],
)
def test_what_is_short_decides_the_reason(cond, reason):
    """Short events, stalls and sequences need more events; all else is not now."""
    now = view(*ONE_VIEW)
    assert not holds(cond, now)
    assert shortfall(cond, now) is reason


# --- an unknown desk ------------------------------------------------------------------------


def silent(department, state):
    return 0 if state == "free_slots" else None


@pytest.mark.parametrize(
    ("cond", "hangs"),
    [
        (FREE, True),
        (Not(LONG), True),
        (LONG, False),  # false, so there is nothing that hangs
        (AnyOf((FREE, InGroup("home"))), False),  # true whatever the desk would say
        (AllOf((FREE, InGroup("home"))), True),
        (AllOf((FREE, InGroup("checkout"))), False),
        (Not(AllOf((LONG, InGroup("checkout")))), False),  # whatever the wait, it is not there
        (InGroup("home"), False),
    ],
)
def test_only_what_turns_on_the_silence_hangs_on_it(cond, hangs):
    """A condition hangs on an unknown desk when it is true and a report could make it false."""
    now = view(page="/", desk=silent)
    assert hangs_on_unknown(cond, now, "default", lambda department: False) is hangs
    assert not hangs_on_unknown(FREE, view(desk=silent), "default", lambda department: True)


def test_a_queue_that_a_known_desk_never_told_is_unknown():
    """A report without a queue leaves the queue unknown though the desk is known."""
    now = view(desk=lambda department, state: None if state == "queue_wait" else 0)
    assert hangs_on_unknown(Not(LONG), now, "default", lambda department: True)
