"""Which rules' `when` holds, for one visitor at one instant: fast by the nets, surely by the tree.

The nets answer; the tree answers instead whenever they cannot, and looks over their shoulder at
about one match in a hundred. The worst that a fault in the extension can do is to cost time.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from engine.match.clues import Clue, Keys
from engine.match.compile import Feature, compile_rules
from engine.match.layout import Group, Needs, lay_out
from engine.match.nets import Net, NetFailed
from engine.match.tree import holds
from engine.model import Rule
from engine.visitor.text import Key
from engine.visitor.view import View

log = logging.getLogger("welltimed.match")

# A little less than one match in a hundred, so that the 99th percentile does not pay for it.
CHECK_EVERY = 128
# Fewer groups of one kind are asked in less time than it takes to gather what to look up.
LOOK_UP_FROM = 8
# How much misbehaviour it takes before the nets are given up for good.
MOST_FAILURES_IN_A_ROW = 5
MOST_MISMATCHES = 3

Messages = dict[int, dict[str, int]]  # net → name of a feature → its rank


class Matcher:
    """The compiled `when` of a folder's rules. Safe for threads and across forks.

    `degraded` says why the tree answers instead of the nets, None while they do; `checked` and
    `mismatches` count the matches compared with the tree, `failures` those that the nets could
    not answer. All counts are this process's own.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        check_every: int = CHECK_EVERY,
        look_up_from: int = LOOK_UP_FROM,
    ) -> None:
        """Compile and self-test. Raises TooManyAlternatives.

        Groups that differ in a value alone are looked up by it where there are `look_up_from`.
        """
        self.degraded: str | None = None
        self.checked = 0
        self.mismatches = 0
        self.failures = 0
        self._rules = tuple(rules)
        program = compile_rules(self._rules)
        self._always = program.always
        self._features: tuple[Feature, ...] = program.features
        self._plans, groups = lay_out(program)
        self._looked_up, asked = _by_clue(groups, look_up_from)
        self._filed = _by_kind(asked)
        self._check_every = check_every
        self._turn = itertools.count()
        self._in_a_row = 0
        # Reentrant, for a signal handler that forks while its own thread is asking.
        self._lock = threading.RLock()
        self._nets: list[Net] = []
        self._closed = False
        self._build()
        # One that is dropped without `close` gives its memory back all the same.
        finalizer = weakref.finalize(self, _close_all, self._nets)
        # Not at exit: a thread that is still asking would find its net gone.
        finalizer.atexit = False  # type: ignore[misc]  # a property, which the stubs do not know
        _live.add(self)

    def match(self, view: View) -> frozenset[int]:
        """Return the indices of the rules whose `when` holds; a rule without one always does."""
        if self.degraded is not None or self._closed:
            return self._by_tree(view)
        try:
            found = self._ask(self._read(view))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the tree still knows
            # Where it does not, the fault is the visitor's and no reason to distrust the nets.
            truth = self._by_tree(view)
            self._note_failure(error)
            return truth
        if next(self._turn) % self._check_every == 0:
            return self._checked_against_tree(found, view)
        return found

    def close(self) -> None:
        """Wait for matches under way, then give back the nets' memory; the tree answers later."""
        with self._lock:
            self._closed = True
            _close_all(self._nets)

    # --- asking the nets --------------------------------------------------------------------

    def _read(self, view: View) -> Messages:
        """Read what the open groups need to know, each feature at most once."""
        ranks: dict[int, int] = {}
        messages: Messages = {}
        features = self._features
        for group in self._open_groups(view, ranks):
            message = messages.setdefault(group.net, {})
            for number, name, floor in group.sends:
                rank = ranks.get(number)
                if rank is None:
                    rank = ranks[number] = features[number].rank(view)
                if rank >= floor:
                    message[name] = rank
        return messages

    def _open_groups(self, view: View, ranks: dict[int, int]) -> Iterator[Group]:
        """Yield the groups of which something may hold; `ranks` remembers what was read."""
        kinds = view.kinds
        for kind, filed in self._filed.items():
            happened = len(kinds.get(kind, ()))
            for least, others, group in filed:
                if least > happened:
                    break  # they are filed by how much they need
                if self._is_open(others, group, view, ranks):
                    yield group
        for clue, looked_up in self._looked_up:
            for key in looked_up.keys() & clue.keys(view):
                for needs, group in looked_up[key]:
                    if self._is_open(needs, group, view, ranks):
                        yield group

    def _is_open(self, needs: Needs, group: Group, view: View, ranks: dict[int, int]) -> bool:
        kinds = view.kinds
        if needs and any(len(kinds.get(name, ())) < many for name, many in needs):
            return False
        if group.gate is None:
            return True
        number, opens = group.gate
        rank = ranks.get(number)
        if rank is None:
            rank = ranks[number] = self._features[number].rank(view)
        return rank >= opens

    def _ask(self, messages: Messages) -> frozenset[int]:
        if not messages:
            return self._always
        found = set(self._always)
        with self._lock:
            if self._closed or not self._nets:
                raise NetFailed("the rules were swapped while this was being matched")
            for number, message in messages.items():
                rules = self._plans[number].rules
                for conjunction in self._nets[number].ask(message):
                    found.update(rules[conjunction])
            self._in_a_row = 0
        return frozenset(found)

    def _build(self) -> None:
        try:
            for plan in self._plans:
                self._nets.append(Net(plan.conjunctions))
        except Exception as error:  # noqa: BLE001 - a service without the extension still serves
            self._degrade(str(error) or repr(error))

    # --- when they cannot -------------------------------------------------------------------

    def _by_tree(self, view: View) -> frozenset[int]:
        return frozenset(
            index
            for index, rule in enumerate(self._rules)
            if rule.when is None or holds(rule.when, view, rule.department)
        )

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            if self._closed or self.degraded is not None:
                return
            self.failures += 1
            self._in_a_row += 1
            log.warning("the nets failed and the interpreter answered: %s", error)
            if self._in_a_row >= MOST_FAILURES_IN_A_ROW:
                self._degrade(f"the nets failed {self._in_a_row} times in a row: {error}")

    def _checked_against_tree(self, found: frozenset[int], view: View) -> frozenset[int]:
        truth = self._by_tree(view)
        with self._lock:
            self.checked += 1
            if truth == found:
                return found
            self.mismatches += 1
            wrong = ", ".join(self._rules[index].id for index in sorted(truth ^ found))
            log.error("the nets and the interpreter disagree about: %s", wrong)
            if self.mismatches >= MOST_MISMATCHES:
                self._degrade(
                    f"the nets and the interpreter disagreed {self.mismatches} times, "
                    f"last about: {wrong}"
                )
        return truth

    def _degrade(self, why: str) -> None:
        self.degraded = why
        log.error("the interpreter answers from now on: %s", why)
        _close_all(self._nets)


# How many events of the kind that it is filed under a group needs, what it needs of others, it.
Filed = tuple[int, Needs, Group]


LookedUp = list[tuple[Clue, dict[Key, list[tuple[Needs, Group]]]]]


def _by_clue(groups: Iterable[Group], least: int) -> tuple[LookedUp, list[Group]]:
    """File groups under what they are looked up by; return those that are asked instead, too."""
    found: dict[Clue, list[tuple[Keys, Group]]] = {}
    asked: list[Group] = []
    for group in groups:
        if group.clue is None:
            asked.append(group)
        else:
            clue, keys = group.clue
            found.setdefault(clue, []).append((keys, group))
    looked_up: LookedUp = []
    for clue, members in found.items():
        if len(members) < least:
            asked.extend(group for _, group in members)
            continue
        by_key: dict[Key, list[tuple[Needs, Group]]] = {}
        for keys, group in members:
            for key in keys:
                by_key.setdefault(key, []).append((group.needs, group))
        looked_up.append((clue, by_key))
    return looked_up, asked


def _by_kind(groups: Iterable[Group]) -> dict[str, list[Filed]]:
    """File each group under a kind of event that it needs, rather any other than page views.

    Those that need no event are filed under no kind, as needing none of it.
    """
    filed: dict[str, list[Filed]] = {}
    for group in groups:
        needs = dict(group.needs)
        kind = min(needs, key=lambda kind: (kind == "page_view", kind), default="")
        least = needs.pop(kind, 0)
        filed.setdefault(kind, []).append((least, tuple(needs.items()), group))
    for members in filed.values():
        members.sort(key=itemgetter(0))
    return filed


def _close_all(nets: list[Net]) -> None:
    while nets:
        try:
            nets.pop().close()
        except Exception as error:  # noqa: BLE001 - memory is lost, and nothing else may be
            log.warning("the memory of a net could not be given back: %s", error)


# --- forks ----------------------------------------------------------------------------------
# A child must not inherit a lock that a thread it does not have will never release, nor a net
# in the middle of a question: a fork waits for every matcher, as `logging` does for its handlers.

_live: weakref.WeakSet[Matcher] = weakref.WeakSet()
_forking = threading.RLock()
_held: list[Matcher] = []


def _before_fork() -> None:
    _forking.acquire()
    for matcher in list(_live):
        matcher._lock.acquire()  # noqa: SLF001 - the same module's own lock
        _held.append(matcher)


def _after_fork() -> None:
    while _held:
        _held.pop()._lock.release()  # noqa: SLF001 - as above
    _forking.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
