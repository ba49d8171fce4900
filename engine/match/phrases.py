"""The words in which conditions are told: what was written, read back as a sentence."""

from __future__ import annotations

from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.events import STANDARD_STATES, StateType
from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Counted,
    Fields,
    InAudience,
    InGroup,
    Measure,
    Not,
    Scalar,
    Sequence,
    Span,
    Stall,
    StateIs,
    Step,
    Window,
)

_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))


def duration(span: int) -> str:
    """Say a span of ms exactly: `90 seconds`, `30 days`, `1 hour 30 minutes 5 seconds`."""
    return _span(span, parts=len(_UNITS) + 1)


def roughly(span: int) -> str:
    """Say a span of ms by its two largest units."""
    return _span(span, parts=2)


def _span(span: int, *, parts: int) -> str:
    if span < 2 * MINUTE and span % MINUTE:
        return _several(span / SECOND, "second")
    said = []
    for unit, name in _UNITS:
        count, span = divmod(span, unit)
        if count:
            said.append(_several(count, name))
    if span or not said:
        said.append(_several(span / SECOND, "second"))
    return " ".join(said[:parts])


def number(value: float) -> str:
    """Say a number without needless decimals."""
    if abs(value) >= 1e15:
        return f"{value:g}"
    return f"{value:.3f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def value_text(value: Scalar) -> str:
    """Say a value as it would be written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number(value)


def window(within: Window) -> str:
    """Say a look-back window."""
    if within is Span.SESSION:
        return "in this session"
    if within is Span.PAGE:
        return "on this page"
    return f"in {duration(within)}"


def wish(compare: Compare, *, timed: bool = False) -> str:
    """Say what a value should be; `timed`: its numbers are ms."""
    said = []
    if compare.is_ is not None:
        said.append(_either(compare.is_))
    if compare.not_ is not None:
        said.append(f"not {_either(compare.not_)}")
    for word, bound in (("at least", compare.at_least), ("at most", compare.at_most)):
        if bound is not None:
            said.append(f"{word} {duration(round(bound)) if timed else number(bound)}")
    if compare.contains is not None:
        said.append(f"containing {_either(compare.contains)}")
    return " and ".join(said) or "known"


def subject(measure: Measure, group: str | None = None) -> str:
    """Say what is counted: `product_view, same product 4471`."""
    said = _event(measure.event, measure.fields, measure.where)
    if measure.same:
        said += f", same {measure.same}"
        if group is not None:
            said += f" {group}"
    return said


def distinct_noun(measure: Measure) -> str:
    """Say what of the events is counted, with a blank before it; nothing for the events."""
    if measure.different is None:
        return ""
    if measure.different == "session":
        return " different sessions"
    return f" different values of {measure.different}"


def count_wanted(cond: Counted) -> str:
    """Say the thresholds: `at least 3 different sessions in 30 days`."""
    said = []
    if cond.at_least or cond.at_most is None:
        said.append(f"at least {cond.at_least}")
    if cond.at_most is not None:
        said.append(f"at most {cond.at_most}")
    return f"{' and '.join(said)}{distinct_noun(cond.measure)} {window(cond.measure.within)}"


def step_line(step: Step) -> str:
    """Say one event of a sequence or a stall."""
    return _event(step.event, step.fields, step.where)


def page_line(cond: Condition) -> str:
    """Say a choice of page groups: `pricing or home`."""
    match cond:
        case InGroup(group):
            return group
        case AllOf(parts):
            return " and ".join(map(page_line, parts))
        case AnyOf(parts):
            return " or ".join(map(page_line, parts))
        case Not(part):
            return f"not {page_line(part)}"
        case _:
            return condition_line(cond)


def condition_line(cond: Condition) -> str:
    """Say a condition in one line, without what is true of anyone."""
    match cond:
        case Counted(measure):
            return f"{subject(measure)}: {count_wanted(cond)}"
        case Stall(first, then, lasting, within):
            wait = f" for {duration(lasting)}" if lasting else ""
            return f"{step_line(first)} not followed by {then}{wait}, {window(within)}"
        case Sequence(steps, within):
            return f"{', then '.join(map(step_line, steps))}, {window(within)}"
        case StateIs(state, compare):
            return f"{state} {wish(compare, timed=_is_timed(state))}"
        case InGroup(group):
            return f"page in {group}"
        case InAudience(audience):
            return f"visitor in {audience}"
        case AllOf(parts):
            return f"all of ({'; '.join(map(condition_line, parts))})"
        case AnyOf(parts):
            return f"any of ({'; '.join(map(condition_line, parts))})"
        case Not(part):
            return f"not ({condition_line(part)})"


def _event(event: str, fields: Fields, where: Condition | None) -> str:
    said = event
    if fields:
        said += " with " + " and ".join(f"{name} {wish(compare)}" for name, compare in fields)
    if where is not None:
        said += f" on {page_line(where)}"
    return said


def _is_timed(state: str) -> bool:
    kind = STANDARD_STATES.get(state)
    return kind is not None and kind.type in (StateType.CLOCK, StateType.DURATION)


def _either(values: tuple[Scalar, ...]) -> str:
    return " or ".join(map(value_text, values))


def _several(count: float, unit: str) -> str:
    return f"{number(count)} {unit}" if count == 1 else f"{number(count)} {unit}s"
