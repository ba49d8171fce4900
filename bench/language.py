"""What a large rules folder costs: loading, matching, memory, and the tests beside the rules.

Run it from the project's folder: `.venv/bin/python bench/language.py`. It prints the table of
bench/README.md and fails where a goal is missed. Everything is made up here, the same each time.
"""

from __future__ import annotations

import gc
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from engine import ruleset
from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.decide import decide
from engine.gates.availability import FixedDesk
from engine.gates.buckets import Buckets
from engine.gates.order import Facts
from engine.language import loader
from engine.replay import rule_tests
from engine.replay.visit import STAFFED
from engine.ruleset import Ruleset
from engine.visitor.profile import Event, Profile, Report, fold
from engine.visitor.view import View

ROUNDS = 7
FEW, MANY = 10, 1_000
IN_A_FILE = 100
VISITORS = 200
EVENTS = 30
NOW = 1_796_119_200_000  # 2026-12-01 10:00 in London

# --- a folder -------------------------------------------------------------------------------


class Shape(NamedTuple):
    """A kind of rule: its conditions, and a timeline that brings it about at `at`."""

    rule: str
    timeline: tuple[str, ...]
    at: str


# What the starter rules and the cookbook are made of; N is the rule's number.
SHAPES = (
    Shape(
        'when: { event: search, with: { query: { contains: "termN" } }, at_least: 2 }',
        ("0s, event: search, query: blue termN", "5s, event: search, query: termN red"),
        "5s",
    ),
    Shape(
        'when: { event: product_view, with: { product: "N" }, different: session, at_least: 2,'
        " within: 30 days }",
        ("0s, event: product_view, product: N", "2h, event: product_view, product: N"),
        "2h",
    ),
    Shape(
        "when: { event: form_started, with: { form: form-N }, not_followed_by: form_submitted,"
        " for: 90 seconds }",
        ("0s, event: form_started, form: form-N",),
        "90s",
    ),
    Shape(
        "when: { state: on_page, for: 40 seconds }\n    where: area-N",
        ("0s, event: page_view, page: /area-N/x",),
        "40s",
    ),
    Shape(
        "when: { sequence: [add_to_cart, { event: page_view, where: area-N }, cart_view] }",
        (
            "0s, event: add_to_cart, product: x",
            "1s, event: page_view, page: /area-N",
            "2s, event: cart_view",
        ),
        "2s",
    ),
    Shape(
        "when: { any: [ { state: scroll_depth, at_least: 80 }, { event: help_view,"
        ' with: { article: "aN" } } ] }\n    where: area-N',
        ("0s, event: page_view, page: /area-N", "1s, event: help_view, article: aN"),
        "1s",
    ),
    Shape(
        "when: { all: [ { event: add_to_cart, with: { category: c-N } }, { state: cart_value,"
        " at_least: 50 } ] }",
        ("0s, event: add_to_cart, category: c-N, cart_value: 60",),
        "0s",
    ),
    Shape(
        "when: { all: [ { state: campaign, is: camp-N }, { event: page_view, at_least: 2 } ] }",
        ("0s, event: page_view, page: /?utm_campaign=camp-N", "1s, event: page_view, page: /b"),
        "1s",
    ),
    Shape(
        "when: { event: submit_failed, with: { form: form-N }, at_least: 2, within: 10 minutes }",
        (
            "0s, event: submit_failed, form: form-N",
            "9s, event: submit_failed, form: form-N",
        ),
        "9s",
    ),
    Shape(
        "when: { event: page_view, where: area-N, at_least: 3, within: 1 day }",
        tuple(f"{second}s, event: page_view, page: /area-N/{second}" for second in range(3)),
        "2s",
    ),
)

SITE = """site:
  name: shop
  time_zone: Europe/London
  caps: [1 prompt per session, 3 prompts per 7 days]
  cooldown: { after_dismissal: 7 days }
suppress:
  - { name: checkout, where: checkout, hide: prompt }
  - { name: bought-just-now, event: purchase, within: 1 hour, hide: prompt }
page_groups:
  checkout: "**/checkout/**"
"""


def folder(rules: int) -> dict[str, str]:
    """Return the files of a folder of so many rules, each with a test."""
    areas = [number for number in range(rules) if "area-N" in SHAPES[number % 10].rule]
    files = {"site.yaml": SITE + "".join(f"  area-{n}: /area-{n}/**\n" for n in areas)}
    for start in range(0, rules, IN_A_FILE):
        some = range(start, min(rules, start + IN_A_FILE))
        name = f"rules-{start:04d}"
        files[f"{name}.yaml"] = "rules:\n" + "".join(map(_rule, some))
        files[f"{name}.test.yaml"] = "tests:\n" + "".join(map(_test, some))
    return files


def _rule(number: int) -> str:
    unless = "    unless: { event: purchase, within: 1 day }\n" if number % 2 else ""
    return (
        f"  - rule: rule-{number}\n"
        f"    description: What rule number {number} is for.\n"
        f"    priority: {1 + number % 90}\n"
        f"    {SHAPES[number % 10].rule.replace('N', str(number))}\n{unless}"
        '    show: { message: { en: "Can we help you?", de: "Können wir helfen?" } }\n'
        "    limit: 1 per session\n"
    )


def _test(number: int) -> str:
    shape = SHAPES[number % 10]
    lines = "".join(f"      - {{ at: {line} }}\n" for line in shape.timeline)
    return (
        f"  - test: rule {number}\n    start: 2026-12-01 10:00\n    timeline:\n{lines}"
        f"      - {{ at: 3h, event: purchase, value: 1 }}\n    expect:\n"
        f"      - {{ at: {shape.at}, decision: show, rule: rule-{number} }}\n"
        "      - { at: 3h, decision: hold }\n"
    ).replace("N", str(number))


# --- visitors -------------------------------------------------------------------------------


def profiles(rules: int) -> list[Profile]:
    """Return visitors who do a little of what some of so many rules look for."""
    random = Random(2026)
    return [_profile(random, rules) for _ in range(VISITORS)]


def _profile(random: Random, rules: int) -> Profile:
    events, at = [], NOW - 2 * DAY
    for number in range(EVENTS):
        at += random.choice((SECOND, 20 * SECOND, MINUTE, 10 * MINUTE, HOUR))
        kind, fields = random.choice(
            (
                ("page_view", {}),
                ("page_view", {}),
                ("page_view", {}),
                ("search", {"query": f"term{random.randrange(rules)}"}),
                ("product_view", {"product": str(random.randrange(rules))}),
                ("add_to_cart", {"category": f"c-{random.randrange(rules)}", "cart_value": 60}),
                ("form_started", {"form": f"form-{random.randrange(rules)}"}),
                ("help_view", {"article": f"a{random.randrange(rules)}"}),
            )
        )
        page = f"https://shop.example/area-{random.randrange(rules)}/x"
        events.append(Event(f"e{number:03d}", kind, at, fields, page=page))
    profile, _ = fold(Profile(), events, keep=180 * DAY, keep_events=500)
    profile.report = Report(at=at, values={"on_page": random.randrange(40), "scroll_depth": 40})
    return profile


def views(live: Ruleset, people: list[Profile]) -> list[View]:
    """Return what is asked of the matcher: nothing about these visitors is worked out yet."""
    return [
        View(
            each, live.site, live.pages, each.events[-1].at + SECOND, desk=FixedDesk(STAFFED).value
        )
        for each in people
    ]


# --- measuring ------------------------------------------------------------------------------


Work = Callable[[], object]


def medians(*prepare: Callable[[], Work]) -> list[float]:
    """Return each work's median CPU seconds, run in turns so that all meet the same machine.

    Each is prepared anew for every round, which is not counted.
    """
    took: list[list[float]] = [[] for _ in prepare]
    for _ in range(ROUNDS):
        for times, prepared in zip(took, prepare, strict=True):
            work = prepared()
            gc.collect()
            start = time.process_time()
            work()
            times.append(time.process_time() - start)
    return [statistics.median(times) for times in took]


def loading() -> float:
    files = folder(MANY)
    (took,) = medians(lambda: lambda: ruleset.build(files).close())
    return took


class Matched(NamedTuple):
    """Microseconds for one visitor, and how many rules were true of one."""

    match: float
    decide: float
    found: float


def matching() -> tuple[Matched, Matched]:
    """Return what ten and a thousand rules cost, of the same visitors, in turns."""
    both = [ruleset.build(folder(rules)) for rules in (FEW, MANY)]
    people = profiles(MANY)

    def matches(live: Ruleset) -> Work:
        fresh = views(live, people)
        return lambda: [live.matcher.match(view) for view in fresh]

    def decisions(live: Ruleset) -> Work:
        fresh = [
            Facts(view, f"v{number}", Buckets(f"v{number}"), FixedDesk(STAFFED))
            for number, view in enumerate(views(live, people))
        ]
        return lambda: [decide(live, facts) for facts in fresh]

    few, many = both
    took = medians(
        lambda: matches(few), lambda: matches(many), lambda: decisions(few), lambda: decisions(many)
    )
    micro = [seconds / VISITORS * 1e6 for seconds in took]
    found = [sum(map(len, matches(live)())) / VISITORS for live in both]
    for live in both:
        assert live.matcher.degraded is None, live.matcher.degraded
        live.close()
    return Matched(micro[0], micro[2], found[0]), Matched(micro[1], micro[3], found[1])


def testing(rules: int) -> float:
    """Return the seconds that a thousand tests take in a folder of so many rules."""
    loaded = loader.load(folder(rules))
    assert loaded.folder is not None, loaded.problems[:3]
    live = Ruleset(loaded.folder)
    tests = loaded.tests * (MANY // rules)

    def run() -> None:
        failed = [result for result in rule_tests.run(live, tests) if not result.passed]
        assert not failed, failed[0].test.name

    (took,) = medians(lambda: run)
    live.close()
    return took


def memory() -> tuple[float, float]:
    """Return by how many bytes one ruleset makes a fresh process grow: afterwards, and at most."""
    script = "import language; language.grow()"
    grown = []
    for _ in range(ROUNDS):
        ran = subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parent,
            env={"PYTHONPATH": str(Path(__file__).parents[1])},
            capture_output=True,
            text=True,
            check=True,
        )
        grown.append([float(word) for word in ran.stdout.split()])
    after, most = zip(*grown, strict=True)
    return statistics.median(after), statistics.median(most)


def grow() -> None:
    """Build one folder and print the growth; `memory` runs this in a process of its own."""
    files = folder(MANY)
    ruleset.build(folder(FEW)).close()  # what is loaded only once is not the folder's
    gc.collect()
    before, peak = _resident(), _peak()
    live = ruleset.build(files)
    view = views(live, profiles(MANY)[:1])[0]
    live.matcher.match(view)
    gc.collect()
    print(_resident() - before, _peak() - peak)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


# --- the table ------------------------------------------------------------------------------


def main() -> int:
    print(f"Python {platform.python_version()}, medians of {ROUNDS}, CPU time\n")
    load = loading()
    few, many = matching()
    after, most = memory()
    alone, among = testing(FEW), testing(MANY)
    match, whole = many.match / few.match, many.decide / few.decide
    true = f"{many.found:.1f} and {few.found:.2f} rules true"
    rows = (
        (f"loading {MANY:,} rules and their tests", f"{load:.2f} s", "under 2 s", load < 2),
        (
            f"matching {MANY:,} rules : {FEW} ({true})",
            f"{match:.1f} ({many.match:.0f} µs : {few.match:.0f} µs)",
            "at most 6",
            match <= 6,
        ),
        (
            "a whole decision, likewise",
            f"{whole:.1f} ({many.decide:.0f} µs : {few.decide:.0f} µs)",
            "",
            True,
        ),
        (f"memory of {MANY:,} rules", f"{after / 1e6:.0f} MB", "under 60 MB", after < 60e6),
        ("… at most, while they load", f"{most / 1e6:.0f} MB", "", True),
        (f"1,000 tests in a folder of {FEW} rules", f"{alone:.1f} s", "under 10 s", alone < 10),
        (f"1,000 tests in a folder of {MANY:,}", f"{among:.1f} s", "under 10 s", among < 10),
    )
    print("| | measured | goal |\n|---|---|---|")
    for name, value, goal, well in rows:
        print(f"| {name} | {value} | {goal}{'' if well else ' **missed**'} |")
    return 0 if all(well for *_, well in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
