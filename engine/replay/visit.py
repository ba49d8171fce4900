"""One visitor replayed: events go in, facts come out, prompts are confirmed at once.

Rule tests and backtests share it, and it shares every gate with the live service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.decide import Outcome
from engine.exposures import with_exposures
from engine.gates.availability import FixedDesk
from engine.gates.buckets import Buckets
from engine.gates.order import Facts
from engine.replay.trail import Before, Trail
from engine.ruleset import Ruleset
from engine.visitor.profile import Event, Exposure, Profile, Report, with_report
from engine.visitor.view import View

# A desk that is staffed and idle, where nothing else is said.
STAFFED: Mapping[str, Any] = {
    "agents_available": 1,
    "free_slots": 1,
    "queue_wait": 0,
    "queue_length": 0,
}

# Sorts behind every id that a recording may hold: of one instant, the prompt comes last.
_LAST = "\U0010ffff"


class Visit:
    """A visitor as the replay goes along. `desk` holds desk states as written: seconds, counts."""

    def __init__(
        self,
        ruleset: Ruleset,
        visitor: str,
        buckets: Buckets,
        given: Mapping[str, Any] | None = None,
    ) -> None:
        self.desk: dict[str, Any] = dict(STAFFED)
        self._ruleset = ruleset
        self._visitor = visitor
        self._buckets = buckets
        self._given = dict(given or {})
        self._fixed = FixedDesk(self.desk)
        self._trail = Trail(ruleset.site)
        self._shown = 0

    def add(self, event: Event) -> None:
        """Take in one event, canonical as `gather.canonical` returns it."""
        self._trail.add(event)

    def report(self, at: int, values: Mapping[str, Any]) -> None:
        """Take in the page's own measurement, in seconds and counts."""
        report = Report(at=at, values=dict(values))
        self._trail.profile = with_report(self._trail.profile, report)

    def forget_report(self) -> None:
        """Drop the page's measurement: another page has opened."""
        self._trail.profile = msgspec.structs.replace(self._trail.profile, report=None)

    def count_prompt(self, event: Event) -> None:
        """Count a stated `prompt_shown`: of its rule, or towards the site's caps alone."""
        rule = event.fields.get("rule")
        self.add(event)
        exposure = Exposure(
            decision_id=event.id,
            rule=rule if isinstance(rule, str) else None,
            variant=None,
            at=event.at,
            shown_at=event.at,
        )
        self._trail.profile = with_exposures(self._trail.profile, [exposure])

    def now(self) -> Before:
        """Return what the visitor is now, for `facts_before`."""
        return self._trail.now()

    def facts(self, at: int) -> Facts:
        """Return the facts of this visitor at an instant (ms)."""
        return self._facts(self._trail.prepare(self._view(self._trail.profile, at)))

    def facts_before(self, before: Before, at: int) -> Facts:
        """Return the facts at an instant (ms) of what the visitor was."""
        return self._facts(self._view(before.restored(), at))

    def confirm(self, outcome: Outcome, facts: Facts) -> None:
        """Keep what a decision leaves behind, a prompt as shown at once and unanswered."""
        decision = outcome.decision
        if outcome.exposures:
            at = decision.at
            confirmed = [
                exposure if exposure.held else msgspec.structs.replace(exposure, shown_at=at)
                for exposure in outcome.exposures
            ]
            self._trail.profile = with_exposures(self._trail.profile, confirmed)
        if not decision.show:
            return
        self._shown += 1
        fields = {"rule": decision.rule, "decision_id": decision.decision_id}
        if decision.variant is not None:
            fields["variant"] = decision.variant
        self.add(
            Event(
                id=f"{_LAST}prompt-{self._shown:06d}",
                kind="prompt_shown",
                at=decision.at,
                fields=fields,
                page=facts.view.page,
            )
        )

    def _view(self, profile: Profile, at: int) -> View:
        site, pages = self._ruleset.site, self._ruleset.pages
        return View(profile, site, pages, at, attributes=self._given, desk=self._fixed.value)

    def _facts(self, view: View) -> Facts:
        return Facts(view, self._visitor, self._buckets, self._fixed)
