"""JSON Schemas: closed, every key explained, the usual slips refused."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft7Validator

from engine.language.grammar import FORMS, Type
from engine.language.nodes import ListNode, MapNode, parse
from engine.language.schema import FRAGMENTS, ROOTS, schema


def plain(node):
    """Return a document as an editor's schema check would see it."""
    if isinstance(node, MapNode):
        return {key.raw: plain(value) for key, value in node.pairs}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return node.value


@pytest.mark.parametrize("kind", ROOTS)
def test_a_schema_is_draft_07_and_closed(kind):
    """Each schema names its draft, can be written as JSON, and refers only to what it defines."""
    found = schema(kind)
    Draft7Validator.check_schema(found)
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
                assert "Example: " in value["description"], (name, key)


def test_every_type_has_its_fragment():
    """A new type of value cannot be forgotten here."""
    made = {Type.FORM, Type.LIST_OF_FORM, Type.MAP_OF_FORM, Type.CHOICE, Type.CHOICES}
    assert set(FRAGMENTS) == set(Type) - made


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
    assert not Draft7Validator(schema(kind)).is_valid(plain(parse("f.yaml", text).root))
