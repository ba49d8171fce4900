"""Edits of the rules under a real server: whole or not at all, in every worker, at any load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from api_server import RULES, SITE, event
from live_server import edit, until

from engine.language import loader

EDITS = 50


def digest(live):
    """Return the digest that each of many requests was decided by, in whichever worker."""
    return {live.call("/v1/rules")[1]["ruleset"] for _ in range(20)}


def test_an_edit_is_live_in_every_worker_within_two_seconds(start, folder):
    """With the settings that a newcomer has. The best of three: the machine may be busy."""
    live = start().wait()
    took = []
    for old, new in (("Can I", "May I"), ("May I", "Shall I"), ("Shall I", "Could I")):
        edit(folder, old, new)
        edited = time.monotonic()
        wanted = {loader.digest(loader.read_folder(folder / "rules"))}
        until(lambda: digest(live) == wanted, live.process)  # noqa: B023 - called at once
        took.append(time.monotonic() - edited)
    assert min(took) < 2, took
    assert min(took) > 0.9, "an edit went live before it could be told to be finished"
    assert live.end()[2].count("the edited rules are live") == 3


def test_an_edit_stays_off_the_air_where_nobody_watches(start, folder):
    """Until somebody asks; then it is the newest that goes live."""
    live = start("--no-watch").wait()
    before = digest(live)
    edit(folder, "Can I", "May I")
    assert live.call("/-/reload", {})[1]["changed"] is True
    after = digest(live)
    assert len(before | after) == 2
    assert "edited" not in live.end()[2]


def test_rules_broken_while_the_server_was_down_go_live_once_they_are_mended(start, folder):
    """The last good ones serve meanwhile, and it is said."""
    first = start().wait()
    edit(folder, "Can I", "May I")
    wanted = {loader.digest(loader.read_folder(folder / "rules"))}
    until(lambda: digest(first) == wanted, first.process)
    first.process.kill()
    edit(folder, "when", "wenn")

    again = start(port=first.port).wait()
    assert digest(again) == wanted
    told = again.call("/v1/rules")[1]
    assert (told["reloaded"], told["problems"][0]["line"]) == (False, 4)
    assert again.call("/healthz/ready")[1]["rules"] == {"shop": "last_good"}

    edit(folder, "wenn", "when")
    edit(folder, "May I", "Shall I")
    wanted = {loader.digest(loader.read_folder(folder / "rules"))}
    until(lambda: digest(again) == wanted, again.process)
    assert again.call("/healthz/ready")[1]["rules"] == {"shop": "ok"}
    out, err = again.end()[1:]
    assert "The last good rules serve instead." in out
    assert "the edited rules are live" in err


def generation(number):
    """Return the files of one good set, of which none fits the files of another."""
    site = SITE + f"audiences:\n  a{number}: {{ plan: none }}\n"
    rules = RULES.replace('"Can I help you find it?"', f'"This is number {number}."')
    return {
        "site.yaml": site,
        "rules.yaml": rules.replace("    when:", f"    who: {{ not: a{number} }}\n    when:", 1),
    }


# What becomes of files on the way to being good ones, and after.
HARM: tuple[Callable[[str], bytes], ...] = (
    lambda text: text[: len(text) // 2].encode() + b'"',
    lambda text: text.replace("when:", "wenn:").encode(),
    lambda text: text.replace("who: { not: a", "who: { not: b").encode(),
    lambda text: b"\xff" + text.encode(),
    lambda text: ("\t" + text).encode(),
)


class Askers:
    """Several clients that ask for one visitor's decision, over and over."""

    def __init__(self, live, number=3):
        self._live = live
        self._over = threading.Event()
        self.answers = [[] for _ in range(number)]
        self._threads = [threading.Thread(target=self._ask, args=(a,)) for a in self.answers]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, answers):
        while not self._over.is_set():
            answers.append(self._live.call("/v1/decide", {"visitor": "v1", "dry_run": True}))


@pytest.mark.slow
def test_no_decision_is_mixed_or_fails_while_rules_are_edited(start, folder):
    """Fifty edits, good and corrupt in turn: each decision is by one good set, whole.

    And nobody who was answered by one set is ever answered by an older one.
    """
    rules = folder / "rules"

    def save(files):
        for name, text in files.items():  # in place, one after the other, as editors do
            (rules / name).write_text(text)
        return loader.digest(files)

    good = {save(generation(0)): 0}
    live = start(workers=2, settle=0.2).wait()
    live.call("/v1/events", {"visitor": "v1", "events": [event(), event(), event()]})
    with Askers(live) as askers:
        for number in range(1, EDITS // 2 + 1):
            wanted = save(generation(number))
            good[wanted] = number
            until(lambda: live.call("/v1/rules")[1]["ruleset"] == wanted, live.process)  # noqa: B023 - called at once
            harm = HARM[number % len(HARM)]
            (rules / "rules.yaml").write_bytes(harm(generation(number)["rules.yaml"]))
            until(lambda: not live.call("/v1/rules")[1]["reloaded"], live.process)
    for answers in askers.answers:
        assert len(answers) > EDITS
        assert {status for status, _ in answers} == {200}
        numbers = [good[told["ruleset"]] for _, told in answers]
        said = [told["prompt"]["message"] for _, told in answers]
        assert said == [f"This is number {number}." for number in numbers]
        assert numbers == sorted(numbers)
        assert numbers[-1] == EDITS // 2
    err = live.end()[2]
    assert err.count("the rules were refused, the old ones stay") >= EDITS // 2
    assert err.count("the edited rules are live") == EDITS // 2
