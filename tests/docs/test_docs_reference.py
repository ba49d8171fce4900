"""docs/reference.md: written from the program's own tables, and every example in it is tried."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine import ruleset as rulesets
from engine.errors import Severity
from engine.events import STANDARD_EVENTS, STANDARD_STATES
from engine.globs import compile_glob
from engine.language import hours, loader, moments, recording, scalars
from engine.language.examples import EVENTS, STATES
from engine.language.grammar import FORMS
from engine.language.reference import HEADINGS, filled
from engine.replay import rule_tests

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"
TEXT = PAGE.read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")


def test_the_page_is_as_fresh_as_the_tables() -> None:
    """After a change of the tables: .venv/bin/python -m engine.language.reference."""
    assert filled(TEXT) == TEXT


def test_each_heading_stands_once() -> None:
    """Headings make addresses, so that none may stand twice."""
    blocks = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    found = re.findall(r"^#+ (.+)$", blocks.sub("", TEXT), re.MULTILINE)
    assert sorted(set(found)) == sorted(found)


# --- the tables of keys ---------------------------------------------------------------------

SITE = """
site: { name: shop, time_zone: Europe/London }
page_groups: { pricing: /pricing, delivery: /delivery, checkout: /checkout, product: /p/* }
audiences: { trial-users: { plan: trial } }
schedules: { support-desk: { open: { mon: 09:00-17:00 } } }
departments: { sales: { schedule: support-desk } }
offline: { contact: https://shop.example/contact }
"""
RULES = """
rules:
  - rule: three-searches
    when: { event: search, at_least: 3 }
    show: { variants: { helpful: { message: Hello }, direct: { message: Good day } } }
"""
WHEN = "rules:\n  - rule: a\n    show: Hi\n    when:\n      @"
SHOW = "rules:\n  - rule: a\n    show:\n      @"
TESTS = "tests:\n  - test: a\n    start: 2026-12-01 10:00\n"
OPEN = "open: { mon: 09:00-17:00 }"
# Where a form stands: @ is the place of its keys. A name of a section replaces that of SITE.
HOMES = {
    "site-file": "@",
    "site": "site:\n  @",
    "cooldown": "site:\n  name: shop\n  time_zone: UTC\n  cooldown:\n    @",
    "ignored": "site:\n  name: shop\n  time_zone: UTC\n  cooldown:\n    after_ignored:\n      @",
    "schedule": "schedules:\n  support-desk:\n    @",
    "holidays": f"schedules:\n  support-desk:\n    {OPEN}\n    holidays:\n      @",
    "department": "departments:\n  sales:\n    @",
    "suppression": "suppress:\n  - @",
    "offline": "offline:\n  @",
    "rules-file": "@",
    "rule": "rules:\n  - @",
    "active": "rules:\n  - rule: a\n    show: Hi\n    active:\n      @",
    **dict.fromkeys(("counted", "stall", "sequence", "state", "any", "all", "not"), WHEN),
    "step": WHEN.replace("@", "sequence:\n        - @\n        - purchase"),
    "names": WHEN.replace("when:", "where:"),
    "compare": WHEN.replace("@", "event: link_click\n      with:\n        plan:\n          @"),
    "fact": "audiences:\n  trial-users:\n    plan:\n      @",
    "show": SHOW,
    "variant": SHOW.replace("@", "variants:\n        one:\n          @"),
    "article": SHOW.replace("@", "message: Hi\n      articles:\n        - @"),
    "tests-file": "@",
    "test": "tests:\n  - @",
    "visitor": TESTS + "    visitor:\n      @\n    expect: [{ at: 0s, decision: hold }]",
    "line": TESTS + "    timeline:\n      - @\n    expect: [{ at: 0s, decision: hold }]",
    "expect": TESTS + "    expect:\n      - @",
    "map": "@",
    "time": "columns: { visitor: user }\ntime:\n  @",
}  # fmt: skip
# What must stand beside a key, in its form or with one key of it, for the whole to make sense.
BESIDE = {
    "site-file": {"site": "{ name: shop, time_zone: UTC }"},
    "site": {"name": "shop", "time_zone": "UTC"},
    "ignored": {"times": "3", "for": "30 days"},
    "schedule": {"open": "{ mon: 09:00-17:00 }"},
    "holidays": {"country": "GB"},
    "suppression": {"name": "quiet", "hide": "prompt"},
    "rule": {"rule": "a", "show": "Hi"},
    "counted": {"event": "search"},
    "step": {"event": "search"},
    "stall": {"event": "search", "not_followed_by": "purchase"},
    "sequence": {"sequence": "[search, purchase]"},
    "state": {"state": "plan"},
    "show": {"message": "Hi"},
    "variant": {"message": "Hi"},
    "article": {"title": "Hi", "url": "/hi"},
    "test": {"test": "a", "start": "2026-12-01", "expect": "[{ at: 0s, decision: hold }]"},
    "line": {"at": "0s", "event": "page_view"},
    "expect": {"at": "0s", "decision": "hold"},
    "map": {"columns": "{ visitor: user }"},
    ("counted", "different"): {"within": "30 days"},
    ("state", "state"): {"at_least": "3"},
    ("state", "for"): {"state": "on_page"},
    ("line", "state"): {"event": None},
    ("line", "availability"): {"event": None},
    ("expect", "variant"): {"rule": "three-searches"},
    # What a suppression is about.
    **{("suppression", key): {"where": "checkout"} for key in ("name", "hide", "who", "outside")},
    **{
        ("suppression", key): {"event": "search"}
        for key in ("at_least", "at_most", "within", "with", "same", "not_followed_by")
    },
    ("suppression", "different"): {"event": "search", "within": "30 days"},
    **{("suppression", key): {"state": "plan"} for key in ("is", "not", "contains")},
    ("suppression", "state"): {"at_least": "3"},
    ("suppression", "for"): {"state": "idle"},
}


def beside(form: str, key: str) -> dict[str, str]:
    """Return the keys that stand beside a key, with their values, the key itself left out."""
    found = BESIDE.get(form, {}) | BESIDE.get((form, key), {})
    return {name: value for name, value in found.items() if value is not None and name != key}


def files_with(form: str, key: str) -> dict[str, str]:
    """Return a folder in which the example of a key stands, as the table shows it."""
    lines = [f"{name}: {value}" for name, value in beside(form, key).items()]
    lines.append(f"{key}: {FORMS[form].key(key).example}")
    home = HOMES[form]
    if form == "fact" and key == "for":
        home = home.replace("plan:", "on_site:")
    indent = re.search(r"([^\n]*)@", home)[1].replace("-", " ")
    made = home.replace("@", f"\n{indent}".join(lines))
    if form in ("map", "time"):
        return {"map.yaml": made}
    first = made.partition(":")[0]
    if first in ("rules", "tests"):
        tests = {"b.test.yaml": made} if first == "tests" else {}
        return {"site.yaml": SITE, "a.yaml": RULES if tests else made} | tests
    own = set(re.findall(r"^(\w+):", made, re.MULTILINE))
    kept = [line for line in SITE.split("\n") if line.partition(":")[0] not in own]
    return {"site.yaml": "\n".join([made, *kept]), "a.yaml": RULES}


KEYS = [(form.name, key.name) for form in FORMS.values() for key in form.keys]


@pytest.mark.parametrize(("form", "key"), KEYS)
def test_the_example_of_a_key_is_taken(form: str, key: str) -> None:
    """What the table shows for a key loads where it belongs, without an error."""
    files = files_with(form, key)
    if "map.yaml" in files:
        assert recording.load_map(files["map.yaml"])
        return
    problems = loader.load(files).problems
    assert [str(p) for p in problems if p.severity is Severity.ERROR] == [], files


def test_each_form_of_the_grammar_has_its_table_and_its_home() -> None:
    """The page has the keys of every form, and links to a heading that exists."""
    for form in FORMS:
        assert f"<!-- keys {form} -->" in TEXT, form
        assert form in HOMES, form
    anchors = {key.form for form in FORMS.values() for key in form.keys if key.form}
    assert set(HEADINGS) == anchors


# --- events and states ----------------------------------------------------------------------

EXAMPLE_SITE = SITE.replace("product: /p/*", 'product: "**/p/{product}"')
EXAMPLES = EVENTS | STATES


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_holds_when_the_page_says_so(name: str) -> None:
    """The lines of an entry make its condition true, and nothing short of them does."""
    example = EXAMPLES[name]
    lines, given = example.timeline, example.given or "{}"
    assert f"when: {example.when}\n" in TEXT
    assert all(f"  - {line}\n" in TEXT for line in lines)
    last = re.findall(r"at: ([^,]+),", lines[-1])[0] if lines else "0s"
    at = example.at or last
    assert decided(example.when, lines, given, at) == "show"
    # Short of it: a moment earlier where the clock does it, else without a line or the fact.
    short = lines[1:] if name == "days_since_last_visit" else lines[:-1]
    if example.at:
        short, at = lines, f"{scalars.parse_offset(at) / 1000 - 0.001:.3f}s"
    assert decided(example.when, short, "{}", at) == "hold"


def test_each_event_and_state_has_an_example() -> None:
    """Nothing standard is without one, and none is of something else."""
    assert list(EVENTS) == list(STANDARD_EVENTS)
    assert list(STATES) == list(STANDARD_STATES)


def decided(when: str, lines, given: str, at: str) -> str:
    """Return what is decided for one rule at one instant of a test."""
    rules = f"""
rules:
  - {{ rule: three-searches, mode: paused, show: Hi }}
  - {{ rule: example, show: Hi, when: {when} }}
"""
    timeline = "".join(f"      - {line}\n" for line in lines) or "      []\n"
    tests = (
        f"tests:\n  - test: a\n    start: 2026-12-01 10:00\n    given: {given}\n"
        f"    timeline:\n{timeline}    expect: [{{ at: {at}, decision: show, rule: example }}]\n"
    )
    loaded = rulesets.check({"site.yaml": EXAMPLE_SITE, "a.yaml": rules, "a.test.yaml": tests})
    assert loaded.folder is not None, [str(problem) for problem in loaded.problems]
    live = rulesets.Ruleset(loaded.folder)
    try:
        (result,) = rule_tests.run(live, loaded.tests)
        return "show" if result.passed else result.mismatches[0].actual["decision"]
    finally:
        live.close()


# --- small forms and the map ----------------------------------------------------------------

SMALL = {
    "Durations": scalars.parse_duration,
    "Percentages": scalars.parse_percentage,
    "Caps": scalars.parse_cap,
    "Dates": moments.parse_moment,
    "Hours": hours.parse_range,
    "Times in tests": scalars.parse_offset,
    "Links": scalars.parse_link,
}


@pytest.mark.parametrize("title", SMALL)
def test_a_small_form_takes_what_is_good_and_refuses_what_is_not(title: str) -> None:
    """Below each heading, what stands after Good is read and what stands after Not is refused."""
    section = TEXT.split(f"\n### {title}\n")[1].split("\n#")[0]
    good, bad = (
        re.search(rf"^{word}: (.+)$", section, re.MULTILINE)[1] for word in ("Good", "Not")
    )
    for text in CODE.findall(good):
        SMALL[title](text)
    for text in CODE.findall(bad):
        with pytest.raises(ValueError, match="expected"):
            SMALL[title](text)
    assert len(CODE.findall(good)) >= 2
    assert len(CODE.findall(bad)) >= 2


GLOBS = [
    [CODE.findall(cell) for cell in row.split("|")[1:4]]
    for row in TEXT.split("| glob | is | is not |\n|---|---|---|\n")[1].split("\n\n")[0].split("\n")
]


@pytest.mark.parametrize(("glob", "is_", "is_not"), GLOBS, ids=lambda cell: cell[0])
def test_a_glob_takes_the_addresses_that_the_table_says(glob, is_, is_not) -> None:
    """The table of globs is right in each row."""
    compiled = compile_glob(glob[0])
    assert all(compiled.match(address) is not None for address in is_)
    assert all(compiled.match(address) is None for address in is_not)


def test_the_map_is_read() -> None:
    """The map in the page loads."""
    (block,) = re.findall(r"^```yaml map\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    found = recording.load_map(block)
    assert found.columns["product"] == "item"
    assert found.time_format == "epoch_ms"
