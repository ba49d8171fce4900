"""`welltimed test`: run the tests that stand beside the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from api import settings
from api.commands import _junit
from engine import ruleset as rulesets
from engine import trace_text
from engine.clock import SECOND
from engine.errors import Severity, WelltimedError
from engine.language import loader, report
from engine.model import RuleTest, TimelineLine
from engine.replay import rule_tests
from engine.replay.rule_tests import Mismatch, Result


@click.command(short_help="Run the tests that stand beside the rules.")
@click.argument("folder", required=False)
@click.option("--run", "name", help="Run only the tests whose name holds this text.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write a JUnit file.")
def command(folder: str | None, name: str | None, junit_file: Path | None) -> None:
    """Run the *.test.yaml in FOLDER, or in the rules folder that is set.

    Exit 0: all pass; 1: some fail, or the rules are refused.
    """
    path = settings.load({"rules": folder}).rules
    live, tests = _loaded(path)
    chosen = _chosen(tests, name, path)
    results = []
    for result in rule_tests.run(live, chosen):
        results.append(result)
        click.echo(_told(result, live.site.time_zone))
    if junit_file is not None:
        _junit.write(junit_file, results, lambda result: _told(result, live.site.time_zone))
    failed = sum(not result.passed for result in results)
    if results:
        click.echo(f"\n{len(results) - failed} passed, {failed} failed")
    if failed:
        raise click.exceptions.Exit(1)


def _loaded(path: Path) -> tuple[rulesets.Ruleset, tuple[RuleTest, ...]]:
    """Load rules and tests; a mistake in either refuses both, with its place."""
    files = loader.read_folder(path)
    loaded = rulesets.check(files)
    errors = [p for p in loaded.problems if p.severity is Severity.ERROR]
    if loaded.folder is None or errors:
        click.echo(report.render(errors, files, folder=str(path)), err=True, nl=False)
        raise click.exceptions.Exit(1)
    return rulesets.Ruleset(loaded.folder), loaded.tests


def _chosen(tests: Sequence[RuleTest], name: str | None, path: Path) -> list[RuleTest]:
    wanted = (name or "").casefold()
    chosen = [test for test in tests if wanted in test.name.casefold()]
    if not tests:
        click.echo(f"{path} has no tests; write some in a file whose name ends in .test.yaml")
    elif not chosen:
        known = "\n  ".join(sorted(test.name for test in tests))
        raise WelltimedError(f'no test has "{name}" in its name; the tests are\n  {known}')
    return chosen


# --- what is told ---------------------------------------------------------------------------


def _told(result: Result, zone: str) -> str:
    if result.passed:
        return f"ok    {result.test.name}"
    at = result.test.place
    lines = [f"FAIL  {result.test.name}   {at.path}:{at.line}"]
    for mismatch in result.mismatches:
        lines += [f"      {line}".rstrip() for line in _mismatch(mismatch, zone)]
    return "\n".join(lines)


def _mismatch(mismatch: Mismatch, zone: str) -> list[str]:
    place = mismatch.expectation.place
    lines = [f"at {_offset(mismatch.expectation.at)}   {place.path}:{place.line}"]
    for key, wanted in mismatch.wanted.items():
        if key in mismatch.differing:
            actual = _value(key, mismatch.actual[key])
            lines.append(f"  {key}: expected {_value(key, wanted)}, got {actual}")
        else:
            lines.append(f"  {key}: {_value(key, wanted)}, as expected")
    lines += _beside(mismatch)
    lines.append(f"  the timeline stood {_stood(mismatch.seen)}")
    traced = _trace(mismatch, zone)
    return [*lines, "", *(f"  {line}" for line in traced), ""] if traced else lines


def _beside(mismatch: Mismatch) -> list[str]:
    """Tell what was decided, where the line did not ask for it and it explains the rest."""
    actual = mismatch.actual
    if "decision" not in mismatch.differing:
        return []
    keys = ("rule",) if actual["decision"] == "show" else ("because", "by", "rule")
    told = {key: actual[key] for key in keys if key not in mismatch.wanted}
    return [f"  {key}: {_value(key, value)}" for key, value in told.items() if value is not None]


def _trace(mismatch: Mismatch, zone: str) -> list[str]:
    """Tell the rules' way that explains it: the expected one's, and the one that came out."""
    actual = mismatch.actual["rule"]
    wanted = mismatch.wanted.get("rule") or actual
    told = []
    for rule in dict.fromkeys((wanted, actual)):
        text = trace_text.render(mismatch.trace, rule=rule, zone=zone) if rule else ""
        told += [*text.splitlines(), ""] if text else []
    return told[:-1]


def _stood(line: TimelineLine | None) -> str:
    if line is None:
        return "before its first line"
    place = f"   {line.place.path}:{line.place.line}"
    if line.event is not None:
        told = " ".join([line.event, *_pairs(line.fields)])
        return f"at {_offset(line.at)}: {told}{f' on {line.page}' if line.page else ''}{place}"
    kind, values = ("state", line.state) if line.state is not None else ("desk", line.availability)
    return f"at {_offset(line.at)}: {kind} {' '.join(_pairs(values or {}))}{place}"


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{name}={_value(name, value)}" for name, value in values.items()]


def _value(key: str, value: Any) -> str:
    if value is None:
        return "nothing" if key in ("rule", "by", "variant", "message", "language") else "null"
    if key == "check_again_in":
        return _offset(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if key == "message" else str(value)


def _offset(millis: int) -> str:
    """Say a span as the tests write it: `2d 3h 39.999s`."""
    said = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        count, millis = divmod(millis, size * SECOND)
        if count:
            said.append(f"{count}{unit}")
    if millis or not said:
        said.append(f"{millis / SECOND:.3f}".rstrip("0").rstrip(".") + "s")
    return " ".join(said)
