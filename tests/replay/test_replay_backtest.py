"""A backtest counts what CONTRACT.md says, as an independent and naive count has it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_rules import SITE, TUESDAY, at, replay, ruleset

from engine.errors import WelltimedError
from engine.model import Reason
from engine.replay import backtest, summary_text
from engine.replay.gather import by_visitor
from engine.replay.rows import Row
from engine.replay.tallies import Firing
from engine.visitor.profile import Event

TIMEOUT = 30 * 60


def row(seconds: float, kind: str, visitor: str = "v", **more) -> Row:
    number = next(_numbers)
    own = {key: more.pop(key) for key in ("page", "session") if key in more}
    id_ = more.pop("id", f"row-{number:012d}")
    return Row(visitor, Event(id_, kind, at(seconds), more, **own), number)


_numbers = iter(range(1, 10**9))


# --- the naive count ------------------------------------------------------------------------
# Times are seconds since the start; a visitor's past is a list of (time, kind, query).

RULES = """
- rule: often
  when: { event: search, at_least: 2, within: session }
  limit: 1 per session
  show: "x"
- rule: some
  priority: 60
  when: { event: login, at_least: 1, at_most: 2, within: 10 minutes }
  limit: 2 per 1 hour
  show: "x"
- rule: words
  priority: 70
  when: { event: search, different: query, at_least: 2, within: 1 hour }
  limit: 1 per 20 minutes
  show: "x"
- rule: stalled
  when: { event: signup, not_followed_by: login, for: 90 seconds }
  show: "x"
- rule: left-off
  priority: 20
  when: { all: [ { event: login }, { event: search, at_most: 0, within: 5 minutes } ] }
  limit: 1 ever
  show: "x"
- { rule: anyone, priority: 10, limit: 1 ever, show: "x" }
"""


def sessions(past):
    """Return the number of each event's session: a gap of the timeout starts a new one."""
    numbers, last = [], None
    for time, _, _ in past:
        fresh = last is None or time - last >= TIMEOUT
        numbers.append((numbers[-1] + 1 if numbers else 0) if fresh else numbers[-1])
        last = time
    return numbers


def in_session(past, now):
    if not past or now - past[-1][0] >= TIMEOUT:
        return []
    numbers = sessions(past)
    return [e for e, number in zip(past, numbers, strict=True) if number == numbers[-1]]


def within(past, now, span):
    return [e for e in past if now - span < e[0] <= now]


def of(past, kind):
    return [e for e in past if e[1] == kind]


def true_now(past, now):
    """Say which rules' `when` holds, by the words of LANGUAGE.md section 3 alone."""
    session = in_session(past, now)
    logins, searches = of(past, "login"), of(past, "search")
    words = {e[2].strip().lower() for e in within(searches, now, 3_600) if e[2] is not None}
    unanswered = [
        e
        for e in of(session, "signup")
        if now - e[0] >= 90 and not any(answer[0] >= e[0] for answer in logins)
    ]
    return {
        "often": len(of(session, "search")) >= 2,
        "some": 1 <= len(within(logins, now, 600)) <= 2,
        "words": len(words) >= 2,
        "stalled": bool(unanswered),
        "left-off": bool(of(session, "login")) and not within(searches, now, 300),
        "anyone": True,
    }


RANKED = ("words", "some", "often", "stalled", "left-off", "anyone")


def full(rule, past, now, prompts):
    """Say whether the rule's own limit is used up."""
    mine = [time for time, name in prompts if name == rule]
    if rule == "often":
        session = in_session(past, now)
        return any(time >= session[0][0] for time in mine) if session else False
    bound = {"some": (3_600, 2), "words": (1_200, 1)}.get(rule)
    if bound is not None:
        return sum(now - bound[0] < time <= now for time in mine) >= bound[1]
    return bool(mine) if rule in ("left-off", "anyone") else False


class Count:
    """One visitor, counted by hand."""

    def __init__(self, rows):
        self.rows = rows
        self.prompts, self.firings = [], []
        self.shown, self.held = Counter(), Counter()
        for number, (now, _, _) in enumerate(rows):
            past, following = (
                rows[: number + 1],
                rows[number + 1][0] if rows[number + 1 :] else None,
            )
            decided = self.decide(past, now, true_now(rows[:number], now))
            self.wait(past, now, following, decided)

    def decide(self, past, now, before):
        """Decide; return whether a prompt was shown."""
        holding = true_now(past, now)
        passing = [r for r in RANKED if holding[r] and not full(r, past, now, self.prompts)]
        winner = passing[0] if passing else None
        for rule in RANKED:
            if holding[rule] and not before[rule]:
                reason = "shown" if rule == winner else "outranked" if rule in passing else "capped"
                self.firings.append((now, rule, reason))
                if rule != winner:
                    self.held[rule, reason] += 1
        if winner is not None:
            self.prompts.append((now, winner))
            self.shown[winner] += 1
        return winner is not None

    def wait(self, past, now, following, shown):
        """Ask again at the earliest whole second at which some rule would show."""
        end = now + TIMEOUT - 1
        end = end if following is None else min(end, following)
        while not shown:
            for then in range(now + 1, end + 1):
                holding = true_now(past, then)
                if any(holding[r] and not full(r, past, then, self.prompts) for r in RANKED):
                    break
            else:
                return
            now, shown = then, self.decide(past, then, true_now(past, then - 0.001))


GAPS = (0, 1, 30, 89, 90, 91, 299, 300, 599, 600, 601, 1_199, 1_200, 1_799, 1_800, 1_801, 3_600)
steps = st.lists(
    st.tuples(
        st.sampled_from(GAPS),
        st.sampled_from(("search", "search", "login", "signup")),
        st.sampled_from((None, "a", " A", "b")),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, min_size=1, max_size=2))
def test_a_backtest_is_what_a_naive_count_gives(streams):
    """Triggers, prompts, reasons, sessions: counted windows, limits, stalls and waits alike."""
    rows, expected = [], {}
    for number, stream in enumerate(streams):
        now, mine = 0, []
        for gap, kind, query in stream:
            now += gap
            mine.append((now, kind, query))
            fields = {} if query is None else {"query": query}
            rows.append(row(now, kind, f"v{number}", **fields))
        expected[f"v{number}"] = Count(mine)
    summary, firings = replay(ruleset(RULES), rows)
    told = defaultdict(list)
    for firing in firings:
        told[firing.visitor].append(
            ((firing.at - TUESDAY) / 1_000, firing.rule, firing.reason.value)
        )
    for visitor, count in expected.items():
        assert sorted(told[visitor]) == sorted(count.firings)
    for rule in RANKED:
        count = summary.rules[rule]
        assert count.shown == sum(one.shown[rule] for one in expected.values())
        assert count.triggered == sum(1 for f in firings if f.rule == rule)
        held = Counter()
        for one in expected.values():
            held.update({reason: n for (name, reason), n in one.held.items() if name == rule})
        assert count.held == held
    assert summary.sessions == sum(max(sessions(one.rows)) + 1 for one in expected.values())
    assert (summary.events, summary.visitors) == (len(rows), len(streams))


# --- one thing at a time --------------------------------------------------------------------

TWO = '- { rule: two, when: { event: search, at_least: 2 }, limit: 1 per session, show: "x" }'


def test_a_trigger_is_true_after_the_row_and_false_without_it():
    """Not the third search, which finds the rule true already."""
    summary, firings = replay(ruleset(TWO), [row(n, "search") for n in (0, 5, 9)])
    assert [(f.at, f.show) for f in firings] == [(at(5), True)]
    assert summary.rules["two"].record() == {"triggered": 1, "shown": 1, "visitors": 1, "held": {}}


def test_rows_of_one_instant_are_decided_one_by_one():
    """The first of two equal rows has no second beside it yet."""
    summary, firings = replay(ruleset(TWO), [row(0, "search"), row(0, "search")])
    assert len(firings) == summary.rules["two"].shown == 1


def test_exact_duplicates_without_an_id_all_count():
    """Three equal rows are three searches."""
    rule = TWO.replace("at_least: 2", "at_least: 3")
    summary, _ = replay(ruleset(rule), [row(0, "search", query="a") for _ in range(3)])
    assert (summary.events, summary.rules["two"].triggered) == (3, 1)


def test_a_row_with_an_id_that_came_before_is_the_same_event():
    """It counts once, at the earlier of its times, and is told apart in the counts."""
    rows = [row(9, "search", id="x"), row(0, "search", id="x"), row(3, "search", id="y")]
    summary, firings = replay(ruleset(TWO), rows)
    assert (summary.events, summary.repeated) == (2, 1)
    assert [f.at for f in firings] == [at(3)]


def test_rows_run_by_time_whatever_the_order_in_the_file():
    """And visitors do not see each other."""
    rows = [row(9, "search"), row(0, "search", "w"), row(0, "search")]
    summary, firings = replay(ruleset(TWO), rows)
    assert [(f.visitor, f.at) for f in firings] == [("v", at(9))]
    assert (summary.since, summary.until, summary.visitors) == (at(0), at(9), 2)


def test_a_rule_without_when_shows_and_is_never_triggered():
    """It was true before the row."""
    summary, firings = replay(
        ruleset('- { rule: hi, limit: 1 ever, show: "x" }'), [row(0, "login")]
    )
    assert firings == []
    assert summary.rules["hi"].record() == {"triggered": 0, "shown": 1, "visitors": 0, "held": {}}


WAITING = """
- rule: code
  when: { event: verification_started, not_followed_by: verification_passed, for: 90 seconds }
  show: "x"
"""


def test_it_fires_at_the_instant_waited_for():
    """Asked again when the decision said to, with no row there."""
    summary, firings = replay(ruleset(WAITING), [row(0, "verification_started")])
    assert [(f.at, f.show, f.reason) for f in firings] == [(at(90), True, Reason.SHOWN)]
    assert summary.rules["code"].shown == 1
    assert summary.events == 1


def test_a_row_in_between_puts_the_question_anew():
    """The answer just before is in time, just after it is not."""
    start = row(0, "verification_started")
    for second, fired in ((89.999, 0), (90, 1), (90.001, 1)):
        _, firings = replay(ruleset(WAITING), [start, row(second, "verification_passed")])
        assert len(firings) == fired, second


def test_waiting_ends_with_the_session():
    """Half an hour after the row there is nobody to ask, to the millisecond."""
    rule = WAITING.replace("90 seconds", "%s").replace("for: %s", "for: %s, within: 1 day")
    for span, fired in (("1799 seconds", 1), ("30 minutes", 0), ("40 minutes", 0)):
        _, firings = replay(ruleset(rule % span), [row(0, "verification_started")])
        assert len(firings) == fired, span


def test_a_passive_row_does_not_prolong_the_waiting():
    """`page_hidden` belongs to the session, and does not extend it."""
    rule = WAITING.replace("90 seconds }", "31 minutes, within: 1 day }")
    rows = [row(0, "verification_started"), row(600, "page_hidden")]
    assert replay(ruleset(rule), rows)[1] == []
    assert len(replay(ruleset(rule), [rows[0], row(600, "login")])[1]) == 1


def test_it_waits_for_a_cap_to_run_out():
    """A prompt that a cap held shows when the cap is over; that is no new trigger."""
    site = "site: { name: shop, time_zone: UTC, caps: [1 prompt per 10 minutes] }\n"
    rules = """
    - { rule: a, when: { event: search }, limit: 1 ever, show: "x" }
    - { rule: b, when: { event: login }, limit: 1 ever, show: "x" }
    """
    summary, firings = replay(ruleset(rules, site), [row(0, "search"), row(60, "login")])
    assert [(f.rule, f.at, f.reason.value, f.by) for f in firings] == [
        ("a", at(0), "shown", None),
        ("b", at(60), "capped", "1 prompt per 10 minutes"),
    ]
    assert summary.rules["b"].record() == {
        "triggered": 1,
        "shown": 1,
        "visitors": 1,
        "held": {"capped": 1},
    }


def test_a_trigger_that_is_held_names_the_suppression():
    """Suppressions are counted by name, other reasons by reason."""
    site = """
site: { name: shop, time_zone: UTC }
page_groups: { checkout: "/checkout/**" }
schedules: { desk: { open: { mon-fri: 09:00-11:00 } } }
suppress:
  - { name: checkout, where: checkout, hide: prompt }
  - { name: closed, outside: desk, hide: prompt }
"""
    rule = '- { rule: s, when: { event: search }, show: "x" }\n'
    rule += '- { rule: m, when: { event: search }, who: members, show: "x" }'
    rows = [
        row(0, "search", "a", page="/checkout/pay"),
        row(7_200, "search", "b"),
        row(0, "search", "c"),
    ]
    site += "audiences: { members: { logged_in: true } }\n"
    summary, _ = replay(ruleset(rule, site), rows)
    assert summary.rules["s"].held == {"suppressed:checkout": 1, "suppressed:closed": 1}
    assert summary.rules["s"].shown == 1
    assert summary.rules["m"].held == {"not_in_audience": 3}


def test_real_buckets_apply():
    """A holdout of half keeps about half silent, and each of them by its own hash."""
    rule = '- { rule: s, when: { event: search }, holdout: 50%, show: "x" }'
    visitors = [f"visitor-{n}" for n in range(200)]
    summary, firings = replay(ruleset(rule), [row(0, "search", name) for name in visitors])
    count = summary.rules["s"]
    assert count.triggered == 200
    assert count.shown + count.held["in_holdout"] == 200
    assert 60 < count.shown < 140
    assert {f.by for f in firings} == {None, "rule"}


def test_the_site_holdout_consumes_as_a_prompt_would():
    """First `in_holdout`, then `capped`."""
    site = "site: { name: shop, time_zone: UTC, holdout: 100%, caps: [1 prompt per session] }\n"
    rules = '- { rule: s, when: { event: search, within: 1 minute }, show: "x" }'
    _, firings = replay(ruleset(rules, site), [row(n, "search") for n in (0, 100)])
    assert [(f.reason.value, f.by) for f in firings] == [
        ("in_holdout", "site"),
        ("capped", "1 prompt per session"),
    ]


def test_prompts_are_left_unanswered():
    """Ignoring enough of them brings the silence that the site asked for."""
    site = (
        "site: { name: shop, time_zone: UTC, "
        "cooldown: { after_ignored: { times: 2, for: 1 day } } }\n"
    )
    rule = '- { rule: s, when: { event: search, within: 1 minute }, show: "x" }'
    _, firings = replay(ruleset(rule, site), [row(n * 100, "search") for n in range(3)])
    assert [f.reason.value for f in firings] == ["shown", "shown", "cooling_down"]


def test_a_prompt_belongs_to_the_session_whose_first_row_brought_it():
    """Of one instant, the prompt comes after the row."""
    rules = """
    - { rule: hi, priority: 90, limit: 1 ever, show: "x" }
    - { rule: seen, when: { event: prompt_shown }, limit: 1 ever, show: "y" }
    """
    for rows in ([row(0, "login"), row(9, "login")], [row(0, "login", id="zz"), row(9, "login")]):
        assert replay(ruleset(rules), rows)[0].rules["seen"].shown == 1


def test_a_recorded_prompt_is_just_an_event():
    """The prompts of another time count towards no cap of these rules."""
    site = "site: { name: shop, time_zone: UTC, caps: [1 prompt per session] }\n"
    rows = [row(0, "prompt_shown", rule="s"), row(1, "search")]
    summary, _ = replay(ruleset('- { rule: s, when: { event: search }, show: "x" }', site), rows)
    assert summary.rules["s"].shown == 1


def test_the_desk_is_staffed_and_the_queue_empty():
    """Guardrails that wait for people let everything through."""
    site = """
site: { name: shop, time_zone: UTC }
suppress:
  - { name: nobody, state: free_slots, at_most: 0, hide: prompt }
  - { name: queue, state: queue_wait, at_least: 1 second, hide: prompt }
"""
    rule = '- { rule: s, when: { event: search }, show: "x" }'
    assert replay(ruleset(rule, site), [row(0, "search")])[0].rules["s"].shown == 1


def test_sessions_are_counted_by_gaps_or_by_name():
    """Half an hour to the second splits a session; a believed name beats the gap."""
    live = ruleset(TWO)
    assert replay(live, [row(0, "login"), row(1_800, "login")])[0].sessions == 2
    assert replay(live, [row(0, "login"), row(1_799, "login")])[0].sessions == 1
    assert replay(live, [row(0, "login"), row(3_000, "page_hidden")])[0].sessions == 1
    named = [row(0, "login", session="a"), row(9_000, "login", session="a")]
    assert replay(live, named)[0].sessions == 1
    assert replay(live, [*named, row(9_001, "login", session="b")])[0].sessions == 2


def test_the_page_now_is_the_newest_that_a_row_names():
    """A row without a page leaves the visitor where they were."""
    site = f"{SITE}page_groups: {{ shop: /shop }}\n"
    rule = '- { rule: s, where: shop, when: { event: search }, show: "x" }'
    rows = [row(0, "page_view", page="/shop"), row(1, "search")]
    assert replay(ruleset(rule, site), rows)[0].rules["s"].shown == 1
    assert replay(ruleset(rule, site), rows[1:])[0].rules["s"].held == {"wrong_page": 1}


def test_nothing_recorded_is_nothing_counted():
    """An empty recording has no beginning and no end."""
    record = replay(ruleset(TWO), [])[0].record()
    assert (record["events"], record["from"], record["until"]) == (0, None, None)
    assert record["rules"]["two"] == {"triggered": 0, "shown": 0, "visitors": 0, "held": {}}


# --- several processes ----------------------------------------------------------------------


def _busy() -> list[Row]:
    kinds = ("search", "login", "signup", "search")
    return [
        row((n * 37) % 5_000 + n, kinds[(n * 7 + v) % 4], f"v{v:03d}", query="abc"[n % 3])
        for v in range(120)
        for n in range(20)
    ]


def test_the_number_of_processes_changes_nothing():
    """Neither a count nor the order of the triggered instants."""
    live, rows = ruleset(RULES), _busy()
    (alone, fired), (shared, fired_too) = replay(live, rows), replay(live, rows, jobs=3)
    assert alone == shared
    assert fired == fired_too
    assert alone.record()["rules"]["words"]["shown"] > 0
    assert [f.visitor for f in fired] == sorted(f.visitor for f in fired)


def test_progress_reaches_the_number_of_rows():
    """Rows that repeat an id are work done as well."""
    rows = [*_busy(), row(0, "search", "v000", id="x"), row(0, "search", "v000", id="x")]
    for jobs in (1, 2):
        done: list[int] = []
        backtest.run(ruleset(TWO), by_visitor(rows), progress=done.append, jobs=jobs)
        assert sum(done) == len(rows)


def test_a_process_that_is_killed_is_told():
    """In one sentence with what to do, rather than waited for."""
    parent = os.getpid()

    class Deadly(dict):
        def __getitem__(self, name):
            if os.getpid() != parent:
                os._exit(9)
            return super().__getitem__(name)

    with pytest.raises(WelltimedError, match=r"ended from outside.*--jobs 1"):
        backtest.run(ruleset(TWO), Deadly(by_visitor(_busy())), jobs=2)


def test_a_fault_in_one_process_is_told():
    """It is neither waited for nor passed over."""

    class Broken(dict):
        def __getitem__(self, name):
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        backtest.run(ruleset(TWO), Broken(by_visitor(_busy())), jobs=2)


# --- as JSON --------------------------------------------------------------------------------


def test_the_summary_has_the_promised_shape():
    """CONTRACT.md section 1, key by key."""
    record = replay(ruleset(TWO), [row(n, "search") for n in (0, 1)])[0].record()
    assert record == {
        "events": 2,
        "visitors": 1,
        "sessions": 1,
        "from": "2026-12-01T10:00:00Z",
        "until": "2026-12-01T10:00:01Z",
        "bad_rows": 0,
        "repeated_rows": 0,
        "rules": {"two": {"triggered": 1, "shown": 1, "visitors": 1, "held": {}}},
    }


def test_a_firing_has_the_promised_shape():
    """One line a triggered instant, to the millisecond."""
    firing = Firing("v", at(0.5), "two", show=False, reason=Reason.SUPPRESSED, by="checkout")
    assert firing.record() == {
        "visitor": "v",
        "at": "2026-12-01T10:00:00.500Z",
        "rule": "two",
        "decision": "hold",
        "reason": "suppressed",
        "by": "checkout",
    }


def test_a_comparison_counts_who_sees_a_prompt_now():
    """Visitors gained, lost and kept, whatever the rule that prompts them."""
    rows = [
        row(0, "search", "a"),
        row(0, "login", "b"),
        row(0, "search", "c"),
        row(1, "login", "c"),
    ]
    ours = replay(ruleset('- { rule: x, when: { event: search }, show: "x" }'), rows)[0]
    theirs = replay(ruleset('- { rule: y, when: { event: login }, show: "y" }'), rows)[0]
    assert ours.compared(theirs) == {
        "rules": {"y": {"triggered": 2, "shown": 2, "visitors": 2, "held": {}}},
        "visitors_gained": 1,
        "visitors_lost": 1,
        "visitors_in_both": 1,
    }


def test_the_text_tells_every_reason_the_most_frequent_first():
    """Four on a line, under the heading that they belong to."""
    summary = replay(ruleset(TWO), [row(0, "search")])[0]
    summary.bad, summary.repeated = 1, 1_200
    for number in range(5):
        summary.rules["two"].held[f"suppressed:s{number}"] = 10 - number
    assert summary_text.render(summary.record()).splitlines() == [
        "1 event of 1 visitor in 1 session, 2026-12-01T10:00:00Z to 2026-12-01T10:00:00Z",
        "1 bad row passed over, as told above",
        "1,200 rows with an id that had come before: each event counts once",
        "",
        "rule  triggered    shown  visitors  held because",
        (
            "two           0        0         0  "
            "suppressed:s0 10, suppressed:s1 9, suppressed:s2 8, suppressed:s3 7,"
        ),
        "                                    suppressed:s4 6",
        "",
        "Caps and answers are simulated: a prompt counts as shown and left unanswered.",
    ]
