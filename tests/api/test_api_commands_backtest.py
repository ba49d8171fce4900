"""`welltimed backtest`, from the command line."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from command_line import runner

from api.commands import backtest as command

SITE = "site: { name: shop, time_zone: UTC }\n"
RULES = """
rules:
  - rule: three-searches
    when: { event: search, at_least: 3 }
    limit: 1 per session
    show: "Help?"
  - { rule: hello, when: { event: login }, limit: 1 ever, priority: 40, show: "Hello" }
"""
OTHER = """
rules:
  - rule: three-searches
    when: { event: search, at_least: 2 }
    limit: 1 per session
    show: "Help?"
"""


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capsys)


@pytest.fixture
def rules(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "site.yaml").write_text(SITE, encoding="utf-8")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    return folder


def searches(visitor: str, count: int, kind: str = "search") -> list[dict[str, str]]:
    start = datetime(2026, 12, 1, 10, tzinfo=UTC)
    return [
        {"visitor": visitor, "at": (start + timedelta(seconds=n)).isoformat(), "event": kind}
        for n in range(count)
    ]


@pytest.fixture
def events(tmp_path):
    path = tmp_path / "events.jsonl"
    rows = [*searches("v1", 4), *searches("v2", 2), *searches("v2", 1, "login")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_json_has_the_promised_shape(run, rules, events):
    """On stdout there is one JSON object and nothing else."""
    ran = run("backtest", "--rules", rules, "--events", events, "--format", "json")
    assert ran.code == 0
    assert json.loads(ran.out) == {
        "events": 7,
        "visitors": 2,
        "sessions": 2,
        "from": "2026-12-01T10:00:00Z",
        "until": "2026-12-01T10:00:03Z",
        "bad_rows": 0,
        "repeated_rows": 0,
        "rules": {
            "three-searches": {"triggered": 1, "shown": 1, "visitors": 1, "held": {}},
            "hello": {"triggered": 1, "shown": 1, "visitors": 1, "held": {}},
        },
    }


def test_text_tells_the_same_and_what_is_simulated(run, rules, events):
    """A table, and a warning about what a recording cannot say."""
    ran = run("backtest", "--rules", rules, "--events", events)
    assert ran.code == 0
    assert ran.out.startswith("7 events of 2 visitors in 2 sessions, 2026-12-01T10:00:00Z to ")
    row = next(line.split() for line in ran.out.splitlines() if line.startswith("three-searches"))
    assert row == ["three-searches", "1", "1", "1", "-"]
    assert "Caps and answers are simulated" in ran.out


def test_progress_goes_to_stderr(run, rules, events):
    """Also where that is no terminal, so that a log shows how far it came."""
    ran = run("backtest", "--rules", rules, "--events", events)
    assert "replaying" in ran.err
    assert "7/7" in ran.err
    assert "replaying" not in ran.out


def test_several_files_gzip_and_csv_with_one_map(run, rules, tmp_path):
    """`--events A B` and `--events A --events B` are one recording."""
    how = tmp_path / "map.yaml"
    how.write_text("columns: { visitor: user, at: time, event: what }\n", encoding="utf-8")
    rows = [list(row.values()) for row in searches("v1", 3)]
    one, two = tmp_path / "1.csv", tmp_path / "2.csv.gz"
    for path, part in ((one, rows[:2]), (two, rows[2:])):
        with (gzip.open if path.suffix == ".gz" else open)(path, "wt", newline="") as sink:
            csv.writer(sink).writerows([["user", "time", "what"], *part])
    for named in (("--events", one, two), ("--events", one, "--events", two)):
        ran = run("backtest", "--rules", rules, *named, "--map", how, "--format", "json")
        told = json.loads(ran.out)
        assert (told["events"], told["rules"]["three-searches"]["shown"]) == (3, 1)


def test_bad_rows_are_named_and_counted(run, rules, events):
    """On stderr with file, line and reason; the others are replayed."""
    with events.open("a", encoding="utf-8") as sink:
        sink.write('{"visitor": "v3", "event": "login"}\nnot json\n')
    ran = run("backtest", "--rules", rules, "--events", events, "--format", "json")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert (told["bad_rows"], told["events"]) == (2, 7)
    assert 'events.jsonl:8: no "at"; every row needs visitor, at and event' in ran.err
    assert "events.jsonl:9: not JSON" in ran.err
    assert "2 bad rows passed over" in run("backtest", "--rules", rules, "--events", events).out


def test_a_flood_of_bad_rows_is_counted_by_reason(run, rules, tmp_path):
    """The first hundred by line, the rest by what is wrong with them."""
    path = tmp_path / "bad.jsonl"
    path.write_text("[]\n" * 130, encoding="utf-8")
    ran = run("backtest", "--rules", rules, "--events", path, "--format", "json")
    assert json.loads(ran.out)["bad_rows"] == 130
    assert "bad.jsonl:100: not a JSON object" in ran.err
    assert "bad.jsonl: 30 more: not a JSON object" in ran.err
    assert "bad.jsonl:101" not in ran.err


def test_strict_stops_at_the_first_bad_row(run, rules, events):
    """With its line, and nothing on stdout."""
    with events.open("a", encoding="utf-8") as sink:
        sink.write("not json\n")
    ran = run("backtest", "--rules", rules, "--events", events, "--strict", "--format", "json")
    assert (ran.code, ran.out) == (1, "")
    assert "events.jsonl:8: not JSON" in ran.err


def test_firings_are_one_json_line_each(run, rules, events, tmp_path):
    """Every triggered instant, whatever became of it."""
    path = tmp_path / "firings.jsonl"
    ran = run("backtest", "--rules", rules, "--events", events, "--firings", path)
    assert ran.code == 0
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    shown = {"decision": "show", "reason": "shown", "by": None}
    assert lines == [
        {"visitor": "v1", "at": "2026-12-01T10:00:02Z", "rule": "three-searches", **shown},
        {"visitor": "v2", "at": "2026-12-01T10:00:00Z", "rule": "hello", **shown},
    ]


def test_against_compares_two_folders(run, rules, events, tmp_path):
    """The other folder's counts, and who sees a prompt now and did not."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "site.yaml").write_text(SITE, encoding="utf-8")
    (other / "a.yaml").write_text(OTHER, encoding="utf-8")
    asked = ("backtest", "--rules", rules, "--events", events, "--against", other)
    told = json.loads(run(*asked, "--format", "json").out)
    assert told["rules"]["three-searches"]["shown"] == 1
    assert told["against"] == {
        "rules": {"three-searches": {"triggered": 2, "shown": 2, "visitors": 2, "held": {}}},
        "visitors_gained": 0,
        "visitors_lost": 0,
        "visitors_in_both": 2,
    }
    text = run(*asked).out
    row = next(line.split() for line in text.splitlines() if line.endswith("-1"))
    assert row == ["three-searches", "1", "2", "-1"]


def test_sessions_are_believed_under_trust_sessions(run, rules, tmp_path):
    """Otherwise only the gaps say where one ends."""
    path = tmp_path / "a.jsonl"
    rows = [row | {"session": name} for row, name in zip(searches("v", 3), "abc", strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked = ("backtest", "--rules", rules, "--events", path, "--format", "json")
    assert json.loads(run(*asked).out)["sessions"] == 1
    assert json.loads(run(*asked, "--trust-sessions").out)["sessions"] == 3


def test_the_number_of_jobs_changes_nothing(run, rules, events, tmp_path):
    """Counts and triggered instants come out the same."""
    told = []
    for jobs in (1, 2):
        path = tmp_path / f"firings-{jobs}.jsonl"
        asked = ("--events", events, "--jobs", jobs, "--firings", path, "--format", "json")
        told.append((run("backtest", "--rules", rules, *asked).out, path.read_text("utf-8")))
    assert told[0] == told[1]


def test_several_processes_are_used_where_it_is_worth_it(monkeypatch, events):
    """A small recording is done before they have started."""
    few, many = {"v": [None] * 10}, {"v": [None] * 10_000}
    assert command._jobs(few) == 1
    monkeypatch.setattr(command.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(command.sys, "platform", "linux")
    assert command._jobs(many) == 3


def test_the_rules_folder_is_a_setting_too(run, rules, events):
    """Without --rules it is the folder that is set, `rules` by default."""
    assert run("backtest", "--events", events).code == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "name at least one recorded file: --events FILE"),
        (("--events", "none.jsonl"), "none.jsonl cannot be read: no such file or directory"),
        (("--events", "events.jsonl", "--map", "none.yaml"), "the map none.yaml cannot be read"),
        (("--events", "events.jsonl", "--rules", "none"), "there is no rules folder at none"),
        (("--events", "events.jsonl", "--against", "none"), "there is no rules folder at none"),
        (("--events", "events.jsonl", "--firings", "no/such/file"), "no such file or directory"),
    ],
)
def test_what_is_missing_is_one_sentence(run, rules, events, arguments, why):
    """And a non-zero exit."""
    ran = run("backtest", *arguments)
    assert ran.code != 0
    assert why in ran.err


def test_a_map_with_a_mistake_names_its_place(run, rules, events, tmp_path):
    """As a mistake in the rules does."""
    how = tmp_path / "map.yaml"
    how.write_text("colums: { visitor: user }\n", encoding="utf-8")
    ran = run("backtest", "--events", events, "--map", how)
    assert ran.code == 1
    assert "map.yaml:1:1: " in ran.err
    assert 'did you mean "columns"?' in ran.err


def test_refused_rules_are_told_with_their_place(run, rules, events):
    """Before anything is read."""
    (rules / "a.yaml").write_text("rules: [ { rule: X } ]\n", encoding="utf-8")
    ran = run("backtest", "--rules", rules, "--events", events)
    assert ran.code == 1
    assert "a.yaml:1:" in ran.err
