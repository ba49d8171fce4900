"""The gates in their order, who wins, and what is left behind."""

from __future__ import annotations

import pytest

from engine.gates.buckets import bucket
from engine.model import Reason

SEARCHES = """
rules:
  - rule: three
    when: { event: search, at_least: 3 }
    show: "Can I help?"
"""
SITE = "site: { name: shop, time_zone: Europe/London }\n"


def visitor_with(salt, wanted):
    """Find a visitor whose bucket under a salt is as wanted."""
    return next(f"v{n}" for n in range(100_000) if wanted(bucket(salt, f"v{n}")))


def test_the_third_search_shows_and_the_second_does_not(make):
    """A count is at least, never more than."""
    bench = make(SEARCHES)
    bench.post(bench.event("search", 0), bench.event("search", 20))
    held = bench.decide(20)
    assert (held.show, held.reason, held.rule) == (False, Reason.NEEDS_MORE_EVENTS, "three")
    bench.post(bench.event("search", 40))
    assert bench.decide(39, dry_run=True).reason is Reason.NEEDS_MORE_EVENTS
    shown = bench.decide(40)
    assert (shown.show, shown.reason, shown.rule) == (True, Reason.SHOWN, "three")
    assert shown.prompt is not None
    assert shown.prompt.message == "Can I help?"


def test_an_unknown_visitor_is_held_and_nothing_is_stored(make):
    """Asking about nobody makes nobody."""
    bench = make(SEARCHES)
    assert bench.decide(0).reason is Reason.UNKNOWN_VISITOR
    assert bench.service.visitor("shop", "v") is None


def test_no_rules_says_so(make):
    """A folder without rules holds with no_rules."""
    bench = make("rules: []\n")
    bench.post(bench.event("search"))
    assert bench.decide(1).reason is Reason.NO_RULES


def test_the_higher_priority_wins_and_the_other_is_outranked(make):
    """All rules are evaluated, then ranked; the trace tells the loser who won."""
    bench = make("""
rules:
  - { rule: low, when: { event: search }, show: "low" }
  - { rule: high, when: { event: search }, priority: 90, show: "high" }
""")
    bench.post(bench.event("search"))
    decision = bench.decide(1, dry_run=True, explain=True)
    assert decision.rule == "high"
    reasons = {entry["rule"]: (entry["reason"], entry["by"]) for entry in decision.trace}
    assert reasons == {"high": ("shown", None), "low": ("outranked", "high")}


def test_a_refused_rule_never_blocks_another(make):
    """A paused, aimed elsewhere or capped rule of higher priority lets the next one show."""
    bench = make("""
rules:
  - { rule: paused, mode: paused, priority: 99, when: { event: search }, show: "a" }
  - { rule: shadow, mode: shadow, priority: 98, when: { event: search }, show: "b" }
  - { rule: dated, active: { until: 2026-01-01 }, priority: 97, show: "c" }
  - { rule: live, when: { event: search }, show: "d" }
""")
    bench.post(bench.event("search"))
    assert bench.decide(1).rule == "live"


@pytest.mark.parametrize(
    ("line", "reason", "by"),
    [
        ("mode: paused", "paused", None),
        ("active: { until: 2026-01-01 }", "outside_dates", None),
        ("when: { event: login }", "needs_more_events", None),
        ("when: { state: cart_value, at_least: 5 }", "not_now", None),
        ("when: { event: search, at_most: 0, within: 2 days }", "not_now", None),
        ("when: { event: search, not_followed_by: login, for: 9 minutes }", "still_waiting", None),
        ("where: checkout", "wrong_page", None),
        ("who: vips", "not_in_audience", "vips"),
        ("unless: { event: search }", "unless_matched", None),
        ("during: nights", "outside_schedule", "nights"),
        ("department: night-desk", "outside_schedule", "nights"),
        ("mode: shadow", "shadow", None),
        ("rollout: 0%", "outside_rollout", None),
        ("holdout: 100%", "in_holdout", "rule"),
    ],
)
def test_each_gate_has_its_reason(make, line, reason, by):
    """The first gate that refuses names the reason, and what it was refused by."""
    site = SITE + (
        "page_groups: { checkout: /checkout }\n"
        "audiences: { vips: { plan: vip } }\n"
        "schedules: { nights: { open: { mon-sun: 22:00-02:00 } } }\n"
        "departments: { night-desk: { schedule: nights } }\n"
    )
    bench = make(f'rules:\n  - rule: it\n    {line}\n    show: "x"\n', site)
    bench.post(bench.event("search", page="/p/1"))
    decision = bench.decide(1)
    assert (decision.show, decision.reason, decision.by) == (False, reason, by)
    assert decision.rule == "it"


def test_a_hold_is_told_by_the_rule_that_came_furthest(make):
    """Depth through the gates beats priority; priority beats order."""
    bench = make("""
rules:
  - { rule: near, priority: 90, when: { event: login }, show: "a" }
  - { rule: far, priority: 10, when: { event: search }, unless: { event: search }, show: "b" }
  - { rule: far-too, priority: 20, when: { event: search }, unless: { event: search }, show: "c" }
""")
    bench.post(bench.event("search"))
    assert bench.decide(1).rule == "far-too"


def test_the_site_holdout_is_measured_and_never_prompted(make):
    """First in_holdout with a silent exposure, then capped as a prompt would cap."""
    site = 'site: { name: shop, time_zone: UTC, holdout: 50%, caps: ["1 per session"] }\n'
    bench = make(SEARCHES, site)
    visitor = visitor_with("site-holdout/shop", lambda b: b < 5_000)
    bench.post(*(bench.event("search", n) for n in range(3)), visitor=visitor)
    first = bench.decide(3, visitor=visitor)
    assert (first.show, first.reason, first.by) == (False, Reason.IN_HOLDOUT, "site")
    assert first.check_again_in is None
    second = bench.decide(4, visitor=visitor)
    assert (second.reason, second.by) == (Reason.CAPPED, "1 per session")
    held = bench.service.visitor("shop", visitor)
    assert [e["state"] for e in held["exposures"]] == ["held_out"]


def test_a_rule_holdout_lets_the_next_rule_show(make):
    """A rule's holdout consumes its own limit only, where it would have won."""
    bench = make("""
rules:
  - { rule: a, priority: 90, when: { event: search }, holdout: 100%, limit: 1 ever, show: "a" }
  - { rule: b, when: { event: search }, show: "b" }
""")
    bench.post(bench.event("search"))
    decision = bench.decide(1)
    assert (decision.show, decision.rule) == (True, "b")
    states = {e["rule"]: e["state"] for e in bench.service.visitor("shop", "v")["exposures"]}
    assert states == {"a": "held_out", "b": "reserved"}
    trace = bench.decide(2, dry_run=True, explain=True).trace
    assert {t["rule"]: t["by"] for t in trace}["a"] == "reserved"


def test_one_prompt_at_a_time_and_a_reservation_lapses(make):
    """An open reservation caps every rule; unconfirmed, it lapses 60 seconds after it."""
    bench = make(SEARCHES.replace("show:", "limit: 1 ever\n    show:"))
    bench.post(*(bench.event("search", n) for n in range(3)))
    assert bench.decide(10).show
    held = bench.decide(11)
    assert (held.reason, held.by, held.check_again_in) == (Reason.CAPPED, "reserved", 59_000)
    assert not bench.decide(69.999, dry_run=True).show
    assert bench.decide(70, dry_run=True).show


def test_a_late_prompt_shown_still_counts(make):
    """A prompt confirmed after its reservation lapsed counts from when it was decided."""
    bench = make(SEARCHES.replace("show:", "limit: 1 per 10 minutes\n    show:"))
    bench.post(*(bench.event("search", n) for n in range(3)))
    decision = bench.decide(10)
    bench.post(bench.event("prompt_shown", 100, decision_id=decision.decision_id))
    held = bench.decide(101)
    assert (held.reason, held.by) == (Reason.CAPPED, "1 per 10 minutes")
    assert held.check_again_in == (10 + 600 - 101) * 1_000


def test_a_paused_site_rule_counts_a_prompt_that_a_server_reports(make):
    """A server's prompt_shown with a rule alone counts as a prompt of that rule."""
    bench = make(SEARCHES.replace("show:", "limit: 1 per session\n    show:"))
    bench.post(*(bench.event("search", n) for n in range(3)))
    bench.post(bench.event("prompt_shown", 5, rule="three"))
    assert bench.decide(6).by == "1 per session"


def test_variants_follow_the_buckets(make):
    """A visitor keeps a variant, and it is the one that the published hash says."""
    bench = make("""
rules:
  - rule: test
    when: { event: search }
    show:
      variants:
        a: { weight: 30, message: "A" }
        b: { weight: 70, message: "B" }
""")
    for wanted, name in ((lambda b: b < 3_000, "a"), (lambda b: b >= 3_000, "b")):
        visitor = visitor_with("variant/test", wanted)
        bench.post(bench.event("search"), visitor=visitor)
        assert bench.decide(1, visitor=visitor).variant == name


def test_a_prompt_speaks_the_visitors_language_and_never_the_wrong_name(make):
    """Languages by exact tag, then first subtag; personal fields from verified facts only."""
    bench = make("""
rules:
  - rule: hello
    when: { event: search }
    show:
      message: { en: "Hi {first_name|there}", fr: "Bonjour {first_name|à vous}" }
      button: "Chat"
""")
    bench.post(
        bench.event("search"),
        browser=True,
        attributes={"language": "fr-CA", "first_name": "Mallory"},
    )
    prompt = bench.decide(1, dry_run=True).prompt
    assert (prompt.message, prompt.language, prompt.button) == ("Bonjour à vous", "fr", "Chat")
    prompt = bench.decide(1, dry_run=True, attributes={"first_name": "<b>Ann</b>"}).prompt
    assert prompt.message == "Bonjour <b>Ann</b>"
    prompt = bench.decide(1, dry_run=True, attributes={"language": "de"}).prompt
    assert prompt.language == "en"


def test_the_widget_stays_where_only_the_prompt_is_hidden(make):
    """`hide: prompt` leaves the chat button; hiding the widget too removes it without a match."""
    site = SITE + (
        "page_groups: { checkout: /checkout, quiet: /quiet }\n"
        "suppress:\n"
        "  - { name: paying, where: checkout, hide: prompt }\n"
        "  - { name: quiet, where: quiet, hide: [prompt, widget] }\n"
    )
    bench = make(SEARCHES, site)
    bench.post(*(bench.event("search", n) for n in range(3)))
    held = bench.decide(3, page="/checkout")
    assert (held.reason, held.by, held.widget) == (Reason.SUPPRESSED, "paying", True)
    held = bench.decide(3, page="/quiet")
    assert (held.by, held.widget) == ("quiet", False)


def test_an_unknown_desk_is_said_to_be_unknown(make):
    """Silence from the desk reads as nobody there, and the reason says so."""
    site = SITE + (
        "suppress:\n  - { name: nobody-free, state: free_slots, at_most: 0, hide: prompt }\n"
    )
    bench = make(SEARCHES, site)
    bench.post(*(bench.event("search", n) for n in range(3)))
    held = bench.decide(3)
    assert (held.reason, held.by) == (Reason.AVAILABILITY_UNKNOWN, "nobody-free")
