"""What a trace says: for every condition what was wanted, what is, and what would do it."""

from __future__ import annotations

import json
from random import Random

import pytest
from match_worlds import NOW, PAGES_OF_SITE, SITE, Visitor, condition

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.match.phrases import duration, roughly
from engine.match.trace import explain, outline
from engine.match.tree import holds
from engine.model import (
    AllOf,
    AnyOf,
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
from engine.visitor.profile import Event, Profile, Report, fold
from engine.visitor.view import View


def view(*events, report=None, page=None, desk=None, **facts):
    """Return the view at NOW of a visitor with these (kind, ms ago, fields) events."""
    held = [
        Event(f"e{n}", kind, NOW - ago, fields[0] if fields else {})
        for n, (kind, ago, *fields) in enumerate(events)
    ]
    profile, _ = fold(Profile(), held, keep=400 * DAY, keep_events=500)
    profile.verified = facts
    if report:
        profile.report = Report(NOW, report)
    more = {"desk": desk} if desk else {}
    return View(profile, SITE, PAGES_OF_SITE, NOW, page=page, **more)


def test_a_trace_agrees_with_the_tree_and_fits_json():
    """3,000 random conditions: the verdict is the tree's, every part's too, and all is JSON."""
    rnd, missing = Random(3), 0
    for _ in range(3_000):
        cond, now = condition(rnd), Visitor(rnd).view()
        told = explain(cond, now, "sales")
        assert told["verdict"] == ("yes" if holds(cond, now, "sales") else "no")
        missing += _check(told)
        json.dumps(told)
    assert missing > 1_000


def _check(told):
    """Check the shape of an entry and of its parts; return how many say what is missing."""
    assert {"condition", "verdict", "wanted", "actual"} <= told.keys()
    assert told["condition"]
    assert "\n" not in told["condition"]
    if told["verdict"] == "yes":
        assert "missing" not in told
    else:
        assert told["missing"]
    return ("missing" in told) + sum(_check(part) for part in told.get("parts", ()))


def test_a_third_look_says_which_product_and_what_is_lacking():
    """The example of the language's research, word for word."""
    looks = [("product_view", ago * DAY, {"product": "4471"}) for ago in (9, 3)]
    third = Counted(Measure("product_view", 30 * DAY, same="product", different="session"), 3)
    assert explain(third, view(*looks)) == {
        "condition": "product_view, same product 4471: 2 of 3 different sessions in 30 days",
        "verdict": "no",
        "wanted": "at least 3 different sessions in 30 days",
        "actual": 2,
        "missing": "one more session before 18 Jun would do it",
        "group": "4471",
    }


SEARCHES = [("search", 2 * MINUTE, {"query": "boots"}), ("search", MINUTE, {"query": "boots"})]
STALL = Stall(Step("verification_started"), "verification_passed", 90 * SECOND)
UNVERIFIED = (
    "verification_started not followed by verification_passed for 90 seconds, in this session"
)
STEPS = Sequence((Step("search"), Step("page_view", where=InGroup("checkout"))))


@pytest.mark.parametrize(
    ("cond", "now", "line", "missing"),
    [
        (
            Counted(Measure("search"), 3),
            view(*SEARCHES),
            "search: 2 of 3 in this session",
            "one more search would do it",
        ),
        (
            Counted(Measure("search", HOUR), 3),
            view(*SEARCHES),
            "search: 2 of 3 in 1 hour",
            # the older of both was at 21:24:40 in London
            "one more search before 22:24:40 would do it",
        ),
        (
            Counted(Measure("search", Span.PAGE, (("query", Compare(contains=("refund",))),)), 2),
            view(("page_view", MINUTE)),
            "search with query containing refund: 0 of 2 on this page",
            "2 more search events would do it",
        ),
        (
            Counted(Measure("search", different="query"), 3),
            view(*SEARCHES),
            "search: 1 of 3 different values of query in this session",
            "2 more search events, each with another query, would do it",
        ),
        (
            Counted(Measure("search", HOUR), 0, 1),
            view(*SEARCHES),
            "search: 2 in 1 hour, at most 1",
            "too many have happened; few enough from 22:24:40 on",
        ),
        (
            Counted(Measure("search", Span.PAGE), 0, 0),
            view(("page_view", HOUR), *SEARCHES),
            "search: 2 on this page, at most 0",
            "too many have happened",
        ),
        (
            STALL,
            view(("verification_started", 31 * SECOND)),
            f"{UNVERIFIED}: waiting for 31 seconds",
            "59 seconds more without verification_passed would do it",
        ),
        (
            STALL,
            view(),
            f"{UNVERIFIED}: none is waiting",
            "a verification_started that no verification_passed follows would do it",
        ),
        (
            STEPS,
            view(*SEARCHES),
            "search, then page_view on checkout, in this session: 1 of 2 steps",
            "next: page_view on checkout",
        ),
        (
            StateIs("on_page", Compare(at_least=40 * SECOND)),
            view(("page_view", 12 * SECOND)),
            "on_page at least 40 seconds: is 12 seconds",
            "28 seconds more of on_page would do it",
        ),
        (
            StateIs("on_page", Compare(at_least=40 * SECOND)),
            view(("page_view", 12 * SECOND), ("page_hidden", 2 * SECOND)),
            "on_page at least 40 seconds: is 10 seconds",
            "30 seconds more of on_page would do it, but it stands still",
        ),
        (
            StateIs("score", Compare(at_least=100)),
            view(score=79.5),
            "score at least 100: is 79.5",
            "score must rise by 20.5",
        ),
        (
            StateIs("queue_wait", Compare(at_most=MINUTE)),
            view(desk=lambda department, state: 90 * SECOND),
            "queue_wait at most 1 minute: is 90 seconds",
            "queue_wait must fall by 30 seconds",
        ),
        (
            StateIs("plan", Compare(is_=("trial", "basic"))),
            view(),
            "plan trial or basic: not known",
            "plan is not known",
        ),
        (
            StateIs("logged_in", Compare(is_=(True,))),
            view(logged_in=False),
            "logged_in true: is false",
            "logged_in must be true",
        ),
        (
            InGroup("checkout"),
            view(page="/p/1"),
            "page in checkout: /p/1",
            "the page must be in checkout",
        ),
        (
            Not(InGroup("product")),
            view(page="/p/1"),
            "not (page in product)",
            "this must no longer be so: page in product",
        ),
        (
            AnyOf((InGroup("home"), StateIs("plan", Compare(is_=("trial",))))),
            view(page="/p/1"),
            "any of 2: 0 hold",
            "the page must be in home or plan is not known",
        ),
        (
            AllOf((InGroup("product"), InGroup("home"))),
            view(page="/p/1"),
            "all of 2: 1 holds",
            "the page must be in home",
        ),
        (
            InAudience("spenders"),
            view(page="/p/1"),
            "visitor in spenders",
            "cart_value is not known",
        ),
    ],
)
def test_a_false_condition_is_told_in_plain_words(cond, now, line, missing):
    """Each condition is one readable line, and says what would make it true."""
    told = explain(cond, now)
    assert (told["condition"], told["missing"], told["verdict"]) == (line, missing, "no")


def test_durations_are_told_in_seconds_as_values():
    """In `actual` a clock is seconds, as everywhere outside the engine."""
    told = explain(StateIs("on_page", Compare(at_least=SECOND)), view(("page_view", 12_345)))
    assert told["actual"] == 12.345
    assert explain(STALL, view(("verification_started", 95_500)))["actual"] == 95.5


def test_what_was_not_asked_is_told_as_not_reached():
    """An outline claims nothing of anyone, down to its parts."""
    told = outline(AllOf((Counted(Measure("search"), 3), Not(InGroup("home")))))
    assert told["verdict"] == "not reached"
    assert [part["verdict"] for part in told["parts"]] == ["not reached", "not reached"]
    assert told["parts"][0]["condition"] == "search: at least 3 in this session"
    assert told["parts"][1]["parts"][0]["condition"] == "page in home"


@pytest.mark.parametrize(
    ("span", "exactly", "about"),
    [
        (0, "0 seconds", "0 seconds"),
        (1, "0.001 seconds", "0.001 seconds"),
        (SECOND, "1 second", "1 second"),
        (MINUTE, "1 minute", "1 minute"),
        (90 * SECOND, "90 seconds", "90 seconds"),
        (150 * SECOND, "2 minutes 30 seconds", "2 minutes 30 seconds"),
        (30 * DAY, "30 days", "30 days"),
        (DAY + 2 * HOUR + 5_500, "1 day 2 hours 5.5 seconds", "1 day 2 hours"),
    ],
)
def test_durations_read_as_written(span, exactly, about):
    """A duration is told in the units that a marketer would write."""
    assert duration(span) == exactly
    assert roughly(span) == about
