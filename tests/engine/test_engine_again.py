"""`check_again_in` is exact, and the same events in any order give the same decision."""

from __future__ import annotations

import functools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.decide import decide
from engine.exposures import with_exposures
from engine.gates.availability import FixedDesk
from engine.gates.buckets import TestBuckets
from engine.gates.order import Facts
from engine.model import Decision
from engine.replay.visit import STAFFED
from engine.ruleset import Ruleset, build
from engine.visitor.profile import Event, Exposure, Profile, Report, fold, with_report
from engine.visitor.view import View

NOW = 1_796_119_200_000  # Tuesday 2026-12-01 10:00 in London

SITE = """
site:
  name: shop
  time_zone: Europe/London
  caps: [2 prompts per 3 hours]
  cooldown: { after_dismissal: 2 hours, after_chat: 1 hour, after_ignored: { times: 2, for: 5 hours } }
page_groups: { checkout: /checkout, product: "/p/{product}" }
audiences:
  regulars: { visits: { at_least: 2 } }
  away: { days_since_last_visit: { at_least: 1 } }
schedules:
  desk: { open: { mon-fri: [09:00-12:00, 13:00-17:30], sat: 22:00-02:00 }, wind_down: 15 minutes }
events: { quote: [amount] }
suppress:
  - { name: paying, event: checkout_started, not_followed_by: purchase, within: 2 hours, hide: prompt }
  - { name: chatting, state: chat_active, hide: prompt }
"""

RULES = """
  - { rule: searches, when: { event: search, at_least: 2 }, show: "x" }
  - { rule: quiet, when: { event: search, at_most: 0, within: 40 minutes }, show: "x" }
  - { rule: few, when: { event: search, at_least: 1, at_most: 2, within: 1 hour }, show: "x" }
  - { rule: looks, when: { event: product_view, same: product, at_least: 2, within: 5 hours }, show: "x" }
  - { rule: comes-back, when: { event: product_view, same: product, different: session, at_least: 2, within: 2 days }, show: "x" }
  - { rule: many-words, when: { not: { event: search, different: query, at_least: 2, within: 90 minutes } }, show: "x" }
  - { rule: stalled, when: { event: quote, not_followed_by: login, for: 90 seconds }, show: "x" }
  - { rule: stalled-long, when: { event: quote, not_followed_by: login, for: 3 hours, within: 4 hours }, show: "x" }
  - { rule: in-order, when: { not: { sequence: [search, product_view], within: 1 hour } }, show: "x" }
  - { rule: reads, when: { state: on_page, for: 40 seconds }, show: "x" }
  - { rule: skims, when: { state: on_page, for: 20 seconds, at_most: 30 seconds }, show: "x" }
  - { rule: stuck, when: { state: form_stuck }, show: "x" }
  - { rule: stays, when: { state: on_site, for: 25 minutes }, show: "x" }
  - { rule: idles, when: { all: [ { state: idle, for: 1 minute }, { not: { event: login } } ] }, show: "x" }
  - { rule: hours, during: desk, when: { event: search, within: 12 hours }, show: "x" }
  - { rule: regulars, who: regulars, when: { event: page_view, within: 1 day }, show: "x" }
  - { rule: away, who: away, when: { event: page_view, within: 3 days }, show: "x" }
  - { rule: unless, unless: { event: add_to_cart, within: 10 minutes }, show: "x" }
  - { rule: dated, active: { from: 2026-12-01 14:00, until: 2026-12-01 18:00 }, show: "x" }
  - { rule: limited, limit: [1 per session, 2 per 1 day], show: "x" }
  - { rule: chat-over, when: { not: { state: chat_active } }, limit: 1 per 2 hours, show: "x" }
"""
LINES = [line for line in RULES.splitlines() if line.strip()]


@functools.lru_cache(maxsize=64)
def ruleset(chosen: frozenset[int]) -> Ruleset:
    text = "rules:\n" + "\n".join(LINES[n] for n in sorted(chosen)) + "\n"
    return build({"site.yaml": SITE, "a.yaml": text})


KINDS = ["search", "product_view", "page_view", "quote", "login", "purchase", "add_to_cart",
         "checkout_started", "page_hidden", "page_visible", "chat_started", "chat_ended",
         "prompt_dismissed"]  # fmt: skip
STEPS = [0, 1, 999, SECOND, 20 * SECOND, 5 * MINUTE, 29 * MINUTE, 30 * MINUTE, HOUR, 5 * HOUR, DAY]


@st.composite
def events(draw):
    """Draw a few events, the newest at or just before now, at gaps where boundaries lie."""
    found, at = [], NOW - draw(st.sampled_from(STEPS[:6]))
    for number in range(draw(st.integers(0, 9))):
        kind = draw(st.sampled_from(KINDS))
        fields = {}
        if kind == "product_view":
            fields = {"product": draw(st.sampled_from(["a", "b"]))}
        if kind == "search":
            fields = {"query": draw(st.sampled_from(["boots", "Boots ", "hats"]))}
        page = draw(st.sampled_from([None, "/p/a", "/p/b", "/checkout"]))
        found.append(Event(id=f"e{number}", kind=kind, at=at, fields=fields, page=page))
        at -= draw(st.sampled_from(STEPS))
    return found


reports = st.none() | st.builds(
    lambda ago, values: Report(at=NOW - ago, values=values),
    st.sampled_from([0, 500, 10 * SECOND]),
    st.fixed_dictionaries(
        {},
        optional={
            "on_page": st.sampled_from([0, 12.5, 39.999, 41]),
            "idle": st.sampled_from([0, 59.5]),
            "idle_in_field": st.sampled_from([5, 29.9]),
            "field_time": st.sampled_from([10, 59]),
            "field_returns": st.sampled_from([0, 1, 2]),
            "failed_submits": st.sampled_from([0, 1, 2]),
        },
    ),
)

exposures = st.lists(
    st.builds(
        lambda ago, rule, shown, held: Exposure(
            decision_id=f"{ago}{rule}",
            rule=rule,
            variant=None,
            at=NOW - ago,
            shown_at=NOW - ago if shown else None,
            held=held,
        ),
        st.sampled_from([0, 30 * SECOND, 59_999, MINUTE, 20 * MINUTE, 2 * HOUR, 3 * HOUR - 1]),
        st.sampled_from(["limited", "chat-over", "searches"]),
        st.booleans(),
        st.sampled_from([None, None, "rule"]),
    ),
    max_size=3,
)


def decision_at(rules: Ruleset, profile: Profile, at: int) -> Decision:
    desk = FixedDesk(dict(STAFFED))
    view = View(profile, rules.site, rules.pages, at, desk=desk.value)
    return decide(rules, Facts(view, "v", TestBuckets("v"), desk)).decision


@settings(max_examples=1_500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.frozensets(st.integers(0, len(LINES) - 1), min_size=1, max_size=3),
    events(),
    reports,
    exposures,
    st.lists(st.integers(1, DAY), min_size=6, max_size=6),
)
def test_asking_again_passes_exactly_then(chosen, given_events, report, shown, samples):
    """At check_again_in some rule shows; at no earlier instant does any; none means none."""
    rules = ruleset(chosen)
    profile, _ = fold(Profile(), given_events, keep=180 * DAY, keep_events=500)
    profile = with_exposures(profile, shown)
    if report is not None:
        profile = with_report(profile, report)
    first = decision_at(rules, profile, NOW)
    if first.show:
        assert first.check_again_in is None
        return
    wait = first.check_again_in
    if wait is not None:
        assert 0 < wait <= DAY
        assert decision_at(rules, profile, NOW + wait).show
        assert not decision_at(rules, profile, NOW + wait - 1).show
    for later in samples:
        if wait is None or later < wait:
            assert not decision_at(rules, profile, NOW + later).show, later


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.frozensets(st.integers(0, len(LINES) - 1), min_size=1, max_size=3), events(), st.randoms()
)
def test_order_and_repeats_of_arrival_never_matter(chosen, given_events, random):
    """The same events, shuffled and delivered any number of times, give the same decision."""
    rules = ruleset(chosen)
    arrivals = given_events + random.choices(given_events, k=4) if given_events else []
    random.shuffle(arrivals)
    at_once, _ = fold(Profile(), given_events, keep=180 * DAY, keep_events=500)
    one_by_one = Profile()
    for event in arrivals:
        one_by_one, _ = fold(one_by_one, [event], keep=180 * DAY, keep_events=500)
    assert one_by_one == at_once
    told, again = (decision_at(rules, p, NOW) for p in (at_once, one_by_one))
    assert (told.show, told.reason, told.by, told.rule, told.check_again_in) == (
        again.show,
        again.reason,
        again.by,
        again.rule,
        again.check_again_in,
    )
