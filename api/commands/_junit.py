"""Rule tests as a JUnit file, which every CI server reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from engine.replay.rule_tests import Result

# Characters that XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(path: Path, results: Sequence[Result], told: Callable[[Result], str]) -> None:
    """Write the results; `told` says in full what is wrong with one that failed."""
    failed = sum(not result.passed for result in results)
    totals = {"name": "welltimed", "tests": str(len(results)), "failures": str(failed)}
    root = ET.Element("testsuites", totals)
    suite = ET.SubElement(root, "testsuite", totals | {"errors": "0", "skipped": "0"})
    for result in results:
        place = result.test.place
        case = ET.SubElement(
            suite,
            "testcase",
            name=_fit(result.test.name),
            classname=_fit(place.path.removesuffix(".yaml")),
            file=_fit(place.path),
            line=str(place.line),
        )
        if not result.passed:
            failure = ET.SubElement(case, "failure", message=_fit(_first(result)))
            failure.text = _fit(told(result))
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _first(result: Result) -> str:
    mismatch = result.mismatches[0]
    key = mismatch.differing[0]
    return f"{key}: expected {mismatch.wanted[key]}, got {mismatch.actual[key]}"


def _fit(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
