"""Nothing that a marketer can write or meet is without its place in the docs.

A new key, event, state, reason, kind of finding or recipe that is not documented fails here.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.events import STANDARD_EVENTS, STANDARD_STATES
from engine.language import grammar
from engine.language.grammar import FORMS, Form
from engine.language.kinds import Kind
from engine.language.schema import ROOTS
from engine.model import Reason

DOCS = Path(__file__).resolve().parents[2] / "docs"
REFERENCE, REASONS, KINDS, COOKBOOK, MARKETERS = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for name in ("reference", "reasons", "kinds", "cookbook", "marketers")
)
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def section(page: str, title: str) -> str:
    """Return what stands below a heading, up to the next of its level or above; "" if none."""
    found = re.search(rf"^(#+) {re.escape(title)}\n", page, re.MULTILINE)
    if found is None:
        return ""
    rest = page[found.end() :]
    shown = BLOCK.sub(lambda block: " " * len(block[0]), rest)  # comments there are no headings
    end = re.search(rf"^#{{1,{len(found[1])}}} ", shown, re.MULTILINE)
    return rest[: end.start()] if end else rest


def test_every_form_of_the_grammar_is_known_to_the_docs() -> None:
    """No form of the grammar is left out of its table, but for the union of all conditions."""
    forms = {found.name for found in vars(grammar).values() if isinstance(found, Form)}
    assert forms - {grammar.CONDITION.name} == set(FORMS)
    union = {key for form in grammar.CONDITIONS for key in form.names}
    assert set(grammar.CONDITION.names) == union


KEYS = [(form.name, key.name) for form in FORMS.values() for key in form.keys]


@pytest.mark.parametrize(("form", "key"), KEYS)
def test_every_key_has_its_row_with_an_example(form: str, key: str) -> None:
    """Each key stands in the table of its form, with a meaning and an example."""
    table = REFERENCE.split(f"<!-- keys {form} -->\n")[1].split("<!-- end -->")[0]
    (row,) = [line for line in table.split("\n") if line.startswith(f"| `{key}` |")]
    _, name, takes, meaning, example, _ = re.split(r"(?<!\\)\|", row)
    assert takes.strip()
    assert meaning.strip()
    assert example.startswith(f" {name.strip()[:-1]}: ")


@pytest.mark.parametrize("name", [*STANDARD_EVENTS, *STANDARD_STATES])
def test_every_event_and_state_has_its_entry_with_an_example(name: str) -> None:
    """Each standard event and state has a heading, what it means, its fields, and an example."""
    entry = section(REFERENCE, name)
    known = STANDARD_EVENTS.get(name) or STANDARD_STATES[name]
    assert known.meaning[1:] in entry.replace("\n", " ")
    assert f"[`{name}`](#{name})" in REFERENCE
    assert "\n```yaml example\nwhen: { " in entry
    if name in STANDARD_EVENTS:
        assert all(f"`{field}`" in entry for field in STANDARD_EVENTS[name].fields)


@pytest.mark.parametrize("reason", [reason.value for reason in Reason])
def test_every_reason_has_its_section_and_is_linked_to(reason: str) -> None:
    """Each reason is explained on its page, found from the top of it, and in the guide's list."""
    assert "**Do**:" in section(REASONS, reason)
    assert f"[{reason}](#{reason})" in REASONS
    assert f"| [`{reason}`](reasons.md#{reason}) |" in MARKETERS


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
def test_every_kind_of_finding_has_its_section_with_an_example(kind: str) -> None:
    """Each kind is explained, with an example and what is printed for it."""
    told = section(KINDS, kind)
    assert "\n```yaml " in told
    assert f"[{kind}]" in told


def test_every_schema_is_in_the_page() -> None:
    """The page shows how to get the schema of each file that is written by hand."""
    shown = set(re.findall(r"\$ welltimed schema (\w+) > ", REFERENCE))
    assert shown == set(ROOTS) - {"map"}


# What welltimed is for, in the words of those who commissioned it, and the recipe for each.
RECIPES = {
    "offers chat after a number of searches in one session": ["Three searches"],
    "repeat visits to one product page in different sessions": ["Back to one product"],
    "where a decision takes weeks or months": ["A decision of months"],
    "known points of abandonment: complex forms": ["A form that does not go through"],
    "known points of abandonment: security verification": ["A code that does not come"],
    "only while enough agents are there": ["Only while somebody is free"],
    "tells the wait": ["How long it will take"],
    "keywords, a survey after the chat": ["After a chat that went badly", "When money comes up"],
    "a visitor stuck on one page": ["Stuck on one page"],
    "departments, routing by them": ["Several desks"],
    "decisions in a rush such as Black Friday": ["Black Friday"],
    "how many conversions chat earned": ["What does it earn?"],
    "self-service articles instead of a chat": ["Something to read instead"],
    "on chosen pages and places, for chosen groups": ["Chosen pages, chosen people"],
    "never a prompt at checkout": ["Never at the checkout"],
    "wording that fits everybody": ["Words that fit everybody"],
    "not more than the team can carry": ["Two thirds and a reserve"],
    "different openers by page": ["Another opener for each page"],
    "never the wrong name": ["By the right name"],
    "not like a robot": ["Which words work?", "On a phone"],
    "a margin before the shift ends": ["Everybody leaves on time"],
    "start small, then open the tap": ["Start small"],
    "otherwise say how to reach the team": ["Closed, and what to say then"],
    "fewer pages when volume is high; help-page readers when staff is free": [
        "Less when it is busy, more when it is quiet"
    ],
    "trial day 7 of 14": ["Day seven of a trial"],
    "2 to 5 chats an agent; one third in reserve": ["Two thirds and a reserve"],
    "hours by time zone": ["Desks around the world"],
    "most are on phones": ["On a phone"],
    "read signs of frustration": ["Signs of frustration"],
}


@pytest.mark.parametrize("purpose", RECIPES)
def test_every_purpose_has_its_recipe(purpose: str) -> None:
    """Each thing that welltimed is for has a recipe: a rule, tests that show it and hold it."""
    for title in RECIPES[purpose]:
        told = section(COOKBOOK, title)
        assert "\n```yaml rules\n" in told, title
        assert "decision: show" in told, title
        assert "decision: hold" in told, title


def test_every_recipe_is_whole_and_listed() -> None:
    """Each heading of the cookbook has a test, and stands in the table at its top."""
    titles = re.findall(r"^## (.+)$", BLOCK.sub("", COOKBOOK), re.MULTILINE)
    for title in titles:
        assert "\n```yaml tests\n" in section(COOKBOOK, title), title
        assert f"[{title}](#" in COOKBOOK.split("\n# ")[0], title
