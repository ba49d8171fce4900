"""Rollouts, holdouts and variants: the published cases, and what stays true of any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gates.buckets import Buckets, TestBuckets, below, bucket, share
from engine.model import Rule, Show, Site, Variant

CASES = json.loads((Path(__file__).parents[1] / "cases" / "buckets.json").read_text("utf-8"))
SITE = Site(name="shop", time_zone="UTC")


def variants(weights) -> tuple[Variant, ...]:
    return tuple(Variant(name, weight, Show(message=(("", name),))) for name, weight in weights)


def make(rule="three-searches", weights=(("a", 50), ("b", 50)), **other) -> Rule:
    return Rule(id=rule, variants=variants(weights), **other)


@pytest.mark.parametrize("case", CASES["buckets"], ids=lambda c: f"{c['salt']}:{c['visitor']}")
def test_a_bucket_is_the_published_hash(case):
    """Any implementation of the formula gives these numbers."""
    assert bucket(case["salt"], case["visitor"]) == case["bucket"]


@pytest.mark.parametrize("case", CASES["percentages"], ids=str)
def test_a_bucket_below_the_percentage_times_100_is_in(case):
    """The border is exact, also where 0.07 times 100 is not 7 in floating point."""
    assert below(case["bucket"], case["percentage"]) is case["in"]


@pytest.mark.parametrize("case", CASES["variants"], ids=str)
def test_variants_take_the_buckets_in_written_order_by_share(case):
    """The border between two variants is where their shares of the sum meet."""
    assert share(case["bucket"], variants(case["weights"].items())).name == case["variant"]


def test_each_gate_uses_its_own_salt():
    """The four questions of one visitor hash four different texts."""
    buckets, rule = Buckets("v1"), make(rollout=50, holdout=50)
    site = Site(name="shop", time_zone="UTC", holdout=50)
    assert buckets.in_site_holdout(site) is (bucket("site-holdout/shop", "v1") < 5000)
    assert buckets.in_rollout(rule) is (bucket("rollout/three-searches", "v1") < 5000)
    assert buckets.in_holdout(rule) is (bucket("holdout/three-searches", "v1") < 5000)
    assert (buckets.variant(rule).name == "a") is (bucket("variant/three-searches", "v1") < 5000)


@given(
    visitor=st.text(min_size=1, max_size=30),
    low=st.floats(0, 100),
    high=st.floats(0, 100),
)
def test_raising_a_rollout_keeps_those_already_in(visitor, low, high):
    """Whoever is in at a percentage is in at any higher one."""
    low, high = sorted((low, high))
    buckets = Buckets(visitor)
    assert buckets.in_rollout(make(rollout=high)) or not buckets.in_rollout(make(rollout=low))


@given(visitor=st.text(max_size=30))
def test_nobody_is_in_nothing_and_everybody_in_everything(visitor):
    """0 % holds nobody, 100 % holds all, for each gate."""
    buckets = Buckets(visitor)
    assert not buckets.in_rollout(make(rollout=0))
    assert buckets.in_rollout(make(rollout=100))
    assert not buckets.in_holdout(make(holdout=0))
    assert buckets.in_holdout(make(holdout=100))
    assert not buckets.in_site_holdout(SITE)
    assert buckets.in_site_holdout(Site(name="shop", time_zone="UTC", holdout=100))


@given(weights=st.lists(st.integers(0, 1000) | st.floats(0, 1000), min_size=1, max_size=6))
def test_shares_cover_all_buckets_in_order(weights):
    """Going up the buckets the variants come in written order, each about its share."""
    named = variants((str(i), weight) for i, weight in enumerate(weights))
    got = [int(share(number, named).name or "") for number in range(0, 10_000, 10)]
    assert got == sorted(got)
    total = sum(weights)
    for i, weight in enumerate(weights):
        if total:
            assert abs(got.count(i) / 1000 - weight / total) <= 0.0021


def test_a_real_population_is_split_as_asked():
    """Of 20,000 visitors about a tenth are in a rollout of 10 %, whatever the rule."""
    for rule in ("three-searches", "stuck-in-form"):
        inside = sum(
            Buckets(f"visitor-{n}").in_rollout(make(rule, rollout=10)) for n in range(20_000)
        )
        assert 1_850 <= inside <= 2_150


def test_the_visitor_of_a_rule_test_is_in_every_rollout_and_out_of_every_holdout():
    """Above 0 % and below 100 %, however narrow; and reads the first variant with a weight."""
    buckets = TestBuckets("anyone")
    assert buckets.in_rollout(make(rollout=0.0001))
    assert not buckets.in_rollout(make(rollout=0))
    assert not buckets.in_holdout(make(holdout=99.999))
    assert buckets.in_holdout(make(holdout=100))
    assert not buckets.in_site_holdout(Site(name="shop", time_zone="UTC", holdout=99.999))
    assert buckets.in_site_holdout(Site(name="shop", time_zone="UTC", holdout=100))
    assert buckets.variant(make(weights=(("a", 0), ("b", 1), ("c", 9)))).name == "b"


@pytest.mark.parametrize("kind", [Buckets, TestBuckets])
def test_pinned_buckets_beat_the_hash_one_by_one(kind):
    """`bucket: { rollout: 3 }` pins one gate and leaves the others alone."""
    rule = make(rollout=10, holdout=10)
    site = Site(name="shop", time_zone="UTC", holdout=10)
    low = kind("anyone", dict.fromkeys(Buckets.NAMES, 999))
    assert low.in_rollout(rule)
    assert low.in_holdout(rule)
    assert low.in_site_holdout(site)
    assert low.variant(rule).name == "a"
    high = kind("anyone", dict.fromkeys(Buckets.NAMES, 5000))
    assert not high.in_rollout(rule)
    assert not high.in_holdout(rule)
    assert not high.in_site_holdout(site)
    assert high.variant(rule).name == "b"
    one = kind("anyone", {"rollout": 1000})
    assert not one.in_rollout(rule)
    assert one.in_holdout(rule) is kind("anyone").in_holdout(rule)
