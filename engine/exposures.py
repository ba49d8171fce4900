"""What a visitor was shown, or silently held out from: reserving, counting, answering again.

An exposure is reserved with the decision, confirmed by its `prompt_shown`, and lapses when
none comes (LANGUAGE.md section 6).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.decide import Outcome
from engine.gates.caps import RESERVATION
from engine.journal import entries as journal
from engine.model import Decision
from engine.ruleset import Ruleset
from engine.store.base import Entry
from engine.visitor.profile import Event, Exposure, Profile

KEPT_NEAR_MISSES = 20  # a decision
KEPT_EXPOSURES = 100  # a rule, newest kept: more than any cap counts in practice

pack_decision = msgspec.msgpack.Encoder().encode
unpack_decision = msgspec.msgpack.Decoder(Decision).decode


def is_open(exposure: Exposure, now: int) -> bool:
    """Say whether an exposure is a reservation that nothing has confirmed or let lapse yet."""
    lapses = exposure.at + RESERVATION + exposure.delay
    return not exposure.held and exposure.shown_at is None and now < lapses


def counted_by_rule(profile: Profile, event: Event) -> Profile:
    """Count a server's `prompt_shown` with a rule alone as a prompt of that rule."""
    rule = event.fields.get("rule")
    if event.fields.get("decision_id") or not isinstance(rule, str):
        return profile
    variant = event.fields.get("variant")
    exposure = Exposure(
        decision_id=event.id,
        rule=rule,
        variant=variant if isinstance(variant, str) else None,
        at=event.at,
        shown_at=event.at,
    )
    return with_exposures(profile, [exposure])


def with_exposures(profile: Profile, fresh: Sequence[Exposure]) -> Profile:
    """Add exposures, keeping each rule's newest; only open ones keep their whole answer."""
    exposures = sorted([*profile.exposures, *fresh], key=lambda e: e.at)
    kept: list[Exposure] = []
    count: dict[str | None, int] = {}
    for exposure in reversed(exposures):
        count[exposure.rule] = count.get(exposure.rule, 0) + 1
        if count[exposure.rule] <= KEPT_EXPOSURES:
            settled = exposure.answer is not None and not is_open(exposure, exposures[-1].at)
            kept.append(msgspec.structs.replace(exposure, answer=None) if settled else exposure)
    return msgspec.structs.replace(profile, exposures=kept[::-1])


class Asked(Protocol):
    """Who asked, and where."""

    @property
    def visitor(self) -> str:
        """The visitor's id."""

    @property
    def page(self) -> str | None:
        """The page that the request named."""


def exposed(
    ruleset: Ruleset, profile: Profile, outcome: Outcome, asked: Asked, newest: Event | None
) -> tuple[Profile, list[Entry]]:
    """Keep what a decision leaves behind: its exposures, and what the journal says of it."""
    decision = outcome.decision
    fresh = [
        msgspec.structs.replace(
            exposure, trigger=newest.id if newest else None, answer=pack_decision(decision)
        )
        if exposure.held is None
        else exposure
        for exposure in outcome.exposures
    ]
    near = [
        journal.NearMiss(ruleset.rules[index].id, refusal.reason, refusal.by)
        for index, refusal in sorted(outcome.refusals.items())
    ]
    entry = journal.decided(
        asked.visitor, decision, asked.page, shadows=outcome.shadows, near=near[:KEPT_NEAR_MISSES]
    )
    return (with_exposures(profile, fresh) if fresh else profile), [entry]


def reserved_for(profile: Profile, newest: Event | None, now: int) -> Decision | None:
    """Return the decision that this very batch got, while its reservation is open."""
    if newest is None:
        return None
    for exposure in profile.exposures:
        if exposure.trigger == newest.id and exposure.answer and is_open(exposure, now):
            return unpack_decision(exposure.answer)
    return None
