"""Rules: every word of LANGUAGE.md section 2 and what is shown (section 5)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.clock import DAY
from engine.language import loader
from engine.model import Active, Article, Cap, Mode, Place, Show, Span, Variant

SITE = """
site: { name: shop, time_zone: Europe/London }
schedules: { desk: { open: { mon: 09:00-17:00 } } }
departments: { sales: { schedule: desk } }
"""


def rules_of(text, site=SITE):
    loaded = loader.load({"site.yaml": site, "a.yaml": text})
    assert loaded.folder is not None, [str(p) for p in loaded.problems]
    return loaded.folder.rules


def rule_with(text, site=SITE):
    return rules_of(f"rules:\n  - rule: a\n    when: {{ event: search }}\n{text}", site)[0]


def ms(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)


def test_the_defaults_are_those_of_the_language():
    """Live, priority 50, everybody, no limits, the default department."""
    rule = rule_with("    show: Hi\n")
    assert (rule.id, rule.mode, rule.priority, rule.department) == ("a", Mode.LIVE, 50, "default")
    assert (rule.rollout, rule.holdout, rule.limits, rule.active) == (100.0, 0.0, (), None)
    assert (rule.where, rule.who, rule.unless, rule.during) == (None, None, None, None)
    assert rule.variants == (Variant(None, 1.0, Show((("", "Hi"),))),)
    assert rule.place == Place("a.yaml", 2, 11)


def test_every_word_is_read():
    """Each key of a rule lands in the model."""
    rule = rule_with(
        "    description: Looking\n    owner: growth\n    mode: shadow\n    priority: 80\n"
        "    during: desk\n    department: sales\n    limit: [1 per session, 2 ever]\n"
        "    rollout: 10%\n    holdout: 0.25%\n    show: Hi\n"
    )
    assert (rule.description, rule.owner, rule.mode) == ("Looking", "growth", Mode.SHADOW)
    assert (rule.priority, rule.during, rule.department) == (80, "desk", "sales")
    assert rule.limits == (Cap(1, Span.SESSION, "1 per session"), Cap(2, None, "2 ever"))
    assert (rule.rollout, rule.holdout) == (10.0, 0.25)


def test_files_count_in_alphabetical_order():
    """Rules come file by file, then as they stand; tests and the site are apart."""
    rule = "rules:\n  - {{ rule: {0}-one, show: Hi }}\n  - {{ rule: {0}-two, show: Hi }}\n"
    files = {f"{name}.yaml": rule.format(name) for name in ("b", "a", "c")} | {"site.yaml": SITE}
    assert [rule.id for rule in loader.load(files).folder.rules] == [
        "a-one", "a-two", "b-one", "b-two", "c-one", "c-two",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "active"),
    [
        # London is on UTC in December and an hour ahead in July.
        ("{ from: 2026-12-01, until: 2026-12-24 }", Active(ms(2026, 12, 1), ms(2026, 12, 25))),
        ("{ from: 2026-07-01 }", Active(ms(2026, 6, 30, 23), None)),
        ("{ until: 2026-12-24 18:00 }", Active(None, ms(2026, 12, 24, 18))),
        ("{ until: 2026-03-28 }", Active(None, ms(2026, 3, 29))),
        # 01:30 is skipped on 29 March 2026, and occurs twice on 25 October.
        ("{ from: 2026-03-29 01:30 }", Active(ms(2026, 3, 29, 1), None)),
        (
            "{ from: 2026-10-25 01:30, until: 2026-10-25 01:30 }",
            Active(ms(2026, 10, 25, 0, 30), ms(2026, 10, 25, 1, 30)),
        ),
        ("{ from: 2026-12-01T10:00:30 }", Active(ms(2026, 12, 1, 10, 0, 30), None)),
    ],
)
def test_dates_are_whole_days_of_the_site(text, active):
    """The last day is included, a time at the end is not; both in the site's zone."""
    assert rule_with(f"    active: {text}\n    show: Hi\n").active == active


def test_a_day_whose_midnight_is_skipped_begins_with_the_change():
    """In Cairo clocks go forward at midnight: 24 April 2026 begins at 01:00."""
    site = SITE.replace("Europe/London", "Africa/Cairo")
    rule = rule_with("    active: { from: 2026-04-24, until: 2026-04-23 23:59 }\n    show: Hi\n"
                     .replace(", until: 2026-04-23 23:59", ""), site)  # fmt: skip
    assert rule.active.since == ms(2026, 4, 23, 22)


def test_a_text_alone_is_a_prompt():
    """Numbers and words in show: are text."""
    assert rule_with("    show: 24 hours\n").variants[0].show.message == (("", "24 hours"),)
    assert rule_with("    show: 24\n").variants[0].show.message == (("", "24"),)


def test_everything_that_a_prompt_may_have():
    """Message by language in written order, button, delay, articles and what it opens."""
    rule = rule_with(
        "    show:\n"
        '      message: { it: "Ciao {first_name|a te}", en: "Hi {first_name|there}" }\n'
        '      button: "Chat with us"\n'
        "      delay: 3 seconds\n"
        "      articles: [ { title: { en: Delivery }, url: /help/delivery } ]\n"
        "      open: https://shop.example/chat\n"
    )
    (variant,) = rule.variants
    assert variant.show == Show(
        (("it", "Ciao {first_name|a te}"), ("en", "Hi {first_name|there}")),
        (("", "Chat with us"),),
        3_000,
        (Article((("en", "Delivery"),), "/help/delivery"),),
        "https://shop.example/chat",
    )


def test_variants_share_what_stands_beside_them():
    """A button beside variants is that of each variant which has none of its own."""
    rule = rule_with(
        "    show:\n      button: Ask\n      variants:\n"
        "        one: { weight: 50, message: One }\n"
        "        two: { weight: 49.5, message: Two, button: Go, open: contact }\n"
    )
    one, two = rule.variants
    assert (one.name, one.weight, one.show.button) == ("one", 50.0, (("", "Ask"),))
    assert (two.name, two.weight, two.show.button) == ("two", 49.5, (("", "Go"),))
    assert (one.show.opens, two.show.opens) == ("chat", "contact")


def test_variants_without_weights_share_evenly():
    """No weight anywhere is the same weight everywhere."""
    rule = rule_with("    show: { variants: { a: { message: A }, b: { message: B } } }\n")
    assert [variant.weight for variant in rule.variants] == [1.0, 1.0]


def test_a_bad_rule_does_not_hide_the_next():
    """Every rule with a mistake is told of in one run, sorted by place."""
    text = "rules:\n" + "".join(f"  - {{ rule: r{i}, shwo: Hi }}\n" for i in range(5))
    problems = loader.load({"site.yaml": SITE, "a.yaml": text}).problems
    assert [p.line for p in problems if p.kind == "unknown-key"] == [2, 3, 4, 5, 6]


def test_both_copies_of_a_key_are_looked_at():
    """A mistake in either copy of a key that stands twice is found."""
    when = "    when: { event: serch }\n    when: { event: purchse }\n"
    text = f"rules:\n  - rule: a\n{when}    show: Hi\n"
    problems = loader.load({"site.yaml": SITE, "a.yaml": text}).problems
    assert [(p.line, str(p.kind)) for p in problems] == [
        (3, "unknown-event"),
        (4, "duplicate-key"),
        (4, "unknown-event"),
    ]


def test_the_digest_is_of_what_decides():
    """Names and contents of the site and the rules count, tests and other files do not."""
    files = {"site.yaml": SITE, "a.yaml": "rules: []\n"}
    digest = loader.load(files).folder.digest
    assert digest.startswith("sha256:")
    assert len(digest) == len("sha256:") + 64
    same = [
        files | {"a.test.yaml": "tests: []\n"},
        files | {"README.md": "x"},
        dict(reversed(files.items())),
    ]
    assert {loader.load(other).folder.digest for other in same} == {digest}
    different = [
        {"site.yaml": SITE, "b.yaml": "rules: []\n"},
        {"site.yaml": SITE, "a.yaml": "rules: [ ]\n"},
        {"site.yaml": SITE + "\n", "a.yaml": "rules: []\n"},
    ]
    assert digest not in {loader.load(other).folder.digest for other in different}


def test_a_thousand_rules_load_in_reasonable_time():
    """A folder of a thousand rules loads; a century is the longest duration."""
    text = "rules:\n" + "".join(
        f"  - {{ rule: r{i}, when: {{ event: search, at_least: {i % 9 + 1}, within: {i + 1} s }}, "
        f"show: Hi, limit: 1 per session }}\n"
        for i in range(1_000)
    )
    rules = rules_of(text)
    assert len(rules) == 1_000
    assert rules[-1].when.measure.within == 1_000_000
    assert DAY == 86_400_000
