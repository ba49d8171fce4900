"""One request: load the visitor, fold in what is new, decide, commit once.

The commit is a compare-and-set of the whole visitor together with the journal's entries. A
lost race loads again and decides again, so that two tabs never get two prompts.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import msgspec

from engine import hours
from engine.clock import MINUTE, Clock
from engine.decide import decide, languages
from engine.errors import StoreUnavailable, WelltimedError
from engine.exposures import (
    counted_by_rule,
    exposed,
    pack_decision,
    reserved_for,
    unpack_decision,
)
from engine.gates import suppress
from engine.gates.availability import Availability, Desk
from engine.gates.buckets import Buckets
from engine.gates.order import Facts
from engine.held import held_about
from engine.journal import entries as journal
from engine.model import Decision, Reason
from engine.ruleset import Holder, Ruleset
from engine.store.base import Entry, Snapshot, Store
from engine.visitor.pages import PageFacts
from engine.visitor.profile import (
    Event,
    Profile,
    Report,
    fold,
    pack,
    unpack,
    with_report,
)
from engine.visitor.view import View

_report = msgspec.msgpack.Decoder(Availability).decode

IDEMPOTENT_FOR = 10 * MINUTE
KEPT_ANSWERS = 20  # idempotent replies a visitor, newest kept
# Each lost race means that another writer won, so 64 at once need at most 64 rounds.
ROUNDS = 200


class Proof(StrEnum):
    """What a browser's write token proved; a wrong one never comes this far."""

    VALID = "valid"
    ABSENT = "absent"


class TokenRequired(WelltimedError):
    """A browser wrote to a visitor that a browser has written to before, without the token."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one visitor, already validated. Instants are ms.

    `at` is the instant to decide at, `stale` that none of the events may trigger a prompt.
    `attributes` are claimed from a browser and verified from a server; None deletes one.
    """

    visitor: str
    events: tuple[Event, ...]
    received: int
    at: int
    browser: bool
    proof: Proof = Proof.ABSENT
    consent: str | None = None
    page: str | None = None
    language: str | None = None
    state: Mapping[str, Any] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    claimed: Mapping[str, Any] = field(default_factory=dict)
    ask: bool = False
    bot: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of a batch; `page` is what the page means to this site."""

    accepted: int
    duplicates: int
    decision: Decision | None
    page: PageFacts


@dataclass(frozen=True, slots=True)
class Ask:
    """A chat backend's question. `attributes` are verified and last for this call."""

    visitor: str
    at: int
    page: str | None = None
    language: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] | None = None
    dry_run: bool = False
    explain: bool = False
    idempotency_key: str | None = None


class Service:
    """Everything the outside may ask, for all sites of one deployment."""

    def __init__(self, store: Store, sites: Mapping[str, Holder], clock: Clock) -> None:
        self.store = store
        self.sites = sites
        self.clock = clock

    def ruleset(self, site: str) -> Ruleset:
        """Return the live ruleset of a site. Raises KeyError for an unknown one."""
        return self.sites[site].current

    # --- events -----------------------------------------------------------------------------

    def collect(self, site: str, batch: Batch) -> Collected:
        """Keep a batch durably and answer it. Raises StoreUnavailable or TokenRequired."""
        for _ in range(ROUNDS):
            ruleset = self.ruleset(site)
            snapshot = self.store.read(site, batch.visitor)
            before = _profile(snapshot)
            after, duplicates = _folded(before, batch, ruleset)
            if batch.browser and before.browser and batch.proof is Proof.ABSENT and not duplicates:
                raise TokenRequired("this visitor has a write token; send it with the events")
            decision, after, entries = self._answer(ruleset, snapshot, after, batch)
            accepted = len({event.id for event in batch.events} - duplicates)
            collected = Collected(
                accepted=accepted,
                duplicates=len(batch.events) - accepted,
                decision=decision,
                page=ruleset.pages.look(batch.page),
            )
            if not (batch.events or entries or _told_something(before, after, batch)):
                return collected
            if self.store.commit(site, batch.visitor, snapshot.version, pack(after), entries):
                return collected
        raise StoreUnavailable("too many writers at once for one visitor; send the events again")

    def _answer(
        self, ruleset: Ruleset, snapshot: Snapshot, profile: Profile, batch: Batch
    ) -> tuple[Decision | None, Profile, list[Entry]]:
        if not batch.ask:
            return None, profile, []
        newest = max(batch.events, key=lambda e: (e.at, e.id), default=None)
        again = reserved_for(profile, newest, batch.at)
        if again is not None:
            return again, profile, []
        facts = self._facts(ruleset, snapshot, profile, batch)
        silence = _silence(profile, batch)
        if silence is not None:
            decision = _silent(ruleset, facts, silence)
            entries = [journal.decided(batch.visitor, decision, batch.page, reason=silence)]
            return decision, profile, entries if batch.events else []
        outcome = decide(ruleset, facts)
        kept, entries = exposed(ruleset, profile, outcome, batch, newest)
        return outcome.decision, kept, entries if batch.events or outcome.exposures else []

    # --- decide -----------------------------------------------------------------------------

    def decide(self, site: str, ask: Ask) -> Decision:
        """Answer a chat backend; always with a decision, whatever became of the store."""
        try:
            return self._decide(site, ask)
        except StoreUnavailable:
            return self._blind(self.ruleset(site), ask, Reason.STORE_UNAVAILABLE)

    def _decide(self, site: str, ask: Ask) -> Decision:
        for _ in range(ROUNDS):
            ruleset = self.ruleset(site)
            snapshot = self.store.read(site, ask.visitor)
            profile = _profile(snapshot)
            if not profile.events and profile.consent != "none":
                return self._blind(ruleset, ask, Reason.UNKNOWN_VISITOR)
            repeated = self._repeated(profile, ask)
            if repeated is not None:
                return repeated
            before = profile
            if ask.state:
                profile = with_report(profile, Report(at=ask.at, values=dict(ask.state)))
            facts = self._facts(ruleset, snapshot, profile, ask)
            if profile.consent == "none":
                outcome, decision = None, _silent(ruleset, facts, Reason.NO_CONSENT)
            else:
                outcome = decide(ruleset, facts, explain=ask.explain)
                decision = outcome.decision
            if ask.dry_run:
                return decision
            entries: list[Entry] = []
            if outcome is not None and outcome.exposures:
                profile, entries = exposed(ruleset, profile, outcome, ask, None)
            profile = self._remembered(profile, ask, decision)
            if profile is before:
                return decision
            if self.store.commit(site, ask.visitor, snapshot.version, pack(profile), entries):
                return decision
        raise StoreUnavailable("too many writers at once for one visitor")

    def _blind(self, ruleset: Ruleset, ask: Ask, reason: Reason) -> Decision:
        empty = Snapshot(version=0, value=None, desk={})
        facts = self._facts(ruleset, empty, Profile(), ask)
        return _silent(ruleset, facts, reason)

    def _repeated(self, profile: Profile, ask: Ask) -> Decision | None:
        oldest = self.clock() - IDEMPOTENT_FOR
        for key, at, answer in profile.answers:
            if key == ask.idempotency_key and at > oldest:
                return unpack_decision(answer)
        return None

    def _remembered(self, profile: Profile, ask: Ask, decision: Decision) -> Profile:
        if ask.idempotency_key is None:
            return profile
        now = self.clock()
        kept = [answer for answer in profile.answers if answer[1] > now - IDEMPOTENT_FOR]
        kept.append((ask.idempotency_key, now, pack_decision(decision)))
        return msgspec.structs.replace(profile, answers=kept[-KEPT_ANSWERS:])

    def _facts(
        self, ruleset: Ruleset, snapshot: Snapshot, profile: Profile, asked: Batch | Ask
    ) -> Facts:
        desk = Desk({name: _report(packed) for name, packed in snapshot.desk.items()}, self.clock())
        own = isinstance(asked, Ask)
        view = View(
            profile,
            ruleset.site,
            ruleset.pages,
            asked.at,
            page=asked.page,
            language=asked.language,
            attributes=asked.attributes if own else None,
            desk=desk.value,
            hindsight=isinstance(asked, Ask) and (asked.dry_run or asked.explain),
        )
        return Facts(view, asked.visitor, Buckets(asked.visitor), desk)

    # --- the desk ---------------------------------------------------------------------------

    def put_availability(self, site: str, department: str, availability: Availability) -> None:
        """Keep what a department reports, stamped with the server's time."""
        stamped = msgspec.structs.replace(availability, at=self.clock())
        self.store.put_desk(site, department, msgspec.msgpack.encode(stamped))

    def availability(self, site: str, department: str) -> Availability | None:
        """Return the department's newest report, however old, or None."""
        packed = self.store.read_desk(site).get(department)
        return _report(packed) if packed else None

    # --- visitors ---------------------------------------------------------------------------

    def visitor(self, site: str, visitor: str) -> dict[str, Any] | None:
        """Return everything held about a visitor, fit for JSON, or None."""
        snapshot = self.store.read(site, visitor)
        if not snapshot.value:
            return None
        profile = _profile(snapshot)
        timeout = self.ruleset(site).site.session_timeout
        return held_about(visitor, profile, timeout, self.clock())

    def erase(self, site: str, visitor: str) -> bool:
        """Remove a visitor from store and journal; False when there was nothing."""
        return self.store.erase(site, visitor)


def _profile(snapshot: Snapshot) -> Profile:
    if snapshot.value is None:
        return Profile()
    try:
        return unpack(snapshot.value)
    except ValueError as error:  # damaged, or written by a newer welltimed: never overwritten
        raise StoreUnavailable(str(error)) from error


def _folded(profile: Profile, batch: Batch, ruleset: Ruleset) -> tuple[Profile, frozenset[str]]:
    site = ruleset.site
    after, duplicates = fold(profile, batch.events, keep=site.keep, keep_events=site.keep_events)
    for event in batch.events:
        if event.kind == "prompt_shown" and not batch.browser and event.id not in duplicates:
            after = counted_by_rule(after, event)
    if batch.state:
        after = with_report(after, Report(at=batch.at, values=dict(batch.state)))
    own = "claimed" if batch.browser else "verified"
    merged = _merged(getattr(after, own), batch.attributes)
    claimed = _merged(merged if batch.browser else after.claimed, batch.claimed)
    return msgspec.structs.replace(
        after,
        consent=batch.consent or after.consent,
        browser=after.browser or batch.browser,
        claimed=claimed,
        verified=after.verified if batch.browser else merged,
    ), duplicates


def _merged(held: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    if not sent:
        return dict(held)
    return {name: value for name, value in {**held, **sent}.items() if value is not None}


def _told_something(before: Profile, after: Profile, batch: Batch) -> bool:
    """Say whether a batch without events is worth a write: asking alone is not."""
    if batch.state or before.consent != after.consent or before.verified != after.verified:
        return True
    return bool(batch.attributes) and before.claimed != after.claimed


def _silence(profile: Profile, batch: Batch) -> Reason | None:
    if profile.consent == "none":
        return Reason.NO_CONSENT
    if batch.bot:
        return Reason.BOT
    return Reason.STALE_EVENT if batch.stale else None


def _silent(ruleset: Ruleset, facts: Facts, reason: Reason) -> Decision:
    """Hold without asking any rule. A bot is never told that it was taken for one."""
    view = facts.view
    again = None
    if reason is Reason.STALE_EVENT:
        later = decide(ruleset, replace(facts, vetoes={})).decision
        again = 1 if later.show else later.check_again_in
    return Decision(
        show=False,
        reason=Reason.NOT_NOW if reason is Reason.BOT else reason,
        at=view.now,
        decision_id=secrets.token_urlsafe(16),
        widget=not suppress.widget_hidden(view.site, view),
        check_again_in=again,
        desk=hours.desk(view.site, "default", view.now, languages(view)),
        ruleset=ruleset.digest,
    )
