"""Simple reasoning about conditions: what certainly follows from what.

Only what is certain counts: "no" means "not known to follow".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Counted,
    Not,
    Sequence,
    Stall,
    StateIs,
    Window,
)


def mentions(condition: Condition) -> Iterator[Condition]:
    """Give a condition and every condition inside it, the pages of events among them."""
    yield condition
    inner: tuple[Condition | None, ...] = ()
    match condition:
        case AllOf(parts) | AnyOf(parts):
            inner = tuple(parts)
        case Not(part):
            inner = (part,)
        case Counted(measure):
            inner = (measure.where,)
        case Stall(first):
            inner = (first.where,)
        case Sequence(steps):
            inner = tuple(step.where for step in steps)
        case _:
            pass
    for each in inner:
        if each is not None:
            yield from mentions(each)


def conjuncts(condition: Condition | None) -> Iterator[Condition]:
    """Give the parts that must all hold."""
    if isinstance(condition, AllOf):
        for part in condition.parts:
            yield from conjuncts(part)
    elif condition is not None:
        yield condition


def implies(given: Condition | None, then: Condition | None) -> bool:
    """Say whether `then` certainly holds whenever `given` does; None always holds."""
    if then is None or given == then:
        return True
    if isinstance(then, AllOf):
        return all(implies(given, part) for part in then.parts)
    if isinstance(given, AnyOf):
        return all(implies(part, then) for part in given.parts)
    if isinstance(then, AnyOf) and any(implies(given, part) for part in then.parts):
        return True
    match given, then:
        case None, _:
            return False
        case AllOf(parts), _:
            return any(implies(part, then) for part in parts)
        case Not(inner), Not(outer):
            return implies(outer, inner)
        case Counted(), Counted():
            return _counts_imply(given, then)
        case Stall(), Stall():
            return (
                (given.first, given.then) == (then.first, then.then)
                and then.lasting <= given.lasting
                and _reaches(given.within, then.within)
            )
        case StateIs(), StateIs():
            return given.state == then.state and _compare_implies(given.compare, then.compare)
        case _:
            return False


def _reaches(narrow: Window, wide: Window) -> bool:
    if isinstance(narrow, int) and isinstance(wide, int):
        return narrow <= wide
    return narrow == wide


def _counts_imply(given: Counted, then: Counted) -> bool:
    same_window = replace(given.measure, within=then.measure.within) == then.measure
    if not same_window:
        return False
    if given.measure.within == then.measure.within:
        fewer = then.at_most is None or (
            given.at_most is not None and given.at_most <= then.at_most
        )
        return then.at_least <= given.at_least and fewer
    wider = _reaches(given.measure.within, then.measure.within)
    narrower = _reaches(then.measure.within, given.measure.within)
    if then.at_most is None:
        return wider and then.at_least <= given.at_least
    return (
        narrower and then.at_least == 0 and given.at_most is not None
        and given.at_most <= then.at_most
    )  # fmt: skip


def _compare_implies(given: Compare, then: Compare) -> bool:
    if (then.contains, then.not_) not in ((None, None), (given.contains, given.not_)):
        return False
    if then.is_ is not None and not (given.is_ is not None and set(given.is_) <= set(then.is_)):
        return False
    if then.at_least is not None and (given.at_least is None or given.at_least < then.at_least):
        return False
    return then.at_most is None or (given.at_most is not None and given.at_most <= then.at_most)
