"""The site's guardrails: suppressions, which no rule can override.

All the parts that a suppression gives must hold for it to match. A match vetoes prompts, hides
the chat widget, or both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine import spans
from engine.gates import schedule
from engine.match import ahead, tree
from engine.model import Reason, Site, Suppression
from engine.spans import Spans
from engine.visitor.view import View


@dataclass(frozen=True, slots=True)
class Veto:
    """The first suppression that holds a prompt back; `index` is its place in the file."""

    name: str
    reason: Reason
    index: int


def first_veto(
    site: Site, view: View, department: str, known: Callable[[str], bool]
) -> Veto | None:
    """Return the first suppression in file order that vetoes prompts now, or None.

    `department` is whose desk states count; `known` says whether a department has reported
    lately. The reason is SUPPRESSED, or AVAILABILITY_UNKNOWN where the suppression matches only
    because an unknown desk reads as nobody being there.
    """
    for index, suppression in enumerate(site.suppress):
        if suppression.hides_prompt and matches(suppression, site, view, department):
            hangs = suppression.condition is not None and tree.hangs_on_unknown(
                suppression.condition, view, department, known
            )
            reason = Reason.AVAILABILITY_UNKNOWN if hangs else Reason.SUPPRESSED
            return Veto(suppression.name, reason, index)
    return None


def widget_hidden(site: Site, view: View) -> bool:
    """Say whether the bare chat widget is hidden now; desk states are those of `default`.

    A chat that is open is never taken away: its widget stays.
    """
    hides = any(
        suppression.hides_widget and matches(suppression, site, view, "default")
        for suppression in site.suppress
    )
    return hides and view.state("chat_active") is not True


def matches(suppression: Suppression, site: Site, view: View, department: str) -> bool:
    """Say whether all the parts of a suppression hold now."""
    outside = suppression.outside
    if outside is not None and schedule.is_inviting(site.schedules[outside], view.now):
        return False
    return all(
        tree.holds(part, view, department)
        for part in (suppression.where, suppression.who, suppression.condition)
        if part is not None
    )


def veto_free_spans(site: Site, view: View, department: str, until: int) -> Spans:
    """Return when, from now to `until` inclusive (ms), no suppression would veto a prompt.

    Nothing else happens until then; the desk stays as it is.
    """
    now, end = view.now, until + 1
    free = spans.always(now, end)
    for suppression in site.suppress:
        if not free:
            break
        if suppression.hides_prompt:
            held = _spans(suppression, site, view, department, until)
            free = spans.intersect(free, spans.complement(held, now, end))
    return free


def _spans(suppression: Suppression, site: Site, view: View, department: str, until: int) -> Spans:
    """Return when a suppression matches, from now to `until` inclusive."""
    now, end = view.now, until + 1
    held = spans.always(now, end)
    if suppression.outside is not None:
        inviting = schedule.inviting_spans(site.schedules[suppression.outside], now, end)
        held = spans.complement(inviting, now, end)
    for part in (suppression.where, suppression.who, suppression.condition):
        if part is not None and held:
            held = spans.intersect(held, ahead.spans(part, view, department, until))
    return held
