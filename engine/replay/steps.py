"""A visitor's recorded events one by one, a decision after each and at what was waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.decide import Outcome, decide, next_chance
from engine.gates.buckets import Buckets
from engine.gates.order import Facts
from engine.match.tree import holds
from engine.replay.visit import Visit
from engine.ruleset import Ruleset
from engine.visitor.profile import Event
from engine.visitor.view import View

_NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """A decision at which some rule's `when` held; `triggered` are those that newly did."""

    outcome: Outcome
    triggered: tuple[int, ...]


class Replay:
    """One visitor's way through the rules."""

    def __init__(self, ruleset: Ruleset, visitor: str) -> None:
        self._ruleset = ruleset
        self._visit = Visit(ruleset, visitor, Buckets(visitor))
        self._rises = any(ruleset.rises)

    def steps(self, events: Sequence[Event]) -> Iterator[Step]:
        """Yield the decisions that matter; `events` as `gather.in_order` returns them."""
        visit = self._visit
        for position, event in enumerate(events):
            at, before = event.at, visit.now()
            visit.add(event)
            facts = visit.facts(at)
            step, again = self._ask(facts, lambda: visit.facts_before(before, at))  # noqa: B023 - called at once
            if step is not None:
                yield step
            if again is not None:
                following = events[position + 1].at if position + 1 < len(events) else None
                yield from self._waits(facts, again, following)

    def _waits(self, facts: Facts, again: int | None, following: int | None) -> Iterator[Step]:
        """Ask again whenever the answer said to, until the next row or the session's end."""
        visit, ends = self._visit, facts.view.session_ends_at
        while again is not None and ends is not None and again < ends:
            if following is not None and again > following:
                return
            at = again
            step, again = self._ask(visit.facts(at), lambda: visit.facts(at - 1))  # noqa: B023 - called at once
            if step is not None:
                yield step

    def _ask(self, facts: Facts, before: Callable[[], Facts]) -> tuple[Step | None, int | None]:
        """Decide; return what mattered, and when to ask again (ms).

        Where no `when` holds, nothing can show and nothing was triggered, so that of the whole
        decision only the instant to ask again is worked out.
        """
        ruleset, view = self._ruleset, facts.view
        matched = ruleset.matcher.match(view)
        if not matched:
            return None, next_chance(ruleset, facts, _NOTHING) if self._rises else None
        outcome = decide(ruleset, facts)
        triggered = self._newly(outcome.matched, before().view)
        self._visit.confirm(outcome, facts)
        again = outcome.decision.check_again_in
        return Step(outcome, triggered), None if again is None else view.now + again

    def _newly(self, matched: frozenset[int], earlier: View) -> tuple[int, ...]:
        rules = self._ruleset.rules
        return tuple(
            index
            for index in sorted(matched)
            if (when := rules[index].when) is not None
            and not holds(when, earlier, rules[index].department)
        )
