"""What a gate answers when it holds a rule back."""

from __future__ import annotations

from typing import NamedTuple

from engine.model import Reason


class Refusal(NamedTuple):
    """Why a rule is held. `by` names the cap, suppression, schedule …, or is None."""

    reason: Reason
    by: str | None = None
