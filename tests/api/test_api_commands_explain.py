"""`welltimed explain`, from the command line, over a real store."""

from __future__ import annotations

from contextlib import closing

import pytest
from command_line import runner

from engine.journal import entries
from engine.model import Decision, Reason
from engine.ruleset import Holder, open_sites
from engine.service import Batch, Service
from engine.store import open_store
from engine.visitor.profile import Event

TUESDAY = 1_796_119_200_000  # 2026-12-01 10:00 in London
SITE = "site: { name: shop, time_zone: Europe/London, caps: [1 prompt per 7 days] }\n"
RULES = """rules:
  - rule: three
    description: Three searches in one visit.
    when: { event: search, at_least: 3 }
    show: { message: "Help?" }
  - rule: members
    priority: 60
    who: members
    when: { any: [ { event: login }, { event: signup, at_least: 2 } ] }
    unless: { any: [ { event: purchase }, { event: search, with: { query: b } } ] }
    show: { message: "Hello" }
"""
AUDIENCES = "audiences: { members: { logged_in: true } }\n"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "site.yaml").write_text(SITE + AUDIENCES, encoding="utf-8")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    return runner(monkeypatch, capsys)


@pytest.fixture
def searched(run, tmp_path):
    """Three searches, the third of which brought the prompt."""
    (tmp_path / "data").mkdir()
    with closing(open_store(f"sqlite:///{tmp_path}/data/welltimed.db")) as store:
        service = Service(store, {"shop": Holder(tmp_path / "rules")}, lambda: TUESDAY)
        decided: list[Decision | None] = []
        for number, query in enumerate("abc"):
            at = TUESDAY + number * 20_000
            event = Event(f"e{number}", "search", at, {"query": query}, page="/search")
            batch = Batch("v-812", (event,), at, at, browser=False, ask=True)
            decided.append(service.collect("shop", batch).decision)
        assert [decision.show for decision in decided if decision] == [False, False, True]
    return run


def test_it_tells_the_rule_that_came_furthest_and_sums_up_the_others(searched):
    """With what is lacking, on the site's clock."""
    ran = searched("explain", "--visitor", "v-812", "--at", "2026-12-01 10:00:20")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        (
            "v-812 at 2026-12-01 10:00:20 (Europe/London): "
            "HOLD needs_more_events, members came furthest"
        ),
        "  no prompt so far",
        "",
        "members   HOLD  needs_more_events   a.yaml:6",
        "  when          NO   any of 2: 0 hold",
        "                NO     login: 0 of 1 in this session",
        "                         one more login would do it",
        "                NO     signup: 0 of 2 in this session",
        "                         2 more signup events would do it",
        "  who           NO   visitor in members",
        "                NO     logged_in true: not known",
        "  unless        NO   any of 2: 1 holds",
        "                NO     purchase: 0 of 1 in this session",
        "                yes    search with query b: 1 of 1 in this session",
        "  caps          yes  1 prompt per 7 days: no prompt so far",
        "  earliest           not within 24 hours, if nothing else happens",
        "",
        "The other rules (--rule NAME or --all tells more)",
        "  three  HOLD  needs_more_events  when: search: 2 of 3 in this session",
        "",
        "What was really decided within 10 minutes of it, from the journal",
        ("  2026-12-01 10:00:00 (20 s before): HOLD needs_more_events, members came furthest"),
        ("  2026-12-01 10:00:20 (at that instant): HOLD needs_more_events, members came furthest"),
        "  2026-12-01 10:00:40 (20 s after): SHOW three",
    ]


def test_a_rule_that_is_named_is_told_alone(searched):
    """In full, whatever came further."""
    asked = ("explain", "--visitor", "v-812", "--at", "2026-12-01T10:00:20Z", "--rule", "three")
    ran = searched(*asked)
    assert ran.out.splitlines()[3:9] == [
        "three   HOLD  needs_more_events   a.yaml:2",
        "  Three searches in one visit.",
        "  when          NO   search: 2 of 3 in this session",
        "                       one more search would do it",
        "  caps          yes  1 prompt per 7 days: no prompt so far",
        "  earliest           not within 24 hours, if nothing else happens",
    ]


def test_all_tells_every_rule_in_full(searched):
    """The best ranked first."""
    out = searched("explain", "--visitor", "v-812", "--at", "2026-12-01 10:01", "--all").out
    assert out.index("members   HOLD") < out.index("three   HOLD")
    assert "The other rules" not in out


def test_prompts_so_far_are_told_and_when_the_next_could_come(searched):
    """A reservation that nobody confirmed gives its caps back a minute later."""
    ran = searched("explain", "--visitor", "v-812", "--at", "2026-12-01 10:00:41")
    lines = ran.out.splitlines()
    assert lines[0].endswith("HOLD capped (reserved), three came furthest")
    assert lines[1] == "  a prompt would show at 2026-12-01 10:01:40, if nothing else happened"
    assert lines[2] == "  prompts so far, the newest first: three 2026-12-01 10:00:40 (reserved)"
    assert "  caps          NO   reserved: 1 prompt so far" in ran.out
    at_once = searched("explain", "--visitor", "v-812", "--at", "2026-12-01 10:00:40").out
    assert "three 2026-12-01 10:00:40 (reserved at this very instant)" in at_once


def test_a_prompt_that_would_show_is_told_with_its_words(searched):
    """The lapsed one no longer stands in its way, and what is asked is only asked."""
    for _ in range(2):
        ran = searched("explain", "--visitor", "v-812", "--at", "2026-12-01 10:05")
        lines = ran.out.splitlines()
        assert lines[0] == "v-812 at 2026-12-01 10:05:00 (Europe/London): SHOW three"
        assert lines[1] == "  Help?"
        assert "three 2026-12-01 10:00:40 (lapsed)" in ran.out
        assert "three   SHOW  shown   a.yaml:2" in lines


def test_the_page_may_be_named(searched, tmp_path):
    """What would be decided elsewhere."""
    (tmp_path / "rules" / "site.yaml").write_text(
        SITE + AUDIENCES + "page_groups: { checkout: /checkout }\n"
        "suppress: [ { name: paying, where: checkout, hide: prompt } ]\n",
        encoding="utf-8",
    )
    asked = ("explain", "--visitor", "v-812", "--at", "2026-12-01 10:05", "--rule", "three")
    assert "SHOW three" in searched(*asked).out
    out = searched(*asked, "--page", "https://shop.example/checkout").out
    assert "HOLD suppressed (paying)" in out
    assert "  suppress      NO   paying" in out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--visitor", "v-813"), 'nothing is held about the visitor "v-813" of shop'),
        (("--visitor", "v-812", "--rule", "tree"), 'has no rule "tree"; did you mean "three"?'),
        (("--visitor", "v-812", "--site", "shpo"), 'a site "shpo"; did you mean "shop"?'),
        (("--visitor", "v-812", "--at", "yesterday"), '--at: the time "yesterday" is not a date'),
        (("--visitor", "v-812", "--data", "none"), "there is no store at none/welltimed.db"),
        (("--visitor", "v-812", "--store", "redis://x"), "a store named redis: is not known"),
        (("--visitor", "v-812", "--rules", "none"), "there is no rules folder at none"),
    ],
)
def test_what_is_unknown_is_one_sentence(searched, arguments, why):
    """And exit 1, with nothing on stdout."""
    ran = searched("explain", *arguments)
    assert (ran.code, ran.out) == (1, "")
    assert why in ran.err


def test_the_visitor_is_required(run):
    """Click says so, with exit 2."""
    ran = run("explain")
    assert ran.code == 2
    assert "--visitor" in ran.err


def test_no_store_is_made_by_asking(run, tmp_path):
    """A misspelt path stays a misspelt path."""
    ran = run("explain", "--visitor", "v", "--store", f"sqlite:///{tmp_path}/other.db")
    assert ran.code == 1
    assert not (tmp_path / "other.db").exists()


def test_one_of_several_sites_is_named(searched, tmp_path):
    """Where there are two, the question is of one of them."""
    both = tmp_path / "both"
    both.mkdir()
    (tmp_path / "rules").rename(both / "shop")
    (both / "club").mkdir()
    (both / "club" / "site.yaml").write_text("site: { name: club, time_zone: UTC }\n", "utf-8")
    (both / "club" / "a.yaml").write_text('rules: [ { rule: hi, show: "x" } ]\n', "utf-8")
    asked = ("explain", "--rules", both, "--visitor", "v-812")
    ran = searched(*asked)
    assert ran.code == 1
    assert "name one of the sites with --site: club, shop" in ran.err
    assert searched(*asked, "--site", "shop").code == 0


def test_refused_rules_are_explained_by_those_that_serve(searched, tmp_path):
    """A server that fell back on the last good files is explained by them, and it is said."""
    open_sites(tmp_path / "rules", tmp_path / "data")["shop"].keep()
    (tmp_path / "rules" / "a.yaml").write_text("rules: [ { rule: X } ]\n", encoding="utf-8")
    ran = searched("explain", "--visitor", "v-812", "--at", "2026-12-01 10:05")
    assert ran.code == 0
    assert "SHOW three" in ran.out
    assert "The last good rules serve instead." in ran.err


# --- what was really decided ----------------------------------------------------------------


@pytest.fixture
def journal(searched, tmp_path):
    """Write decisions about v-812 into the journal: (seconds after ten, what), made by hand."""
    with closing(open_store(f"sqlite:///{tmp_path}/data/welltimed.db")) as store:

        def write(*lines):
            for number, (seconds, more) in enumerate(lines):
                at = TUESDAY + round(seconds * 1_000)
                made = {"show": False, "reason": Reason.NEEDS_MORE_EVENTS} | more.pop("made", {})
                decision = Decision(at=at, decision_id=f"d{number}", **made)
                entry = entries.decided("v-812", decision, more.pop("page", None), **more)
                version, value, _ = store.read("shop", "v-812")
                assert store.commit("shop", "v-812", version, value, [entry])

        yield write


def decided_at(run, when):
    """Return what the journal's part of the explanation says."""
    out = run("explain", "--visitor", "v-812", "--at", when).out
    return out.partition("from the journal\n")[2].splitlines()


def test_near_misses_shadows_and_other_rules_are_told(searched, journal):
    """Why it did not show at 14:02, though the rules were others then."""
    near = [
        entries.NearMiss("three", Reason.CAPPED, "1 per session"),
        entries.NearMiss("members", Reason.UNLESS_MATCHED),
    ]
    capped = {
        "reason": Reason.CAPPED,
        "by": "1 per session",
        "rule": "three",
        "ruleset": "sha256:a",
    }
    shown = {"show": True, "reason": Reason.SHOWN, "rule": "old", "variant": "b"}
    journal(
        (4 * 3600 + 120, {"made": capped, "page": "https://shop.example/p/1?q=x", "near": near}),
        (4 * 3600 + 181.5, {"made": shown | {"ruleset": "sha256:old"}, "shadows": ["three"]}),
    )
    assert decided_at(searched, "2026-12-01 14:02") == [
        (
            "  2026-12-01 14:02:00 (at that instant) on /p/1: "
            "HOLD capped (1 per session), three came furthest"
        ),
        "    by other rules than these: sha256:a",
        "    members came near: unless_matched",
        "  2026-12-01 14:03:01.500 (1 min 1.5 s after): SHOW old (b)",
        "    by other rules than these: sha256:old",
        "    in shadow, three would have passed",
    ]


def test_the_nearest_are_told_in_their_order(searched, journal):
    """Five of them; ten minutes are within, a millisecond more is not."""
    noon = 2 * 3600
    journal(*((noon + after, {}) for after in (-600, -599, 600, 600.001, -600.001)))
    told = [line for line in decided_at(searched, "2026-12-01 12:00") if "(" in line]
    assert [line.split("(")[1].split(")")[0] for line in told] == [
        "10 min before",
        "9 min 59 s before",
        "10 min after",
    ]
    journal(*((noon + after, {}) for after in (-50, 40, -30, 20, 10)))
    told = [line for line in decided_at(searched, "2026-12-01 12:00") if "(" in line]
    assert [line.split("(")[1].split(")")[0] for line in told] == [
        "50 s before",
        "30 s before",
        "10 s after",
        "20 s after",
        "40 s after",
    ]


def test_it_is_said_where_the_journal_has_nothing(searched):
    """With what the journal keeps, so that nobody takes it for a proof."""
    out = searched("explain", "--visitor", "v-812", "--at", "2026-12-01 15:00").out
    assert "Nothing that was decided within 10 minutes of it is in the journal" in out
