"""What the demo shop sells and says: products, plans, help articles, and a small search."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on the shelf. `price` is pence; `art` names its drawing, `tone` its backdrop."""

    id: str
    name: str
    kind: str
    price: int
    art: str
    tone: str
    blurb: str
    facts: tuple[str, ...]
    words: str = ""

    @property
    def pounds(self) -> str:
        """The price as people read it."""
        return pounds(self.price)


@dataclass(frozen=True, slots=True)
class Article:
    """A help page: `lines` are its paragraphs."""

    slug: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to hire. `price` is pence a person."""

    name: str
    price: int
    unit: str
    blurb: str
    facts: tuple[str, ...]

    @property
    def pounds(self) -> str:
        """The price as people read it."""
        return pounds(self.price)


def pounds(pence: int) -> str:
    """Return pence as pounds: `£129`, or `£12.50` where there are pennies."""
    whole, rest = divmod(pence, 100)
    return f"£{whole:,}.{rest:02d}" if rest else f"£{whole:,}"


PRODUCTS: tuple[Product, ...] = (
    Product(
        "4471",
        "Ravenstone walking boots",
        "Boots",
        15900,
        "boot",
        "moss",
        "Full-grain leather, a wide toe box and a sole that can be replaced twice.",
        ("1,240 g a pair", "Sizes 36 to 48, wide fitting", "Resoleable"),
        "hiking wide leather shoes footwear",
    ),
    Product(
        "4472",
        "Brackenfoot trail shoes",
        "Boots",
        9800,
        "shoe",
        "clay",
        "Light, quick to dry, with a grip made for wet rock and steep grass.",
        ("620 g a pair", "Sizes 36 to 47", "Recycled upper"),
        "hiking running light footwear boots",
    ),
    Product(
        "5210",
        "Tarnside tent for two",
        "Tents",
        24500,
        "tent",
        "sky",
        "Stands in five minutes and stays put in a Force 8. Two doors, two porches.",
        ("1,980 g", "Three seasons", "Two people"),
        "camping shelter",
    ),
    Product(
        "5214",
        "Bothy tent for four",
        "Tents",
        38900,
        "bell",
        "wheat",
        "Room to stand, room to dry boots, and a chimney flap for those who stay.",
        ("9 kg", "Four seasons", "Four people"),
        "camping family shelter cotton",
    ),
    Product(
        "6105",
        "Langdale pack, 35 litres",
        "Packs",
        11900,
        "pack",
        "clay",
        "A back panel that fits you rather than the average of everybody.",
        ("1,150 g", "Adjustable back", "Rain cover inside"),
        "rucksack backpack bag",
    ),
    Product(
        "6320",
        "Kestrel head torch",
        "Light",
        4200,
        "lamp",
        "night",
        "Four hundred lumens, or eighty hours of just enough.",
        ("86 g", "USB-C", "Waterproof to 1 m"),
        "headlamp light lantern",
    ),
    Product(
        "7034",
        "Beck rain jacket",
        "Clothing",
        18500,
        "jacket",
        "moss",
        "Three layers, taped seams, and a hood that turns with your head.",
        ("390 g", "20,000 mm", "Sizes XS to XXL"),
        "waterproof coat shell clothing",
    ),
    Product(
        "7090",
        "Herdwick wool hat",
        "Clothing",
        2600,
        "hat",
        "wheat",
        "Knitted in Kendal from the sheep that you walk past.",
        ("70 g", "Undyed wool", "One size"),
        "beanie warm clothing",
    ),
    Product(
        "8120",
        "Ember stove",
        "Kitchen",
        5400,
        "stove",
        "clay",
        "Half a litre of tea in three minutes, in wind.",
        ("112 g", "Gas", "Folds flat"),
        "cooker cooking gas kitchen",
    ),
    Product(
        "8133",
        "Screw-top flask, 0.7 litres",
        "Kitchen",
        2400,
        "bottle",
        "sky",
        "Hot at dawn, still hot at the top.",
        ("340 g", "Steel", "Repairable lid"),
        "bottle thermos kitchen drink",
    ),
    Product(
        "8402",
        "Nightjar sleeping bag",
        "Sleep",
        21000,
        "sleep",
        "night",
        "Down that is warm to minus five and smaller than a loaf of bread.",
        ("890 g", "Comfort −5 °C", "Regular and long"),
        "down camping quilt bed",
    ),
    Product(
        "8901",
        "Fellside walking poles",
        "Walking",
        6900,
        "poles",
        "wheat",
        "A cork grip, three sections, and knees that thank you on the way down.",
        ("430 g a pair", "Cork grip", "62 to 135 cm"),
        "hiking sticks trekking",
    ),
)

BY_ID: dict[str, Product] = {product.id: product for product in PRODUCTS}

ARTICLES: tuple[Article, ...] = (
    Article(
        "delivery",
        "Delivery times and prices",
        (
            "Orders that reach us before two in the afternoon leave the same day.",
            "Standard delivery takes two to three working days and costs £4. Next-day costs £8.",
            "From £75 the standard delivery is free.",
            "Tents for four and larger travel on a pallet: the carrier rings you to agree a day.",
        ),
    ),
    Article(
        "returns",
        "Sending something back",
        (
            "You have 60 days. Walk around the house in them, not around the lake.",
            "Send them back in their box, please.",
            "Print the label from your account, or ask us for one.",
            "Money goes back to the card that paid, within five working days.",
        ),
    ),
    Article(
        "sizes",
        "Finding your size",
        (
            "Measure your foot in the evening, standing, in the socks that you will walk in.",
            "Between two sizes, take the larger for boots and the smaller for trail shoes.",
            "Our packs come in one size; the back panel slides from 43 to 53 cm.",
        ),
    ),
    Article(
        "repairs",
        "Repairs and new soles",
        (
            "We resole boots twice, reproof jackets and replace any buckle that we ever sold.",
            "A repair takes about ten days. We ring you before it costs more than £30.",
        ),
    ),
)

ARTICLE_BY_SLUG: dict[str, Article] = {article.slug: article for article in ARTICLES}

PLANS: tuple[Plan, ...] = (
    Plan(
        "Day out",
        1800,
        "a person, a day",
        "Boots, poles and a pack, fitted in the morning.",
        ("Fitting included", "Back by seven in the evening", "Nothing to wash"),
    ),
    Plan(
        "Weekend",
        4900,
        "a person, three days",
        "Everything for two nights out, tent and stove included.",
        ("Tent, bag and stove", "Route cards for twelve walks", "Change sizes once, free"),
    ),
    Plan(
        "Expedition",
        12500,
        "a person, ten days",
        "For groups from four people, with spare parts and somebody to ring.",
        ("Spare poles and buckles", "A phone number that answers", "Delivery to the trailhead"),
    ),
)

_WORD = re.compile(r"\w+")


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return [word.removesuffix("s") or word for word in _WORD.findall(folded)]


_SHELF: tuple[tuple[Product, tuple[str, ...]], ...] = tuple(
    (p, tuple(_words(f"{p.name} {p.kind} {p.words} {p.id}"))) for p in PRODUCTS
)


def search(query: str) -> Sequence[Product]:
    """Return what carries the words of a query, most words first; parts of a word count."""
    wanted = _words(query)[:8]
    hits = [
        (sum(any(word.startswith(want) for word in words) for want in wanted), product)
        for product, words in _SHELF
    ]
    found = [hit for hit in hits if hit[0] > 0]
    return [product for _, product in sorted(found, key=lambda hit: -hit[0])]
