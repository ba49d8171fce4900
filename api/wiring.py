"""What the routes are wired to; `create_app` takes nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import tracker_js
from api.guard import Guard, Origins
from api.keys import Keys
from api.limits import RateLimiter
from api.reload import Reloads
from engine.clock import Clock, now
from engine.service import Service

SCRIPTS = Path(tracker_js.__file__).parent / "dist"


@dataclass(frozen=True)
class Wiring:
    """One worker's parts. `scripts` is the folder of the built tracker."""

    service: Service
    keys: Keys
    origins: Origins = field(default_factory=lambda: Origins(None))
    limiter: RateLimiter = field(default_factory=RateLimiter)
    clock: Clock = now
    reloads: Reloads = field(default_factory=Reloads)
    scripts: Path = SCRIPTS

    @cached_property
    def guard(self) -> Guard:
        """The guard of these keys, origins and sites."""
        return Guard(self.keys, self.origins, self.service.sites)
