"""How often is enough: reservations, a rule's limit, the site's caps, and cooldowns.

Everything is derived from the exposures and events that a view sees. Each reason to hold a rule
is worked out as the stretch of time in which it stands if nothing else happens, so that
`refusal` (does one stand now?) and `free_spans` (when does none?) are one definition.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from engine import spans
from engine.clock import SECOND
from engine.events import CHAT_EVENTS, PASSIVE_EVENTS
from engine.gates.refusal import Refusal
from engine.model import Cap, Cooldown, Reason, Rule, Site, Span
from engine.spans import EMPTY, Spans
from engine.visitor.sessions import derive
from engine.visitor.view import View

RESERVATION = 60 * SECOND  # how long a prompt is held for the page to confirm, beside its delay

ANSWERS = ("prompt_accepted", "prompt_dismissed", "chat_started")

_at = attrgetter("at")


class Prompt(NamedTuple):
    """A prompt that counts from `at` (ms) on.

    `site` says whether it counts towards the site's caps, beside its rule's limit; a silent one
    was held out and never seen. `lapses` is when it stops counting unless it is confirmed.
    """

    at: int
    rule: str | None
    site: bool
    silent: bool
    lapses: int | None


def prompts(view: View) -> list[Prompt]:
    """Return the prompts that count at `view.now`, oldest first.

    Prompts decided after `now` count too (two decisions may be taken out of order), but for a
    view in hindsight, which sees neither them nor confirmations after `now`.
    """
    counting: list[Prompt] = []
    for exposure in view.exposures:
        shown_at, lapses = exposure.shown_at, None
        if exposure.held is None and (shown_at is None or (view.hindsight and shown_at > view.now)):
            lapses = exposure.at + RESERVATION + exposure.delay
            if lapses <= view.now:
                continue
        site, silent = exposure.held != "rule", exposure.held is not None
        counting.append(Prompt(exposure.at, exposure.rule, site, silent, lapses))
    counting.sort(key=_at)
    return counting


def refusal(rule: Rule, site: Site, view: View) -> Refusal | None:
    """Refuse a rule while a reservation is open, a limit or cap is full, or a cooldown runs."""
    for reason, held in _reasons(rule, site, view, view.now + 1):
        if held:
            return reason
    return None


def free_spans(rule: Rule, site: Site, view: View, until: int) -> Spans:
    """Return when, from now to `until` inclusive (ms), `refusal` would be None.

    Nothing else happens until then: reservations lapse and give their caps back, windows slide,
    the session ends.
    """
    end = until + 1
    held = spans.union(*(stretch for _, stretch in _reasons(rule, site, view, end)))
    return spans.complement(held, view.now, end)


def _reasons(rule: Rule, site: Site, view: View, end: int) -> Iterator[tuple[Refusal, Spans]]:
    """Yield every reason to hold the rule, in order, with when it stands in [now, end)."""
    counting = prompts(view)
    if counting:
        lapse = max((p.lapses for p in counting if p.lapses is not None), default=view.now)
        yield Refusal(Reason.CAPPED, "reserved"), _until(view, lapse, end)
        own = [prompt for prompt in counting if prompt.rule == rule.id]
        for cap in rule.limits:
            yield Refusal(Reason.CAPPED, cap.text), _full(cap, own, view, end)
        all_rules = [prompt for prompt in counting if prompt.site]
        for cap in site.caps:
            yield Refusal(Reason.CAPPED, cap.text), _full(cap, all_rules, view, end)
    yield from _cooldowns(site.cooldown, counting, view, end)


def _until(view: View, instant: int, end: int) -> Spans:
    return spans.always(view.now, min(instant, end))


# --- caps -----------------------------------------------------------------------------------


def _full(cap: Cap, counting: Sequence[Prompt], view: View, end: int) -> Spans:
    """Return when the cap is full: until so many have left its window that one fits in."""
    leaving = sorted((_leaves(prompt, cap, view, end) for prompt in counting), reverse=True)
    if cap.times > len(leaving):
        return EMPTY
    return _until(view, leaving[cap.times - 1], end)


def _leaves(prompt: Prompt, cap: Cap, view: View, end: int) -> int:
    """Return when a prompt stops counting for a cap; `end` or later where time never ends it."""
    leaves = end
    if isinstance(cap.within, Span):
        if not _in_span(prompt, cap.within, view):
            return view.now
        if cap.within is Span.SESSION:
            ends_at = view.session_ends_at
            leaves = view.now if ends_at is None else ends_at
    elif cap.within is not None:
        leaves = prompt.at + cap.within
    return leaves if prompt.lapses is None else min(leaves, prompt.lapses)


def _in_span(prompt: Prompt, span: Span, view: View) -> bool:
    if span is Span.SESSION:
        return view.session is not None and _session_at(prompt.at, view) == view.session.index
    opened = view.newest("page_view")
    return opened is not None and prompt.at >= opened.at


def _session_at(at: int, view: View) -> int | None:
    """Return the index of the session that went on at an instant, by the events before it."""
    events, sessions = view.events, view.sessions
    if at > view.now and len(view.profile.events) > len(events):
        # A decision taken later, for events that this view does not see.
        events = view.profile.events
        sessions = derive(events, sessions.timeout)
    position = bisect_right(events, at, key=_at) - 1
    while position >= 0 and events[position].kind in PASSIVE_EVENTS:
        position -= 1
    if position < 0 or at - events[position].at >= sessions.timeout:
        return None
    return sessions.of[position]


# --- cooldowns ------------------------------------------------------------------------------


def _cooldowns(
    cooldown: Cooldown, counting: Sequence[Prompt], view: View, end: int
) -> Iterator[tuple[Refusal, Spans]]:
    if cooldown.after_dismissal is not None:
        last = _newest(view, ("prompt_dismissed",))
        over = view.now if last is None else last + cooldown.after_dismissal
        yield Refusal(Reason.COOLING_DOWN, "after_dismissal"), _until(view, over, end)
    if cooldown.after_chat is not None:
        last = _newest(view, CHAT_EVENTS)
        over = view.now if last is None else last + cooldown.after_chat
        yield Refusal(Reason.COOLING_DOWN, "after_chat"), _until(view, over, end)
    if cooldown.ignored_times and cooldown.after_ignored is not None:
        ignored = _ignored(cooldown.ignored_times, cooldown.after_ignored, counting, view, end)
        yield Refusal(Reason.COOLING_DOWN, "after_ignored"), ignored


def _newest(view: View, kinds: Iterable[str]) -> int | None:
    newest = [event.at for event in map(view.newest, kinds) if event is not None]
    return max(newest, default=None)


def _ignored(times: int, silence: int, counting: Sequence[Prompt], view: View, end: int) -> Spans:
    """Return when the newest `times` prompts stand unanswered and the last is `silence` old.

    A reservation that lapses is a prompt no more, and changes which ones are the newest.
    """
    seen = [prompt for prompt in counting if not prompt.silent]
    if len(seen) < times:
        return EMPTY
    answers = sorted(event.at for kind in ANSWERS for event in view.of(kind))
    lapses = {p.lapses for p in seen if p.lapses is not None and p.lapses < end}
    changes = sorted({view.now, *lapses})
    held: list[tuple[int, int]] = []
    for start, stop in zip(changes, [*changes[1:], end], strict=True):
        standing = [p.at for p in seen if p.lapses is None or p.lapses > start]
        if len(standing) >= times and _unanswered(standing[-times:], answers):
            held.append((start, min(stop, standing[-1] + silence)))
    return spans.normal(held)


def _unanswered(newest: Sequence[int], answers: Sequence[int]) -> bool:
    """Say whether no answer came to any of these prompts before the next one did."""
    for at, following in zip(newest, [*newest[1:], math.inf], strict=True):
        answer = bisect_left(answers, at)
        if answer < len(answers) and answers[answer] < following:
            return False
    return True
