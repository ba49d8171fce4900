"""Rulesets, rule tests and recordings for the tests of this folder, from a few words of YAML."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from engine.errors import Severity
from engine.replay import backtest, recording, rule_tests
from engine.replay.gather import by_visitor
from engine.replay.recording import BadRow
from engine.replay.rows import Row
from engine.replay.tallies import Firing, Summary
from engine.ruleset import Ruleset, build, check

SITE = "site: { name: shop, time_zone: UTC }\n"
TUESDAY = 1_796_119_200_000  # 2026-12-01 10:00 UTC


def ruleset(rules: str, site: str = SITE) -> Ruleset:
    """Build a ruleset from the items of `rules:` and a whole site.yaml."""
    return build({"site.yaml": site, "a.yaml": "rules:\n" + _items(rules)})


def run_tests(rules: str, tests: str, site: str = SITE) -> list[rule_tests.Result]:
    """Run the items of `tests:` against those of `rules:`."""
    files = {
        "site.yaml": site,
        "a.yaml": "rules:\n" + _items(rules),
        "a.test.yaml": "tests:\n" + _items(tests),
    }
    loaded = check(files)
    errors = [str(p) for p in loaded.problems if p.severity is Severity.ERROR]
    assert loaded.folder is not None, errors
    return list(rule_tests.run(Ruleset(loaded.folder), loaded.tests))


def run_test(rules: str, test: str, site: str = SITE) -> rule_tests.Result:
    """Run one test, whose name and start are added."""
    head = "- test: it\n  start: 2026-12-01 10:00\n"
    (result,) = run_tests(rules, head + textwrap.indent(textwrap.dedent(test).strip(), "  "), site)
    return result


def wrong(result: rule_tests.Result) -> list[dict[str, Any]]:
    """Return, for each line that did not come true, what was decided instead."""
    return [
        {key: mismatch.actual[key] for key in mismatch.differing} for mismatch in result.mismatches
    ]


def at(seconds: float) -> int:
    """Return an instant (ms), seconds after the start."""
    return TUESDAY + round(seconds * 1_000)


def write_jsonl(path: Path, *rows: Any) -> Path:
    """Write rows as JSONL; a text is written as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def read_all(path: Path, *args: Any, **options: Any) -> tuple[list[Row], list[BadRow]]:
    """Read a file; return its rows and its bad rows."""
    items = list(recording.read(path, *args, **options))
    return (
        [item for item in items if isinstance(item, Row)],
        [item for item in items if isinstance(item, BadRow)],
    )


def replay(rules: Ruleset, rows: list[Row], jobs: int = 1) -> tuple[Summary, list[Firing]]:
    """Replay rows; return the counts and every triggered instant."""
    firings: list[Firing] = []
    summary = backtest.run(rules, by_visitor(rows), fired=firings.append, jobs=jobs)
    return summary, firings


def _items(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "  ") + "\n"
