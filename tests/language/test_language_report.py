"""Reports: text with a caret in the right place, JSON, GitHub annotations."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Problem, Severity
from engine.language.report import FORMATS, render


def problem(line, column, length=1, **more):
    return Problem(
        "a.yaml", line, column, "bad-value", "x is wrong; expected y", length=length, **more
    )


def test_a_finding_is_told_with_its_line_and_a_caret():
    """Path, line, column, message, kind; the source line; a caret under the token; the count."""
    text = render([problem(2, 3, 4)], {"a.yaml": "one\nab  word\n"})
    assert text == (
        "a.yaml:2:3: x is wrong; expected y [bad-value]\n  2 | ab  word\n    |   ^~~~\n1 error\n"
    )


def test_findings_are_sorted_counted_and_warnings_are_called_so():
    """Errors and warnings stand together by place, and the last line counts both."""
    text = render(
        [problem(2, 1, severity=Severity.WARNING), problem(1, 2), problem(1, 1)],
        {"a.yaml": "ab\ncd\n"},
    )
    assert [line for line in text.splitlines() if line.startswith("a.yaml")] == [
        "a.yaml:1:1: x is wrong; expected y [bad-value]",
        "a.yaml:1:2: x is wrong; expected y [bad-value]",
        "a.yaml:2:1: warning: x is wrong; expected y [bad-value]",
    ]
    assert text.endswith("\n2 errors, 1 warning\n")


def test_nothing_found_is_said():
    """A clean folder gets one line."""
    assert render([], {}) == "no problems\n"


def test_a_folder_may_stand_before_the_paths():
    """Paths can be made to fit where the reader stands."""
    assert render([problem(1, 1)], {}, folder="rules/").startswith("rules/a.yaml:1:1: ")


def test_tabs_and_wide_characters_do_not_move_the_caret():
    """The caret stands under its token on a terminal."""
    tabbed = render([problem(1, 3, 2)], {"a.yaml": "\tx12"})
    assert tabbed.splitlines()[1:3] == ["  1 | \tx12", "    | \t ^~"]
    wide = render([problem(1, 3, 1)], {"a.yaml": "你好x"})
    assert wide.splitlines()[2] == "    |     ^"
    combined = render([problem(1, 3, 1)], {"a.yaml": "e\u0301x"})
    assert combined.splitlines()[2] == "    |  ^"
    underlined = render([problem(1, 1, 2)], {"a.yaml": "你好x"})
    assert underlined.splitlines()[2] == "    | ^~~~"


def test_a_long_line_is_cut_around_the_caret():
    """What is shown of a line fits a screen, and the caret still stands under its token."""
    line = "x" * 5_000 + "HERE" + "y" * 5_000
    shown, caret = render([problem(1, 5_001, 4)], {"a.yaml": line}).splitlines()[1:3]
    assert len(shown) < 140
    at = caret.index("^")
    assert shown[at : at + 4] == "HERE"


def test_json_has_every_part_of_a_finding():
    """One object a finding, for editors and scripts."""
    (found,) = json.loads(render([problem(2, 3, 4)], {}, "json"))
    assert found == {
        "path": "a.yaml",
        "line": 2,
        "column": 3,
        "length": 4,
        "severity": "error",
        "kind": "bad-value",
        "message": "x is wrong; expected y",
    }


def test_annotations_are_escaped():
    """Line breaks, percent signs, colons and commas cannot break a workflow command."""
    odd = Problem("a,b:c.yaml", 1, 2, "k", "100%\nof: it, all", Severity.WARNING, 3)
    assert render([odd], {}, "github") == (
        "::warning file=a%2Cb%3Ac.yaml,line=1,col=2,endColumn=5,title=k::100%25%0Aof: it, all\n"
    )


@given(
    st.text(alphabet=st.characters(codec="utf-8"), max_size=300),
    st.integers(1, 20),
    st.integers(1, 400),
    st.integers(1, 400),
    st.sampled_from(FORMATS),
)
def test_any_place_in_any_text_can_be_told(text, line, column, length, form):
    """No text and no place breaks a report, and no line of it holds a control character."""
    told = render([problem(line, column, length)], {"a.yaml": text}, form)
    assert told
    assert not [c for c in told if unicodedata.category(c) == "Cc" and c not in "\n\t"]
