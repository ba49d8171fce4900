"""`welltimed test`, from the command line."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from command_line import runner

SITE = "site: { name: shop, time_zone: Europe/London }\n"
RULES = """rules:
  - rule: three
    description: Three searches in one visit.
    owner: shop team
    when: { event: search, at_least: 3 }
    limit: 1 per session
    show: "Help?"
"""
PASSING = """tests:
  - test: the third search brings the offer
    start: 2026-12-01 10:00
    timeline:
      - { at: 0s, event: search, query: boots }
      - { at: 20s, event: search, query: shoes }
      - { at: 40s, event: search, query: socks, page: /search }
    expect:
      - { at: 40s, decision: show, rule: three }
"""
FAILING = """
  - test: two searches are enough
    start: 2026-12-01 10:00
    timeline:
      - { at: 0s, event: search, query: boots }
      - { at: 1m 20.5s, event: search, query: shoes, page: /search }
    expect:
      - { at: 0s, decision: hold, because: needs_more_events }
      - { at: 90s, decision: show, rule: three, message: "Help?" }
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
    (folder / "a.test.yaml").write_text(PASSING, encoding="utf-8")
    return folder


def test_all_pass(run, rules):
    """Exit 0, one line a test, and the sum."""
    ran = run("test", rules)
    assert ran.code == 0
    assert ran.out == "ok    the third search brings the offer\n\n1 passed, 0 failed\n"


def test_a_failing_test_shows_what_explains_it(run, rules):
    """Expected against actual, where the timeline stood, and the rule's way through the gates."""
    (rules / "a.test.yaml").write_text(PASSING + FAILING, encoding="utf-8")
    ran = run("test", rules)
    assert ran.code == 1
    assert ran.out.splitlines()[1:] == [
        "FAIL  two searches are enough   a.test.yaml:11",
        "      at 1m 30s   a.test.yaml:18",
        "        decision: expected show, got hold",
        "        rule: three, as expected",
        '        message: expected "Help?", got nothing',
        "        because: needs_more_events",
        "        the timeline stood at 1m 20.5s: search query=shoes on /search   a.test.yaml:15",
        "",
        "        three   HOLD  needs_more_events   a.yaml:2",
        "          Three searches in one visit. (shop team)",
        "          when          NO   search: 2 of 3 in this session",
        "                               one more search would do it",
        "          caps          yes  1 per session: no prompt so far",
        "          earliest           not within 24 hours, if nothing else happens",
        "",
        "",
        "1 passed, 1 failed",
    ]


def test_run_chooses_by_a_part_of_the_name(run, rules):
    """Whatever its case."""
    (rules / "a.test.yaml").write_text(PASSING + FAILING, encoding="utf-8")
    ran = run("test", rules, "--run", "THIRD search")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "1 passed, 0 failed")
    assert run("test", rules, "--run", "two").code == 1


def test_run_without_a_match_is_a_mistake(run, rules):
    """Nothing that was asked for ran, and the names are told."""
    ran = run("test", rules, "--run", "fourth")
    assert ran.code == 1
    assert 'no test has "fourth" in its name' in ran.err
    assert "the third search brings the offer" in ran.err


def test_junit_holds_every_test_and_what_failed(run, rules, tmp_path):
    """As CI servers read it, whatever characters the texts hold."""
    odd = FAILING.replace("two searches are enough", '"odd <name> \\x07 & more"')
    (rules / "a.test.yaml").write_text(PASSING + odd, encoding="utf-8")
    ran = run("test", rules, "--junit", tmp_path / "junit.xml")
    assert ran.code == 1
    root = ET.parse(tmp_path / "junit.xml").getroot()
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "2", "1")
    passed, failed = root.iter("testcase")
    assert passed.get("name") == "the third search brings the offer"
    assert (passed.get("classname"), passed.get("file"), passed.get("line")) == (
        "a.test",
        "a.test.yaml",
        "2",
    )
    assert failed.get("name") == "odd <name> \ufffd & more"
    (failure,) = failed
    assert failure.get("message") == "decision: expected show, got hold"
    assert "one more search would do it" in failure.text


def test_the_folder_is_a_setting_too(run, rules, monkeypatch):
    """Without one it is the folder that is set, `rules` by default."""
    assert run("test").code == 0
    rules.rename(rules.parent / "elsewhere")
    assert "there is no rules folder at rules" in run("test").err
    monkeypatch.setenv("WELLTIMED_RULES", "elsewhere")
    assert run("test").code == 0


def test_refused_rules_fail_with_their_place(run, rules):
    """The line with a caret under what is wrong; no test runs."""
    (rules / "a.yaml").write_text(RULES.replace("at_least: 3", "at_leat: 3"), encoding="utf-8")
    ran = run("test", rules)
    assert (ran.code, ran.out) == (1, "")
    assert "a.yaml:5:28: " in ran.err
    assert 'did you mean "at_least"?' in ran.err
    assert "^" in ran.err


def test_a_mistake_in_a_test_fails(run, rules):
    """A test that cannot be read is not one that passes."""
    (rules / "a.test.yaml").write_text(PASSING.replace("rule: three", "rule: thre"), "utf-8")
    ran = run("test", rules)
    assert ran.code == 1
    assert 'did you mean "three"?' in ran.err


def test_a_folder_without_tests_says_so(run, rules):
    """That is no failure."""
    (rules / "a.test.yaml").unlink()
    ran = run("test", rules)
    assert ran.code == 0
    assert "has no tests; write some in a file whose name ends in .test.yaml" in ran.out


@pytest.mark.parametrize("nothing", ["timeline: []", "given: { free_slots: 2 }"])
def test_a_test_may_fail_before_anything_happens(run, rules, nothing):
    """Where no line of the timeline has come yet, that is told."""
    test = "tests:\n  - test: at once\n    start: 2026-12-01 10:00\n"
    test += f"    {nothing}\n    expect: [ {{ at: 0s, decision: show }} ]\n"
    (rules / "a.test.yaml").write_text(test, encoding="utf-8")
    ran = run("test", rules)
    assert ran.code == 1
    assert "the timeline stood before its first line" in ran.out


def test_state_and_desk_lines_are_told(run, rules):
    """Where the timeline stood may be a measurement or the desk."""
    for line, told in (
        ("state: { scroll_depth: 60 }", "state scroll_depth=60"),
        ("availability: { free_slots: null }", "desk free_slots=null"),
    ):
        test = "tests:\n  - test: x\n    start: 2026-12-01 10:00\n    timeline:\n"
        test += f"      - {{ at: 0s, {line} }}\n"
        test += "    expect: [ { at: 0s, check_again_in: 90s } ]\n"
        (rules / "a.test.yaml").write_text(test, encoding="utf-8")
        out = run("test", rules).out
        assert f"the timeline stood at 0s: {told}" in out
        assert "check_again_in: expected 1m 30s, got null" in out
