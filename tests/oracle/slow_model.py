"""A slow, plain reading of LANGUAGE.md section 6: the gates, the decision, when to ask again.

Written from the text alone; the only things shared with the engine are the dataclasses of the
model. Where the text can be read in two ways, the reading is said beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Any

import slow_hours
from slow_facts import CHAT, CLOCKS, DAY, HOUR, SECOND, World, holds, in_groups, is_short, surely

from engine.model import (
    Cap,
    InAudience,
    Mode,
    Not,
    Reason,
    Rule,
    Schedule,
    Span,
    StateIs,
    Suppression,
)

RESERVED_FOR = 60 * SECOND
YEAR_2000 = 946_684_800_000  # a larger number is a date, a smaller one a duration

# How far through the gates; the order of LANGUAGE.md section 6.
(PAUSED, ACTIVE, WHEN, WHERE, WHO, UNLESS, HOURS, SUPPRESS, CAPS, COOLDOWN, SITE_HOLDOUT, ROLLOUT,
 HOLDOUT, SHADOW, PASSED) = range(15)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What the model decides. `silent` holds (rule, which holdout) of silent exposures."""

    show: bool
    reason: Reason
    rule: str | None = None
    by: str | None = None
    variant: str | None = None
    widget: bool = True
    check_again_in: int | None = None
    silent: frozenset[tuple[str, str]] = frozenset()


# How far a rule came, why not further, and by what.
Verdict = tuple[float, Reason, str | None]


# --- buckets --------------------------------------------------------------------------------


def bucket(salt: str, visitor: str) -> int:
    """Return the bucket of a visitor, 0 to 9,999."""
    first = sha256(f"{salt}:{visitor}".encode()).digest()[:8]
    return int.from_bytes(first, "big") % 10_000


def inside(salt: str, visitor: str, percentage: float) -> bool:
    """Say whether a visitor is inside a percentage, which has up to two decimals."""
    return bucket(salt, visitor) < Fraction(str(percentage)) * 100


def variant_of(rule: Rule, visitor: str) -> str | None:
    """Return the variant whose share of the buckets holds the visitor's."""
    weights = [Fraction(str(variant.weight)) for variant in rule.variants]
    mine = bucket(f"variant/{rule.id}", visitor)
    for n, variant in enumerate(rule.variants):
        if mine < sum(weights[: n + 1]) / sum(weights) * 10_000:
            return variant.name
    raise AssertionError(rule.id)


# --- prompts --------------------------------------------------------------------------------


def is_open(exposure: Any, t: int) -> bool:
    """Say whether an exposure is a reservation that is neither confirmed nor lapsed."""
    lapses = exposure["at"] + RESERVED_FOR + exposure["delay"]
    return exposure["held"] is None and exposure["shown_at"] is None and t < lapses


def is_prompt(exposure: Any, t: int) -> bool:
    """Say whether an exposure counts as a prompt that somebody saw or may be seeing."""
    return exposure["held"] is None and (exposure["shown_at"] is not None or is_open(exposure, t))


def is_reached(world: World, cap: Cap, counted: list[Any], t: int) -> bool:
    """Say whether as many of these exposures as a cap allows lie in its window."""
    if cap.within is None:
        inside_ = counted
    elif cap.within is Span.SESSION:
        now = world.session(t)
        inside_ = [e for e in counted if now and world.session_at(e["at"], e["at"]) == now]
    else:
        inside_ = [e for e in counted if t - e["at"] < cap.within]
    return len(inside_) >= cap.times


def capped_by(world: World, rule: Rule, t: int) -> str | None:
    """Return the name of what has the rule capped."""
    if any(is_open(e, t) for e in world.exposures):
        return "reserved"
    counted = [e for e in world.exposures if is_prompt(e, t) or e["held"] is not None]
    for cap in rule.limits:
        if is_reached(world, cap, [e for e in counted if e["rule"] == rule.id], t):
            return cap.text
    for cap in world.site.caps:
        if is_reached(world, cap, [e for e in counted if e["held"] != "rule"], t):
            return cap.text
    return None


def cooling_by(world: World, t: int) -> str | None:
    """Return the name of the cooldown that runs."""
    cooldown = world.site.cooldown

    def within(span: int | None, kinds: tuple[str, ...]) -> bool:
        return span is not None and any(
            e["kind"] in kinds and t - e["at"] < span for e in world.events
        )

    if within(cooldown.after_dismissal, ("prompt_dismissed",)):
        return "after_dismissal"
    if within(cooldown.after_chat, CHAT):
        return "after_chat"
    if cooldown.after_ignored is None or cooldown.ignored_times is None:
        return None
    prompts = sorted(e["at"] for e in world.exposures if is_prompt(e, t))
    newest = prompts[-cooldown.ignored_times :]
    if len(newest) < cooldown.ignored_times or t - newest[-1] >= cooldown.after_ignored:
        return None
    answers = ("prompt_accepted", "prompt_dismissed", "chat_started")
    answered = any(e["kind"] in answers and e["at"] >= newest[0] for e in world.events)
    return None if answered else "after_ignored"


# --- suppressions ---------------------------------------------------------------------------


def matches(world: World, veto: Suppression, t: int, department: str) -> bool:
    """Say whether all that a suppression is about holds."""
    return (
        (veto.where is None or in_groups(world, veto.where, world.page_now))
        and (veto.who is None or holds(world, veto.who, t))
        and (veto.outside is None or not inviting(world, veto.outside, t))
        and (veto.condition is None or holds(world, veto.condition, t, department))
    )


def suppressed(world: World, t: int, department: str) -> tuple[Reason, str] | None:
    """Return the reason and the name of the first suppression that hides prompts."""
    for veto in world.site.suppress:
        if veto.hides_prompt and matches(world, veto, t, department):
            known = veto.condition is None or surely(world, veto.condition, t, department)
            return (Reason.SUPPRESSED if known else Reason.AVAILABILITY_UNKNOWN), veto.name
    return None


def widget(world: World, t: int) -> bool:
    """Say whether the chat button stays: for `default`, and always while a chat is open."""
    hidden = any(v.hides_widget and matches(world, v, t, "default") for v in world.site.suppress)
    return world.state("chat_active", t, "default") is True or not hidden


_inviting = lru_cache(maxsize=50_000)(slow_hours.is_inviting)


def inviting(world: World, schedule: str, t: int) -> bool:
    """Say whether a schedule is open and not winding down."""
    return _inviting(world.site.schedules[schedule], t)


# --- the gates ------------------------------------------------------------------------------


def refusal(world: World, rule: Rule, t: int) -> Verdict:
    """Return the gate that refuses a rule, the reason and by what; PASSED where none does."""
    site = world.site
    if rule.mode is Mode.PAUSED:
        return PAUSED, Reason.PAUSED, None
    dates = rule.active
    if dates is not None and (
        (dates.since is not None and t < dates.since)
        or (dates.until is not None and t >= dates.until)
    ):
        return ACTIVE, Reason.OUTSIDE_DATES, None
    if rule.when is not None and not holds(world, rule.when, t, rule.department):
        return WHEN, Reason.NOT_NOW, None  # `why_not` says which of the three it is
    if rule.where is not None and not in_groups(world, rule.where, world.page_now):
        return WHERE, Reason.WRONG_PAGE, None
    if rule.who is not None and not holds(world, rule.who, t):
        return WHO, Reason.NOT_IN_AUDIENCE, refusing(world, rule.who, t)
    if rule.unless is not None and holds(world, rule.unless, t, rule.department):
        return UNLESS, Reason.UNLESS_MATCHED, None
    if rule.during is not None and not inviting(world, rule.during, t):
        return HOURS, Reason.OUTSIDE_SCHEDULE, rule.during
    desk_hours = site.departments.get(rule.department)
    if desk_hours is not None and not inviting(world, desk_hours, t):
        return HOURS, Reason.OUTSIDE_SCHEDULE, desk_hours
    if (veto := suppressed(world, t, rule.department)) is not None:
        return SUPPRESS, *veto
    if (cap := capped_by(world, rule, t)) is not None:
        return CAPS, Reason.CAPPED, cap
    if (cooldown := cooling_by(world, t)) is not None:
        return COOLDOWN, Reason.COOLING_DOWN, cooldown
    if inside(f"site-holdout/{site.name}", world.visitor, site.holdout):
        return SITE_HOLDOUT, Reason.IN_HOLDOUT, "site"
    return beyond_the_site(world, rule)


def refusing(world: World, who: Any, t: int) -> str:
    """Return the first audience written that makes an expression false."""
    match who:
        case InAudience(name):
            return name
        case Not(part):
            return admitting(world, part, t)
    return next(refusing(world, part, t) for part in who.parts if not holds(world, part, t))


def admitting(world: World, who: Any, t: int) -> str:
    """Return the first audience written that makes an expression true."""
    match who:
        case InAudience(name):
            return name
        case Not(part):
            return refusing(world, part, t)
    return next(admitting(world, part, t) for part in who.parts if holds(world, part, t))


def beyond_the_site(world: World, rule: Rule) -> Verdict:
    """Return the refusal of the gates behind the site's holdout."""
    if not inside(f"rollout/{rule.id}", world.visitor, rule.rollout):
        return ROLLOUT, Reason.OUTSIDE_ROLLOUT, None
    if inside(f"holdout/{rule.id}", world.visitor, rule.holdout):
        return HOLDOUT, Reason.IN_HOLDOUT, "rule"
    if rule.mode is Mode.SHADOW:
        return SHADOW, Reason.SHADOW, None
    return PASSED, Reason.SHOWN, None


def why_not(world: World, rule: Rule) -> tuple[int, Reason]:
    """Return how far a false `when` is, and its reason."""
    if any(holds(world, rule.when, t, rule.department) for t in instants(world)):
        return 2, Reason.STILL_WAITING
    if is_short(world, rule.when, world.at, rule.department):
        return 1, Reason.NEEDS_MORE_EVENTS
    return 0, Reason.NOT_NOW


def decide(world: World) -> tuple[Answer, dict[str, Verdict]]:
    """Return the decision, and of each rule how far it came, the reason and by what."""
    t = world.at
    rules = world.folder.rules
    ranked = sorted(rules, key=lambda rule: -rule.priority)  # stable: file order, then place
    shown = widget(world, t)
    if not rules:
        return Answer(show=False, reason=Reason.NO_RULES, widget=shown), {}
    verdicts = {rule.id: verdict(world, rule) for rule in ranked}
    silent = silently(world, ranked, verdicts)
    passed = [rule for rule in ranked if verdicts[rule.id][0] == PASSED]
    if passed:
        winner = passed[0]
        for rule in passed[1:]:
            verdicts[rule.id] = PASSED, Reason.OUTRANKED, winner.id
        variant = variant_of(winner, world.visitor)
        answer = Answer(
            show=True, reason=Reason.SHOWN, rule=winner.id, variant=variant, widget=shown,
            silent=silent,
        )  # fmt: skip
        return answer, verdicts

    def distance(rule: Rule) -> tuple[float, bool]:
        exposed = (rule.id, "site") in silent  # in the site's holdout, that rule is told
        return verdicts[rule.id][0], exposed

    furthest = max(ranked, key=distance)  # the first of those that came equally far
    _, reason, by = verdicts[furthest.id]
    answer = Answer(
        show=False, reason=reason, rule=furthest.id, by=by, widget=shown,
        check_again_in=check_again_in(world), silent=silent,
    )  # fmt: skip
    return answer, verdicts


def verdict(world: World, rule: Rule) -> Verdict:
    """Return the first refusal of a rule, told apart further where its `when` is false."""
    gate, reason, by = refusal(world, rule, world.at)
    if gate != WHEN:
        return gate, reason, by
    further, reason = why_not(world, rule)
    return gate + further / 10, reason, None


def silently(world: World, ranked: list[Rule], verdicts: Any) -> frozenset[tuple[str, str]]:
    """Return the rules that would have shown, had a holdout not kept them silent."""
    found = set()
    for rule in ranked:
        gate = verdicts[rule.id][0]
        if gate == SITE_HOLDOUT and beyond_the_site(world, rule)[0] == PASSED:
            return frozenset({(rule.id, "site")})
        if gate == HOLDOUT and rule.mode is Mode.LIVE:
            found.add((rule.id, "rule"))
        if gate == PASSED:
            break
    return frozenset(found)


# --- asking again ---------------------------------------------------------------------------


def check_again_in(world: World) -> int | None:
    """Return how long it takes until some rule would show, within a day; by trying."""
    for t in instants(world):
        if any(refusal(world, rule, t)[0] == PASSED for rule in world.folder.rules):
            return t - world.at
    return None


def is_free(world: World, rule: Rule, t: int) -> bool:
    """Say whether a rule passes every gate that time can open."""
    return refusal(world, rule, t)[0] >= SITE_HOLDOUT


def instants(world: World) -> list[int]:
    """Return every later instant of a day at which anything could change, in order."""
    known = getattr(world, "_instants", None)
    if known is None:
        known = sorted(t for t in set(_instants(world)) if world.at < t <= world.at + DAY)
        object.__setattr__(world, "_instants", known)
    return known


def _instants(world: World) -> Iterator[int]:
    """Yield sums of everything that has a time with every duration there is, and 1 ms around."""
    folder = world.folder
    parts = list(_parts((folder.rules, folder.site)))
    numbers = {n for n in parts if isinstance(n, int) and not isinstance(n, bool) and n >= SECOND}
    times = {world.at} | {n for n in numbers if n > YEAR_2000}  # dates
    times |= {e["at"] for e in (*world.events, *world.exposures, *world.reports)}
    spans = {0, 4 * HOUR, RESERVED_FOR} | {n for n in numbers if n < YEAR_2000}
    spans |= {RESERVED_FOR + e["delay"] for e in world.exposures}
    sums = {time + span for time in times for span in spans}
    for part in parts:
        if isinstance(part, StateIs):
            sums |= set(_crossings(world, part))
        if isinstance(part, Schedule) and part.name in parts:  # something names it
            sums |= set(slow_hours.borders(part, world.at - world.at % HOUR))
    for t in sums:
        yield from (t - 1, t, t + 1)


def _crossings(world: World, state: StateIs) -> Iterator[int]:
    """Yield when a state that time changes reaches what it is compared with."""
    clocks = {state.state: (state.compare.at_least, state.compare.at_most)}
    if state.state == "form_stuck":
        clocks = {"idle_in_field": (30 * SECOND,), "field_time": (60 * SECOND,)}
    for name, bounds in clocks.items():
        for bound in bounds:
            if bound is not None and name in CLOCKS:
                yield world.at + int(bound) - (world.state(name, world.at, "default") or 0)
            if bound is not None and name == "days_since_last_visit":
                yield from (e["at"] + int(bound * DAY) for e in world.events)


def _parts(thing: Any) -> Iterator[Any]:
    """Yield everything that a folder is made of; of schedules, only that they are there."""
    yield thing
    inner: Any = ()
    if is_dataclass(thing) and not isinstance(thing, Schedule):
        inner = [getattr(thing, part.name) for part in fields(thing) if part.name != "place"]
    elif isinstance(thing, (tuple, list)):
        inner = thing
    elif isinstance(thing, dict):
        inner = thing.values()
    for part in inner:
        yield from _parts(part)
