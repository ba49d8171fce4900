"""Everything held about one visitor, written out for people and for their rights."""

from __future__ import annotations

from typing import Any

from engine.clock import to_text
from engine.exposures import is_open
from engine.visitor.profile import Exposure, Profile
from engine.visitor.sessions import derive


def held_about(visitor: str, profile: Profile, timeout: int, now: int) -> dict[str, Any]:
    """Write a profile out in full: events with their session, attributes, exposures."""
    sessions = derive(profile.events, timeout)
    return {
        "visitor": visitor,
        "consent": profile.consent,
        "events": [
            {
                "id": event.id,
                "event": event.kind,
                "at": to_text(event.at),
                "session": sessions.name_of(position),
                "page": event.page,
                **({"referrer": event.referrer} if event.referrer else {}),
                **({"title": event.title} if event.title else {}),
                **event.fields,
            }
            for position, event in enumerate(profile.events)
        ],
        "attributes": {"verified": profile.verified, "claimed": profile.claimed},
        "state": {"at": to_text(profile.report.at), **profile.report.values}
        if profile.report
        else None,
        "exposures": [
            {
                "decision_id": exposure.decision_id,
                "rule": exposure.rule,
                "variant": exposure.variant,
                "at": to_text(exposure.at),
                "state": exposure_state(exposure, now),
            }
            for exposure in profile.exposures
        ],
    }


def exposure_state(exposure: Exposure, now: int) -> str:
    """Say what became of an exposure: reserved, shown, lapsed or held_out."""
    if exposure.held:
        return "held_out"
    if exposure.shown_at is not None:
        return "shown"
    return "reserved" if is_open(exposure, now) else "lapsed"
