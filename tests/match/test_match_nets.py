"""The nets: durable-rules answers as the tree does, and leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from match_worlds import Visitor, condition, rule

from engine.match import nets
from engine.match.compile import TooManyAlternatives, alternatives
from engine.match.matcher import LOOK_UP_FROM, Matcher
from engine.match.nets import FUNCTIONS, Net, NetFailed, fnv1a

CASES = int(os.environ.get("WELLTIMED_TEST_MATCH_CASES", "20000"))
SEED = int(os.environ.get("WELLTIMED_TEST_MATCH_SEED", "2026"))
# More than 60 conjunctions of the larger ones make several nets.
SIZES = (1, 2, 5, 10, 20, 60)
VISITORS = 80


def random_rules(rnd, size):
    """Return a ruleset of random trees, half of them in another department."""
    rules = []
    while len(rules) < size:
        when = condition(rnd) if rnd.random() < 0.98 else None
        try:
            alternatives(when) if when else None
        except TooManyAlternatives:
            continue
        rules.append(rule(len(rules), when, rnd.choice(("default", "sales"))))
    return rules


@pytest.mark.slow
def test_nets_and_tree_never_disagree():
    """Random trees × random visitors: 20,000 matches of 1 to 60 rules, nets == tree in each.

    More with WELLTIMED_TEST_MATCH_CASES, others with WELLTIMED_TEST_MATCH_SEED.
    """
    rnd, ran, true, sets = Random(SEED), 0, 0, 0
    while ran < CASES:
        # Every other set is looked up by clues wherever there is one.
        least = 1 if sets % 2 else LOOK_UP_FROM
        rules = random_rules(rnd, SIZES[sets % len(SIZES)])
        matcher = Matcher(rules, check_every=1, look_up_from=least)
        assert matcher.degraded is None
        for _ in range(min(VISITORS, CASES - ran)):
            found = matcher.match(Visitor(rnd).view())
            ran, true = ran + 1, true + len(found)
        # Every single match was compared, and none was answered by the tree instead.
        assert (matcher.mismatches, matcher.failures) == (0, 0)
        assert matcher.checked == min(VISITORS, ran - VISITORS * sets)
        matcher.close()
        sets += 1
    assert ran == CASES
    assert true > CASES


def test_the_extension_has_the_functions_that_are_used():
    """durable-rules' private surface is frozen at 2.0.28; these are the parts in use."""
    assert nets.extension is not None, nets.why_missing
    for name in FUNCTIONS:
        assert callable(getattr(nets.extension, name)), name


def test_terms_mean_at_least_and_below():
    """A conjunction holds when every rank is in its bounds; silence satisfies no term."""
    net = Net([(("f0", 2, None),), (("f0", 1, 3), ("f1", 0, 2))])
    assert net.ask({"f0": 2, "f1": 1}) in ([0, 1], [1, 0])
    assert net.ask({"f0": 3, "f1": 1}) == [0]
    assert net.ask({"f0": 1, "f1": 0}) == [1]
    assert net.ask({"f0": 1, "f1": 2}) == []
    assert net.ask({"f1": 1}) == []
    assert net.ask({}) == []
    net.close()


def test_a_full_net_can_match_all_at_once():
    """All 60 conjunctions of 24 bounds may be true together: the extension's limits are not met."""
    net = Net([tuple((f"f{n}", 1, 9) for n in range(start, start + 24)) for start in range(60)])
    ranks = {f"f{n}": 5 for n in range(84)}
    for _ in range(50):
        assert sorted(net.ask(ranks)) == list(range(60))
    net.close()


def test_names_that_the_extension_would_confuse_are_refused():
    """Names are told apart by a 32-bit hash alone, so two with the same one make no net."""
    assert fnv1a("") == 0x811C9DC5
    assert fnv1a("a") == 0xE40C292C
    assert fnv1a("costarring") == fnv1a("liquid")  # a known pair
    with pytest.raises(NetFailed, match=r"costarring.*liquid"):
        Net([(("costarring", 1, None), ("liquid", 1, None))])


class Flaky:
    """The extension, one function of which can be made to fail."""

    def __init__(self, real):
        self.real, self.failing = real, None

    def __getattr__(self, name):
        def call(*arguments):
            if name == self.failing:
                raise RuntimeError(f"{name} failed")
            return getattr(self.real, name)(*arguments)

        return call


@pytest.mark.parametrize("name", FUNCTIONS[4:])
def test_a_net_mends_itself_after_any_failure(monkeypatch, name):
    """Whatever a question dies of, the next one is answered rightly."""
    flaky = Flaky(nets.extension)
    monkeypatch.setattr(nets, "extension", flaky)
    net = Net([(("f0", 1, None),), (("f0", 2, None),)])
    flaky.failing = name
    with pytest.raises(RuntimeError, match=f"{name} failed"):
        net.ask({"f0": 2})
    flaky.failing = None
    assert sorted(net.ask({"f0": 2})) == [0, 1]
    assert net.ask({"f0": 1}) == [0]
    net.close()


@pytest.mark.parametrize("answer", [None, ("{}", '{"c0":{}}'), ("{}", '{"canary":{}}')])
def test_a_net_that_fails_its_canary_is_not_used(monkeypatch, answer):
    """An extension that does not name the canary, or never stops, is found out at load."""
    flaky = Flaky(nets.extension)
    flaky.start_action_for_state = lambda handle, state: answer
    flaky.complete_and_start_action = lambda handle, state: '{"c0":{}}'
    monkeypatch.setattr(nets, "extension", flaky)
    with pytest.raises(NetFailed, match="self-test"):
        Net([(("f0", 1, None),)])


# --- memory ---------------------------------------------------------------------------------

STATUS = Path("/proc/self/statm")
RELOADS, DECISIONS = 200, 200_000
MOST_GROWTH = 6 * 1024 * 1024


def resident():
    """Return the memory of this process in bytes."""
    return int(STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from /proc, which is not here")
def test_memory_stays_flat():
    """200 hot reloads and 200,000 decisions grow the process by less than 6 MB.

    A net that is not given back whole costs about 1 MB, so a single leak would be 200 MB.
    """
    rnd = Random(5)
    rules = random_rules(rnd, 8)
    views = [Visitor(rnd, events=6).view() for _ in range(100)]

    def reload_and_decide():
        matcher = Matcher(rules, check_every=10**9)
        assert matcher.degraded is None
        for turn in range(DECISIONS // RELOADS):
            matcher.match(views[turn % len(views)])
        assert matcher.failures == 0
        matcher.close()

    for _ in range(10):
        reload_and_decide()
    before = resident()
    for _ in range(RELOADS):
        reload_and_decide()
    assert resident() - before < MOST_GROWTH
