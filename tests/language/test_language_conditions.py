"""Conditions: each way to write one, and exactly what it means."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.language import loader
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

SITE = """
site: { name: shop, time_zone: Europe/London }
page_groups: { pricing: /pricing, delivery: /delivery, "spring sale": "/sale/**" }
audiences: { trial-users: { plan: trial }, in-the-uk: { country: GB } }
events: { payment_declined: [code, amount] }
"""


def rule_with(**parts):
    lines = "".join(f"    {name}: {text}\n" for name, text in parts.items())
    files = {"site.yaml": SITE, "a.yaml": f"rules:\n  - rule: a\n{lines}    show: Hi\n"}
    loaded = loader.load(files)
    assert loaded.folder is not None, [str(p) for p in loaded.problems]
    return loaded.folder.rules[0]


def when(text):
    return rule_with(when=text).when


def equal(*values):
    return Compare(is_=values)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("{ event: search }", Counted(Measure("search"))),
        (
            "{ event: search, at_least: 3, within: session }",
            Counted(Measure("search", Span.SESSION), 3),
        ),
        (
            "{ event: search, with: { results: 0 }, at_least: 2 }",
            Counted(Measure("search", fields=(("results", equal(0)),)), 2),
        ),
        (
            "{ event: rage_click, where: pricing, at_least: 2, within: page }",
            Counted(Measure("rage_click", Span.PAGE, where=InGroup("pricing")), 2),
        ),
        (
            "{ event: product_view, same: product, different: session, at_least: 3, within: 30d }",
            Counted(Measure("product_view", 30 * DAY, same="product", different="session"), 3),
        ),
        (
            "{ event: search, different: query, at_least: 3 }",
            Counted(Measure("search", different="query"), 3),
        ),
        (
            "{ event: purchase, at_most: 0, within: 7 days }",
            Counted(Measure("purchase", 7 * DAY), 0, 0),
        ),
        (
            "{ event: purchase, at_least: 1, at_most: 3 }",
            Counted(Measure("purchase"), 1, 3),
        ),
        (
            "{ event: payment_declined, with: { amount: { at_least: 9, at_most: 99 }, code: a } }",
            Counted(
                Measure(
                    "payment_declined",
                    fields=(
                        ("amount", Compare(at_least=9, at_most=99)),
                        ("code", equal("a")),
                    ),
                )
            ),
        ),
        (
            "{ event: verification_started, not_followed_by: verification_passed, for: 90s }",
            Stall(Step("verification_started"), "verification_passed", 90 * SECOND),
        ),
        (
            (
                "{ event: add_to_cart, with: { product: 4471 }, where: [pricing, delivery], "
                "not_followed_by: purchase, within: 1 hour }"
            ),
            Stall(
                Step(
                    "add_to_cart",
                    (("product", equal("4471")),),
                    AnyOf((InGroup("pricing"), InGroup("delivery"))),
                ),
                "purchase",
                0,
                HOUR,
            ),
        ),
        (
            (
                "{ sequence: [add_to_cart, { event: page_view, where: delivery }, product_view], "
                "within: session }"
            ),
            Sequence(
                (
                    Step("add_to_cart"),
                    Step("page_view", where=InGroup("delivery")),
                    Step("product_view"),
                )
            ),
        ),
        ("{ state: on_page, for: 40 seconds }", StateIs("on_page", Compare(at_least=40_000))),
        (
            "{ state: idle, for: 1m, at_most: 5m }",
            StateIs("idle", Compare(at_least=MINUTE, at_most=5 * MINUTE)),
        ),
        ("{ state: cart_value, at_least: 100 }", StateIs("cart_value", Compare(at_least=100))),
        (
            "{ state: queue_wait, at_least: 60 seconds }",
            StateIs("queue_wait", Compare(at_least=60_000)),
        ),
        ("{ state: form_stuck }", StateIs("form_stuck", equal(True))),
        ("{ state: logged_in, is: false }", StateIs("logged_in", equal(False))),
        ("{ state: vip }", StateIs("vip", equal(True))),
        ("{ state: plan, not: [trial, free] }", StateIs("plan", Compare(not_=("trial", "free")))),
        ("{ state: form, is: 5 }", StateIs("form", equal("5"))),
        (
            "{ state: landing, is: [pricing, spring sale] }",
            StateIs("landing", equal("pricing", "spring sale")),
        ),
        (
            "{ state: referrer, contains: shop }",
            StateIs("referrer", Compare(contains=("shop",))),
        ),
        (
            "{ any: [ { event: login }, { not: { event: signup } } ] }",
            AnyOf((Counted(Measure("login")), Not(Counted(Measure("signup"))))),
        ),
        (
            "{ all: [ { event: login }, { any: [ { state: chat_active } ] } ] }",
            AllOf((Counted(Measure("login")), AnyOf((StateIs("chat_active", equal(True)),)))),
        ),
    ],
)
def test_a_condition_means_what_the_language_says(text, meaning):
    """Each form of LANGUAGE.md section 3 becomes its part of the model, defaults filled in."""
    assert when(text) == meaning


@pytest.mark.parametrize(
    ("text", "compare"),
    [
        ("5", equal(5)),
        ("2.5", equal(2.5)),
        ("true", equal(True)),
        ("[a, 1, false]", equal("a", 1, False)),
        ("{ is: a }", equal("a")),
        ("{ not: [a, b] }", Compare(not_=("a", "b"))),
        ("{ at_least: 1, at_most: 2, not: 1.5 }", Compare(not_=(1.5,), at_least=1, at_most=2)),
        ("{ contains: [return, 24 hours] }", Compare(contains=("return", "24 hours"))),
    ],
)
def test_with_compares_in_every_way(text, compare):
    """A value, a list, or a mapping of which all parts must hold."""
    condition = when(f"{{ event: payment_declined, with: {{ code: {text} }} }}")
    assert condition.measure.fields == (("code", compare),)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("4471", "4471"),
        ("012", "012"),
        ("5.0", "5"),
        ("5.5", "5.5"),
        ("on", "on"),
        ('" x "', " x "),
    ],
)
def test_the_text_fields_are_text_whatever_they_look_like(written, text):
    """product, query, form, field, article and category are always compared as text."""
    condition = when(f"{{ event: product_view, with: {{ product: {written} }} }}")
    assert condition.measure.fields == (("product", equal(text)),)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("pricing", InGroup("pricing")),
        ("[pricing, delivery]", AnyOf((InGroup("pricing"), InGroup("delivery")))),
        ("{ not: pricing }", Not(InGroup("pricing"))),
        ("{ not: [pricing, delivery] }", Not(AnyOf((InGroup("pricing"), InGroup("delivery"))))),
        ("{ all: [pricing, delivery] }", AllOf((InGroup("pricing"), InGroup("delivery")))),
        (
            "[pricing, { all: [delivery, { not: spring sale }] }]",
            AnyOf((InGroup("pricing"), AllOf((InGroup("delivery"), Not(InGroup("spring sale")))))),
        ),
        ("{ any: [pricing] }", AnyOf((InGroup("pricing"),))),
    ],
)
def test_where_takes_names_lists_and_their_negations(text, meaning):
    """A list is any of them; not, all and any nest."""
    assert rule_with(where=text).where == meaning


def test_who_takes_the_same_of_audiences():
    """An audience expression reads like one of page groups."""
    rule = rule_with(who="[trial-users, { not: in-the-uk }]")
    assert rule.who == AnyOf((InAudience("trial-users"), Not(InAudience("in-the-uk"))))


def test_unless_is_a_condition_like_when():
    """Any condition may hold a rule back."""
    rule = rule_with(unless="{ any: [ { event: purchase, within: 7 days } ] }")
    assert rule.unless == AnyOf((Counted(Measure("purchase", 7 * DAY)),))


@pytest.mark.parametrize("fields", ["brand: boots", "size: { at_least: 40 }", "section: a"])
def test_a_standard_event_may_carry_more_fields(fields):
    """A site may send more with a standard event than the table knows."""
    assert when(f"{{ event: product_view, with: {{ {fields} }} }}").measure.fields


def test_a_session_timeout_decides_what_is_longer_than_a_session():
    """different: session needs a window longer than the site's own session_timeout."""
    when = "{ event: login, different: session, within: 2h }"
    rule = {"a.yaml": f"rules:\n  - {{ rule: a, when: {when}, show: Hi }}"}
    short = "site: { name: s, time_zone: UTC, session_timeout: 1 hour }"
    long = "site: { name: s, time_zone: UTC, session_timeout: 2 hours }"
    assert loader.load({"site.yaml": short, **rule}).folder is not None
    assert loader.load({"site.yaml": long, **rule}).folder is None
