"""The written part of docs/reference.md: tables of keys, entries of events and states.

`python -m engine.language.reference` writes them anew, from the table of keys and the standard
events and states. In the page a line `<!-- KIND NAME -->` stands before each, and a line
`<!-- end -->` after it; whatever stands outside is written by hand.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from engine.events import STANDARD_EVENTS, STANDARD_STATES, StateKind, StateType
from engine.language.comparisons import FITTING
from engine.language.examples import EVENTS, STATES, Example
from engine.language.grammar import FORMS, Key, Type
from engine.language.words import listed

_WIDTH = 118
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference.md"

# What a value is, and the heading of the page that says more; FORM and its like name their form.
_TAKES: dict[Type, tuple[str, str]] = {
    Type.TEXT: ("a text", "texts-and-numbers"),
    Type.TEXT_OR_NULL: ("a text, or null", "texts-and-numbers"),
    Type.TEXTS: ("a text, or one a language", "languages"),
    Type.ID: ("an id", "names-and-ids"),
    Type.NAME: ("a name", "names-and-ids"),
    Type.EVENT: ("an event", "events"),
    Type.STATE: ("a state or attribute", "states"),
    Type.NAMES: ("a name, a list, or { }", "where-and-who"),
    Type.GROUPS: ("page groups", "where-and-who"),
    Type.AUDIENCES: ("audiences", "where-and-who"),
    Type.CONDITION: ("a condition", "conditions"),
    Type.CONDITIONS: ("a list of conditions", "conditions"),
    Type.STEPS: ("a list of events", "a-step"),
    Type.SHOW: ("a text, or more about it", "show"),
    Type.VALUES: ("a value, or a list", "comparisons"),
    Type.NEGATED: ("a condition, or a value", "conditions"),
    Type.COMPARES: ("fields and what they must be", "comparisons"),
    Type.AUDIENCE: ("names with facts", "audiences"),
    Type.GIVEN: ("facts", "given"),
    Type.WHOLE: ("a whole number", "texts-and-numbers"),
    Type.NUMBER: ("a number", "texts-and-numbers"),
    Type.AMOUNT: ("a number, or a duration", "comparisons"),
    Type.DURATION: ("a duration", "durations"),
    Type.OFFSET: ("durations joined", "times-in-tests"),
    Type.WAIT: ("durations joined, or null", "times-in-tests"),
    Type.WINDOW: ("a window", "windows"),
    Type.PERCENTAGE: ("a percentage", "percentages"),
    Type.CAPS: ("a cap, or a list", "caps"),
    Type.DATE_TIME: ("a date, also with a time", "dates"),
    Type.DATES: ("a date, or a list", "dates"),
    Type.HOURS_BY_DAY: ("hours by weekday", "hours"),
    Type.HOURS_BY_DATE: ("hours by date", "hours"),
    Type.ZONE: ("a time zone", "time-zones"),
    Type.GLOBS: ("names with globs", "globs"),
    Type.FIELD_LISTS: ("names with fields", "events-of-your-own"),
    Type.LINK: ("a link", "links"),
    Type.OPENS: ("chat, contact or a link", "links"),
    Type.BUCKETS: ("0 to 9999, also by name", "buckets"),
    Type.MEASURES: ("states of page and form", "states-of-the-page"),
    Type.DESK: ("states of the desk", "states-of-the-desk"),
    Type.STRINGS: ("names with texts", "the-map"),
}
# Under which heading each form stands.
HEADINGS: dict[str, str] = {
    "site": "site",
    "cooldown": "cooldown",
    "ignored": "cooldown",
    "schedule": "schedules",
    "holidays": "schedules",
    "department": "departments",
    "suppression": "suppress",
    "offline": "offline",
    "rule": "a-rule",
    "active": "active",
    "variant": "variants",
    "article": "articles",
    "test": "a-test",
    "visitor": "buckets",
    "line": "a-line-of-the-timeline",
    "expect": "an-expectation",
    "time": "the-map",
}


def filled(page: str) -> str:
    """Return the page with every written part anew. Raises KeyError for an unknown one."""
    return re.sub(
        r"^<!-- (\w+) ([\w-]+) -->\n.*?^<!-- end -->$",
        lambda mark: f"<!-- {mark[1]} {mark[2]} -->\n{written(mark[1], mark[2])}<!-- end -->",
        page,
        flags=re.MULTILINE | re.DOTALL,
    )


def written(kind: str, name: str) -> str:
    """Return one written part: `keys FORM`, `event NAME`, `state NAME` or `list events`."""
    match kind:
        case "keys":
            return "\n".join(_table(name)) + "\n"
        case "event":
            return "\n\n".join(_event(name)) + "\n"
        case "state":
            return "\n\n".join(_state(STANDARD_STATES[name])) + "\n"
        case "list":
            names = {"events": list(STANDARD_EVENTS), "states": list(STANDARD_STATES)}[name]
            return _wrapped(", ".join(f"[`{each}`](#{each})" for each in names)) + "\n"
        case _:
            raise KeyError(kind)


# --- keys -----------------------------------------------------------------------------------


def _table(form: str) -> Iterator[str]:
    yield "| key | takes | | for example |"
    yield "|---|---|---|---|"
    for key in FORMS[form].keys:
        needed = ", needed" if key.required else ""
        example = f"`{key.name}: {key.example}`".replace("|", "\\|")
        meaning = key.description.replace("|", "\\|")
        yield f"| `{key.name}` | {_takes(key)}{needed} | {meaning} | {example} |"


def _takes(key: Key) -> str:
    if key.choices:
        several = ", or a list" if key.type is Type.CHOICES else ""
        if len(key.choices) > 4:
            return f"a [reason](reasons.md){several}"
        return listed(f"`{choice}`" for choice in key.choices) + several
    if key.form is None:
        text, anchor = _TAKES[key.type]
    else:
        anchor = HEADINGS[key.form]
        shape = {Type.LIST_OF_FORM: "a list", Type.MAP_OF_FORM: "names, each with"}
        text = shape.get(key.type, "{ … }")
    return f"[{text}](#{anchor})"


# --- events and states ----------------------------------------------------------------------


def _event(name: str) -> Iterator[str]:
    kind = STANDARD_EVENTS[name]
    fields = ", ".join(f"`{field}`" for field in kind.fields)
    carries = f" Fields: {fields}." if fields else ""
    yield _wrapped(f"{_sentence(kind.meaning)}{carries}")
    yield from _shown(EVENTS[name])


def _state(kind: StateKind) -> Iterator[str]:
    fitting = listed((f"`{part}`" for part in FITTING[kind.type]), "and")
    alone = ", or nothing: it is true" if kind.type is StateType.BOOLEAN else ""
    yield _wrapped(f"{_sentence(kind.meaning)} Takes {fitting}{alone}.")
    yield from _shown(STATES[kind.name])


def _shown(example: Example) -> Iterator[str]:
    if example.note:
        yield _wrapped(example.note)
    lines = [f"when: {example.when}"]
    if example.given:
        lines.append(f"given: {example.given}")
    if example.timeline:
        lines += ["timeline:", *(f"  - {line}" for line in example.timeline)]
    if example.at:
        lines.append(f"# true from {example.at} on")
    yield "\n".join(["```yaml example", *lines, "```"])


def _sentence(meaning: str) -> str:
    return meaning[0].upper() + meaning[1:] + "."


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def main() -> None:
    """Write the parts of the page anew."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
