"""Who is in a rollout or a holdout, and which variant they read: sticky, without a memory.

A bucket is a hash of a salt and the visitor, so raising a percentage keeps those already in,
and every worker, and every other implementation, agrees (tests/cases/buckets.json).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from engine.model import Rule, Site, Variant

BUCKETS = 10_000


def bucket(salt: str, visitor: str) -> int:
    """Return the visitor's bucket under a salt, 0 to 9,999."""
    digest = hashlib.sha256(f"{salt}:{visitor}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def below(number: int, percentage: float) -> bool:
    """Say whether a bucket is among the first `percentage` percent."""
    # 0.07 * 100 is a little above 7 in floating point, and would let bucket 7 in.
    return number < round(percentage * 100, 6)


def share(number: int, variants: tuple[Variant, ...]) -> Variant:
    """Return the variant whose share of the weights covers a bucket, in written order."""
    # Exact decimals: a bucket on the border of two shares must not depend on rounding.
    weights = [Decimal(str(variant.weight)) for variant in variants]
    reach = sum(weights) * number
    top = Decimal(0)
    for variant, weight in zip(variants, weights, strict=True):
        top += weight * BUCKETS
        if reach < top:
            return variant
    return variants[0]  # no weight at all: the first one written


class Buckets:
    """A visitor's four buckets. `pinned` fixes some, by name (see NAMES), for a test."""

    NAMES: ClassVar = ("site-holdout", "rollout", "holdout", "variant")

    def __init__(self, visitor: str, pinned: Mapping[str, int] | None = None) -> None:
        self.visitor = visitor
        self.pinned = pinned or {}

    def number(self, name: str, subject: str) -> int:
        """Return the bucket for one of NAMES; `subject` is the site's name or the rule's id."""
        pin = self.pinned.get(name)
        return bucket(f"{name}/{subject}", self.visitor) if pin is None else pin

    def in_site_holdout(self, site: Site) -> bool:
        """Say whether the visitor is in the site-wide control group."""
        return site.holdout > 0 and below(self.number("site-holdout", site.name), site.holdout)

    def in_rollout(self, rule: Rule) -> bool:
        """Say whether the rule is rolled out to the visitor."""
        return rule.rollout >= 100 or below(self.number("rollout", rule.id), rule.rollout)

    def in_holdout(self, rule: Rule) -> bool:
        """Say whether the visitor is in the rule's own control group."""
        return rule.holdout > 0 and below(self.number("holdout", rule.id), rule.holdout)

    def variant(self, rule: Rule) -> Variant:
        """Return the wording that the visitor reads."""
        if len(rule.variants) == 1:
            return rule.variants[0]
        return share(self.number("variant", rule.id), rule.variants)


class TestBuckets(Buckets):
    """The visitor of a rule test: in every rollout above 0 %, out of every holdout below 100 %.

    Pinned buckets beat that. An unpinned variant is the first one that has any weight, so that
    a test reads the same whatever its visitor is called.
    """

    __test__ = False  # not a test class, whatever pytest makes of its name

    def in_site_holdout(self, site: Site) -> bool:
        """As the class says."""
        pinned = "site-holdout" in self.pinned
        return super().in_site_holdout(site) if pinned else site.holdout >= 100

    def in_rollout(self, rule: Rule) -> bool:
        """As the class says."""
        return super().in_rollout(rule) if "rollout" in self.pinned else rule.rollout > 0

    def in_holdout(self, rule: Rule) -> bool:
        """As the class says."""
        return super().in_holdout(rule) if "holdout" in self.pinned else rule.holdout >= 100

    def variant(self, rule: Rule) -> Variant:
        """As the class says."""
        pinned = "variant" in self.pinned
        return super().variant(rule) if pinned else share(0, rule.variants)
