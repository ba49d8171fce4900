"""Rules that wait for an event which nobody sends: what a store says beside the linter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from engine.clock import DAY
from engine.errors import Problem, Severity, StoreUnavailable
from engine.events import STANDARD_EVENTS
from engine.language.words import guess, quote
from engine.model import AllOf, AnyOf, Condition, Counted, Folder, Mode, Sequence, Stall
from engine.visitor.profile import unpack

NEVER_SEEN = "never-seen"  # the kind of these findings, a heading in docs/kinds.md
BACK = 30 * DAY  # how far a look goes back


@dataclass(slots=True)
class Seen:
    """What a look at a store's visitors found: how many there were, and what they sent.

    `whole` is False where the look ended before it came to all of them.
    """

    visitors: int = 0
    kinds: set[str] = field(default_factory=set)
    whole: bool = True


def awaited(folder: Folder) -> dict[str, list[str]]:
    """Return the events without which some part of a rule's `when` is never true: rule → kinds."""
    return {
        rule.id: list(dict.fromkeys(_awaited(rule.when)))
        for rule in folder.rules
        if rule.when is not None and rule.mode is not Mode.PAUSED
    }


def _awaited(condition: Condition) -> Iterator[str]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _awaited(part)
        case Counted(measure, at_least) if at_least > 0:
            yield measure.event
        case Stall(first):
            yield first.event
        case Sequence(steps):
            yield from (step.event for step in steps)
        case _:  # states; absence, which `not` is too, is the more true the less is sent
            pass


def look(
    visitors: Iterable[tuple[str, bytes]],
    wanted: Collection[str],
    now: int,
    patient: Callable[[], bool] = lambda: True,
) -> Seen:
    """Look at a store's visitors (id and value) for events of the 30 days up to `now` (ms).

    It ends early when everything wanted was seen, or nobody is `patient` any more. Visitors who
    sent nothing in that time are not counted. Raises StoreUnavailable where a value is damaged.
    """
    seen, missing = Seen(), set(wanted)
    if not missing:
        return seen
    for visitor, value in visitors:
        if not patient():
            seen.whole = False
            break
        kinds = _sent(visitor, value, now)
        seen.visitors += bool(kinds)
        seen.kinds |= kinds
        missing -= kinds
        if not missing:
            break
    return seen


def _sent(visitor: str, value: bytes, now: int) -> set[str]:
    try:
        profile = unpack(value)
    except ValueError as error:
        raise StoreUnavailable(f"the visitor {visitor!r} cannot be read: {error}") from None
    return {event.kind for event in profile.events if now - BACK < event.at <= now}


def findings(folder: Folder, seen: Seen) -> Iterator[Problem]:
    """Warn of each rule that waits for what was never seen; of none where nobody was."""
    if not seen.visitors:
        return
    others = seen.kinds - STANDARD_EVENTS.keys() - folder.site.events.keys()
    kinds = awaited(folder)
    for rule in folder.rules:
        for kind in kinds.get(rule.id, ()):
            if kind in seen.kinds:
                continue
            near = guess(kind, others, 0.8)
            hint = f" (they do send {quote(near)})" if near else ""
            message = (
                f"the rule {quote(rule.id)} waits for {quote(kind)}, which none of the "
                f"{seen.visitors:,} visitors looked at has sent in the last 30 days{hint}; "
                "expected pages or servers that send it, by this name"
            )
            at, length = rule.place, len(rule.id)
            yield Problem(
                at.path, at.line, at.column, NEVER_SEEN, message, Severity.WARNING, length
            )
