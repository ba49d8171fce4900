"""What is allowed and probably not meant: warnings over a whole folder that has no errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from engine.clock import DAY
from engine.errors import Problem, Severity
from engine.events import CHAT_EVENTS
from engine.globs import compile_glob
from engine.language.implies import conjuncts, implies, mentions
from engine.language.kinds import Kind
from engine.language.nodes import Node
from engine.language.outranked import outranked
from engine.language.reading import Reading
from engine.language.staffed import Memo, never_staffed
from engine.language.words import listed, quote
from engine.model import (
    AllOf,
    AnyOf,
    Condition,
    Counted,
    Folder,
    InAudience,
    InGroup,
    Mode,
    Not,
    Place,
    Rule,
    RuleTest,
    Scalar,
    Span,
    StateIs,
)

# Pages on which people pay, in the languages of the shops we know.
_PAYING = re.compile(
    r"(?<![a-z])(checkout|check-out|basket|cart|payment|pay|bag|kasse|warenkorb|bezahlen|panier|"
    r"paiement|commande|carrello|pagamento|cesta|carrito|pago|koszyk|winkelwagen|afrekenen)s?"
    r"(?![a-z])",
    re.IGNORECASE,
)


def lint(
    folder: Folder, tests: Sequence[RuleTest], reading: Reading, today: date
) -> Iterator[Problem]:
    """Give every warning about a folder; `today` is where the coming year begins."""
    yield from _unused(folder)
    yield from _guardrails(folder, reading.site_key)
    yield from _closed_dates(folder, today)
    yield from _translations(reading)
    yield from _outranked(folder)
    yield from _untested(folder, tests)
    memo: Memo = {}
    for rule in folder.rules:
        yield from _rule(folder, rule, today, memo)


def _warning(place: Place, length: int, kind: Kind, message: str) -> Problem:
    return Problem(
        place.path, place.line, place.column, kind, message, Severity.WARNING, max(1, length)
    )


# --- definitions ----------------------------------------------------------------------------


def _all_conditions(folder: Folder) -> Iterator[Condition]:
    for rule in folder.rules:
        for condition in (rule.when, rule.where, rule.who, rule.unless):
            if condition is not None:
                yield condition
    for veto in folder.site.suppress:
        for condition in (veto.where, veto.who, veto.condition):
            if condition is not None:
                yield condition
    for audience in folder.site.audiences.values():
        yield audience.condition


def _unused(folder: Folder) -> Iterator[Problem]:
    groups: set[Scalar] = set()
    audiences: set[str] = set()
    for whole in _all_conditions(folder):
        for part in mentions(whole):
            if isinstance(part, InGroup):
                groups.add(part.group)
            elif isinstance(part, InAudience):
                audiences.add(part.audience)
            elif isinstance(part, StateIs) and part.state == "landing":
                groups.update(part.compare.is_ or (), part.compare.not_ or ())
    for group in folder.site.page_groups:
        # A group that captures a field is of use without being named: `same`, product views.
        captures = any(compile_glob(glob).fields for glob in group.globs)
        if group.name not in groups and not captures:
            wrong = f"the page group {quote(group.name)} is never used"
            expected = "expected a where: that names it, or the group deleted"
            yield _warning(group.place, len(group.name), Kind.UNUSED, f"{wrong}; {expected}")
    for name, audience in folder.site.audiences.items():
        if name not in audiences:
            wrong = f"the audience {quote(name)} is never used"
            expected = "expected a who: that names it, or the audience deleted"
            yield _warning(audience.place, len(name), Kind.UNUSED, f"{wrong}; {expected}")


def _guardrails(folder: Folder, site_key: Node | None) -> Iterator[Problem]:
    site = folder.site
    place = Place("site.yaml", 1, 1)
    length = 1
    if site_key is not None:
        place = Place(site_key.path, site_key.line, site_key.column)
        length = site_key.length
    cool = site.cooldown
    missing = (
        (not site.caps, "caps", "nothing limits how many prompts a visitor gets",
         "caps: [1 prompt per session]"),
        (not any((cool.after_dismissal, cool.after_chat, cool.after_ignored)), "cooldown",
         "whoever closes a prompt may get the next at once",
         "cooldown: { after_dismissal: 7 days }"),
        (not site.suppress, "suppress", "nothing ever holds prompts back on the whole site",
         "suppressions, for checkout pages and closed desks"),
    )  # fmt: skip
    for absent, word, wrong, expected in missing:
        if absent:
            message = f"without {word} {wrong}; expected {expected}"
            yield _warning(place, length, Kind.NO_GUARDRAILS, message)
    if not _checkout_suppressed(folder):
        message = (
            "no suppression keeps prompts away from the checkout pages; expected one, such as "
            "{ name: checkout, where: checkout, hide: prompt }"
        )
        yield _warning(place, length, Kind.NO_CHECKOUT_SUPPRESSION, message)


def _checkout_suppressed(folder: Folder) -> bool:
    """Say whether some suppression's `where` holds on a page on which people pay."""
    paying = [
        group.name
        for group in folder.site.page_groups
        if any(_PAYING.search(text) for text in (group.name, *group.globs))
    ]
    pages = [frozenset({name}) for name in paying] or [frozenset[str]()]
    return any(
        veto.hides_prompt and veto.where is not None and _on_page(veto.where, groups)
        for veto in folder.site.suppress
        for groups in pages
    )


def _on_page(where: Condition, groups: frozenset[str]) -> bool:
    match where:
        case InGroup(group):
            return group in groups
        case AllOf(parts):
            return all(_on_page(part, groups) for part in parts)
        case AnyOf(parts):
            return any(_on_page(part, groups) for part in parts)
        case Not(part):
            return not _on_page(part, groups)
        case _:
            return False


def _closed_dates(folder: Folder, today: date) -> Iterator[Problem]:
    first, last = today.isoformat(), (today + timedelta(days=365)).isoformat()
    for name, schedule in folder.site.schedules.items():
        if schedule.holidays or any(first <= day <= last for day in schedule.closed):
            continue
        message = (
            f"the schedule {quote(name)} has no closed date in the coming year; expected "
            "holidays: { country: … } or closed: [ … ]"
        )
        yield _warning(schedule.place, len(name), Kind.NO_CLOSED_DATES, message)


def _translations(reading: Reading) -> Iterator[Problem]:
    spoken = sorted(set().union(*(languages for _, languages in reading.translated)))
    for node, languages in reading.translated:
        missing = [quote(tag) for tag in spoken if tag not in languages]
        if missing:
            message = (
                f"this text has no translation for {listed(missing, 'and')}; expected one, as "
                "other texts have"
            )
            place = Place(node.path, node.line, node.column)
            yield _warning(place, node.length, Kind.MISSING_TRANSLATION, message)


# --- rules ----------------------------------------------------------------------------------


def _rule(folder: Folder, rule: Rule, today: date, memo: Memo) -> Iterator[Problem]:
    found: list[tuple[Kind, str]] = []
    if rule.when is None and rule.where is None and rule.who is None:
        wrong = "has neither when nor where nor who, so it is for everybody everywhere at once"
        found.append((Kind.UNCONDITIONAL, f"{wrong}; expected one of them"))
    if rule.mode is Mode.LIVE and not folder.site.caps and not rule.limits:
        wrong = "may show again and again, as neither caps nor limit bounds it"
        found.append((Kind.UNBOUNDED, f"{wrong}; expected limit: 1 per session"))
    if rule.mode is Mode.LIVE:
        found.extend(
            (Kind.NEVER_SHOWS, message) for message in _never_shows(folder, rule, today, memo)
        )
    for kind, message in found:
        yield _warning(rule.place, len(rule.id), kind, f"the rule {quote(rule.id)} {message}")


def _outranked(folder: Folder) -> Iterator[Problem]:
    for rule, winner in outranked(folder):
        message = (
            f"the rule {quote(rule.id)} always loses to {quote(winner.id)}, which holds whenever "
            "it does; expected a higher priority, or a narrower condition there"
        )
        yield _warning(rule.place, len(rule.id), Kind.ALWAYS_OUTRANKED, message)


def _never_shows(folder: Folder, rule: Rule, today: date, memo: Memo) -> Iterator[str]:
    shut = never_staffed(folder.site, rule, today, memo)
    if shut:
        names = listed(map(quote, shut), "and")
        yield f"finds no staffed hour ahead in {names}; expected hours that overlap"
    for veto in folder.site.suppress:
        held = (
            veto.hides_prompt
            and veto.outside is None
            and implies(rule.where, veto.where)
            and implies(rule.who, veto.who)
            and implies(rule.when, veto.condition)
        )
        if held:
            yield f"is always held by the suppression {quote(veto.name)}; expected other conditions"
    yield from _cooling_for_ever(folder, rule)


def _cooling_for_ever(folder: Folder, rule: Rule) -> Iterator[str]:
    """Tell of a `when` that asks for what a cooldown answers with silence for as long."""
    cooldown = folder.site.cooldown
    for part in conjuncts(rule.when):
        if not isinstance(part, Counted) or part.at_least < 1:
            continue
        event, within = part.measure.event, part.measure.within
        name, silence = "after_dismissal", cooldown.after_dismissal
        if event in CHAT_EVENTS:
            name, silence = "after_chat", cooldown.after_chat
        elif event != "prompt_dismissed":
            continue
        reach = DAY if isinstance(within, Span) else within
        if silence is not None and reach <= silence:
            yield (
                f"waits for {event}, after which the cooldown {name} silences it for longer than "
                "it looks back; expected a longer within:"
            )


def _untested(folder: Folder, tests: Sequence[RuleTest]) -> Iterator[Problem]:
    shown, held = _covered(tests)
    for rule in folder.rules:
        shows, holds = rule.id in shown, rule.id in held
        if rule.mode is not Mode.LIVE or (shows and holds):
            continue
        missing = "shows it, nor one that holds it back"
        if shows or holds:
            missing = "holds it back" if shows else "shows it"
        message = (
            f"no test of the rule {quote(rule.id)} {missing}; expected both, in a file whose name "
            "ends in .test.yaml"
        )
        yield _warning(rule.place, len(rule.id), Kind.UNTESTED, message)


def _covered(tests: Sequence[RuleTest]) -> tuple[set[object], set[object]]:
    """Return the ids of the rules that some test shows, and that some test holds back.

    A line that holds and names no rule is about the rules that the test names elsewhere.
    """
    shown: set[object] = set()
    held: set[object] = set()
    for test in tests:
        lines = [line.expected for line in test.expect]
        named = {line["rule"] for line in lines if line.get("rule") is not None}
        for line in lines:
            if line.get("decision") == "show":
                shown.add(line.get("rule"))
            elif line.get("decision") == "hold":
                held |= {line["rule"]} if "rule" in line else named
    return shown, held
