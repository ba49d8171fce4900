"""A trace says of every rule and gate what was wanted and found, and what time could change."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine import trace_text
from engine.clock import to_text
from engine.decide import decide, refusal_of
from engine.gates.buckets import Buckets, TestBuckets
from engine.language import loader
from engine.model import Mode
from engine.replay import rule_tests
from engine.replay.gather import canonical
from engine.replay.visit import Visit
from engine.ruleset import Ruleset, build, check
from engine.visitor.profile import Event

TUESDAY = 1_796_119_200_000  # 2026-12-01 10:00 UTC
STARTER = Path(__file__).resolve().parents[2] / "rules"
GATES = [
    "paused",
    "active",
    "when",
    "where",
    "who",
    "unless",
    "during",
    "suppress",
    "caps",
    "cooldown",
    "capacity",
    "site holdout",
    "rollout",
    "rule holdout",
    "shadow",
    "priority",
    "variant",
]
SITE = """
site:
  name: shop
  time_zone: UTC
  caps: [1 prompt per session, 2 prompts per 7 days]
  cooldown: { after_dismissal: 1 hour }
page_groups: { shop: /shop, checkout: /checkout }
audiences: { members: { logged_in: true } }
schedules: { desk: { open: { mon-fri: 09:00-12:00 }, wind_down: 15 minutes } }
departments: { sales: { schedule: desk } }
suppress:
  - { name: paying, where: checkout, hide: prompt }
  - { name: nobody, state: free_slots, at_most: 0, hide: prompt }
  - { name: widget-only, where: checkout, hide: widget }
"""


def traced(rule: str, *events: tuple, at: float = 10, site: str = SITE, **more):
    """Return the trace entries of some rules for a visitor, by rule."""
    live = build({"site.yaml": site, "a.yaml": f"rules:\n  - {rule}\n"})
    buckets = more.pop("buckets", None) or TestBuckets("v")
    visit = Visit(live, "v", buckets, more.pop("given", None))
    visit.desk |= more.pop("desk", {})
    for number, (second, kind, fields) in enumerate(events):
        own = dict(fields)
        page = own.pop("page", None)
        time = TUESDAY + round(second * 1_000)
        event = canonical([Event(f"e{number}", kind, time, own, page=page)])[0]
        if kind == "prompt_shown":
            visit.count_prompt(event)
        else:
            visit.add(event)
    outcome = decide(live, visit.facts(TUESDAY + round(at * 1_000)), explain=True)
    return {entry["rule"]: entry for entry in outcome.decision.trace}


def gates(entry) -> dict:
    return {gate["gate"]: gate for gate in entry["gates"]}


def test_every_gate_stands_in_its_order():
    """Whatever the first refusal is, the others are told as well."""
    entry = traced('{ rule: x, mode: paused, when: { event: search }, show: "x" }')["x"]
    assert [gate["gate"] for gate in entry["gates"]] == GATES
    assert {gate["verdict"] for gate in entry["gates"]} == {"yes", "no", "not reached"}
    assert gates(entry)["when"]["verdict"] == "no"
    assert (gates(entry)["priority"]["verdict"], gates(entry)["variant"]["verdict"]) == (
        "not reached",
        "not reached",
    )


@pytest.mark.parametrize(
    ("rule", "events", "expected"),
    [
        ("mode: paused", (), ("paused", "not paused", "paused", "paused", None)),
        (
            "active: { from: 2026-12-24, until: 2026-12-25 }",
            (),
            (
                "active",
                "from 2026-12-24T00:00:00Z before 2026-12-26T00:00:00Z",
                "2026-12-01T10:00:10Z",
                "outside_dates",
                None,
            ),
        ),
        (
            "when: { event: search, at_least: 2 }",
            [(0, "search", {})],
            ("when", "at least 2 in this session", 1, "needs_more_events", None),
        ),
        ("where: shop", [(0, "login", {"page": "/"})], ("where", "shop", [], "wrong_page", None)),
        ("who: members", (), ("who", "visitor in members", False, "not_in_audience", "members")),
        (
            "unless: { event: login }",
            [(0, "login", {})],
            ("unless", "not at least 1 in this session", 1, "unless_matched", None),
        ),
        (
            "suppress",
            [(0, "page_view", {"page": "/checkout"})],
            ("suppress", "none of 2", "paying", "suppressed", "paying"),
        ),
        (
            "limit: 1 ever",
            [(0, "login", {}), (1, "prompt_shown", {"rule": "x"})],
            (
                "caps",
                "1 ever; 1 prompt per session; 2 prompts per 7 days",
                "1 prompt so far, 1 of this rule, the last at 2026-12-01T10:00:01Z",
                "capped",
                "1 ever",
            ),
        ),
        (
            "cooldown",
            [(0, "prompt_dismissed", {})],
            ("cooldown", "after_dismissal", "after_dismissal", "cooling_down", "after_dismissal"),
        ),
        ("rollout: 0%", (), ("rollout", "inside 0%", "a test's visitor", "outside_rollout", None)),
        (
            "holdout: 100%",
            (),
            ("rule holdout", "outside 100%", "a test's visitor", "in_holdout", "rule"),
        ),
        ("mode: shadow", (), ("shadow", "not in shadow", "shadow", "shadow", None)),
    ],
)
def test_a_gate_that_refuses_says_what_was_wanted_and_found(rule, events, expected):
    """With the reason and the name that the decision gives."""
    gate, wanted, actual, reason, by = expected
    own = f"{rule}, " if ":" in rule else ""
    entry = traced(f'{{ rule: x, {own}show: "x" }}', *events)["x"]
    told = gates(entry)[gate]
    assert (told["verdict"], told["wanted"], told["actual"]) == ("no", wanted, actual)
    assert (told["reason"], told["by"]) == (reason, by)
    assert (entry["decision"], entry["reason"], entry["by"]) == ("hold", reason, by)
    others = [g["gate"] for g in entry["gates"] if g["verdict"] == "no" and g["gate"] != gate]
    assert others == []


def test_hours_tell_until_when_or_from_when_they_invite():
    """A rule's own schedule and its department's, less the wind-down; the same one once."""
    rule = '{ rule: x, during: desk, department: sales, show: "x" }'
    told = gates(traced(rule)["x"])["during"]
    assert (told["verdict"], told["wanted"]) == ("yes", "inside desk")
    assert told["actual"] == "desk invites until 2026-12-01T11:45:00Z"
    told = gates(traced(rule, at=2 * 3_600)["x"])["during"]
    assert (told["verdict"], told["reason"], told["by"]) == ("no", "outside_schedule", "desk")
    assert told["actual"] == "desk invites from 2026-12-02T09:00:00Z"


def test_buckets_are_told_where_a_share_is_asked_for():
    """Where the visitor stands on the hundred, and nothing where everybody is meant."""
    rule = '{ rule: x, rollout: 40%, holdout: 30%, show: "x" }'
    pinned = Buckets("v", {"rollout": 3_999, "holdout": 3_000})
    told = gates(traced(rule, buckets=pinned)["x"])
    assert (told["rollout"]["wanted"], told["rollout"]["actual"]) == ("inside 40%", "at 39.99%")
    assert (told["rule holdout"]["wanted"], told["rule holdout"]["actual"]) == (
        "outside 30%",
        "at 30%",
    )
    assert told["site holdout"]["wanted"] is None


def test_a_site_holdout_refuses_what_would_have_shown():
    """It stands before the rollout, and names itself."""
    site = SITE.replace("name: shop\n", "name: shop\n  holdout: 100%\n", 1)
    told = gates(traced('{ rule: x, show: "x" }', site=site)["x"])["site holdout"]
    assert (told["verdict"], told["wanted"], told["by"]) == ("no", "outside 100%", "site")


def test_all_suppressions_that_apply_are_told_the_first_as_the_reason():
    """Those that hide nothing but the widget are none of a prompt's business."""
    entry = traced(
        '{ rule: x, show: "x" }', (0, "login", {"page": "/checkout"}), desk={"free_slots": 0}
    )["x"]
    told = gates(entry)["suppress"]
    assert (told["actual"], told["by"], told["reason"]) == (
        "paying, nobody",
        "paying",
        "suppressed",
    )


def test_what_caps_hide_of_cooldowns_is_not_reached():
    """No answer was sought, so none is given."""
    entry = traced('{ rule: x, show: "x" }', (0, "login", {}), (1, "prompt_shown", {}))["x"]
    assert gates(entry)["caps"]["by"] == "1 prompt per session"
    assert gates(entry)["cooldown"]["verdict"] == "not reached"


def test_a_rule_of_which_nothing_is_asked_passes_every_gate():
    """Nothing is wanted of it, and nothing stands in its way."""
    site = "site: { name: shop, time_zone: UTC }\n"
    entry = traced('{ rule: x, show: "x" }', site=site)["x"]
    assert (entry["decision"], entry["reason"]) == ("show", "shown")
    assert {gate["verdict"] for gate in entry["gates"]} == {"yes"}
    asked = [gate["gate"] for gate in entry["gates"] if gate["wanted"] is not None]
    assert asked == ["paused", "shadow", "priority"]


def test_the_rule_that_is_outranked_is_told_who_won():
    """It passed all but the rank; its variant was never chosen."""
    rules = (
        '{ rule: a, show: "A" }\n  - { rule: b, priority: 9, '
        "show: { variants: { one: { message: B }, two: { message: C } } } }"
    )
    entries = traced(rules)
    assert list(entries) == ["a", "b"]
    told = gates(entries["b"])
    assert (told["priority"]["verdict"], told["priority"]["by"]) == ("no", "a")
    assert (told["variant"]["verdict"], told["variant"]["wanted"]) == (
        "not reached",
        "one of one, two",
    )
    assert entries["b"]["earliest"] == "2026-12-01T10:00:10Z"


def test_what_people_wrote_about_a_rule_is_kept():
    """Its description, its owner and where it stands."""
    rule = '{ rule: x, description: For a test., owner: us, show: "x" }'
    entry = traced(rule)["x"]
    assert (entry["description"], entry["owner"], entry["place"]) == (
        "For a test.",
        "us",
        "a.yaml:2",
    )
    assert (entry["mode"], entry["priority"]) == (Mode.LIVE, 50)


@pytest.mark.parametrize(
    ("rule", "events", "earliest"),
    [
        (
            "when: { event: login, not_followed_by: signup, for: 90 seconds }",
            [(0, "login", {})],
            90,
        ),
        ("limit: 1 per 1 hour", [(0, "prompt_shown", {"rule": "x"})], 3_600),
        ("during: desk", (), 10),
        ("active: { from: 2026-12-01 12:00 }", (), 7_200),
        ("when: { event: search }", (), None),
        ("mode: paused", (), None),
        ("mode: shadow", (), None),
        ("rollout: 0%", (), None),
        ("holdout: 100%", (), None),
    ],
)
def test_the_earliest_instant_is_told(rule, events, earliest):
    """Where time alone may help: through clocks, caps, hours and dates; never through a bucket."""
    entry = traced(f'{{ rule: x, {rule}, show: "x" }}', *events)["x"]
    wanted = None if earliest is None else to_text(TUESDAY + earliest * 1_000)
    assert entry["earliest"] == wanted


def test_nobody_in_the_site_holdout_is_promised_an_instant():
    """Time takes nobody out of it."""
    site = SITE.replace("name: shop\n", "name: shop\n  holdout: 100%\n", 1)
    assert traced('{ rule: x, show: "x" }', site=site)["x"]["earliest"] is None


def _moments():
    """Yield every moment at which a test of the starter rules expects something."""
    loaded = check(loader.read_folder(STARTER))
    live = Ruleset(loaded.folder)
    for test in loaded.tests:
        for line in test.expect:
            run = rule_tests._Run(live, test)
            past = [pair for pair in enumerate(test.timeline) if pair[1].at <= line.at]
            for position, event in sorted(past, key=lambda pair: pair[1].at):
                run._play(position, event)
            facts = run._visit.facts(test.start + line.at)
            yield live, facts, decide(live, facts, explain=True)


def test_a_trace_and_a_decision_never_disagree():
    """At every moment of the starter rules' tests, each rule's reason is its first `no`."""
    seen = set()
    for live, facts, outcome in _moments():
        entries = {entry["rule"]: entry for entry in outcome.decision.trace}
        for index, rule in enumerate(live.rules):
            entry, refusal = entries[rule.id], refusal_of(live, facts, outcome, index)
            told = (entry["reason"], entry["by"])
            assert told == ((refusal.reason, refusal.by) if refusal else ("shown", None))
            first = next((g for g in entry["gates"] if g["verdict"] == "no"), None)
            assert (first is None) == (refusal is None)
            assert first is None or (first["reason"], first["by"]) == told
            seen.add(str(entry["reason"]))
        assert msgspec.json.decode(msgspec.json.encode(outcome.decision.trace))
    assert {"shown", "suppressed", "still_waiting", "outside_schedule", "shadow"} <= seen


# --- as text --------------------------------------------------------------------------------


def test_the_text_tells_what_is_asked_and_leaves_out_what_is_not():
    """Gates of which nothing is asked are told only where every one is wanted."""
    rule = (
        "{ rule: x, where: shop, when: { any: [ { event: search }, { event: login, at_least: 2 } "
        '] }, limit: 1 ever, show: "x" }'
    )
    trace = list(traced(rule, (0, "login", {"page": "/shop"})).values())
    assert trace_text.render(trace).splitlines() == [
        "x   HOLD  needs_more_events   a.yaml:2",
        "  when          NO   any of 2: 0 hold",
        "                NO     search: 0 of 1 in this session",
        "                         one more search would do it",
        "                NO     login: 1 of 2 in this session",
        "                         one more login would do it",
        "  where         yes  page in shop: /shop",
        "  suppress      yes  none of 2 applies",
        "  caps          yes  1 ever; 1 prompt per session; 2 prompts per 7 days: no prompt so far",
        "  earliest           not within 24 hours, if nothing else happens",
    ]
    every = trace_text.render(trace, every=True)
    assert [line.split("  ")[1] for line in every.splitlines()[1:] if line[2] != " "][:-1] == GATES
    assert trace_text.render(trace, rule="y") == ""


def test_the_text_is_on_the_clock_of_a_zone():
    """Instants are told as people there read them."""
    trace = list(traced('{ rule: x, during: desk, show: "x" }', at=7_200.5).values())
    text = trace_text.render(trace, zone="Asia/Tokyo")
    assert "  during        NO   desk invites from 2026-12-02 18:00:00" in text
    assert "  earliest           2026-12-02 18:00:00" in text
    assert "2026-12-02T09:00:00Z" in trace_text.render(trace)


def test_the_overview_names_the_parts_that_decided():
    """One line a rule: the false parts of a `when`, the true ones of an `unless`."""
    rules = (
        "{ rule: a, when: { all: [ { event: login }, { not: { event: search } } ] }, show: A }\n"
        "  - { rule: b, unless: { any: [ { event: search }, { event: signup } ] }, show: B }\n"
        "  - { rule: longer, priority: 9, show: C }"
    )
    trace = list(traced(rules, (0, "login", {}), (1, "search", {})).values())
    assert trace_text.overview(trace).splitlines() == [
        "a       HOLD  not_now         when: not (search: at least 1 in this session)",
        "b       HOLD  unless_matched  unless: search: 1 of 1 in this session",
        "longer  SHOW  shown",
    ]
