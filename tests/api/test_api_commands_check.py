"""`welltimed check --store`, from the command line, over a real store."""

from __future__ import annotations

import json
from contextlib import closing
from types import SimpleNamespace

import pytest
from command_line import runner

from api.commands import check
from engine.clock import DAY, now
from engine.store import open_store
from engine.visitor.profile import Event, Profile, fold, pack

SITE = """site:
  { name: shop, time_zone: UTC, caps: [1 per session], cooldown: { after_dismissal: 7d } }
page_groups: { checkout: /checkout }
suppress: [ { name: paying, where: checkout, hide: prompt } ]
events: { quote_started: [plan] }
"""
RULES = """rules:
  - rule: quotes
    when: { event: quote_started }
    show: "Shall we go through it?"
"""
TESTS = """tests:
  - test: both ways
    start: 2026-12-01 10:00
    timeline: [ { at: 1s, event: quote_started } ]
    expect:
      - { at: 0s, decision: hold, rule: quotes, because: needs_more_events }
      - { at: 1s, decision: show, rule: quotes }
"""


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run in a folder with clean rules; `store.db` is where visitors are put."""
    monkeypatch.chdir(tmp_path)
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, text in {"site.yaml": SITE, "a.yaml": RULES, "a.test.yaml": TESTS}.items():
        (rules / name).write_text(text, encoding="utf-8")
    return runner(monkeypatch, capsys)


@pytest.fixture
def visitors():
    """Put visitors into the store, each of whom sent one event some days ago."""

    def put(*kinds, site="shop", days=1.0):
        with closing(open_store("sqlite:///store.db")) as store:
            for number, kind in enumerate(kinds):
                event = Event("e", kind, now() - round(days * DAY))
                profile = fold(Profile(), [event], keep=180 * DAY, keep_events=500)[0]
                assert store.commit(site, f"{kind}-{number}", 0, pack(profile), [])

    return put


def test_what_nobody_sends_is_a_warning(run, visitors):
    """With its place and a caret, and under --strict with exit 3."""
    visitors("page_view", "search", "search")
    ran = run("check", "--store", "sqlite:///store.db", "--strict")
    assert ran.code == 3
    assert ran.out.splitlines() == [
        (
            'rules/a.yaml:2:11: warning: the rule "quotes" waits for "quote_started", which none '
            "of the 3 visitors looked at has sent in the last 30 days; expected pages or servers "
            "that send it, by this name [never-seen]"
        ),
        "  2 |   - rule: quotes",
        "    |           ^~~~~~",
        "1 warning",
    ]
    assert run("check", "--store", "sqlite:///store.db").code == 0
    told = json.loads(run("check", "--store", "sqlite:///store.db", "--format", "json").out)
    assert [(one["kind"], one["path"], one["line"]) for one in told] == [
        ("never-seen", "a.yaml", 2)
    ]


def test_what_somebody_sends_is_none(run, visitors):
    """One visitor is enough."""
    visitors("page_view", "quote_started")
    ran = run("check", "--store", "sqlite:///store.db", "--strict")
    assert (ran.code, ran.out, ran.err) == (0, "no problems\n", "")


@pytest.mark.parametrize("more", [{"site": "club"}, {"days": 31}])
def test_a_store_that_knows_nobody_says_nothing_about_rules(run, visitors, more):
    """Not of this site, or not lately: said on stderr, and no warning made of it."""
    visitors("page_view", **more)
    ran = run("check", "--store", "sqlite:///store.db", "--strict")
    assert (ran.code, ran.out) == (0, "no problems\n")
    assert "sqlite:///store.db holds nobody of shop who sent anything in 30 days" in ran.err


def test_a_large_store_is_looked_at_for_a_while(run, visitors, monkeypatch):
    """And it is said that there is more of it."""
    visitors("page_view", "search", "login")
    times = iter([0.0, 1.0, 2.0, 20.0])
    monkeypatch.setattr(check, "time", SimpleNamespace(monotonic=lambda: next(times)))
    ran = run("check", "--store", "sqlite:///store.db")
    assert "2 visitors were looked at in 20 s, and there are more" in ran.err
    assert "none of the 2 visitors looked at" in ran.out


def test_without_the_option_no_store_is_looked_at(run, monkeypatch):
    """Whatever the settings say: a check gives the same everywhere."""
    monkeypatch.setenv("WELLTIMED_STORE", "mysql://nowhere")
    assert run("check", "--strict").code == 0


def test_refused_rules_are_not_held_against_a_store(run, tmp_path):
    """First things first."""
    (tmp_path / "rules" / "a.yaml").write_text(RULES.replace("when", "wenn"), encoding="utf-8")
    ran = run("check", "--store", "sqlite:///none.db")
    assert (ran.code, ran.err) == (1, "")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite:///none.db", "there is no store at none.db"),
        ("redis://x", "a store named redis: is not known"),
    ],
)
def test_a_store_that_is_not_there_is_one_sentence(run, tmp_path, url, why):
    """And is not made by looking."""
    ran = run("check", "--store", url)
    assert (ran.code, ran.out) == (1, "")
    assert why in ran.err
    assert not (tmp_path / "none.db").exists()
