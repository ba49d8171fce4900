"""What a rule shows: a text, more about it, or several variants of it."""

from __future__ import annotations

from collections.abc import Mapping

from engine.clock import SECOND
from engine.language import scalars, texts
from engine.language.grammar import ARTICLE, SHOW, VARIANT
from engine.language.kinds import Kind
from engine.language.nodes import MapNode, Node, ScalarNode
from engine.language.reading import Reading
from engine.language.texts import Use
from engine.language.words import guess, quote
from engine.model import Article, Show, Variant

_LONGEST_DELAY = 30 * SECOND


def variants(reading: Reading, node: Node) -> tuple[Variant, ...] | None:
    """Return the wordings of a rule's prompt; one without a name where it has no variants."""
    if not isinstance(node, MapNode):
        message = None
        if reading.scalar(node, "a text, or a mapping with message or variants") is not None:
            message = texts.texts(reading, node, Use.MESSAGE)
        return None if message is None else (Variant(None, 1.0, Show(message)),)
    fields = reading.fields(node, SHOW)
    if fields is None:
        return None
    if fields.has("variants"):
        return _several(reading, fields.values)
    shown = _show(reading, node, fields.values)
    return None if shown is None else (Variant(None, 1.0, shown),)


def _several(reading: Reading, shared: Mapping[str, Node]) -> tuple[Variant, ...] | None:
    """Return the variants; what stands beside `variants` holds for each that does not say else."""
    node = shared["variants"]
    pairs = reading.entries(node, "variants by name")
    if pairs is None:
        return None
    if not pairs:
        reading.error(node, Kind.EMPTY, "no variant stands here; expected at least one")
        return None
    found: list[Variant] = []
    weighted: list[bool] = []
    for key, value in pairs:
        named = scalars.name(reading, key, "the name of a variant")
        fields = reading.fields(value, VARIANT)
        if fields is None:
            continue
        weight = _weight(reading, fields.get("weight"))
        weighted.append(fields.has("weight"))
        shown = _show(reading, value, {**shared, **fields.values})
        if named is not None and weight is not None and shown is not None:
            found.append(Variant(key.raw, weight, shown))
    if len(found) < len(pairs):
        return None
    return tuple(found) if _weights_fit(reading, node, found, weighted) else None


def _weights_fit(reading: Reading, node: Node, found: list[Variant], weighted: list[bool]) -> bool:
    if any(weighted) and not all(weighted):
        wrong = "some variants have a weight and some have none; expected one for all or for none"
    elif sum(variant.weight for variant in found) <= 0:
        wrong = "all weights are 0, so nothing would be shown; expected some weight above 0"
    else:
        return True
    reading.error(node, Kind.BAD_NUMBER, wrong)
    return False


def _weight(reading: Reading, node: Node | None) -> float | None:
    if node is None:
        return 1.0
    found = scalars.number(reading, node, "a number of 0 or more")
    if found is not None and found < 0:
        reading.error(node, Kind.BAD_NUMBER, "a weight is below 0; expected 0 or more")
        return None
    return None if found is None else float(found)


def _show(reading: Reading, node: Node, values: Mapping[str, Node]) -> Show | None:
    ok = True
    message = None
    if "message" not in values:
        reading.error(
            node,
            Kind.MISSING_KEY,
            'show has no "message"; expected message: the text that is shown',
        )
    else:
        message = texts.texts(reading, values["message"], Use.MESSAGE)
    button = texts.texts(reading, values["button"], Use.LABEL) if "button" in values else ()
    delay = _delay(reading, values["delay"]) if "delay" in values else 0
    articles = _articles(reading, values["articles"]) if "articles" in values else ()
    opens = _opens(reading, values["open"]) if "open" in values else "chat"
    ok = None not in (message, button, delay, articles, opens)
    if not ok or message is None or button is None:
        return None
    return Show(message, button, delay or 0, articles or (), opens or "chat")


def _delay(reading: Reading, node: Node) -> int | None:
    millis = scalars.duration(reading, node)
    if millis is not None and millis > _LONGEST_DELAY:
        reading.error(
            node, Kind.BAD_DURATION,
            "a prompt waits for 30 seconds at the most; expected less (to wait longer, write "
            "when: { state: on_page, for: 2 minutes })",
        )  # fmt: skip
        return None
    return millis


def _articles(reading: Reading, node: Node) -> tuple[Article, ...] | None:
    items = reading.items(node, "a list of articles, each { title: …, url: … }", empty=True)
    if items is None:
        return None
    found: list[Article] = []
    for item in items:
        fields = reading.fields(item, ARTICLE)
        if fields is None or not (fields.has("title") and fields.has("url")):
            continue
        title = texts.texts(reading, fields.values["title"], Use.LABEL)
        url = scalars.link(reading, fields.values["url"])
        if title is not None and url is not None:
            found.append(Article(title, url))
    return tuple(found) if len(found) == len(items) else None


def _opens(reading: Reading, node: Node) -> str | None:
    found = reading.scalar(node, "chat, contact or a link")
    if found is None or found.raw == "chat":
        return None if found is None else found.raw
    if found.raw == "contact":
        _expect_contact(reading, found)
        return found.raw
    if "/" not in found.raw and ":" not in found.raw:
        meant = guess(found.raw, ("chat", "contact"))
        hint = f"did you mean {quote(meant)}?" if meant else "expected chat, contact or a link"
        reading.error(found, Kind.BAD_VALUE, f"{quote(found.raw)} does not fit here; {hint}")
        return None
    return scalars.link(reading, found)


def _expect_contact(reading: Reading, node: ScalarNode) -> None:
    if not reading.has_contact:
        reading.warn(
            node, Kind.NO_CONTACT,
            "this opens the contact page, and site.yaml names none; expected "
            "offline: { contact: https://… }",
        )  # fmt: skip
