"""Rule tests mean what LANGUAGE.md section 7 says, sentence by sentence."""

from __future__ import annotations

from replay_rules import run_test, run_tests, wrong

THREE = '- { rule: three, when: { event: search, at_least: 3 }, show: "Help?" }'
CAPPED = """
site:
  name: shop
  time_zone: UTC
  caps: [1 prompt per session]
  cooldown: { after_ignored: { times: 2, for: 1 day } }
"""


def passes(rules: str, test: str, site: str = "site: { name: shop, time_zone: UTC }\n") -> None:
    result = run_test(rules, test, site)
    assert result.passed, wrong(result)


def test_a_decision_is_taken_after_all_lines_up_to_and_including_its_instant():
    """The event of the very instant counts, the one a millisecond later does not."""
    passes(
        THREE,
        """
        timeline:
          - { at: 0s, event: search, query: a }
          - { at: 20s, event: search, query: b }
          - { at: 40s, event: search, query: c }
        expect:
          - { at: 39.999s, decision: hold, because: needs_more_events }
          - { at: 40s, decision: show, rule: three }
        """,
    )


def test_a_decision_is_taken_at_each_expect_line_and_nowhere_else():
    """Without a line at the third search nothing is shown then, and no cap is used up."""
    rule = THREE.replace("show:", "limit: 1 ever, show:")
    lines = """
        timeline:
          - { at: 1s, event: search, query: a }
          - { at: 2s, event: search, query: b }
          - { at: 3s, event: search, query: c }
        expect:
    """
    passes(rule, f"{lines}\n          - {{ at: 9s, decision: show }}")
    passes(
        rule,
        f"{lines}\n          - {{ at: 3s, decision: show }}"
        "\n          - { at: 9s, decision: hold, because: capped, by: 1 ever }",
    )


def test_a_prompt_is_confirmed_at_once():
    """A shown prompt counts for good, and no reservation stays open."""
    passes(
        """
        - { rule: hi, limit: 1 per 10 minutes, show: "Hi" }
        - { rule: ho, priority: 1, show: "Ho" }
        """,
        """
        timeline: [ { at: 0s, event: login } ]
        expect:
          - { at: 0s, decision: show, rule: hi }
          - { at: 0s, decision: show, rule: ho }
          - { at: 9m 59.999s, decision: show, rule: ho }
          - { at: 10m, decision: show, rule: hi }
        """,
    )


def test_a_confirmed_prompt_is_a_prompt_shown_of_that_rule():
    """It can be counted like any other event, with the rule's name."""
    passes(
        """
        - { rule: hi, priority: 90, limit: 1 ever, show: "Hi" }
        - { rule: again, when: { event: prompt_shown, with: { rule: hi } }, show: "Still there?" }
        """,
        """
        timeline: [ { at: 0s, event: login } ]
        expect:
          - { at: 0s, decision: show, rule: hi }
          - { at: 0s, decision: show, rule: again }
        """,
    )


def test_lines_may_stand_in_any_order():
    """A later line may be written first, among expectations too."""
    passes(
        THREE,
        """
        timeline:
          - { at: 40s, event: search, query: c }
          - { at: 0s, event: search, query: a }
          - { at: 20s, event: search, query: b }
        expect:
          - { at: 40s, decision: show }
          - { at: 39s, decision: hold }
        """,
    )


def test_equal_instants_keep_the_order_of_the_lines():
    """Of two page views at one instant the one written last is the page now."""
    for first, second, decision in (("/a", "/b", "hold"), ("/b", "/a", "show")):
        passes(
            '- { rule: on-a, where: a, show: "A" }',
            f"""
            timeline:
              - {{ at: 1s, event: page_view, page: {first} }}
              - {{ at: 1s, event: page_view, page: {second} }}
            expect: [ {{ at: 1s, decision: {decision} }} ]
            """,
            "site: { name: shop, time_zone: UTC }\npage_groups: { a: /a }\n",
        )


def test_a_page_view_written_after_a_report_of_its_instant_ends_it():
    """Page states end with the next page_view, of one instant by the order of the lines."""
    rule = '- { rule: deep, when: { state: scroll_depth, at_least: 50 }, show: "x" }'
    report, view = "{ at: 1s, state: { scroll_depth: 60 } }", "{ at: 1s, event: page_view }"
    for lines, decision in (((report, view), "hold"), ((view, report), "show")):
        passes(
            rule,
            f"timeline: [ {', '.join(lines)} ]\nexpect: [ {{ at: 1s, decision: {decision} }} ]",
        )


def test_durations_join_and_go_to_milliseconds():
    """`2d 31s` and `39.999s` are instants like any other."""
    passes(
        """
        - rule: late
          when: { event: login, not_followed_by: signup, for: 40s, within: 3 days }
          show: "x"
        """,
        """
        timeline: [ { at: 2d 31s, event: login } ]
        expect:
          - { at: 2d 70.999s, decision: hold, because: still_waiting, check_again_in: 0.001s }
          - { at: 2d 1m 11s, decision: show }
        """,
    )


def test_only_the_keys_given_are_compared():
    """A line that asks for the widget alone does not care what is shown."""
    passes(
        '- { rule: hi, show: "Hi" }',
        """
        timeline: []
        expect: [ { at: 0s, widget: shown }, { at: 1s, decision: show } ]
        """,
    )


def test_every_key_of_an_expectation_is_compared():
    """Each of them fails on its own when it is wrong, and says what it was."""
    rules = """
    - rule: hi
      show: { variants: { one: { message: { en: "Hi", it: "Ciao" } }, two: { message: "Ho" } } }
    - { rule: other, priority: 1, show: "O" }
    """
    expected = {
        "decision: hold": {"decision": "show"},
        "rule: other": {"rule": "hi"},
        "because: capped": {"because": "shown"},
        "by: someone": {"by": None},
        "variant: two": {"variant": "one"},
        'message: "Hello"': {"message": "Ciao"},
        "language: en": {"language": "it"},
        "widget: hidden": {"widget": "shown"},
        "check_again_in: 1s": {"check_again_in": None},
    }
    for wanted, actual in expected.items():
        result = run_test(
            rules, f"given: {{ language: it-CH }}\nexpect: [ {{ at: 0s, {wanted} }} ]"
        )
        assert wrong(result) == [actual], wanted


def test_hold_with_a_rule_compares_that_rules_own_reason():
    """Whichever came furthest, the named rule's reason and `by` are looked at."""
    passes(
        """
        - { rule: three, when: { event: search, at_least: 3 }, show: "x" }
        - { rule: members, who: members, show: "x" }
        - { rule: off, mode: paused, show: "x" }
        """,
        """
        timeline: [ { at: 0s, event: search, query: a } ]
        expect:
          - { at: 0s, decision: hold, rule: three, because: needs_more_events, by: null }
          - { at: 0s, decision: hold, rule: members, because: not_in_audience, by: members }
          - { at: 0s, decision: hold, rule: off, because: paused }
          - { at: 0s, decision: hold, because: not_in_audience, by: members }
        """,
        "site: { name: shop, time_zone: UTC }\naudiences: { members: { logged_in: true } }\n",
    )


def test_hold_with_a_rule_fails_where_another_rule_shows():
    """A prompt is not a hold, whatever became of the named rule."""
    result = run_test(
        '- { rule: a, show: "A" }\n- { rule: b, priority: 1, show: "B" }',
        "expect: [ { at: 0s, decision: hold, rule: b, because: outranked } ]",
    )
    assert wrong(result) == [{"decision": "show", "rule": "a", "because": "shown"}]


def test_an_event_without_a_page_stays_on_the_page():
    """The search happens on the page that was opened before it."""
    passes(
        '- { rule: x, when: { event: search, where: shop }, where: shop, show: "x" }',
        """
        timeline:
          - { at: 0s, event: page_view, page: /shop }
          - { at: 1s, event: search, query: a }
        expect: [ { at: 1s, decision: show } ]
        """,
        "site: { name: shop, time_zone: UTC }\npage_groups: { shop: /shop }\n",
    )


def test_an_event_may_name_its_session():
    """Two named sessions are two, whatever the gap between them."""
    passes(
        """
        - rule: x
          when: { event: search, different: session, at_least: 2, within: 1 day }
          show: "x"
        """,
        """
        timeline:
          - { at: 0s, event: search, query: a, session: one }
          - { at: 1s, event: search, query: a, session: two }
        expect: [ { at: 0s, decision: hold }, { at: 1s, decision: show } ]
        """,
    )


def test_a_session_ends_after_half_an_hour_to_the_millisecond():
    """A gap of exactly the timeout starts a new one."""
    rule = '- { rule: x, when: { event: search, at_least: 2 }, show: "x" }'
    for second, decision in (("29m 59.999s", "show"), ("30m", "hold")):
        passes(
            rule,
            f"""
            timeline:
              - {{ at: 0s, event: search, query: a }}
              - {{ at: {second}, event: search, query: b }}
            expect: [ {{ at: {second}, decision: {decision} }} ]
            """,
        )


def test_an_event_carries_its_fields_referrer_and_id():
    """The fields filter, the referrer tells where the visit came from, an id comes once."""
    passes(
        """
        - rule: none
          when: { event: search, with: { results: 0, query: boots }, at_least: 2 }
          show: "x"
        - rule: news
          when: { all: [ { event: page_view }, { state: referrer, is: news.example } ] }
          show: "y"
        """,
        """
        timeline:
          - { at: 0s, event: search, query: " Boots", results: 0, id: one }
          - { at: 1s, event: search, query: boots, results: 0, id: one }
          - { at: 2s, event: search, query: boots, results: 4 }
          - { at: 4s, event: search, query: boots, results: 0 }
          - { at: 40m, event: page_view, page: /, referrer: "https://news.example/today" }
        expect:
          - { at: 3s, decision: hold, rule: none, because: needs_more_events }
          - { at: 4s, decision: show, rule: none }
          - { at: 40m, decision: show, rule: news }
        """,
    )


def test_a_state_line_is_what_the_page_measured():
    """Seconds and counts, which run on from there."""
    passes(
        '- { rule: x, when: { state: idle_in_field, for: 30 seconds }, show: "x" }',
        """
        timeline:
          - { at: 0s, event: page_view }
          - { at: 5s, state: { idle_in_field: 20 } }
        expect:
          - { at: 5s, decision: hold, because: still_waiting, check_again_in: 10s }
          - { at: 14.999s, decision: hold }
          - { at: 15s, decision: show }
        """,
    )


def test_an_availability_line_changes_only_the_keys_named():
    """Nobody free from then on, and the queue still as it was given."""
    site = """
    site: { name: shop, time_zone: UTC }
    suppress:
      - { name: nobody, state: free_slots, at_most: 0, hide: prompt }
      - { name: queue, state: queue_wait, at_least: 60 seconds, hide: prompt }
    """
    passes(
        '- { rule: x, show: "x" }',
        """
        given: { queue_wait: 30 }
        timeline:
          - { at: 1s, availability: { free_slots: 0 } }
          - { at: 2s, availability: { free_slots: 2, queue_wait: 60 } }
          - { at: 3s, availability: { queue_wait: 59 } }
          - { at: 4s, availability: { free_slots: null, agents_available: null } }
        expect:
          - { at: 0s, decision: show }
          - { at: 1s, decision: hold, because: suppressed, by: nobody }
          - { at: 2s, decision: hold, because: suppressed, by: queue }
          - { at: 3s, decision: show }
          - { at: 4s, decision: hold, because: availability_unknown, by: nobody }
        """,
        site.replace("\n    ", "\n"),
    )


def test_prompt_shown_with_a_rule_counts_for_its_limit_and_the_caps():
    """As if the prompt had been decided here."""
    lines = """
        timeline: [ { at: 0s, event: prompt_shown, rule: hi }, { at: 0s, event: login } ]
        expect: [ { at: 1s, decision: hold, because: capped, by: %s } ]
    """
    passes('- { rule: hi, limit: 1 ever, show: "x" }', lines % "1 ever")
    passes('- { rule: hi, show: "x" }', lines % "1 prompt per session", CAPPED)


def test_prompt_shown_without_a_rule_counts_towards_the_caps_alone():
    """No rule's own limit is used up by it."""
    lines = "timeline: [ { at: 0s, event: login }, { at: 0s, event: prompt_shown } ]\n"
    passes(
        '- { rule: hi, limit: 1 ever, show: "x" }',
        lines + "expect: [ { at: 1s, decision: show } ]",
    )
    passes(
        '- { rule: hi, limit: 1 ever, show: "x" }',
        lines
        + 'expect: [ { at: 1s, decision: hold, because: capped, by: "1 prompt per session" } ]',
        CAPPED,
    )


def test_prompts_stated_are_left_unanswered():
    """Two of them in a row bring the silence that ignoring brings, by the second's time."""
    passes(
        '- { rule: hi, show: "x" }',
        """
        timeline:
          - { at: 0s, event: login }
          - { at: 0s, event: prompt_shown, rule: hi }
          - { at: 1h, event: prompt_shown }
        expect:
          - { at: 3h, decision: hold, because: cooling_down, by: after_ignored }
          - { at: 24h 59m 59.999s, decision: hold, because: cooling_down, check_again_in: 0.001s }
          - { at: 25h, decision: show }
        """,
        CAPPED,
    )


def test_what_is_not_given_is_missing_and_the_desk_is_idle():
    """One agent, one free slot, no queue; no attribute is known."""
    passes(
        """
        - rule: x
          when:
            all:
              - { state: agents_available, at_least: 1, at_most: 1 }
              - { state: free_slots, at_least: 1, at_most: 1 }
              - { state: queue_wait, at_most: 0 seconds }
              - { state: queue_length, at_most: 0 }
              - not: { state: country, not: GB }
              - not: { state: logged_in }
          show: "x"
        """,
        "expect: [ { at: 0s, decision: show } ]",
    )


def test_given_states_any_attribute_visit_fact_and_desk_state():
    """They hold for the whole test, visit facts over what the events say."""
    passes(
        """
        - rule: x
          when:
            all:
              - { state: visits, at_least: 4 }
              - { state: cart_value, at_least: 100 }
              - { state: plan, is: trial }
              - { state: free_slots, at_least: 3 }
          show: { message: "Hi {first_name|there}" }
        """,
        """
        given: { visits: 4, cart_value: 120, plan: Trial, free_slots: 3, first_name: Ada }
        timeline: [ { at: 1s, event: cart_view, cart_value: 3 } ]
        expect: [ { at: 2s, decision: show, message: "Hi Ada" } ]
        """,
    )


def test_null_in_given_is_unknown():
    """An attribute that is null is missing, a desk state that is null unknown."""
    site = """
site: { name: shop, time_zone: UTC }
suppress: [ { name: nobody, state: free_slots, at_most: 0, hide: prompt } ]
"""
    passes(
        """
        - { rule: x, show: "x" }
        - { rule: y, priority: 90, when: { state: country, not: GB }, show: "y" }
        """,
        """
        given: { free_slots: null, country: null }
        expect:
          - { at: 0s, decision: hold, because: availability_unknown, by: nobody }
          - { at: 0s, decision: hold, rule: y, because: not_now }
        """,
        site,
    )


def test_the_visitor_is_inside_every_rollout_and_outside_every_holdout():
    """Above 0 % and below 100 % the visitor of a test is always one who may be shown."""
    site = "site: { name: shop, time_zone: UTC, holdout: 99% }\n"
    passes(
        '- { rule: x, rollout: 0.01%, holdout: 99.99%, show: "x" }',
        "expect: [ { at: 0s, decision: show } ]",
        site,
    )
    passes(
        '- { rule: x, rollout: 0%, show: "x" }',
        "expect: [ { at: 0s, decision: hold, because: outside_rollout } ]",
    )
    passes(
        '- { rule: x, holdout: 100%, show: "x" }',
        "expect: [ { at: 0s, decision: hold, because: in_holdout, by: rule } ]",
    )


def test_a_bucket_pins_all_four_or_one():
    """`{ bucket: 3 }` puts the visitor into holdouts; naming one leaves the others alone."""
    rules = """
    - rule: x
      rollout: 10%
      holdout: 20%
      show: { variants: { a: { message: A }, b: { message: B } } }
    """
    site = "site: { name: shop, time_zone: UTC, holdout: 1% }\n"
    for bucket, expected in (
        ("3", "decision: hold, because: in_holdout, by: site"),
        ("{ rollout: 3 }", "decision: show, variant: a"),
        ("{ rollout: 1000 }", "decision: hold, because: outside_rollout"),
        ("{ holdout: 1999 }", "decision: hold, because: in_holdout, by: rule"),
        ("{ holdout: 2000, variant: 5000 }", "decision: show, variant: b"),
        ("{ site-holdout: 99 }", "decision: hold, because: in_holdout, by: site"),
        ("{ site-holdout: 100 }", "decision: show"),
    ):
        passes(
            rules,
            f"visitor: {{ bucket: {bucket} }}\nexpect: [ {{ at: 0s, {expected} }} ]",
            site,
        )


def test_on_page_runs_by_the_clock_until_the_page_is_hidden_or_left():
    """Hidden time does not count, and the next page starts afresh."""
    passes(
        '- { rule: x, when: { state: on_page, for: 40 seconds }, show: "x" }',
        """
        timeline:
          - { at: 0s, event: page_view, page: /a }
          - { at: 30s, event: page_hidden }
          - { at: 60s, event: page_visible }
          - { at: 65s, event: page_view, page: /b }
        expect:
          - { at: 50s, decision: hold, because: not_now, check_again_in: null }
          - { at: 60s, decision: hold, because: still_waiting, check_again_in: 10s }
          - { at: 65s, decision: hold, because: still_waiting, check_again_in: 40s }
          - { at: 105s, decision: show }
        """,
    )


def test_times_are_on_the_sites_clock():
    """A test that starts at ten starts at ten where the site is."""
    site = """
site: { name: shop, time_zone: Asia/Tokyo }
schedules: { desk: { open: { mon-fri: 10:00-11:00 } } }
"""
    passes(
        '- { rule: x, during: desk, show: "x" }',
        """
        expect:
          - { at: 0s, decision: show }
          - { at: 1h, decision: hold, because: outside_schedule, by: desk, check_again_in: 23h }
        """,
        site,
    )


def test_each_test_starts_afresh():
    """Nothing that one test did is seen by the next."""
    test = """
    - test: %s
      start: 2026-12-01 10:00
      expect: [ { at: 0s, decision: show } ]
    """
    results = run_tests('- { rule: x, limit: 1 ever, show: "x" }', test % "one" + test % "two")
    assert [result.passed for result in results] == [True, True]


def test_a_failing_line_keeps_what_explains_it():
    """Expected, actual, where the timeline stood and the trace of that instant."""
    result = run_test(
        THREE,
        """
        timeline:
          - { at: 0s, event: search, query: a }
          - { at: 20s, event: search, query: b }
          - { at: 60s, event: search, query: c }
        expect: [ { at: 40s, decision: show, rule: three } ]
        """,
    )
    (mismatch,) = result.mismatches
    assert mismatch.wanted == {"decision": "show", "rule": "three"}
    assert mismatch.differing == ("decision",)
    assert mismatch.actual["because"] == "needs_more_events"
    assert (mismatch.seen.event, mismatch.seen.at) == ("search", 20_000)
    (entry,) = mismatch.trace
    assert entry["reason"] == "needs_more_events"
    assert mismatch.expectation.place.line == 8


def test_a_failing_line_does_not_change_those_after_it():
    """The trace of a failure reserves nothing and shows nothing."""
    result = run_test(
        '- { rule: x, limit: 1 ever, show: "x" }',
        """
        expect:
          - { at: 0s, decision: show, message: "y" }
          - { at: 1s, decision: hold, because: capped, by: 1 ever }
        """,
    )
    assert wrong(result) == [{"message": "x"}]
