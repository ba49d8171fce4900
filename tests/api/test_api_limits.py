"""Rates are kept a visitor and a site, in a table that cannot grow."""

from __future__ import annotations

import pytest

from api.limits import RateLimiter, Rates


@pytest.fixture
def clock():
    """Return a clock in seconds that stands until it is moved."""
    return [0.0]


def test_a_burst_passes_and_then_the_rate_holds(clock):
    """A hundred at once, then ten a second."""
    limiter = RateLimiter(tick=lambda: clock[0])
    assert [limiter.wait("shop", "v") for _ in range(100)] == [0] * 100
    assert limiter.wait("shop", "v") == 1
    clock[0] += 1
    assert [limiter.wait("shop", "v") for _ in range(11)] == [0] * 10 + [1]


def test_a_refused_request_costs_nothing(clock):
    """Knocking on while refused does not put the next chance off."""
    limiter = RateLimiter(tick=lambda: clock[0])
    for _ in range(500):
        limiter.wait("shop", "v")
    clock[0] += 0.1
    assert limiter.wait("shop", "v") == 0


def test_the_site_is_held_to_its_rate_whoever_asks(clock):
    """A flood of made-up visitors meets the site's bucket."""
    limiter = RateLimiter(tick=lambda: clock[0])
    passed = sum(limiter.wait("shop", f"v{i}") == 0 for i in range(3_000))
    assert passed == 1_000
    assert limiter.wait("other", "v") == 0


def test_the_wait_told_is_long_enough(clock):
    """After the seconds told, the request passes."""
    limiter = RateLimiter(Rates(visitor_rate=0.2, visitor_burst=1), lambda: clock[0])
    limiter.wait("shop", "v")
    seconds = limiter.wait("shop", "v")
    clock[0] += seconds
    assert seconds == 5
    assert limiter.wait("shop", "v") == 0


def test_the_table_forgets_whom_it_saw_longest_ago(clock):
    """However many visitors come, only so many are remembered."""
    limiter = RateLimiter(Rates(visitors=10, visitor_burst=1), lambda: clock[0])
    for index in range(100):
        limiter.wait("shop", f"v{index}")
    assert len(limiter._visitors) == 10
    assert limiter.wait("shop", "v99") == 1
    assert limiter.wait("shop", "v0") == 0
