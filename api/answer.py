"""A decision as the outside reads it: seconds, RFC 3339, words."""

from __future__ import annotations

from typing import Any

from engine.clock import SECOND, to_text
from engine.model import Decision, DeskHours, Prompt


def decision_as_json(decision: Decision) -> dict[str, Any]:
    """Return the reply's `decision`. `trace` is there only where one was asked for."""
    waiting = decision.check_again_in
    answer: dict[str, Any] = {
        "decision": "show" if decision.show else "hold",
        "reason": decision.reason,
        "by": decision.by,
        "rule": decision.rule,
        "variant": decision.variant,
        "decision_id": decision.decision_id,
        "prompt": None if decision.prompt is None else _prompt(decision.prompt),
        "widget": "shown" if decision.widget else "hidden",
        "check_again_in": None if waiting is None else waiting / SECOND,
        "desk": _desk(decision.desk),
        "ruleset": decision.ruleset,
    }
    if decision.trace is not None:
        answer["trace"] = decision.trace
    return answer


def _prompt(prompt: Prompt) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "message": prompt.message,
        "language": prompt.language,
        "button": prompt.button,
        "delay": prompt.delay,
        "articles": prompt.articles,
        "open": prompt.open,
        "department": prompt.department,
    }
    if prompt.wait is not None:
        answer["wait"] = prompt.wait
    return answer


def _desk(desk: DeskHours) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "open": desk.open,
        "closes_at": instant(desk.closes_at),
        "opens_at": instant(desk.opens_at),
        "message": desk.message,
    }
    if desk.contact is not None:
        answer["contact"] = desk.contact
    return answer


def instant(at: int | None) -> str | None:
    """Return an instant (ms) as RFC 3339, None as it is."""
    return None if at is None else to_text(at)
