"""The gates in their order (LANGUAGE.md section 6), and when they would all stand open.

A gate is a pure question of a rule and the facts: a refusal, or None. The same functions
decide live, in rule tests, in a backtest and in a trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from engine import spans
from engine.clock import DAY
from engine.gates import caps, dates, schedule, suppress
from engine.gates.buckets import Buckets
from engine.gates.refusal import Refusal
from engine.match import ahead, tree
from engine.model import AllOf, AnyOf, Condition, InAudience, Mode, Not, Reason, Rule, Value
from engine.visitor.view import View

HORIZON = DAY  # how far ahead a decision looks, ms


class DeskView(Protocol):
    """What the gates ask of the desk."""

    def value(self, department: str, state: str) -> Value:
        """Return a desk state; durations are ms."""

    def known(self, department: str) -> bool:
        """Say whether the department has reported recently enough."""


@dataclass(frozen=True)
class Facts:
    """All that a decision is made of, beside the rules."""

    view: View
    visitor: str
    buckets: Buckets
    desk: DeskView
    # Vetoes are the same for all rules of a department: asked once each.
    vetoes: dict[str, suppress.Veto | None] = field(default_factory=dict)
    # When each rule's `when` will hold, asked both for the reason and for the next chance.
    coming: dict[str, spans.Spans] = field(default_factory=dict)


# How far a refusal lets a rule come; the rule that came furthest explains a hold.
DEPTH = {
    reason: depth
    for depth, reason in enumerate(
        (
            Reason.PAUSED,
            Reason.OUTSIDE_DATES,
            Reason.NOT_NOW,
            Reason.NEEDS_MORE_EVENTS,
            Reason.STILL_WAITING,
            Reason.WRONG_PAGE,
            Reason.NOT_IN_AUDIENCE,
            Reason.UNLESS_MATCHED,
            Reason.OUTSIDE_SCHEDULE,
            Reason.SUPPRESSED,
            Reason.CAPPED,
            Reason.COOLING_DOWN,
            Reason.NO_CAPACITY,
            Reason.OUTSIDE_ROLLOUT,
            Reason.IN_HOLDOUT,
            Reason.SHADOW,
        )
    )
} | {Reason.AVAILABILITY_UNKNOWN: 9}


def depth(refusal: Refusal) -> float:
    """Say how far through the gates a refused rule came; more is further."""
    if refusal.reason is Reason.IN_HOLDOUT and refusal.by == "site":
        return DEPTH[Reason.NO_CAPACITY] + 0.5  # the site's holdout stands before the rollout
    return DEPTH[refusal.reason]


# --- gates: the veto, or None ---------------------------------------------------------------


def life_refusal(rule: Rule, facts: Facts) -> Refusal | None:
    """Refuse a rule that is paused, or outside its dates."""
    if rule.mode is Mode.PAUSED:
        return Refusal(Reason.PAUSED, None)
    return dates.refusal(rule, facts.view.now)


def aim_refusal(rule: Rule, facts: Facts) -> Refusal | None:
    """Refuse the wrong page, another audience, and what `unless` names."""
    view, department = facts.view, rule.department
    if rule.where is not None and not tree.holds(rule.where, view, department):
        return Refusal(Reason.WRONG_PAGE, None)
    if rule.who is not None and not tree.holds(rule.who, view, department):
        return Refusal(Reason.NOT_IN_AUDIENCE, missed_audience(rule.who, view))
    if rule.unless is not None and tree.holds(rule.unless, view, department):
        return Refusal(Reason.UNLESS_MATCHED, None)
    return None


def hours_refusal(rule: Rule, facts: Facts) -> Refusal | None:
    """Refuse outside the rule's `during`, then its department's hours, less their wind-down."""
    site = facts.view.site
    for name in (rule.during, site.departments.get(rule.department)):
        if name and not schedule.is_inviting(site.schedules[name], facts.view.now):
            return Refusal(Reason.OUTSIDE_SCHEDULE, name)
    return None


def veto_refusal(rule: Rule, facts: Facts) -> Refusal | None:
    """Refuse what a suppression vetoes, as it stands for the rule's department."""
    department = rule.department
    if department not in facts.vetoes:
        facts.vetoes[department] = suppress.first_veto(
            facts.view.site, facts.view, department, facts.desk.known
        )
    veto = facts.vetoes[department]
    return Refusal(veto.reason, veto.name) if veto else None


def caps_refusal(rule: Rule, facts: Facts) -> Refusal | None:
    """Refuse for an open reservation, the limit, the site's caps, then the cooldowns."""
    return caps.refusal(rule, facts.view.site, facts.view)


VETOES = (life_refusal, aim_refusal, hours_refusal, veto_refusal, caps_refusal)


def missed_audience(who: Condition, view: View) -> str | None:
    """Name the audience that a failing `who` turns on: the first part that is not as wanted."""
    match who:
        case InAudience(name):
            return name
        case Not(part):
            return missed_audience(part, view)
        case AllOf(parts):
            failing = (part for part in parts if not tree.holds(part, view))
            return missed_audience(next(failing, parts[0]), view)
        case AnyOf(parts):
            return missed_audience(parts[0], view)
    return None


def when_spans(rule: Rule, facts: Facts) -> spans.Spans:
    """Return when a rule's `when` holds, from now to the horizon, if nothing else happens."""
    found = facts.coming.get(rule.id)
    if found is None:
        assert rule.when is not None  # noqa: S101 - a rule without `when` always matches
        view = facts.view
        found = ahead.spans(rule.when, view, rule.department, view.now + HORIZON)
        facts.coming[rule.id] = found
    return found


def when_refusal(rule: Rule, facts: Facts, *, rises: bool) -> Refusal:
    """Say why a `when` that is false is false; `rises`: time alone may make it true."""
    assert rule.when is not None  # noqa: S101 - a rule without `when` always matches
    view = facts.view
    if rises and spans.first_at_or_after(when_spans(rule, facts), view.now + 1) is not None:
        return Refusal(Reason.STILL_WAITING, None)
    return Refusal(tree.shortfall(rule.when, view, rule.department), None)


def experiment_refusal(rule: Rule, buckets: Buckets) -> Refusal | None:
    """Refuse outside the rollout, in the rule's holdout, then in shadow mode."""
    if not buckets.in_rollout(rule):
        return Refusal(Reason.OUTSIDE_ROLLOUT, None)
    if buckets.in_holdout(rule):
        return Refusal(Reason.IN_HOLDOUT, "rule")
    if rule.mode is Mode.SHADOW:
        return Refusal(Reason.SHADOW, None)
    return None


def first_refusal(rule: Rule, facts: Facts) -> Refusal | None:
    """Ask the vetoes of a rule whose `when` holds, in order."""
    for gate in VETOES:
        refusal = gate(rule, facts)
        if refusal is not None:
            return refusal
    return None


def chances(rule: Rule, facts: Facts, until: int) -> spans.Spans:
    """Return when, from now to `until` inclusive, no veto would hold the rule."""
    view, site, department = facts.view, facts.view.site, rule.department
    now, end = view.now, until + 1
    open_ = dates.spans(rule, now, end)
    # Where and who first: they are cheap, and mostly settle it.
    for condition in (rule.where, rule.who):
        if condition is not None and open_:
            open_ = spans.intersect(open_, ahead.spans(condition, view, department, until))
    if rule.when is not None and open_:
        open_ = spans.intersect(open_, when_spans(rule, facts))
    if rule.unless is not None and open_:
        held = ahead.spans(rule.unless, view, department, until)
        open_ = spans.intersect(open_, spans.complement(held, now, end))
    for name in (rule.during, site.departments.get(department)):
        if name and open_:
            inviting = schedule.inviting_spans(site.schedules[name], now, end)
            open_ = spans.intersect(open_, inviting)
    if open_:
        free = suppress.veto_free_spans(site, view, department, until)
        open_ = spans.intersect(open_, free)
    if open_:
        open_ = spans.intersect(open_, caps.free_spans(rule, site, view, until))
    return open_
