"""The matcher under threads, forks, reloads and a broken extension: right every time."""

from __future__ import annotations

import gc
import os
import signal
import threading
from random import Random

import pytest
from match_worlds import PAGES_OF_SITE, SITE, Visitor, rule
from test_match_nets import Flaky, random_rules

from engine.match import matcher as module
from engine.match import nets
from engine.match.matcher import CHECK_EVERY, MOST_FAILURES_IN_A_ROW, MOST_MISMATCHES, Matcher
from engine.model import Compare, StateIs
from engine.visitor.view import View

RICH = StateIs("score", Compare(at_least=100))


@pytest.fixture(scope="module")
def world():
    """Return rules, visitors and the right answers."""
    rnd = Random(9)
    rules = random_rules(rnd, 80)
    visitors = [Visitor(rnd) for _ in range(60)]
    reference = Matcher(rules)
    truths = [reference._by_tree(visitor.view()) for visitor in visitors]
    reference.close()
    assert len(set(truths)) > 40
    return rules, visitors, truths


def all_right(matcher, world):
    _, visitors, truths = world
    return [matcher.match(visitor.view()) for visitor in visitors] == truths


# --- threads and processes ------------------------------------------------------------------


def test_eight_threads_share_one_matcher(world):
    """8 threads asking one matcher all get the right answers, and none fails over."""
    matcher = Matcher(world[0])
    wrong = []

    def ask():
        wrong.extend(1 for _ in range(15) if not all_right(matcher, world))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (matcher.degraded, matcher.failures, matcher.mismatches) == (None, 0, 0)
    assert matcher.checked == -(-8 * 15 * 60 // CHECK_EVERY)
    matcher.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_matching_leaves_a_working_child(world):
    """Children forked while other threads ask the nets can ask them too, and close them.

    The threads ask about views that are read already: what is forked into is the nets.
    """
    matcher, stop = Matcher(world[0], check_every=10**9), threading.Event()
    views = [visitor.view() for visitor in world[1]]
    assert [matcher.match(view) for view in views] == world[2]

    def ask():
        while not stop.is_set():
            for view in views:
                matcher.match(view)

    def use_and_close():
        right = all_right(matcher, world) and matcher.failures == 0
        matcher.close()
        return right

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    outcomes = [_in_child(use_and_close) for _ in range(12)]
    stop.set()
    for thread in threads:
        thread.join()
    assert outcomes == [0] * 12
    assert all_right(matcher, world)
    matcher.close()


def _in_child(check):
    """Return 0 when the check is true in a forked child, which is killed if it hangs."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_reload_under_way_disturbs_nobody(world):
    """Closing a matcher that others still ask waits for them; later questions go to the tree."""
    rules = world[0]
    current, wrong, stop = [Matcher(rules)], [], threading.Event()

    def ask():
        while not stop.is_set():
            wrong.extend([] if all_right(current[0], world) else [1])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        old, current[0] = current[0], Matcher(rules)
        old.close()
        assert all_right(old, world)
        assert (old.failures, old.degraded) == (0, None)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    current[0].close()


def test_closing_waits_for_a_match_under_way(monkeypatch):
    """A net is not taken from under a question: `close` returns after the answer."""
    matcher, real = Matcher([rule(0, RICH)]), nets.Net.ask
    asking, answer, order = threading.Event(), threading.Event(), []

    def ask(net, ranks):
        asking.set()
        assert answer.wait(20)
        found = real(net, ranks)
        order.append("answered")
        return found

    def close():
        matcher.close()
        order.append("closed")

    monkeypatch.setattr(nets.Net, "ask", ask)
    visitor, found = Visitor(Random(1)), []
    visitor.profile.verified = {"score": 100}
    asker = threading.Thread(target=lambda: found.append(matcher.match(visitor.view())))
    closer = threading.Thread(target=close)
    asker.start()
    assert asking.wait(20)
    closer.start()
    closer.join(0.05)  # long enough for a `close` that does not wait to be over
    answer.set()
    asker.join()
    closer.join()
    assert order == ["answered", "closed"]
    assert (found, matcher.failures) == ([{0}], 0)


def test_a_matcher_that_is_dropped_gives_its_nets_back(world, monkeypatch):
    """Forgetting `close` leaks nothing: the nets are closed with the matcher."""
    closed = []

    def close(net):
        closed.append(net)

    monkeypatch.setattr(nets.Net, "close", close)
    matcher = Matcher(world[0])
    built = set(matcher._nets)
    assert len(built) > 1
    del matcher
    gc.collect()
    assert built <= set(closed)


# --- a broken extension ---------------------------------------------------------------------


def test_without_the_extension_the_tree_answers(world, monkeypatch):
    """Where durable-rules cannot be loaded the matcher says so and is right all the same."""
    monkeypatch.setattr(nets, "extension", None)
    monkeypatch.setattr(nets, "why_missing", "durable-rules cannot be loaded: no such file")
    matcher = Matcher(world[0])
    assert matcher.degraded == "durable-rules cannot be loaded: no such file"
    assert all_right(matcher, world)
    assert matcher.checked == 0
    matcher.close()


def test_an_extension_that_fails_its_self_test_is_not_trusted(world, monkeypatch):
    """A net whose canary does not sing degrades the whole ruleset at load."""
    flaky = Flaky(nets.extension)
    flaky.start_action_for_state = lambda handle, state: None
    monkeypatch.setattr(nets, "extension", flaky)
    matcher = Matcher(world[0])
    assert "self-test" in matcher.degraded
    assert all_right(matcher, world)


def test_a_failing_match_is_answered_by_the_tree_and_counted(world, monkeypatch):
    """One failure costs nothing but time; several in a row end the trust in the nets."""
    flaky = Flaky(nets.extension)
    monkeypatch.setattr(nets, "extension", flaky)
    matcher = Matcher([rule(0, RICH), rule(1, None)])
    visitor = Visitor(Random(1))
    visitor.profile.verified = {"score": 100}
    for failures in range(1, MOST_FAILURES_IN_A_ROW + 1):
        assert matcher.degraded is None
        flaky.failing = "assert_fact"
        assert matcher.match(visitor.view()) == {0, 1}
        assert matcher.failures == failures
    assert "5 times in a row: assert_fact failed" in matcher.degraded
    assert matcher.match(visitor.view()) == {0, 1}
    assert matcher.failures == MOST_FAILURES_IN_A_ROW


def test_a_success_in_between_keeps_the_nets(world, monkeypatch):
    """Failures that do not come in a row are counted and forgiven."""
    flaky = Flaky(nets.extension)
    monkeypatch.setattr(nets, "extension", flaky)
    matcher = Matcher([rule(0, RICH)])
    visitor = Visitor(Random(1))
    visitor.profile.verified = {"score": 100}
    for turn in range(4 * MOST_FAILURES_IN_A_ROW):
        flaky.failing = None if turn % 2 else "complete_and_start_action"
        assert matcher.match(visitor.view()) == {0}
    assert matcher.failures == 2 * MOST_FAILURES_IN_A_ROW
    assert matcher.degraded is None
    matcher.close()


def test_a_net_that_cannot_be_closed_stops_nothing(world, monkeypatch):
    """A failing close costs memory and a line in the log, never a decision or a reload."""
    flaky = Flaky(nets.extension)
    monkeypatch.setattr(nets, "extension", flaky)
    matcher = Matcher(world[0])
    flaky.failing = "delete_state"
    matcher.close()
    assert matcher._nets == []
    assert all_right(matcher, world)


def test_a_visitor_that_cannot_be_read_is_not_the_nets_fault(world):
    """What the tree cannot read either is raised, and leaves the trust in the nets alone."""
    matcher = Matcher([rule(0, RICH)])

    class Broken(View):
        def state(self, name, department="default"):
            raise KeyError(name)

    visitor = Visitor(Random(1))
    broken = Broken(visitor.profile, SITE, PAGES_OF_SITE, visitor.now)
    for _ in range(2 * MOST_FAILURES_IN_A_ROW):
        with pytest.raises(KeyError):
            matcher.match(broken)
    assert (matcher.degraded, matcher.failures) == (None, 0)
    matcher.close()


def test_a_lying_net_is_overruled_counted_and_given_up(world, monkeypatch):
    """A match that is checked and differs is answered as the tree says; the third ends it."""
    matcher = Matcher(world[0], check_every=1)
    monkeypatch.setattr(nets.Net, "ask", lambda self, ranks: [])
    wrong = 0
    for visitor, truth in zip(world[1], world[2], strict=True):
        assert matcher.match(visitor.view()) == truth
        wrong = matcher.mismatches
    assert wrong == MOST_MISMATCHES
    assert "disagreed 3 times" in matcher.degraded


def test_about_one_match_in_a_hundred_is_checked(world):
    """The first match and every 128th after it are compared with the tree."""
    matcher = Matcher(world[0])
    for turn in range(301):
        matcher.match(world[1][turn % 60].view())
    assert matcher.checked == 3
    matcher.close()


def test_rules_that_always_hold_need_no_question():
    """A ruleset without conditions has no nets and matches everyone."""
    matcher = Matcher([rule(0, None), rule(1, None)])
    assert matcher._nets == []
    assert matcher.match(Visitor(Random(3)).view()) == {0, 1}
    assert Matcher([]).match(Visitor(Random(3)).view()) == frozenset()


def test_a_net_is_asked_only_when_something_of_it_may_hold(world, monkeypatch):
    """Rules about what has not happened cost no question."""
    asked = []
    real = nets.Net.ask
    monkeypatch.setattr(nets.Net, "ask", lambda self, ranks: asked.append(1) or real(self, ranks))
    matcher = Matcher([rule(0, RICH)])
    visitor = Visitor(Random(1))
    visitor.profile.verified = {"score": 99}
    assert matcher.match(visitor.view()) == frozenset()
    assert asked == []
    visitor.profile.verified = {"score": 100}
    assert matcher.match(visitor.view()) == {0}
    assert asked == [1]
    matcher.close()


def test_forks_wait_for_every_living_matcher():
    """The fork handlers hold and release each matcher's lock, and forget the dead ones."""
    matcher = Matcher([rule(0, RICH)])
    module._before_fork()
    assert matcher in module._held
    free = []
    thread = threading.Thread(target=lambda: free.append(matcher._lock.acquire(blocking=False)))
    thread.start()
    thread.join()
    assert free == [False]
    module._after_fork()
    assert module._held == []
    matcher.close()
