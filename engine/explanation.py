"""Why it did or did not show: every rule, every gate, with wanted and actual value.

The same gates as in a decision, each asked on its own, so that a trace goes on past the first
refusal. `wanted` is None where the rule or the site asks for nothing; `not reached` is said
where no answer was sought, and is never a `no`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine import clock, spans
from engine.gates import caps, schedule, suppress
from engine.gates.buckets import TestBuckets
from engine.gates.order import (
    Facts,
    caps_refusal,
    chances,
    experiment_refusal,
    hours_refusal,
    life_refusal,
    missed_audience,
    veto_refusal,
    when_refusal,
)
from engine.gates.refusal import Refusal
from engine.match import trace as conditions
from engine.match.ahead import can_rise
from engine.model import Condition, Mode, Reason, Rule
from engine.ruleset import Ruleset

Gate = dict[str, Any]

_NOT_REACHED = "not reached"
_LOOKED_AHEAD = 7 * clock.DAY  # for the next hours of a schedule


def trace(
    ruleset: Ruleset, facts: Facts, matched: frozenset[int], refusals: Mapping[int, Refusal]
) -> tuple[Mapping[str, Any], ...]:
    """Return one entry a rule, best rule first, each fit for JSON."""
    return tuple(
        _rule_trace(ruleset.rules[index], facts, index in matched, refusals.get(index))
        for index in ruleset.ranked
    )


def _rule_trace(rule: Rule, facts: Facts, matched: bool, refusal: Refusal | None) -> dict[str, Any]:  # noqa: FBT001 - a fact, not a switch
    gates = list(_gates(rule, facts))
    refused = next((gate for gate in gates if gate["verdict"] == "no"), None)
    if refusal is None and refused is not None:
        refusal = Refusal(Reason(refused["reason"]), refused["by"])
    gates += _rank(rule, facts, refusal, past=refused is None)
    soonest = _earliest(rule, facts)
    return {
        "rule": rule.id,
        "decision": "show" if refusal is None and matched else "hold",
        "reason": refusal.reason if refusal else Reason.SHOWN,
        "by": refusal.by if refusal else None,
        "mode": rule.mode,
        "priority": rule.priority,
        "place": f"{rule.place.path}:{rule.place.line}",
        "description": rule.description or None,
        "owner": rule.owner or None,
        "gates": gates,
        "earliest": None if soonest is None else clock.to_text(soonest),
    }


def _rank(rule: Rule, facts: Facts, refusal: Refusal | None, *, past: bool) -> Iterator[Gate]:
    """Tell of the last two gates; `past`: the rule came through all the others."""
    outranked = refusal is not None and refusal.reason is Reason.OUTRANKED
    wanted = "the highest of those that pass"
    if not past:
        yield _gate("priority", _NOT_REACHED, wanted, rule.priority)
    elif outranked:
        yield _gate("priority", "no", wanted, rule.priority, refusal)
    else:
        yield _gate("priority", "yes", wanted, rule.priority)
    variant = facts.buckets.variant(rule).name
    reached = past and not outranked
    shares = None if variant is None else "one of " + ", ".join(v.name or "" for v in rule.variants)
    yield _gate("variant", "yes" if reached else _NOT_REACHED, shares, variant if reached else None)


def _earliest(rule: Rule, facts: Facts) -> int | None:
    """Return when the rule could pass if nothing else happened; None for what time cannot help."""
    buckets, view = facts.buckets, facts.view
    if rule.mode is Mode.PAUSED or experiment_refusal(rule, buckets) is not None:
        return None
    if buckets.in_site_holdout(view.site):
        return None
    return spans.first_at_or_after(chances(rule, facts, view.now + clock.DAY), view.now)


# --- gates, in their order ------------------------------------------------------------------


def _gates(rule: Rule, facts: Facts) -> Iterator[Gate]:
    life = life_refusal(rule, facts)
    yield _asked("paused", "not paused", rule.mode.value, _if(life, Reason.PAUSED))
    yield _active(rule, facts, _if(life, Reason.OUTSIDE_DATES))
    yield _condition("when", rule.when, facts, rule, lambda: _when(rule, facts))
    yield _condition("where", rule.where, facts, rule, lambda: Refusal(Reason.WRONG_PAGE, None))
    yield _condition("who", rule.who, facts, rule, lambda: _who(rule, facts))
    yield _unless(rule, facts)
    yield _during(rule, facts)
    yield _suppress(rule, facts)
    yield from _caps(rule, facts)
    yield _gate("capacity", "yes", None, None)
    yield from _experiment(rule, facts)


def _if(refusal: Refusal | None, reason: Reason) -> Refusal | None:
    return refusal if refusal is not None and refusal.reason is reason else None


def _active(rule: Rule, facts: Facts, refusal: Refusal | None) -> Gate:
    if rule.active is None:
        return _gate("active", "yes", None, None)
    since, until = rule.active.since, rule.active.until
    said = [
        f"{word} {clock.to_text(instant)}"
        for word, instant in (("from", since), ("before", until))
        if instant is not None
    ]
    return _asked("active", " ".join(said), clock.to_text(facts.view.now), refusal)


def _when(rule: Rule, facts: Facts) -> Refusal:
    return when_refusal(rule, facts, rises=rule.when is not None and can_rise(rule.when))


def _who(rule: Rule, facts: Facts) -> Refusal:
    by = missed_audience(rule.who, facts.view) if rule.who is not None else None
    return Refusal(Reason.NOT_IN_AUDIENCE, by)


def _condition(
    name: str,
    condition: Condition | None,
    facts: Facts,
    rule: Rule,
    refusal: Callable[[], Refusal],
) -> Gate:
    if condition is None:
        return _gate(name, "yes", None, None)
    told = conditions.explain(condition, facts.view, rule.department)
    refused = refusal() if told["verdict"] == "no" else None
    return _asked(name, told["wanted"], told["actual"], refused) | {"conditions": told}


def _unless(rule: Rule, facts: Facts) -> Gate:
    if rule.unless is None:
        return _gate("unless", "yes", None, None)
    told = conditions.explain(rule.unless, facts.view, rule.department)
    refusal = Refusal(Reason.UNLESS_MATCHED, None) if told["verdict"] == "yes" else None
    gate = _asked("unless", f"not {told['wanted']}", told["actual"], refusal)
    return gate | {"conditions": told}


def _during(rule: Rule, facts: Facts) -> Gate:
    site = facts.view.site
    names = dict.fromkeys((rule.during, site.departments.get(rule.department)))
    kept = [name for name in names if name is not None]
    if not kept:
        return _gate("during", "yes", None, None)
    actual = [_hours(name, facts) for name in kept]
    refusal = hours_refusal(rule, facts)
    return _asked("during", f"inside {' and '.join(kept)}", "; ".join(actual), refusal)


def _hours(name: str, facts: Facts) -> str:
    hours, now = facts.view.site.schedules[name], facts.view.now
    ahead = schedule.inviting_spans(hours, now, now + _LOOKED_AHEAD)
    if not ahead:
        return f"{name} invites nobody for a week"
    start, end = ahead[0]
    if start > now:
        return f"{name} invites from {clock.to_text(start)}"
    return f"{name} invites until {clock.to_text(end)}"


def _suppress(rule: Rule, facts: Facts) -> Gate:
    view = facts.view
    vetoing = [one for one in view.site.suppress if one.hides_prompt]
    if not vetoing:
        return _gate("suppress", "yes", None, None)
    found = [s.name for s in vetoing if suppress.matches(s, view.site, view, rule.department)]
    wanted = f"none of {len(vetoing)}"
    return _asked("suppress", wanted, ", ".join(found) or "none", veto_refusal(rule, facts))


def _caps(rule: Rule, facts: Facts) -> Iterator[Gate]:
    site, refusal = facts.view.site, caps_refusal(rule, facts)
    capped, cooling = _if(refusal, Reason.CAPPED), _if(refusal, Reason.COOLING_DOWN)
    texts = [cap.text for cap in (*rule.limits, *site.caps)]
    wanted = "; ".join(dict.fromkeys(texts)) or ("nothing reserved" if capped else None)
    yield _asked("caps", wanted, _prompted(rule, facts), capped)
    cooldown = site.cooldown
    silences = {
        "after_dismissal": cooldown.after_dismissal,
        "after_chat": cooldown.after_chat,
        "after_ignored": cooldown.after_ignored,
    }
    asked = ", ".join(name for name, silence in silences.items() if silence is not None)
    if capped and asked:
        yield _gate("cooldown", _NOT_REACHED, asked, None)
    else:
        yield _asked("cooldown", asked or None, cooling.by if cooling else "none runs", cooling)


def _prompted(rule: Rule, facts: Facts) -> str:
    counting = caps.prompts(facts.view)
    if not counting:
        return "no prompt so far"
    own = sum(prompt.rule == rule.id for prompt in counting)
    last = clock.to_text(counting[-1].at)
    many = "1 prompt" if len(counting) == 1 else f"{len(counting)} prompts"
    return f"{many} so far, {own} of this rule, the last at {last}"


def _experiment(rule: Rule, facts: Facts) -> Iterator[Gate]:
    buckets, site = facts.buckets, facts.view.site
    held = Refusal(Reason.IN_HOLDOUT, "site") if buckets.in_site_holdout(site) else None
    wanted = f"outside {site.holdout:g}%" if site.holdout else None
    yield _asked("site holdout", wanted, _bucket(facts, "site-holdout", site.name), held)
    outside = None if buckets.in_rollout(rule) else Refusal(Reason.OUTSIDE_ROLLOUT, None)
    wanted = f"inside {rule.rollout:g}%" if rule.rollout < 100 else None
    yield _asked("rollout", wanted, _bucket(facts, "rollout", rule.id), outside)
    held = Refusal(Reason.IN_HOLDOUT, "rule") if buckets.in_holdout(rule) else None
    wanted = f"outside {rule.holdout:g}%" if rule.holdout else None
    yield _asked("rule holdout", wanted, _bucket(facts, "holdout", rule.id), held)
    shadow = Refusal(Reason.SHADOW, None) if rule.mode is Mode.SHADOW else None
    yield _asked("shadow", "not in shadow", rule.mode.value, shadow)


def _bucket(facts: Facts, name: str, subject: str) -> str:
    """Say where the visitor stands; the visitor of a rule test stands where the test needs it."""
    buckets = facts.buckets
    if isinstance(buckets, TestBuckets) and name not in buckets.pinned:
        return "a test's visitor"
    return f"at {buckets.number(name, subject) / 100:g}%"


def _asked(name: str, wanted: Any, actual: Any, refusal: Refusal | None) -> Gate:
    if wanted is None and refusal is None:
        return _gate(name, "yes", None, None)
    return _gate(name, "no" if refusal else "yes", wanted, actual, refusal)


def _gate(
    name: str, verdict: str, wanted: Any, actual: Any, refusal: Refusal | None = None
) -> Gate:
    gate: Gate = {"gate": name, "verdict": verdict, "wanted": wanted, "actual": actual}
    if refusal is not None:
        gate |= {"reason": refusal.reason, "by": refusal.by}
    return gate
