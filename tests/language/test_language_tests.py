"""Tests beside the rules: how their lines are read (LANGUAGE.md section 7)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.clock import DAY
from engine.language import loader
from engine.model import Expectation, Place, TimelineLine

FILES = {
    "site.yaml": (
        "site: { name: shop, time_zone: Europe/London }\n"
        "page_groups: { home: /, pricing: /pricing }\nevents: { spun: [prize] }\n"
    ),
    "a.yaml": "rules:\n  - { rule: a, where: home, show: { variants: { x: { message: Hi } } } }\n",
}
START = int(datetime(2026, 7, 1, 9, tzinfo=UTC).timestamp() * 1000)


def test_of(text):
    return one("tests:\n  - test: t\n    start: 2026-07-01 10:00\n" + text)


def one(text):
    loaded = loader.load(FILES | {"a.test.yaml": text})
    assert loaded.folder is not None, [str(p) for p in loaded.problems]
    (test,) = loaded.tests
    return test


test_of.__test__ = False
EXPECT = "    expect: [ { at: 0s, decision: hold } ]\n"


def test_a_test_starts_on_the_wall_clock_of_the_site():
    """The start is in the site's zone; a date alone is its midnight."""
    assert test_of(EXPECT).start == START
    assert one(
        "tests:\n  - { test: t, start: 2026-07-01, expect: [ { at: 0s, rule: a } ] }"
    ).start == (START - 10 * 3_600_000)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{ at: 0s, event: search, query: boots }", TimelineLine(0, "search", {"query": "boots"})),
        (
            "{ at: 39.999s, event: search, query: 012, results: 0, page: /p/1, session: one }",
            TimelineLine(39_999, "search", {"query": "012", "results": 0}, "/p/1", "one"),
        ),
        (
            "{ at: 2d 31s, event: product_view, product: 4471, available: true, brand: x }",
            TimelineLine(
                2 * DAY + 31_000,
                "product_view",
                {"product": "4471", "available": True, "brand": "x"},
            ),
        ),
        ("{ at: 1s, event: spun, prize: 5.5 }", TimelineLine(1_000, "spun", {"prize": 5.5})),
        (
            "{ at: 1s, event: chat_message, text_signals: [refund, angry] }",
            TimelineLine(1_000, "chat_message", {"text_signals": ("refund", "angry")}),
        ),
        (
            "{ at: 1s, event: page_view, page: /, referrer: https://a.example/ }",
            TimelineLine(1_000, "page_view", {"referrer": "https://a.example/"}, "/"),
        ),
        (
            "{ at: 1s, state: { idle_in_field: 30, on_page: 1m, form: quote, form_stuck: true } }",
            TimelineLine(
                1_000,
                state={"idle_in_field": 30, "on_page": 60, "form": "quote", "form_stuck": True},
            ),
        ),
        (
            "{ at: 1s, availability: { free_slots: 0, queue_wait: null } }",
            TimelineLine(1_000, availability={"free_slots": 0, "queue_wait": None}),
        ),
    ],
)
def test_a_line_is_an_event_a_report_or_the_desk(text, line):
    """Fields stand beside an event; times of reports are seconds."""
    test = test_of(f"    timeline:\n      - {text}\n{EXPECT}")
    (found,) = test.timeline
    assert found.place == Place("a.test.yaml", 5, 9)
    for name in ("at", "event", "fields", "page", "session", "state", "availability"):
        assert getattr(found, name) == getattr(line, name)


def test_what_is_given_is_read_by_its_type():
    """Attributes as written, durations in seconds, unknowns as None."""
    test = test_of(
        "    given: { logged_in: true, plan: on, visits: 3, device: Mobile, landing: [home], "
        "queue_wait: 2 minutes, free_slots: null, country: null, tags: [a, b], on_site: 90 }\n"
        + EXPECT
    )
    assert test.given == {
        "logged_in": True,
        "plan": "on",
        "visits": 3,
        "device": "Mobile",
        "landing": ("home",),
        "queue_wait": 120,
        "free_slots": None,
        "country": None,
        "tags": ("a", "b"),
        "on_site": 90,
    }


def test_one_number_pins_all_buckets():
    """A bucket alone pins all four, a mapping only those that it names."""
    assert test_of("    visitor: { bucket: 3 }\n" + EXPECT).buckets == dict.fromkeys(
        ("site-holdout", "rollout", "holdout", "variant"), 3
    )
    assert test_of("    visitor: { bucket: { rollout: 3 } }\n" + EXPECT).buckets == {"rollout": 3}
    assert test_of(EXPECT).buckets == {}


def test_only_what_is_expected_is_compared():
    """Each key that is given stands in the expectation, null as None, times in ms."""
    test = test_of(
        "    expect:\n"
        "      - { at: 1m, decision: show, rule: a, variant: x, message: Hi, language: en }\n"
        "      - { at: 2m, because: capped, by: 1 ever, widget: hidden, check_again_in: 50s }\n"
        "      - { at: 3m, rule: null, by: null, check_again_in: null }\n"
        "      - { at: 4m, check_again_in: 12.5 }\n"
    )
    place = [Place("a.test.yaml", line, 9) for line in range(5, 9)]
    assert test.expect == (
        Expectation(
            60_000,
            {"decision": "show", "rule": "a", "variant": "x", "message": "Hi", "language": "en"},
            place[0],
        ),
        Expectation(
            120_000,
            {
                "because": "capped",
                "by": "1 ever",
                "widget": "hidden",
                "check_again_in": 50_000,
            },
            place[1],
        ),
        Expectation(180_000, {"rule": None, "by": None, "check_again_in": None}, place[2]),
        Expectation(240_000, {"check_again_in": 12_500}, place[3]),
    )


def test_a_mistake_in_a_test_refuses_the_folder():
    """A test that cannot be read is an error like any other."""
    text = "tests:\n  - { test: t, start: 2026-07-01, expect: [ { at: 0s, decison: show } ] }\n"
    loaded = loader.load(FILES | {"a.test.yaml": text})
    assert loaded.folder is None
    assert [(p.path, str(p.kind)) for p in loaded.problems] == [
        ("a.test.yaml", "unknown-key"),
    ]
