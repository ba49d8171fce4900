"""The tests beside the rules (LANGUAGE.md section 7), run against the real decision.

A decision is taken at each `expect` line and nowhere else, after every line up to and
including that instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.decide import Outcome, decide, refusal_of
from engine.events import DESK_STATES, EVENT_KEYS
from engine.gates.buckets import TestBuckets
from engine.gates.order import Facts
from engine.model import Decision, Expectation, RuleTest, TimelineLine
from engine.replay.gather import canonical
from engine.replay.visit import Visit
from engine.ruleset import Ruleset
from engine.visitor.profile import Event


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One expected line that did not come true.

    `wanted` holds what the line says, `actual` the same keys and all others; `seen` is the newest
    timeline line before it, `trace` every rule's way through the gates.
    """

    expectation: Expectation
    wanted: Mapping[str, Any]
    actual: Mapping[str, Any]
    seen: TimelineLine | None
    trace: tuple[Mapping[str, Any], ...]

    @property
    def differing(self) -> tuple[str, ...]:
        """The keys that are not as expected, as written."""
        return tuple(key for key, value in self.wanted.items() if self.actual[key] != value)


@dataclass(frozen=True, slots=True)
class Result:
    """One test, run; it passed when there is no mismatch."""

    test: RuleTest
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Say whether every expectation held."""
        return not self.mismatches


def run(ruleset: Ruleset, tests: Iterable[RuleTest]) -> Iterator[Result]:
    """Run tests one by one against a ruleset."""
    for test in tests:
        yield Result(test, tuple(_Run(ruleset, test).mismatches()))


class _Run:
    """One test under way."""

    def __init__(self, ruleset: Ruleset, test: RuleTest) -> None:
        visitor = f"test:{test.name}"
        given = {name: value for name, value in test.given.items() if name not in DESK_STATES}
        self._ruleset = ruleset
        self._test = test
        self._visit = Visit(ruleset, visitor, TestBuckets(visitor, test.buckets), given)
        self._visit.desk |= {n: value for n, value in test.given.items() if n in DESK_STATES}
        self._page: str | None = None
        self._reported_at: int | None = None

    def mismatches(self) -> Iterator[Mismatch]:
        """Play the lines and judge the expectations, each in order of time, then of writing."""
        lines = sorted(enumerate(self._test.timeline), key=lambda pair: pair[1].at)
        done, seen = 0, None
        for expectation in sorted(self._test.expect, key=lambda line: line.at):
            while done < len(lines) and lines[done][1].at <= expectation.at:
                position, seen = lines[done]
                self._play(position, seen)
                done += 1
            mismatch = self._judge(expectation, seen)
            if mismatch is not None:
                yield mismatch

    def _play(self, position: int, line: TimelineLine) -> None:
        at, visit = self._test.start + line.at, self._visit
        if line.state is not None:
            visit.report(at, line.state)
            self._reported_at = at
        elif line.availability is not None:
            visit.desk |= line.availability
        elif line.event is not None:
            event = self._event(at, position, line)
            if event.kind == "prompt_shown":
                visit.count_prompt(event)
                return
            visit.add(event)
            if event.kind == "page_view" and self._reported_at == at:
                visit.forget_report()  # of lines at one instant the later one counts

    def _event(self, at: int, position: int, line: TimelineLine) -> Event:
        self._page = line.page if line.page is not None else self._page
        own_id = line.fields.get("id")
        event = Event(
            # Ties in time go by id, and equal instants keep the order of the lines.
            id=f"line-{position:06d}" if own_id is None else str(own_id),
            kind=line.event or "",
            at=at,
            fields={name: value for name, value in line.fields.items() if name not in EVENT_KEYS},
            page=self._page,
            session=line.session,
            referrer=_text(line.fields.get("referrer")),
            title=_text(line.fields.get("title")),
        )
        return canonical([event])[0]

    def _judge(self, expectation: Expectation, seen: TimelineLine | None) -> Mismatch | None:
        ruleset, wanted = self._ruleset, expectation.expected
        facts = self._visit.facts(self._test.start + expectation.at)
        outcome = decide(ruleset, facts)
        actual = _actual(ruleset, facts, outcome, wanted)
        mismatch = None
        if any(actual[key] != value for key, value in wanted.items()):
            told = decide(ruleset, facts, explain=True).decision.trace or ()
            mismatch = Mismatch(expectation, wanted, actual, seen, told)
        self._visit.confirm(outcome, facts)
        return mismatch


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _actual(
    ruleset: Ruleset, facts: Facts, outcome: Outcome, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """Say what was decided; where a hold names a rule, with that rule's own reason."""
    actual = _told(outcome.decision)
    named = wanted.get("rule")
    if outcome.decision.show or wanted.get("decision") != "hold" or named is None:
        return actual
    for index, rule in enumerate(ruleset.rules):
        if rule.id == named:
            refusal = refusal_of(ruleset, facts, outcome, index)
            if refusal is not None:
                actual |= {"rule": named, "because": refusal.reason.value, "by": refusal.by}
    return actual


def _told(decision: Decision) -> dict[str, Any]:
    prompt = decision.prompt
    return {
        "decision": "show" if decision.show else "hold",
        "rule": decision.rule,
        "because": decision.reason.value,
        "by": decision.by,
        "variant": decision.variant,
        "message": prompt.message if prompt else None,
        "language": prompt.language if prompt else None,
        "widget": "shown" if decision.widget else "hidden",
        "check_again_in": decision.check_again_in,
    }
