"""Warnings: each where it belongs, and none where a marketer could rightly object."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language import loader
from engine.language.implies import implies
from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Counted,
    InAudience,
    InGroup,
    Measure,
    Not,
    Stall,
    StateIs,
    Step,
)

TODAY = date(2026, 12, 1)
SITE = """
site:
  name: shop
  time_zone: Europe/London
  caps: [1 prompt per session]
  cooldown: { after_dismissal: 7 days, after_chat: 1 day }
page_groups: { checkout: "**/checkout/**", product: "/p/{product}" }
schedules:
  desk: { open: { mon-fri: 09:00-17:00 }, closed: [2026-12-25] }
departments: { sales: { schedule: desk }, returns: {} }
suppress:
  - { name: checkout, where: checkout, hide: prompt }
  - { name: long-queue, state: queue_wait, at_least: 60 seconds, hide: prompt }
"""


def warnings(*rules, site=SITE, tests=True):
    """Return the kinds of the warnings about rules written on one line each."""
    text = "rules:\n" + "".join(f"  - {{ {rule} }}\n" for rule in rules)
    files = {"site.yaml": site, "a.yaml": text}
    if tests:
        ids = [rule.split(",")[0].removeprefix("rule: ") for rule in rules]
        files["a.test.yaml"] = "tests:\n" + "".join(
            f"  - {{ test: t, start: 2026-12-01, expect: [ {{ at: 0s, decision: show, rule: {i} }},"
            f" {{ at: 1s, decision: hold }} ] }}\n"
            for i in ids
        )
    loaded = loader.load(files, today=TODAY)
    assert loaded.folder is not None, [str(p) for p in loaded.problems]
    return [str(p.kind) for p in loaded.problems]


A = "rule: a, when: { event: search, at_least: 3 }, show: Hi"


def test_a_good_folder_has_no_warning():
    """The folder that the tests here start from is silent."""
    assert warnings(A) == []


def test_the_starter_rules_have_no_warning():
    """The rules that a newcomer starts from are an example to follow."""
    starter = Path(__file__).parents[2] / "rules"
    assert [str(p) for p in loader.load(loader.read_folder(starter), today=TODAY).problems] == []


# --- always outranked -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "second",
    [
        "when: { event: search, at_least: 5 }",
        "when: { event: search, at_least: 3 }, where: product",
        "when: { all: [ { event: search, at_least: 4 }, { event: login } ] }",
        "when: { event: search, at_least: 3 }, unless: { event: login }",
        "when: { event: search, at_least: 3 }, priority: 20",
        "when: { event: search, at_least: 3 }, active: { from: 2026-12-01 }",
        "when: { event: search, at_least: 3 }, during: desk",
    ],
)
def test_a_narrower_rule_behind_a_wider_one_never_wins(second):
    """The wider rule holds whenever the narrower does, and ranks before it."""
    assert warnings(A, f"rule: b, {second}, show: Hi") == ["always-outranked"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("limit: 1 per session,", "when: { event: search, at_least: 5 }"),
        ("rollout: 50%,", "when: { event: search, at_least: 5 }"),
        ("holdout: 10%,", "when: { event: search, at_least: 5 }"),
        ("mode: shadow,", "when: { event: search, at_least: 5 }"),
        ("", "when: { event: search, at_least: 2 }"),
        ("", "when: { event: search, at_least: 5 }, priority: 60"),
        ("", "when: { event: search, at_least: 5 }, department: returns"),
        ("where: product,", "when: { event: search, at_least: 5 }"),
        ("unless: { event: login },", "when: { event: search, at_least: 5 }"),
        ("active: { until: 2027-01-01 },", "when: { event: search, at_least: 5 }"),
        ("during: desk,", "when: { event: search, at_least: 5 }"),
        ("", "when: { event: search, at_least: 5, within: 1 hour }"),
        ("", "when: { any: [ { event: search, at_least: 3 }, { event: login } ] }"),
        ("", "mode: shadow, when: { event: search, at_least: 5 }"),
    ],
)
def test_a_rule_that_may_win_is_left_alone(first, second):
    """A limit, a share, other dates, pages, desks or windows leave the second rule its chance."""
    rule = f"rule: a, {first} when: {{ event: search, at_least: 3 }}, show: Hi"
    found = warnings(rule, f"rule: b, {second}, show: Hi")
    assert "always-outranked" not in found


# --- reasoning ------------------------------------------------------------------------------

atoms = st.sampled_from(
    [
        InGroup("a"),
        InGroup("b"),
        InAudience("a"),
        *(Counted(Measure("search"), low) for low in (1, 2, 3)),
        *(Counted(Measure("search"), low, high) for low, high in ((0, 0), (0, 2), (1, 2))),
        *(StateIs("cart_value", Compare(at_least=low)) for low in (1, 2)),
        StateIs("cart_value", Compare(at_most=2)),
        StateIs("cart_value", Compare(is_=(1, 2))),
        StateIs("cart_value", Compare(is_=(1,))),
    ]
)
trees = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)
WORLDS = list(itertools.product((False, True), (False, True), (False, True), range(4), range(4)))


def holds(condition, world):
    in_a, in_b, audience, searches, cart = world
    match condition:
        case InGroup(name):
            return in_a if name == "a" else in_b
        case InAudience():
            return audience
        case Counted(_, low, high):
            return low <= searches and (high is None or searches <= high)
        case StateIs(_, compare):
            low, high = compare.at_least, compare.at_most
            return (
                (compare.is_ is None or cart in compare.is_)
                and (low is None or cart >= low)
                and (high is None or cart <= high)
            )
        case AllOf(parts):
            return all(holds(part, world) for part in parts)
        case AnyOf(parts):
            return any(holds(part, world) for part in parts)
        case Not(part):
            return not holds(part, world)


@given(trees, trees)
def test_what_follows_really_follows(one, other):
    """Whenever implies says yes, no world has the first without the second."""
    if implies(one, other):
        assert all(holds(other, world) for world in WORLDS if holds(one, world))


@given(trees, trees)
def test_a_part_implies_its_any_and_all_implies_its_part(one, other):
    """The simple cases are seen, not just soundly missed."""
    assert implies(one, AnyOf((other, one)))
    assert implies(AllOf((other, one)), one)
    assert implies(one, None)


def test_stalls_and_windows_are_compared():
    """A longer wait implies a shorter one, a shorter window a longer one, never across kinds."""

    def stall(lasting, within):
        return Stall(Step("login"), "purchase", lasting, within)

    assert implies(stall(90, 1_000), stall(60, 1_000))
    assert implies(stall(60, 1_000), stall(60, 2_000))
    assert not implies(stall(60, 1_000), stall(90, 1_000))
    assert not implies(stall(60, 2_000), stall(60, 1_000))
    short, long = Counted(Measure("login", 1_000), 2), Counted(Measure("login", 2_000), 2)
    assert implies(short, long)
    assert not implies(long, short)
    never = [Counted(Measure("login", span), 0, 0) for span in (1_000, 2_000)]
    assert implies(never[1], never[0])
    assert not implies(never[0], never[1])


# --- never shows ----------------------------------------------------------------------------


def with_schedules(text):
    return SITE.replace("schedules:\n", f"schedules:\n{text}")


WEEKEND = "  weekend: { open: { sat-sun: 09:00-17:00 }, closed: [2026-12-25] }\n"


@pytest.mark.parametrize(
    ("rule", "site"),
    [
        ("during: weekend, department: sales", with_schedules(WEEKEND)),
        ("during: desk, active: { from: 2026-12-05, until: 2026-12-06 }", SITE),
        ("during: desk, active: { from: 2026-12-25, until: 2026-12-25 }", SITE),
        (
            "during: brief",
            with_schedules(
                "  brief: { open: { mon: 09:00-09:10 }, closed: [2026-12-25], wind_down: 10m }\n"
            ),
        ),
        ("where: checkout", SITE),
        ("where: { all: [checkout, product] }", SITE),
    ],
)
def test_a_rule_that_no_hour_lets_through_is_told(rule, site):
    """Schedules that never meet, dates on closed days, hours that wind down, suppressed pages."""
    assert warnings(f"rule: a, when: {{ event: search }}, {rule}, show: Hi", site=site) == [
        "never-shows"
    ]


@pytest.mark.parametrize(
    ("rule", "site"),
    [
        ("during: desk, department: sales", SITE),
        ("during: desk, active: { from: 2026-12-05, until: 2026-12-07 }", SITE),
        # A date of its own opens the weekend's desk on a Friday too.
        (
            "during: weekend, department: sales",
            with_schedules(
                "  weekend: { open: { sat: 09:00-17:00 }, closed: [2026-12-25],"
                " open_on: { 2026-12-18: 10:00-12:00 } }\n"
            ),
        ),
        # Schedules in two zones are not compared.
        (
            "during: weekend, department: sales",
            with_schedules(WEEKEND.replace("{ open", "{ time_zone: Asia/Tokyo, open")),
        ),
        # Saturday night runs on into Sunday; touching ranges wind down once.
        (
            "during: night, active: { from: 2026-12-06, until: 2026-12-06 }",
            with_schedules("  night: { open: { sat: 22:00-02:00 }, closed: [2026-12-25] }\n"),
        ),
        (
            "during: brief",
            with_schedules(
                "  brief: { open: { mon: [09:00-09:10, 09:10-09:20] }, closed: [2026-12-25],"
                " wind_down: 10m }\n"
            ),
        ),
        ("where: [checkout, product]", SITE),
        ("where: { not: checkout }", SITE),
    ],
)
def test_a_rule_with_some_hour_is_left_alone(rule, site):
    """One hour in the coming year is enough."""
    assert warnings(f"rule: a, when: {{ event: search }}, {rule}, show: Hi", site=site) == []


@pytest.mark.parametrize(
    ("when", "kinds"),
    [
        ("{ event: prompt_dismissed, within: 7 days }", ["never-shows"]),
        ("{ event: prompt_dismissed }", ["never-shows"]),
        ("{ event: chat_rated, within: 1 day }", ["never-shows"]),
        ("{ all: [ { event: chat_rated, within: 1 day }, { event: login } ] }", ["never-shows"]),
        ("{ event: prompt_dismissed, within: 8 days }", []),
        ("{ event: prompt_dismissed, at_most: 0, within: 7 days }", []),
        ("{ any: [ { event: chat_rated, within: 1 day }, { event: login } ] }", []),
        ("{ event: chat_rated, within: 2 days }", []),
        ("{ state: queue_wait, at_least: 2 minutes }", ["never-shows"]),
        ("{ state: queue_wait, at_least: 30 seconds }", []),
    ],
)
def test_a_rule_that_waits_for_what_silences_it_is_told(when, kinds):
    """A cooldown or suppression that always answers the trigger lets nothing through."""
    assert warnings(f"rule: a, when: {when}, show: Hi") == kinds


# --- words, tests, definitions --------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        "What problem are you having?",
        "Having trouble with the form?",
        "Are you stuck?",
        "What's wrong?",
        "Which issue can we solve?",
        "Welches Problem haben Sie?",
        "Quel est votre problème ?",
    ],
)
def test_a_message_that_presumes_a_problem_is_told(message):
    """Openers that say something is wrong before the visitor did."""
    assert warnings(f'rule: a, when: {{ event: search }}, show: "{message}"') == [
        "presumes-problem"
    ]


@pytest.mark.parametrize(
    "message",
    [
        "How can I help you today?",
        "Can I help you find what you are looking for?",
        "This form can be fiddly. Want a hand?",
        "Code not arriving? We can check it is you another way.",
        "No problem at all: returns are free.",
        "What are you looking for?",
        "Questions? Just ask.",
        "You may have it by tomorrow. Shall I check?",
    ],
)
def test_a_friendly_message_is_left_alone(message):
    """Ordinary openers are not mistaken for presuming ones."""
    assert warnings(f'rule: a, when: {{ event: search }}, show: "{message}"') == []


def test_a_fallback_counts_towards_the_length():
    """140 characters as a visitor without attributes would read them are fine, 141 are not."""
    text = "{name|" + "x" * 10 + "}" + "y" * 130
    assert warnings(f'rule: a, when: {{ event: search }}, show: "{text}"') == []
    assert warnings(f'rule: a, when: {{ event: search }}, show: "{text}y"') == ["long-message"]


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("{ at: 0s, decision: show, rule: a }, { at: 1s, decision: hold }", False),
        ("{ at: 0s, decision: show, rule: a }, { at: 1s, decision: hold, rule: a }", False),
        ("{ at: 0s, decision: show, rule: a }", True),
        ("{ at: 0s, decision: hold, rule: a }", True),
        ("{ at: 0s, decision: show }, { at: 1s, decision: hold }", True),
        ("{ at: 0s, decision: show, rule: a }, { at: 1s, decision: hold, rule: b }", True),
    ],
)
def test_a_live_rule_has_a_test_that_shows_and_one_that_holds(expect, told):
    """Both are wanted; a line that holds without naming a rule is about those the test names."""
    files = {
        "site.yaml": SITE + "audiences: { x: { vip: true } }\n",
        "a.yaml": f"rules:\n  - {{ {A} }}\n  - {{ rule: b, mode: paused, who: x, show: Hi }}\n",
        "a.test.yaml": f"tests:\n  - {{ test: t, start: 2026-12-01, expect: [ {expect} ] }}\n",
    }
    found = [str(p.kind) for p in loader.load(files, today=TODAY).problems]
    assert found == (["untested"] if told else [])


@pytest.mark.parametrize("words", ["mode: paused,", "mode: shadow,"])
def test_a_rule_that_never_shows_needs_no_test(words):
    """Paused and shadow rules are not asked for tests."""
    rule = f"rule: a, {words} when: {{ event: search }}, show: Hi"
    assert warnings(rule, tests=False) == []


@pytest.mark.parametrize(
    ("suppression", "told"),
    [
        ("where: checkout", False),
        ("where: [product, checkout]", False),
        ("where: { not: product }", False),
        ("where: product", True),
        ("event: checkout_started, not_followed_by: purchase", True),
    ],
)
def test_checkout_pages_are_to_be_suppressed(suppression, told):
    """Some suppression's where must hold on a page where people pay."""
    site = SITE.replace("where: checkout, hide", f"{suppression}, hide")
    rule = "rule: a, when: { event: search }, where: [checkout, product], show: Hi"
    found = warnings(rule, site=site)
    assert ("no-checkout-suppression" in found) == told


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        ("closed: [2026-12-01]", False),
        ("closed: [2027-11-30]", False),
        ("closed: [2026-11-30]", True),
        ("closed: [2027-12-03]", True),
        ("holidays: { country: GB }", False),
        ("wind_down: 5m", True),
    ],
)
def test_a_schedule_closes_some_day_of_the_coming_year(dates, told):
    """Holidays or a closed date within 365 days; old dates are a sign of neglect."""
    found = warnings(A, site=SITE.replace("closed: [2026-12-25]", dates))
    assert found == (["no-closed-dates"] if told else [])


def test_a_group_that_captures_is_used_without_being_named():
    """Captured fields serve same: and product views, so such a group is not unused."""
    assert warnings(A) == []
    site = SITE.replace("/p/{product}", "/p/*")
    assert warnings(A, site=site) == ["unused"]
    audience = SITE + "audiences: { buyers: { landing: product } }\n"
    assert warnings(f"{A}, who: buyers", site=audience.replace("/p/{product}", "/p/*")) == []


def test_errors_come_without_warnings_about_the_whole():
    """While a folder has errors, warnings about all of it would only be guesses."""
    loaded = loader.load({"site.yaml": SITE, "a.yaml": "rules:\n  - { rule: a, shw: Hi }\n"})
    assert {str(p.kind) for p in loaded.problems} == {"unknown-key", "missing-key"}
