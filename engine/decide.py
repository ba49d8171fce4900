"""One decision: every rule through the gates, the best one out, and when to ask again.

The gate order is LANGUAGE.md section 6. A gate is a pure question of a rule and the facts; the
first refusal is the rule's reason. All rules are evaluated, then ranked, so that a rule that
is refused never blocks another.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine import explanation, hours, spans, wording
from engine.gates import suppress
from engine.gates.order import (
    DEPTH,
    HORIZON,
    Facts,
    chances,
    depth,
    experiment_refusal,
    first_refusal,
    life_refusal,
    when_refusal,
)
from engine.gates.refusal import Refusal
from engine.model import Decision, Mode, Prompt, Reason, Rule, Show, Texts, Value
from engine.ruleset import Ruleset
from engine.visitor.profile import Exposure
from engine.visitor.view import View


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision and what it leaves behind.

    `exposures` are to be kept with the visitor; `shadows` are the shadow rules that passed;
    `matched` are the indices of rules whose `when` holds, `refusals` theirs by index.
    """

    decision: Decision
    exposures: tuple[Exposure, ...]
    shadows: tuple[str, ...]
    matched: frozenset[int]
    refusals: Mapping[int, Refusal]


def decide(ruleset: Ruleset, facts: Facts, *, explain: bool = False) -> Outcome:
    """Decide for one visitor at `facts.view.now`. Pure, but for the random decision ids."""
    view = facts.view
    refusals: dict[int, Refusal] = {}
    eligible: list[int] = []
    matched = ruleset.matcher.match(view)
    for index in ruleset.ranked:
        if index in matched:
            refusal = first_refusal(ruleset.rules[index], facts)
            if refusal is None:
                eligible.append(index)
            else:
                refusals[index] = refusal
    placing = _place(ruleset, facts, eligible, refusals)
    decision = Decision(
        show=placing.winner is not None,
        reason=Reason.SHOWN,
        at=view.now,
        decision_id=secrets.token_urlsafe(16),
        widget=not suppress.widget_hidden(view.site, view),
        ruleset=ruleset.digest,
    )
    if placing.winner is None:
        told = (refusals, placing.reported)
        decision = _held(ruleset, facts, decision, matched, told)
    else:
        decision = _shown(ruleset.rules[placing.winner], facts, decision)
    if explain:
        trace = explanation.trace(ruleset, facts, matched, refusals)
        decision = replace(decision, trace=trace)
    exposures = _exposures(ruleset, facts, placing, decision)
    shadows = tuple(ruleset.rules[index].id for index in placing.shadows)
    return Outcome(decision, exposures, shadows, matched, refusals)


def _exposures(
    ruleset: Ruleset, facts: Facts, placing: _Placing, decision: Decision
) -> tuple[Exposure, ...]:
    exposures = []
    answered = [(placing.winner, None)] if placing.winner is not None else []
    for index, held in (*placing.silent, *answered):
        rule = ruleset.rules[index]
        variant = facts.buckets.variant(rule)
        own = held != "rule"  # a rule's holdout may stand beside the prompt of another rule
        exposures.append(
            Exposure(
                decision_id=decision.decision_id if own else secrets.token_urlsafe(16),
                rule=rule.id,
                variant=variant.name,
                at=facts.view.now,
                delay=0 if held else variant.show.delay,
                held=held,
            )
        )
    return tuple(exposures)


@dataclass(slots=True)
class _Placing:
    winner: int | None = None
    # The rule that a site holdout hid, so that the answer names the one exposed.
    reported: int | None = None
    silent: list[tuple[int, str]] = field(default_factory=list)
    shadows: list[int] = field(default_factory=list)


def _place(
    ruleset: Ruleset, facts: Facts, eligible: list[int], refusals: dict[int, Refusal]
) -> _Placing:
    """Take the eligible rules, best first, through holdouts, rollout, shadow and rank."""
    placing = _Placing()
    buckets, site = facts.buckets, facts.view.site
    held_site = bool(eligible) and buckets.in_site_holdout(site)
    for index in eligible:
        rule = ruleset.rules[index]
        refusal = experiment_refusal(rule, buckets)
        if refusal is not None and refusal.reason is Reason.SHADOW:
            placing.shadows.append(index)
        if held_site:
            refusals[index] = Refusal(Reason.IN_HOLDOUT, "site")
            if refusal is None and placing.reported is None:
                placing.reported = index
                placing.silent.append((index, "site"))
        elif refusal is not None:
            refusals[index] = refusal
            would_win = placing.winner is None and rule.mode is Mode.LIVE
            if refusal.reason is Reason.IN_HOLDOUT and would_win:
                placing.silent.append((index, "rule"))
        elif placing.winner is None:
            placing.winner = index
        else:
            refusals[index] = Refusal(Reason.OUTRANKED, ruleset.rules[placing.winner].id)
    return placing


def _shown(rule: Rule, facts: Facts, base: Decision) -> Decision:
    variant = facts.buckets.variant(rule)
    return replace(
        base,
        rule=rule.id,
        variant=variant.name,
        prompt=word(variant.show, rule.department, facts),
        desk=hours.desk(facts.view.site, rule.department, facts.view.now, languages(facts.view)),
    )


def _held(
    ruleset: Ruleset,
    facts: Facts,
    base: Decision,
    matched: frozenset[int],
    told: tuple[Mapping[int, Refusal], int | None],
) -> Decision:
    view, (refusals, reported) = facts.view, told
    if not ruleset.rules:
        index, refusal = None, Refusal(Reason.NO_RULES, None)
    elif reported is not None:
        index, refusal = reported, refusals[reported]
    else:
        index, refusal = _furthest(ruleset, facts, refusals)
    rule = ruleset.rules[index] if index is not None else None
    department = rule.department if rule else "default"
    soonest = next_chance(ruleset, facts, matched)
    return replace(
        base,
        reason=refusal.reason,
        by=refusal.by,
        rule=rule.id if rule else None,
        check_again_in=None if soonest is None else soonest - view.now,
        desk=hours.desk(view.site, department, view.now, languages(view)),
    )


def _furthest(
    ruleset: Ruleset, facts: Facts, refusals: Mapping[int, Refusal]
) -> tuple[int, Refusal]:
    """Return the rule that came furthest: depth, then priority, then order.

    `refusals` are those of the rules whose `when` holds, all of which were refused.
    """
    through = [(index, refusals[index]) for index in ruleset.ranked if index in refusals]
    # Of rules that came equally far the first counts, and `max` returns the first.
    best = max(through, key=lambda known: depth(known[1]), default=None)
    if best is not None and depth(best[1]) > DEPTH[Reason.STILL_WAITING]:
        return best
    best = None
    for index in ruleset.ranked:
        refusal = refusals.get(index)
        if refusal is None:
            rises, rule = ruleset.rises[index], ruleset.rules[index]
            if best is not None and best[1].reason is Reason.NEEDS_MORE_EVENTS and not rises:
                continue
            refusal = life_refusal(rule, facts) or when_refusal(rule, facts, rises=rises)
        if best is None or depth(refusal) > depth(best[1]):
            best = (index, refusal)
        if refusal.reason is Reason.STILL_WAITING:
            break
    assert best is not None  # noqa: S101 - a ruleset with rules always has a furthest one
    return best


def refusal_of(ruleset: Ruleset, facts: Facts, outcome: Outcome, index: int) -> Refusal | None:
    """Return one rule's own refusal, or None for the rule that shows."""
    if index in outcome.matched:
        return outcome.refusals.get(index)
    rule = ruleset.rules[index]
    return life_refusal(rule, facts) or when_refusal(rule, facts, rises=ruleset.rises[index])


# --- when to ask again ----------------------------------------------------------------------


def next_chance(ruleset: Ruleset, facts: Facts, matched: frozenset[int]) -> int | None:
    """Return the earliest instant after now, within the horizon, at which some rule would show.

    Nothing else happens until then: clocks run, windows slide, reservations lapse, caps,
    cooldowns, schedules and dates pass; the desk stays as it is.
    """
    view, buckets = facts.view, facts.buckets
    if buckets.in_site_holdout(view.site):
        return None
    soonest = view.now + HORIZON + 1
    for index, rule in enumerate(ruleset.rules):
        if index not in matched and not ruleset.rises[index]:
            continue
        if rule.mode is not Mode.LIVE or experiment_refusal(rule, buckets) is not None:
            continue
        chance = spans.first_at_or_after(chances(rule, facts, soonest - 1), view.now + 1)
        if chance is not None:
            soonest = min(soonest, chance)
    return soonest if soonest <= view.now + HORIZON else None


# --- words ----------------------------------------------------------------------------------


def languages(view: View) -> tuple[str | None, ...]:
    """Return the language tags wanted: the visitor's, then the page's."""
    own = view.state("language")
    return (own if isinstance(own, str) else None, view.language)


def word(show: Show, department: str, facts: Facts) -> Prompt:
    """Choose and fill the texts of a prompt; personal fields come from verified facts only."""
    view = facts.view
    wanted = languages(view)
    language, message = wording.choose(show.message, wanted)
    spoken = language or next(filter(None, wanted), None)
    waiting = facts.desk.value(department, "queue_wait")
    wait = (
        wording.wait(int(waiting), spoken)
        if isinstance(waiting, (int, float)) and waiting > 0
        else None
    )

    def lookup(name: str) -> Value:
        return wait if name == "wait" else view.verified(name)

    def text(texts: Texts) -> str:
        return wording.fill(wording.choose(texts, (language, *wanted))[1], lookup)

    return Prompt(
        message=wording.fill(message, lookup),
        language=language or view.language,
        button=text(show.button) if show.button else None,
        delay=show.delay / 1_000,
        articles=tuple({"title": text(a.title), "url": a.url} for a in show.articles),
        open=show.opens,
        department=department,
        wait=wait,
    )
