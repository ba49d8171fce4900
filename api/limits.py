"""How often: token buckets in this worker's memory, for browsers' requests only."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second, and how many may come at once. `visitors` bounds the table."""

    visitor_rate: float = 10
    visitor_burst: float = 100
    site_rate: float = 1_000
    site_burst: float = 1_000
    visitors: int = 20_000


class RateLimiter:
    """Buckets by visitor and by site; the visitor seen longest ago is forgotten first.

    A forgotten visitor starts with a full bucket: the site's bucket is what bounds a flood of
    made-up visitors.
    """

    def __init__(self, rates: Rates | None = None, tick: Callable[[], float] = monotonic) -> None:
        self.rates = rates or Rates()
        self._tick = tick
        self._visitors: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._sites: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, site: str, visitor: str) -> int:
        """Count one request. Return 0, or the whole seconds after which to try again."""
        rates, key, now = self.rates, (site, visitor), self._tick()
        with self._lock:
            mine = _filled(self._visitors.get(key), now, rates.visitor_rate, rates.visitor_burst)
            ours = _filled(self._sites.get(site), now, rates.site_rate, rates.site_burst)
            short = max((1 - mine) / rates.visitor_rate, (1 - ours) / rates.site_rate)
            taken = 1 if short <= 0 else 0
            self._sites[site] = (ours - taken, now)
            self._visitors[key] = (mine - taken, now)
            self._visitors.move_to_end(key)
            if len(self._visitors) > rates.visitors:
                self._visitors.popitem(last=False)
        return 0 if taken else max(1, math.ceil(short))


def _filled(bucket: tuple[float, float] | None, now: float, rate: float, burst: float) -> float:
    if bucket is None:
        return burst
    tokens, since = bucket
    return min(burst, tokens + (now - since) * rate)
