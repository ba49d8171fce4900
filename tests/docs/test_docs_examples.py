"""What the guides show is what the program does: every example in them is loaded and run.

In the guides a fenced block `yaml site` begins a rules folder, `yaml rules` and `yaml tests` add
files to it, until the next `yaml site`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.commands import check
from api.commands import test as run_tests
from api.settings import SETTINGS
from engine import ruleset as rulesets
from engine.errors import Severity
from engine.replay import rule_tests

DOCS = Path(__file__).resolve().parents[2] / "docs"
# The pages for people; docs/kinds.md is held to the linter by its own test.
GUIDES = [
    DOCS / f"{name}.md"
    for name in ("marketers", "cookbook", "reference", "reasons", "backends", "sites", "operators")
]
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SUFFIXES = {"site": ".yaml", "rules": ".yaml", "tests": ".test.yaml"}
# Of docs/reference.md, tried by test_docs_reference.py.
NO_FOLDER = {"example", "map"}
# What a guide may leave out for brevity; everything else must be as it should.
BREVITY = {"untested", "unused"}


@dataclass
class Example:
    """One rules folder as a guide builds it up."""

    guide: str
    line: int
    files: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.guide}:{self.line}"


def examples() -> list[Example]:
    """Return the folders that the guides build up, in reading order."""
    found: list[Example] = []
    for guide in GUIDES:
        text = guide.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            language, _, kind = block["info"].partition(" ")
            if language != "yaml" or kind in NO_FOLDER:
                continue
            assert kind in SUFFIXES, f"{guide.name}: say what this YAML is: ```yaml {[*SUFFIXES]}"
            line = text.count("\n", 0, block.start()) + 1
            if kind == "site":
                found.append(Example(guide.name, line))
            folder = found[-1].files
            name = "site" if kind == "site" else f"{kind}-at-line-{line:04}"
            folder[name + SUFFIXES[kind]] = block["text"]
    return found


EXAMPLES = examples()


def test_there_are_examples_to_try() -> None:
    """The guide for marketers shows several folders, with rules and with tests."""
    names = [name for example in EXAMPLES for name in example.files]
    assert sum(name.startswith("rules") for name in names) >= 5
    assert sum(name.startswith("tests") for name in names) >= 2


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_loads_without_a_complaint(example: Example) -> None:
    """Whoever copies an example gets a folder that loads, with at most a hint to write tests."""
    loaded = rulesets.check(example.files)
    errors = [str(p) for p in loaded.problems if p.severity is Severity.ERROR]
    others = [str(p) for p in loaded.problems if p.kind not in BREVITY]
    assert errors == []
    assert others == []


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_the_tests_in_an_example_pass(example: Example) -> None:
    """The tests that a guide shows pass against the rules that it shows."""
    loaded = rulesets.check(example.files)
    assert loaded.folder is not None
    live = rulesets.Ruleset(loaded.folder)
    try:
        for result in rule_tests.run(live, loaded.tests):
            wrong = [(dict(m.wanted), dict(m.actual)) for m in result.mismatches]
            assert wrong == [], result.test.name
    finally:
        live.close()


@pytest.fixture
def first_steps(tmp_path, monkeypatch):
    """Return the folder that a newcomer has after the guide's first pages, as written there."""
    kinds = {"site": "site.yaml", "rules": "shopping.yaml", "tests": "shopping.test.yaml"}
    folder = tmp_path / "my-rules"
    folder.mkdir()
    for name, text in EXAMPLES[0].files.items():
        path = folder / kinds[re.split(r"\W", name)[0]]
        if not path.exists():
            path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Path(folder.name)


def said(command, *arguments) -> str:
    """Return what a command of welltimed prints, without blank lines at its ends."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments]).output.strip()


def shown(start: str) -> str:
    """Return the first block of the marketers' guide that starts so, without its prompt line."""
    text = (DOCS / "marketers.md").read_text(encoding="utf-8")
    blocks = [block["text"].strip() for block in BLOCK.finditer(text)]
    return next(block for block in blocks if block.startswith(start))


def test_a_slip_reads_as_the_guide_says(first_steps) -> None:
    """The mistake that the guide makes on purpose is reported in just those words."""
    rules = first_steps / "shopping.yaml"
    text = rules.read_text(encoding="utf-8")
    (first_steps / "shopping.test.yaml").unlink()
    rules.write_text(text.replace("within", "wihtin"), encoding="utf-8")
    assert said(check.command, first_steps) == shown("my-rules/shopping.yaml:4:41")
    rules.write_text(text, encoding="utf-8")
    assert said(check.command, first_steps) == shown("my-rules/shopping.yaml:2:11")


def test_the_first_tests_print_what_the_guide_says(first_steps) -> None:
    """After the guide's first pages the folder is clean and its tests print what stands there."""
    assert "no problems" in said(check.command, first_steps)
    told = shown("$ welltimed test").partition("\n")[2]
    assert said(run_tests.command, first_steps) == told


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_in_the_operators_table(setting) -> None:
    """Each setting stands in the table with its variable and its default."""
    rows = [
        line
        for line in (DOCS / "operators.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{setting.name}` |")
    ]
    assert len(rows) == 1
    assert f"`{setting.variable}`" in rows[0]
    if setting.default is not None:
        assert f"`{setting.default}`" in rows[0]


def links() -> list[tuple[str, str]]:
    """Return (guide, target) of every link between the guides."""
    found = []
    for guide in GUIDES:
        text = BLOCK.sub("", guide.read_text(encoding="utf-8"))
        found += [(guide.name, target) for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    return [link for link in found if "://" not in link[1]]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize(("guide", "target"), links())
def test_a_link_leads_somewhere(guide: str, target: str) -> None:
    """Links between the guides, and to headings in them, lead somewhere."""
    name, _, anchor = target.partition("#")
    page = DOCS / (name or guide)
    assert page.exists()
    if anchor:
        assert anchor in anchors(page)
