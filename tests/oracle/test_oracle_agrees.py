"""The engine and a slow model, written from LANGUAGE.md alone, agree on random folders.

`WELLTIMED_TEST_ORACLE=20000` runs so many examples; what they find belongs in a test of its room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import oracle_visitors as visitors
import slow_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle_folders import EXAMPLES, KINDS, TOPICS, Pick, Writer
from slow_facts import World, holds

from engine.clock import to_text
from engine.decide import Outcome, decide, refusal_of
from engine.exposures import with_exposures
from engine.gates.availability import Availability, Desk
from engine.gates.buckets import Buckets
from engine.gates.order import Facts, chances
from engine.gates.refusal import Refusal
from engine.language.loader import load
from engine.match import ahead, tree
from engine.model import AllOf, Folder, Mode, Reason
from engine.ruleset import Ruleset
from engine.spans import contains
from engine.visitor.profile import Event, Exposure, Profile, Report, fold, with_report
from engine.visitor.view import View

YEARS = 100 * 366 * 86_400_000


@dataclass
class Case:
    """One folder and one visitor, as both sides take them."""

    files: dict[str, str]
    folder: Folder
    at: int
    events: list[dict[str, Any]]
    exposures: list[dict[str, Any]]
    reports: list[dict[str, Any]]
    attributes: list[dict[str, Any]]  # of the call, verified, claimed
    availability: dict[str, dict[str, Any]]
    page: str | None
    visitor: str
    hindsight: bool


@st.composite
def cases(draw: Any) -> Case:
    """Draw a folder, and a visitor for it."""
    pick = Pick(lambda n: draw(st.integers(0, n - 1)))
    return case(pick)


def case(pick: Pick) -> Case:
    """Return a random folder and a visitor for it."""
    writer = Writer(pick)
    files = writer.folder()
    loaded = load(files)
    assert loaded.folder is not None, (loaded.problems, files)
    at = visitors.now(pick)
    ours = TOPICS[writer.topic][0] if writer.topic else ()
    mentioned = [kind for kind in KINDS if kind in ours or kind in files["a.yaml"]]
    measured = writer.topic in ("cart", "page", "form")
    return Case(
        files=files,
        folder=loaded.folder,
        at=at,
        events=visitors.events(pick, at, mentioned),
        exposures=visitors.exposures(pick, at, [rule.id for rule in loaded.folder.rules]),
        reports=visitors.reports(pick, at, likely=measured),
        attributes=[
            visitors.given(pick) if pick.chance(40) else {},
            visitors.attributes(pick) if pick.chance(40) else {},
            visitors.attributes(pick) if pick.chance(40) else {},
        ],
        availability=visitors.availability(pick, at),
        page=pick.one(visitors.PAGES) if pick.chance(30) else None,
        visitor=f"visitor-{pick.number(200)}",
        hindsight=pick.chance(10),
    )


def world(told: Case) -> World:
    """Return what the model knows."""
    call, verified, claimed = told.attributes
    return World(
        folder=told.folder, at=told.at, events=told.events, exposures=told.exposures,
        reports=told.reports, call=call, verified=verified, claimed=claimed, page=told.page,
        visitor=told.visitor, hindsight=told.hindsight,
        desk={name: states(desk, told.at) for name, desk in told.availability.items()},
    )  # fmt: skip


def states(desk: dict[str, Any], at: int) -> dict[str, Any] | None:
    """Return a desk's states as LANGUAGE.md defines them; None where they are too old."""
    if at - desk["at"] > desk["ttl"] * 1_000:
        return None
    room = desk["agents_online"] * desk["chats_per_agent"] - desk["active_chats"] - desk["reserve"]
    return {
        "agents_available": desk["agents_online"],
        "free_slots": max(room, 0),
        "queue_wait": None if desk["queue_wait"] is None else round(desk["queue_wait"] * 1_000),
        "queue_length": desk["queue_length"],
    }


def facts(told: Case) -> tuple[Ruleset, Facts]:
    """Return what the engine knows."""
    rules = Ruleset(told.folder)
    call, verified, claimed = told.attributes
    events = [Event(**event) for event in told.events]
    few = rules.site.keep_events < len(events)  # a copy of what was dropped would be news
    profile = Profile()
    for batch in [events] if few else [[event] for event in events]:
        profile, _ = fold(profile, batch, keep=YEARS, keep_events=rules.site.keep_events)
    profile.verified, profile.claimed = verified, claimed
    shown = [
        Exposure(decision_id=e["id"], variant=None, **{k: v for k, v in e.items() if k != "id"})
        for e in told.exposures
    ]
    profile = with_exposures(profile, shown)
    for report in told.reports:
        profile = with_report(profile, Report(**report))
    desk = Desk({name: Availability(**d) for name, d in told.availability.items()}, told.at)
    view = View(
        profile, rules.site, rules.pages, told.at, page=told.page, attributes=call,
        desk=desk.value, hindsight=told.hindsight,
    )  # fmt: skip
    return rules, Facts(view, told.visitor, Buckets(told.visitor), desk)


def answer(outcome: Outcome) -> slow_model.Answer:
    """Return the engine's decision in the model's words."""
    d = outcome.decision
    silent = frozenset((str(e.rule), e.held) for e in outcome.exposures if e.held)
    return slow_model.Answer(
        show=d.show, reason=d.reason, rule=d.rule, by=d.by, variant=d.variant, widget=d.widget,
        check_again_in=d.check_again_in, silent=silent,
    )  # fmt: skip


def differences(told: Case) -> list[str]:
    """Return what the engine and the model do not agree on."""
    known = world(told)
    rules, there = facts(told)
    try:
        return [*truths(known, rules, there), *decisions(known, rules, there)]
    finally:
        rules.close()


def truths(known: World, rules: Ruleset, there: Facts) -> Iterator[str]:
    """Tell where nets, tree and model differ on the truth of a `when`."""
    matched = rules.matcher.match(there.view)
    for n, rule in enumerate(rules.rules):
        if rule.when is None:
            continue
        wanted = holds(known, rule.when, known.at, rule.department)
        if (n in matched) is not wanted:
            yield f"the nets say that {rule.id} is {not wanted}"
        if tree.holds(rule.when, there.view, rule.department) is not wanted:
            yield f"the tree says that {rule.id} is {not wanted}"


def decisions(known: World, rules: Ruleset, there: Facts) -> Iterator[str]:
    """Tell where engine and model decide otherwise, or else of a single rule."""
    outcome = decide(rules, there)
    engine, (model, verdicts) = answer(outcome), slow_model.decide(known)
    if engine != model:
        yield f"engine {engine}\n model  {model}"
    for n, rule in enumerate(rules.rules):
        refusal = refusal_of(rules, there, outcome, n) or Refusal(Reason.SHOWN, None)
        if tuple(refusal) != verdicts[rule.id][1:]:
            yield f"of {rule.id}: engine {tuple(refusal)}, model {verdicts[rule.id][1:]}"


def outlooks(told: Case) -> list[str]:
    """Return where engine and model look ahead otherwise, at any instant of the next day."""
    known = world(told)
    rules, there = facts(told)
    try:
        return [*futures(known, rules, there), *traces(known, rules, there)]
    finally:
        rules.close()


def futures(known: World, rules: Ruleset, there: Facts) -> Iterator[str]:
    """Tell of instants at which a `when`, or all that time can open, is otherwise."""
    until = known.at + slow_model.DAY
    for rule in rules.rules:
        if rule.mode is Mode.PAUSED:
            continue
        free = chances(rule, there, until)
        true = ahead.spans(rule.when or AllOf(()), there.view, rule.department, until)
        for t in [known.at, *slow_model.instants(known)]:
            if contains(free, t) is not slow_model.is_free(known, rule, t):
                yield f"{rule.id} is not {contains(free, t)} in {t - known.at}"
            wanted = rule.when is None or holds(known, rule.when, t, rule.department)
            if contains(true, t) is not wanted:
                yield f"when of {rule.id} is not {contains(true, t)} in {t - known.at}"


def traces(known: World, rules: Ruleset, there: Facts) -> Iterator[str]:
    """Tell of rules of which a trace says otherwise why they hold, and when they may pass."""
    _, verdicts = slow_model.decide(known)
    trace = decide(rules, there, explain=True).decision.trace
    assert trace is not None
    for told in trace:
        rule = next(rule for rule in rules.rules if rule.id == told["rule"])
        when = [known.at, *slow_model.instants(known)]
        passes = (t for t in when if slow_model.refusal(known, rule, t)[0] == slow_model.PASSED)
        first = next(passes, None)
        wanted = (*verdicts[rule.id][1:], None if first is None else to_text(first))
        if (told["reason"], told["by"], told["earliest"]) != wanted:
            yield f"trace of {rule.id}: {told}, model {wanted}"


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(cases())
def test_engine_decides_as_the_text_says(told):
    """Decision, reason, rule, by, variant, widget, asking again and silence are the model's."""
    found = differences(told)
    assert not found, "\n".join([*found, told.files["site.yaml"], told.files["a.yaml"], repr(told)])


@settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_engine_looks_ahead_as_the_text_says(told):
    """At every instant of the coming day a rule is held and free when the model's is."""
    found = outlooks(told)
    assert not found, "\n".join([*found, told.files["site.yaml"], told.files["a.yaml"], repr(told)])
