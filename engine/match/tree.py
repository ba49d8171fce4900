"""What a condition means: the interpreter of the tree, and the specification of the nets.

A missing value makes every comparison false; `Not` turns the whole answer round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.events import DESK_STATES
from engine.model import (
    AllOf,
    AnyOf,
    Condition,
    Counted,
    InAudience,
    InGroup,
    Not,
    Reason,
    Sequence,
    Stall,
    StateIs,
)
from engine.visitor.measures import in_order, stalled, tally
from engine.visitor.text import matches
from engine.visitor.view import View


def holds(cond: Condition, view: View, department: str = "default") -> bool:
    """Return whether the condition is true of the visitor at `view.now`.

    `department` is whose desk states count. An audience that the site does not define has nobody
    in it; the loader refuses such a folder.
    """
    match cond:
        case Counted():
            count = tally(view, cond.measure).count
            return count >= cond.at_least and (cond.at_most is None or count <= cond.at_most)
        case StateIs():
            value = view.state(cond.state, department)
            return matches(cond.compare, value, prefix_subtag=cond.state == "language")
        case Stall():
            return any(at + cond.lasting <= view.now for at in stalled(view, cond))
        case Sequence():
            return in_order(view, cond) == len(cond.steps)
        case InGroup():
            return cond.group in view.page_facts.groups
        case InAudience():
            audience = view.site.audiences.get(cond.audience)
            return audience is not None and holds(audience.condition, view, department)
        case AllOf():
            return all(holds(part, view, department) for part in cond.parts)
        case AnyOf():
            return any(holds(part, view, department) for part in cond.parts)
        case Not():
            return not holds(cond.part, view, department)


def shortfall(cond: Condition, view: View, department: str = "default") -> Reason:
    """Say why a false condition is false: NEEDS_MORE_EVENTS or NOT_NOW.

    It needs more events when something that makes it false is an event, a stall or a sequence
    that is short; a state, too many events and a `not` are no matter of more events.
    """
    short = _is_short(cond, view, department)
    return Reason.NEEDS_MORE_EVENTS if short else Reason.NOT_NOW


def _is_short(cond: Condition, view: View, department: str) -> bool:
    match cond:
        case Counted():
            return tally(view, cond.measure).count < cond.at_least
        case Stall() | Sequence():
            return True
        case AllOf():
            return any(
                _is_short(part, view, department)
                for part in cond.parts
                if not holds(part, view, department)
            )
        case AnyOf():
            return any(_is_short(part, view, department) for part in cond.parts)
        case _:
            return False


def hangs_on_unknown(
    cond: Condition, view: View, department: str, known: Callable[[str], bool]
) -> bool:
    """Return whether the condition is true only because an unknown desk reads as nobody there.

    `known` says whether a department's report is present and fresh.
    """
    return holds(cond, view, department) and _surely(cond, view, department, known) is None


def _surely(
    cond: Condition, view: View, department: str, known: Callable[[str], bool]
) -> bool | None:
    """Read the condition in three values: None where it hangs on what the desk did not say."""
    match cond:
        case StateIs() if cond.state in DESK_STATES and (
            not known(department) or view.state(cond.state, department) is None
        ):
            return None
        case AllOf():
            return _least(_surely(part, view, department, known) for part in cond.parts)
        case AnyOf():
            return _most(_surely(part, view, department, known) for part in cond.parts)
        case Not():
            part = _surely(cond.part, view, department, known)
            return None if part is None else not part
        case InAudience() if cond.audience in view.site.audiences:
            audience = view.site.audiences[cond.audience]
            return _surely(audience.condition, view, department, known)
        case _:
            return holds(cond, view, department)


def _least(answers: Iterable[bool | None]) -> bool | None:
    """Return false if any is, else unknown if any is, else true."""
    seen = set(answers)
    return False if False in seen else None if None in seen else True


def _most(answers: Iterable[bool | None]) -> bool | None:
    """Return true if any is, else unknown if any is, else false."""
    seen = set(answers)
    return True if True in seen else None if None in seen else False
