"""What rules would have done: a recorded clickstream through the real decision.

Rows run by visitor, time and row number, with one decision after each and one at every
`check_again_in` until the session's end. Caps and answers are simulated: a prompt is confirmed
at once and left unanswered.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

from engine.errors import WelltimedError
from engine.model import Reason
from engine.replay.gather import in_order
from engine.replay.steps import Replay, Step
from engine.replay.tallies import Firing, RuleCount, Summary
from engine.ruleset import Ruleset
from engine.visitor.profile import Event
from engine.visitor.sessions import derive

Visitors = Mapping[str, Sequence[Event]]
Fired = Callable[[Firing], None]

_PART = 500  # events that one process takes at a time, at least


def run(
    ruleset: Ruleset,
    visitors: Visitors,
    *,
    fired: Fired = lambda _: None,
    progress: Callable[[int], object] = lambda _: None,
    jobs: int = 1,
) -> Summary:
    """Replay every visitor; `progress` is told how many rows each stretch of them took.

    With several `jobs` as many processes share the visitors. The counts, and the order in which
    `fired` is told, are the same whatever their number. Raises WelltimedError when one dies.
    """
    summary = _empty(ruleset)
    for part in _parts(ruleset, visitors, jobs):
        summary.add(part.summary)
        for firing in part.firings:
            fired(firing)
        progress(part.summary.events + part.summary.repeated)
    return summary


class _Part(NamedTuple):
    summary: Summary
    firings: list[Firing]


def _empty(ruleset: Ruleset) -> Summary:
    return Summary(rules={rule.id: RuleCount() for rule in ruleset.rules})


def _parts(ruleset: Ruleset, visitors: Visitors, jobs: int) -> Iterator[_Part]:
    stretches = _stretches(visitors)
    if jobs <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        for names in stretches:
            yield _replay(ruleset, visitors, names)
        return
    # A forked child has the rules and the rows already: nothing but names travels to it.
    _shared[:] = [(ruleset, visitors)]
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("fork"), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    )
    try:
        yield from pool.map(_replay_shared, stretches)
    except BrokenProcessPool:
        raise WelltimedError(
            "a process of the backtest was ended from outside, perhaps for want of memory; "
            "try --jobs 1, or a part of the recording"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
        _shared.clear()


_shared: list[tuple[Ruleset, Visitors]] = []


def _replay_shared(names: Sequence[str]) -> _Part:
    ruleset, visitors = _shared[0]
    return _replay(ruleset, visitors, names)


def _stretches(visitors: Visitors) -> Iterator[list[str]]:
    """Cut the visitors, in order, into stretches with enough rows to be worth handing over."""
    names: list[str] = []
    rows = 0
    for name, events in visitors.items():
        names.append(name)
        rows += len(events)
        if rows >= _PART:
            yield names
            names, rows = [], 0
    if names:
        yield names


def _replay(ruleset: Ruleset, visitors: Visitors, names: Sequence[str]) -> _Part:
    part = _Part(_empty(ruleset), [])
    for name in names:
        _replay_one(ruleset, name, visitors[name], part)
    return part


def _replay_one(ruleset: Ruleset, visitor: str, rows: Sequence[Event], part: _Part) -> None:
    summary, firings = part
    events = in_order(rows)
    summary.visitors += 1
    summary.events += len(events)
    summary.repeated += len(rows) - len(events)
    summary.sessions += _sessions(events, ruleset.site.session_timeout)
    summary.covers(events[0].at, events[-1].at)
    triggered: set[str] = set()
    for step in Replay(ruleset, visitor).steps(events):
        decision = step.outcome.decision
        if decision.show and decision.rule is not None:
            summary.rules[decision.rule].shown += 1
            summary.shown_to.setdefault(decision.rule, set()).add(visitor)
        for firing in _firings(ruleset, visitor, step):
            summary.rules[firing.rule].fired(firing)
            triggered.add(firing.rule)
            firings.append(firing)
    for rule in triggered:
        summary.rules[rule].visitors += 1


def _sessions(events: Sequence[Event], timeout: int) -> int:
    return len(derive(sorted(events, key=lambda event: (event.at, event.id)), timeout).all)


def _firings(ruleset: Ruleset, visitor: str, step: Step) -> Iterator[Firing]:
    for index in step.triggered:
        refusal = step.outcome.refusals.get(index)
        reason, by = (refusal.reason, refusal.by) if refusal else (Reason.SHOWN, None)
        at, rule = step.outcome.decision.at, ruleset.rules[index].id
        yield Firing(visitor, at, rule, refusal is None, reason, by)
