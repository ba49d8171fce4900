"""What a visitor must have done for a rule to be worth asking about.

In a large folder most rules differ in a value alone: the product, the word searched for, the
page's group, the campaign. Such rules are filed under that value, and a visitor's own values are
looked up, so that what they cost grows with what the visitor did and not with the rules.

A clue is only ever necessary: what it leads to is still read and asked in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.match.sources import Count, Source, Truth, Wait
from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    InGroup,
    Measure,
    Sequence,
    StateIs,
    Step,
    Window,
)
from engine.visitor.measures import in_window
from engine.visitor.text import Key, as_value, norm, words
from engine.visitor.view import View

Keys = frozenset[Key]


@dataclass(frozen=True, slots=True)
class Field:
    """The values that a field had in events of a kind within a window."""

    event: str
    name: str
    within: Window

    def keys(self, view: View) -> set[Key]:
        """Return them as they compare."""
        found: set[Key] = set()
        events = view.events
        for position in in_window(view, self.event, self.within):
            raw = events[position].fields.get(self.name)
            if type(raw) is str:
                found.add(raw.strip().casefold())
            elif raw is not None:
                found.update(_keys(as_value(raw)))
        return found


@dataclass(frozen=True, slots=True)
class Words:
    """The words that stood in a field of events of a kind within a window."""

    event: str
    name: str
    within: Window

    def keys(self, view: View) -> set[Key]:
        """Return them without case."""
        found: set[Key] = set()
        events = view.events
        for position in in_window(view, self.event, self.within):
            value = as_value(events[position].fields.get(self.name))
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    found.update(words(text))
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """The groups of the pages on which events of a kind happened within a window."""

    event: str
    within: Window

    def keys(self, view: View) -> set[Key]:
        """Return the groups' names."""
        found: set[Key] = set()
        events, look = view.events, view.pages.look
        for page in {events[p].page for p in in_window(view, self.event, self.within)}:
            found |= look(page).groups
        return found


@dataclass(frozen=True, slots=True)
class State:
    """The value of a state, or its values."""

    name: str
    department: str

    def keys(self, view: View) -> set[Key]:
        """Return them as they compare."""
        return set(_keys(view.state(self.name, self.department)))


Clue = Field | Words | Place | State


def clue_of(source: Source) -> tuple[Clue, Keys] | None:
    """Return what a source is filed under, and as what; None where it has no such value.

    While a visitor has none of the keys, the source has reached no mark.
    """
    match source:
        case Count(measure):
            return _of_step(measure, measure.within)
        case Wait(stall):
            return _of_step(stall.first, stall.within)
        case Truth(Sequence(steps, within)):
            found = (_of_step(step, within) for step in steps)
            return next((each for each in found if each is not None), None)
        case Truth(StateIs(state, compare), department) if compare.is_ is not None:
            # Of languages `fr` is `fr-CA` too: no key says so.
            return None if state == "language" else (State(state, department), _asked(compare))
        case _:
            return None


def _of_step(step: Measure | Step, within: Window) -> tuple[Clue, Keys] | None:
    for name, compare in step.fields:
        if compare.is_ is not None:
            return Field(step.event, name, within), _asked(compare)
    for name, compare in step.fields:
        if compare.contains is not None:
            # Of a phrase the longest word says most.
            phrases = [words(phrase) for phrase in compare.contains]
            return Words(step.event, name, within), frozenset(
                max(phrase, key=len) for phrase in phrases if phrase
            )
    groups = _groups(step.where)
    return None if groups is None else (Place(step.event, within), groups)


def _groups(where: Condition | None) -> Keys | None:
    """Return page groups of which a page must be in one; None where no such list says it."""
    match where:
        case InGroup(group):
            return frozenset({group})
        case AnyOf(parts):
            each = [_groups(part) for part in parts]
            whole = [keys for keys in each if keys is not None]
            return frozenset[Key]().union(*whole) if len(whole) == len(each) else None
        case AllOf(parts):
            return next((keys for keys in map(_groups, parts) if keys is not None), None)
        case _:
            return None


def _asked(compare: Compare) -> Keys:
    return frozenset(map(norm, compare.is_ or ()))


def _keys(value: object) -> Iterable[Key]:
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return map(norm, values)
