"""Looking ahead: what is foretold is what then holds, when nothing else happens."""

from __future__ import annotations

from random import Random

import pytest
from match_worlds import NOW, PAGES_OF_SITE, SITE, WINDOWS, Visitor, condition

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.match import ahead
from engine.match.tree import holds
from engine.model import (
    AllOf,
    Compare,
    Counted,
    InAudience,
    InGroup,
    Measure,
    Not,
    Sequence,
    Span,
    Stall,
    StateIs,
    Step,
)
from engine.spans import contains
from engine.visitor.profile import Event, Profile, Report, fold, with_report
from engine.visitor.view import View

CASES = 4_000


def instants(rnd, visitor, foretold, until):
    """Return instants worth asking about: edges of what is foretold, of windows, and any."""
    turns = {edge for pair in foretold for edge in pair} | {visitor.now, until}
    lasting = [span for span in WINDOWS if isinstance(span, int)] + [30 * MINUTE, 4 * HOUR]
    turns |= {event.at + span for event in visitor.events for span in lasting}
    near = [t + d for t in turns for d in (-1, 0, 1) if visitor.now <= t + d <= until]
    chosen = rnd.sample(near, min(len(near), 10))
    return [*chosen, rnd.randrange(visitor.now, until + 1)]


def test_what_is_foretold_is_what_then_holds():
    """4,000 random conditions on random visitors agree with the tree at random later instants.

    More than 30,000 instants are compared; at more than 800 of them the answer is not what it
    was at first, and whatever rises was said to be able to.
    """
    rnd = Random(20260)
    compared = turned = 0
    for _ in range(CASES):
        cond, visitor = condition(rnd, depth=2), Visitor(rnd)
        until = visitor.now + rnd.choice((0, HOUR, DAY, 40 * DAY))
        at_first = holds(cond, visitor.view(), "sales")
        foretold = ahead.spans(cond, visitor.view(), "sales", until)
        for t in instants(rnd, visitor, foretold, until):
            then = holds(cond, visitor.view(t), "sales")
            assert contains(foretold, t) == then, (cond, visitor.events, t - visitor.now)
            assert ahead.can_rise(cond) or then <= at_first, cond
            compared += 1
            turned += then != at_first
    assert compared > 30_000
    assert turned > 800


# --- by eye ---------------------------------------------------------------------------------


def view(*events, report=None, **given):
    held = [Event(f"e{n}", kind, NOW - ago) for n, (kind, ago) in enumerate(events)]
    profile, _ = fold(Profile(), held, keep=400 * DAY, keep_events=500)
    if report is not None:
        profile = with_report(profile, Report(NOW, report))
    return View(profile, SITE, PAGES_OF_SITE, NOW, attributes=given)


def foretell(cond, now, until=DAY):
    """Return the spans relative to NOW."""
    return tuple(
        (start - NOW, end - NOW) for start, end in ahead.spans(cond, now, "default", NOW + until)
    )


def test_a_clock_comes_true_at_its_time():
    """`for: 40 seconds` at 12 s on the page comes true in 28 s and stays."""
    cond = StateIs("on_page", Compare(at_least=40 * SECOND))
    assert foretell(cond, view(("page_view", 12 * SECOND))) == ((28_000, DAY + 1),)


def test_a_hidden_page_stands_still():
    """No clock of the page runs while it is out of sight."""
    cond = StateIs("on_page", Compare(at_least=40 * SECOND))
    assert foretell(cond, view(("page_view", 12 * SECOND), ("page_hidden", SECOND))) == ()


def test_at_most_on_a_clock_flips_a_millisecond_later():
    """`at_most: 30 seconds` still holds at 30.000 s and no longer at 30.001 s."""
    cond = StateIs("idle", Compare(at_most=30 * SECOND))
    assert foretell(cond, view(report={"idle": 10})) == ((0, 20_001),)


def test_a_stall_waits_then_leaves_with_its_window():
    """A stall holds from its own time until its first event leaves the window."""
    cond = Stall(Step("checkout_started"), "purchase", 10 * MINUTE, HOUR)
    assert foretell(cond, view(("checkout_started", MINUTE))) == ((9 * MINUTE, 59 * MINUTE),)


def test_too_many_are_few_enough_when_the_first_leaves():
    """`at_most: 1` of two comes true when the older of them leaves the window."""
    cond = Counted(Measure("search", HOUR), 0, 1)
    assert foretell(cond, view(("search", 10 * MINUTE), ("search", MINUTE))) == (
        (50 * MINUTE, DAY + 1),
    )


def test_the_session_ends_and_with_it_what_it_holds():
    """Counts, cart and time on site end 30 minutes after the last event that is not passive."""
    now = view(("cart_view", 20 * MINUTE), ("prompt_shown", MINUTE), report={"cart_value": 80})
    for cond in (
        Counted(Measure("cart_view")),
        StateIs("cart_value", Compare(at_least=80)),
        StateIs("on_site", Compare(at_least=0)),
        Sequence((Step("cart_view"),)),
    ):
        assert foretell(cond, now) == ((0, 10 * MINUTE),)


def test_days_since_the_last_visit_begin_when_the_session_ends():
    """Missing on a first visit, then from the session's end on half an hour and growing."""
    cond = StateIs("days_since_last_visit", Compare(at_least=0.5))
    assert foretell(cond, view(("search", 0))) == ((DAY // 2, DAY + 1),)
    soon = StateIs("days_since_last_visit", Compare(at_most=0.5))
    assert foretell(soon, view(("search", 0))) == ((30 * MINUTE, DAY // 2 + 1),)


def test_a_silent_chat_is_over_after_four_hours():
    """A chat is active until 4 hours after its last event, that instant excluded."""
    cond = StateIs("chat_active", Compare(is_=(True,)))
    now = view(("chat_started", 2 * HOUR), ("chat_message", HOUR))
    assert foretell(cond, now) == ((0, 3 * HOUR),)
    assert foretell(Not(cond), now) == ((3 * HOUR, DAY + 1),)


def test_a_form_becomes_stuck_by_idleness():
    """Two returns and 10 s idle in a field become stuck at 30 s."""
    cond = StateIs("form_stuck", Compare(is_=(True,)))
    now = view(report={"idle_in_field": 10, "field_returns": 2})
    assert foretell(cond, now) == ((20_000, DAY + 1),)


def test_what_the_request_states_does_not_move():
    """A clock that the call itself states stands at its value."""
    cond = StateIs("on_site", Compare(at_least=40 * SECOND))
    assert foretell(cond, view(("search", 0), on_site=30)) == ()


def test_only_what_can_rise_is_worth_looking_at():
    """Time alone raises waits, fading counts and their like, and nothing else."""
    count, absence = Counted(Measure("search")), Counted(Measure("search"), 0, 0)
    waits = StateIs("idle", Compare(at_least=1))
    for cond in (absence, Not(count), waits, AllOf((count, waits)), InAudience("spenders")):
        assert ahead.can_rise(cond)
    still = Counted(Measure("search", Span.PAGE), 0, 0)
    rich = StateIs("cart_value", Compare(at_least=1))
    for cond in (count, still, rich, InGroup("home"), Stall(Step("a"), "b"), Not(waits)):
        assert not ahead.can_rise(cond)
    assert ahead.can_rise(Stall(Step("a"), "b", 1))
    assert ahead.can_rise(Not(rich))


@pytest.mark.parametrize("until", [0, -1])
def test_a_stretch_of_one_instant_is_the_present(until):
    """Until now itself there is only the present; until before it, nothing."""
    cond = Counted(Measure("search"))
    expected = ((0, 1),) if until == 0 else ()
    assert foretell(cond, view(("search", 0)), until) == expected
