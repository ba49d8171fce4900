"""JSON Schemas (draft-07) of the files, from the same table that the readers follow.

They help an editor to complete and to explain; the loader is the judge, which alone knows names
and can say what was meant.
"""

from __future__ import annotations

from typing import Any

from engine.language.grammar import CONDITIONS, FORMS, Form, Key, Type

Schema = dict[str, Any]

ROOTS = {"site": "site-file", "rules": "rules-file", "tests": "tests-file", "map": "map"}

_UNIT = "(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)"
_DURATION = rf"^\s*[0-9]+\s*{_UNIT}\s*$"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOURS = r"^\s*[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}\s*$"
_WEEKDAY = "(mon|tue|wed|thu|fri|sat|sun)"

_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_NULL: Schema = {"type": "null"}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _or_list(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def _named(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _names() -> Schema:
    inner = _ref("names")
    some: Schema = {"type": "array", "items": inner, "minItems": 1}
    return {
        "anyOf": [
            _TEXT,
            some,
            *(
                {
                    "type": "object",
                    "properties": {word: value},
                    "required": [word],
                    "additionalProperties": False,
                }
                for word, value in (("not", inner), ("all", some), ("any", some))
            ),
        ]
    }


_HOURS_SCHEMA = _or_list(_text(_HOURS))
_COMPARED: Schema = {"anyOf": [_or_list(_SCALAR), _ref("compare")]}
_FACT: Schema = {"anyOf": [_or_list(_SCALAR), _ref("fact")]}

# How each type of value is said in JSON Schema; FORM and its like are made from their form.
FRAGMENTS: dict[Type, Schema] = {
    Type.TEXT: {"type": ["string", "number", "boolean", "null"]},
    Type.TEXTS: {"anyOf": [_TEXT, _named(_TEXT)]},
    Type.ID: {"type": ["string", "integer"], "pattern": "^[a-z0-9-]{1,64}$"},
    Type.NAME: {"type": ["string", "number"]},
    Type.NAMES: _ref("names"),
    Type.GROUPS: _ref("names"),
    Type.AUDIENCES: _ref("names"),
    Type.CONDITION: _ref("condition"),
    Type.CONDITIONS: {"type": "array", "items": _ref("condition"), "minItems": 1},
    Type.STEPS: {
        "type": "array",
        "items": {"anyOf": [{"type": "string"}, _ref("step")]},
        "minItems": 2,
    },
    Type.SHOW: {"anyOf": [_TEXT, _ref("show")]},
    Type.VALUE: _SCALAR,
    Type.VALUES: _or_list(_SCALAR),
    Type.NEGATED: {"anyOf": [_ref("condition"), _or_list(_SCALAR)]},
    Type.COMPARES: {**_named(_COMPARED), "minProperties": 1},
    Type.AUDIENCE: _named({**_named(_FACT), "minProperties": 1}),
    Type.GIVEN: _named({"anyOf": [_NULL, _or_list(_SCALAR)]}),
    Type.WHOLE: {"type": "integer", "minimum": 0},
    Type.NUMBER: {"type": "number"},
    Type.AMOUNT: {"anyOf": [{"type": "number"}, _text(_DURATION)]},
    Type.DURATION: _text(_DURATION),
    Type.OFFSET: {
        "anyOf": [
            _text(rf"^\s*([0-9]+(\.[0-9]{{1,3}})?\s*{_UNIT}\s*)+$"),
            {"type": "number"},
            _NULL,
        ]
    },
    Type.WINDOW: {"anyOf": [{"enum": ["session", "page"]}, _text(_DURATION)]},
    Type.PERCENTAGE: _text(r"^\s*[0-9]{1,3}(\.[0-9]{1,2})?\s*%\s*$"),
    Type.CAPS: _or_list(_text(r"^\s*[0-9]+(\s+prompts?)?\s+(ever|per\s+.+)$")),
    Type.DATE_TIME: _text(rf"^\s*{_DATE}([ T][0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}})?)?\s*$"),
    Type.DATES: _or_list(_text(rf"^\s*{_DATE}\s*$")),
    Type.HOURS_BY_DAY: {
        "type": "object",
        "patternProperties": {rf"^{_WEEKDAY}(-{_WEEKDAY})?$": _HOURS_SCHEMA},
        "additionalProperties": False,
        "minProperties": 1,
    },
    Type.HOURS_BY_DATE: {
        "type": "object",
        "patternProperties": {rf"^{_DATE}$": _HOURS_SCHEMA},
        "additionalProperties": False,
    },
    Type.ZONE: {"type": "string"},
    Type.GLOBS: _named(_or_list({"type": "string"})),
    Type.FIELD_LISTS: _named(
        {"anyOf": [_NULL, {"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    ),
    Type.LINK: {"type": "string", "pattern": "^\\s*(/|https://|mailto:|tel:)"},
    Type.OPENS: {"type": "string", "pattern": "^\\s*(chat|contact|/.*|https://.*)$"},
    Type.BUCKETS: {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 9999},
            _named({"type": "integer", "minimum": 0, "maximum": 9999}),
        ]
    },
    Type.MEASURES: _named(_SCALAR),
    Type.DESK: _named({"type": ["string", "number", "null"]}),
    Type.STRINGS: _named(_SCALAR),
}


def schema(kind: str) -> Schema:
    """Return the schema of a kind of file, a key of `ROOTS`. Raises KeyError for another."""
    root = FORMS[ROOTS[kind]]
    definitions: dict[str, Schema] = {
        "names": _names(),
        "condition": {"anyOf": [_ref(form.name) for form in CONDITIONS]},
        **{form.name: _object(form) for form in FORMS.values()},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"welltimed: {root.title}",
        **_object(root),
        "definitions": _needed(_object(root), definitions),
    }


def _needed(start: Schema, definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Return the definitions that are referred to, in the table's order."""
    wanted: set[str] = set()
    todo = _references(start)
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo |= _references(definitions[name])
    return {name: found for name, found in definitions.items() if name in wanted}


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    if not isinstance(schema, dict):
        return set()
    found = set().union(*map(_references, schema.values()))
    if "$ref" in schema:
        found.add(schema["$ref"].rpartition("/")[2])
    return found


def _object(form: Form) -> Schema:
    made: Schema = {
        "type": "object",
        "properties": {key.name: _property(key) for key in form.keys},
        "additionalProperties": form.open,
    }
    required = [key.name for key in form.keys if key.required]
    if required:
        made["required"] = required
    return made


def _property(key: Key) -> Schema:
    described = {"description": f"{key.description}. Example: {key.name}: {key.example}"}
    value = _value(key)
    # Beside a $ref draft-07 ignores everything, so the reference goes one level down.
    return {**described, "allOf": [value]} if "$ref" in value else {**described, **value}


def _value(key: Key) -> Schema:
    match key.type:
        case Type.FORM:
            return _ref(str(key.form))
        case Type.LIST_OF_FORM:
            return {"type": ["array", "null"], "items": _ref(str(key.form))}
        case Type.MAP_OF_FORM:
            inner = _ref(str(key.form))
            return {"type": ["object", "null"], "additionalProperties": {"anyOf": [inner, _NULL]}}
        case Type.CHOICE:
            return {"enum": list(key.choices)}
        case Type.CHOICES:
            return _or_list({"enum": list(key.choices)})
        case _:
            return FRAGMENTS[key.type]
