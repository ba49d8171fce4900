"""The demo's basket: a cookie that holds product ids and how many of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.demo.catalogue import BY_ID, Product, pounds

COOKIE = "demo_basket"
MOST_OF_ONE = 9


@dataclass(frozen=True, slots=True)
class Line:
    """One product in the basket, `count` times."""

    product: Product
    count: int

    @property
    def total(self) -> int:
        """Pence."""
        return self.product.price * self.count

    @property
    def pounds(self) -> str:
        """The line's price as people read it."""
        return pounds(self.total)


@dataclass(frozen=True, slots=True)
class Basket:
    """What is in it, in the order in which it was put there."""

    lines: tuple[Line, ...] = ()

    @property
    def items(self) -> int:
        """How many things."""
        return sum(line.count for line in self.lines)

    @property
    def total(self) -> int:
        """Pence."""
        return sum(line.total for line in self.lines)

    @property
    def pounds(self) -> str:
        """The total as people read it."""
        return pounds(self.total)

    @property
    def value(self) -> float:
        """The total in pounds, as the tracker reports it."""
        return self.total / 100

    def cookie(self) -> str:
        """Return the basket as the cookie's text: `4471:1.8120:2`."""
        return ".".join(f"{line.product.id}:{line.count}" for line in self.lines)

    def with_count(self, product: Product, count: int) -> Basket:
        """Return the basket with so many of one product; none of it at 0."""
        counts = {line.product.id: line.count for line in self.lines}
        counts[product.id] = min(count, MOST_OF_ONE)
        return _of(counts)

    def count(self, product: Product) -> int:
        """Return how many of a product are in it."""
        return next((line.count for line in self.lines if line.product.id == product.id), 0)


def read(cookie: str) -> Basket:
    """Read the cookie's text; whatever in it is not ours is left out."""
    counts: dict[str, int] = {}
    for part in cookie[:400].split("."):
        product, _, count = part.partition(":")
        if count.isascii() and count.isdigit() and len(count) <= 2:
            counts[product] = min(int(count), MOST_OF_ONE)
    return _of(counts)


def _of(counts: Mapping[str, int]) -> Basket:
    return Basket(
        tuple(Line(BY_ID[key], count) for key, count in counts.items() if key in BY_ID and count)
    )
