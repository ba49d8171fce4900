"""JSON Schemas: every key explained, good files accepted, misspelt keys refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.language import loader
from engine.language.grammar import FORMS, Type
from engine.language.nodes import ListNode, MapNode, parse
from engine.language.schema import FRAGMENTS, ROOTS, schema

HERE = Path(__file__).parent
PYTHON = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
    "null": type(None),
}


def plain(node):
    """Return a document as an editor's schema check would see it."""
    if isinstance(node, MapNode):
        return {key.raw: plain(value) for key, value in node.pairs}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return node.value


def of_type(value, name):
    if isinstance(value, bool) and name in ("integer", "number"):
        return False
    return isinstance(value, PYTHON[name])


def fits(value, rule, root):
    """Judge a value by the part of draft-07 that our schemas use; another keyword is a KeyError."""
    judges = {
        "type": lambda want: any(
            of_type(value, name) for name in (want if isinstance(want, list) else [want])
        ),
        "enum": lambda want: value in want,
        "pattern": lambda want: not isinstance(value, str) or re.search(want, value) is not None,
        "minimum": lambda want: not of_type(value, "number") or value >= want,
        "maximum": lambda want: not of_type(value, "number") or value <= want,
        "anyOf": lambda want: any(fits(value, one, root) for one in want),
        "allOf": lambda want: all(fits(value, one, root) for one in want),
        "$ref": lambda want: fits(value, root["definitions"][want.split("/")[-1]], root),
        "items": lambda want: (
            not isinstance(value, list) or all(fits(v, want, root) for v in value)
        ),
        "minItems": lambda want: not isinstance(value, list) or len(value) >= want,
        "required": lambda want: not isinstance(value, dict) or set(want) <= set(value),
        "minProperties": lambda want: not isinstance(value, dict) or len(value) >= want,
    }
    said = {"description", "title", "$schema", "definitions"}
    keys = {"properties", "patternProperties", "additionalProperties"}
    return keys_fit(value, rule, root) and all(
        judges[word](want) for word, want in rule.items() if word not in said | keys
    )


def keys_fit(value, rule, root):
    if not isinstance(value, dict):
        return True
    for key, inner in value.items():
        found = [rule["properties"][key]] if key in rule.get("properties", {}) else []
        found += [
            one for name, one in rule.get("patternProperties", {}).items() if re.search(name, key)
        ]
        more = rule.get("additionalProperties", True)
        if not found and more is False:
            return False
        found = found or ([more] if isinstance(more, dict) else [])
        if not all(fits(inner, one, root) for one in found):
            return False
    return True


def kind_of(path):
    if path.endswith(".test.yaml"):
        return "tests"
    return "site" if path == "site.yaml" else "rules"


GOOD = [
    (folder.name, path)
    for folder in sorted((HERE / "ok").iterdir())
    if folder.name != "empty-sections"
    for path in sorted(loader.read_folder(folder))
]


@pytest.mark.parametrize("kind", ROOTS)
def test_a_schema_is_draft_07_and_closed(kind):
    """Each schema names its draft, can be written as JSON, and refers only to what it defines."""
    found = schema(kind)
    text = json.dumps(found)
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    referred = set(re.findall(r'"#/definitions/([^"]+)"', text))
    assert referred == set(found["definitions"])


def test_an_unknown_kind_has_no_schema():
    """Only site, rules, tests and map exist."""
    with pytest.raises(KeyError):
        schema("visitors")


def test_every_key_is_explained_with_an_example():
    """Each key of the table has a description and an example, and so has its property."""
    for form in FORMS.values():
        assert len(set(form.names)) == len(form.names)
        for key in form.keys:
            assert key.description, (form.name, key.name)
            assert key.example, (form.name, key.name)
    for kind in ROOTS:
        found = schema(kind)
        for name, definition in found["definitions"].items():
            for key, value in definition.get("properties", {}).items():
                assert value.get("description") or name == "names", (name, key)


def test_every_type_has_its_fragment():
    """A new type of value cannot be forgotten here."""
    made = {Type.FORM, Type.LIST_OF_FORM, Type.MAP_OF_FORM, Type.CHOICE, Type.CHOICES}
    assert set(FRAGMENTS) == set(Type) - made


@pytest.mark.parametrize(("folder", "path"), GOOD)
def test_good_files_fit_their_schema(folder, path):
    """What the loader takes without a word, an editor does not underline."""
    files = loader.read_folder(HERE / "ok" / folder)
    root = schema(kind_of(path))
    assert fits(plain(parse(path, files[path]).root), root, root)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("rules", "rules: [ { rule: a, shw: Hi } ]"),
        ("rules", "rules: [ { rule: A B, show: Hi } ]"),
        ("rules", "rules: [ { rule: a, show: Hi, rollout: 10 } ]"),
        ("rules", "rules: [ { rule: a, show: Hi, mode: off } ]"),
        ("rules", "rules: [ { rule: a, show: Hi, when: { event: search, wihtin: page } } ]"),
        ("rules", "rules: [ { rule: a, show: Hi, when: { event: search, within: 3 dys } } ]"),
        ("site", "site: { name: shop }"),
        (
            "site",
            "site: { name: a, time_zone: UTC }\nschedules: { d: { open: { mo: 09:00-17:00 } } }",
        ),
        (
            "tests",
            "tests: [ { test: a, start: tomorrow, expect: [ { at: 0s, decision: hold } ] } ]",
        ),
        ("map", "events: { a: b }"),
    ],
)
def test_the_usual_slips_do_not_fit(kind, text):
    """Misspelt keys and malformed values are underlined in the editor already."""
    root = schema(kind)
    assert not fits(plain(parse("f.yaml", text).root), root, root)


# What must stand beside an example for the whole to be a rule, a condition, a site.
BESIDE = {
    "rule": {"rule": "a", "show": "Hi"},
    "counted": {"event": "search"},
    "stall": {"event": "search", "not_followed_by": "purchase"},
    "sequence": {"sequence": "[search, purchase]"},
    "any": {},
    "all": {},
    "not": {},
    "show": {"message": "Hi"},
    "site": {"name": "shop", "time_zone": "UTC"},
}


def wrapped(form, key):
    """Return a site and rules in which a key's example stands."""
    beside = BESIDE[form.name] | ({"within": "30 days"} if key.name == "different" else {})
    lines = {**beside, key.name: key.example}
    site = {"name": "shop", "time_zone": "UTC"} if form.name != "site" else lines
    rule = {"rule": "a", "show": "Hi"}
    if form.name == "rule":
        rule = lines
    elif form.name != "site":
        word = "show" if form.name == "show" else "when"
        rule[word] = "".join(f"\n      {name}: {text}" for name, text in lines.items())
    return (
        "site:\n" + "".join(f"  {name}: {text}\n" for name, text in site.items()),
        "rules:\n  -\n" + "".join(f"    {name}: {text}\n" for name, text in rule.items()),
    )


EXAMPLES = [(FORMS[name], key) for name in BESIDE for key in FORMS[name].keys]
SITE = """
page_groups: { pricing: /pricing, delivery: /delivery, checkout: /checkout }
audiences: { trial-users: { plan: trial } }
schedules: { support-desk: { open: { mon: 09:00-17:00 } } }
departments: { sales: { schedule: support-desk } }
"""


@pytest.mark.parametrize(("form", "key"), EXAMPLES, ids=lambda part: part.name)
def test_the_examples_of_the_table_load(form, key):
    """What the table shows as an example is taken by the loader."""
    site, rules = wrapped(form, key)
    loaded = loader.load({"site.yaml": site + SITE, "a.yaml": rules})
    assert loaded.folder is not None, [str(p) for p in loaded.problems]
