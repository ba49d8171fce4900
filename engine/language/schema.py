"""JSON Schemas (draft-07) of the files, from the same table that the readers follow.

They help an editor to complete and to explain; the loader is the judge, which alone knows names
and can say what was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.events import (
    DESK_STATES,
    REPORTED_STATES,
    STANDARD_EVENTS,
    STANDARD_STATES,
    About,
    StateKind,
    StateType,
)
from engine.language.comparisons import DEVICES, FITTING
from engine.language.grammar import (
    COMPARE,
    CONDITIONS,
    FACT,
    FORMS,
    LINE,
    SITE_FILE,
    STATE,
    Form,
    Key,
    Type,
)

Schema = dict[str, Any]

ROOTS = {"site": "site-file", "rules": "rules-file", "tests": "tests-file", "map": "map"}

_UNIT = "(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)"
_SPAN = rf"[0-9]+\s*{_UNIT}"
_DURATION = rf"^\s*{_SPAN}\s*$"
_OFFSET = rf"^\s*(({_SPAN}|[0-9]+\.[0-9]{{1,3}}\s*(s|seconds?))\s*)+$"
_CAP = rf"^\s*0*[1-9][0-9]*(\s+prompts?)?\s+(ever|per\s+(session|{_SPAN}))\s*$"
_PERCENTAGE = r"^\s*(100(\.00?)?|0?[0-9]{1,2}(\.[0-9]{1,2})?)\s*%\s*$"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "([01]?[0-9]|2[0-3]):[0-5][0-9]"
_HOURS = rf"^\s*{_TIME}\s*-\s*({_TIME}|24:00)\s*$"
_WEEKDAY = "(mon|tue|wed|thu|fri|sat|sun)"
_LANGUAGE = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"

# A blank text says nothing; a pattern binds texts alone, not numbers.
_NAME: Schema = {"type": ["string", "number"], "pattern": r"\S"}
_SCALAR: Schema = {"type": ["string", "number", "boolean"], "pattern": r"\S"}
_NULL: Schema = {"type": "null"}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _or_list(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def _named(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _matching(pattern: str, schema: Schema) -> Schema:
    return {"type": "object", "patternProperties": {pattern: schema}, "additionalProperties": False}


def _some(schema: Schema) -> Schema:
    return {**schema, "minProperties": 1}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _names() -> Schema:
    some: Schema = {"type": "array", "items": _ref("names"), "minItems": 1}
    one = [
        {
            "type": "object",
            "properties": {key.name: _described(key, _ref("names") if key.name == "not" else some)},
            "required": [key.name],
            "additionalProperties": False,
        }
        for key in FORMS["names"].keys
    ]
    return {"anyOf": [_SCALAR, some, *one]}


def _offered(named: Mapping[str, str]) -> Schema:
    """Return a name that an editor offers, with what it means, or one of the author's own."""
    known = [{"const": name, "description": meaning} for name, meaning in named.items()]
    return {"anyOf": [*known, _NAME]}


# --- states ---------------------------------------------------------------------------------

_TIME_SPENT: Schema = {"anyOf": [{"type": "number", "minimum": 0}, _text(_DURATION)]}
_OF_TYPE: dict[StateType, Schema] = {
    StateType.CLOCK: _TIME_SPENT,
    StateType.DURATION: _TIME_SPENT,
    StateType.NUMBER: {"type": "number"},
    StateType.BOOLEAN: {"type": "boolean"},
    StateType.TEXT: _NAME,
    StateType.GROUPS: _NAME,
}
_LASTING = [k.name for k in STANDARD_STATES.values() if k.about in (About.VISIT, About.VISITOR)]


def _value_of(kind: StateKind) -> Schema:
    if kind.name == "device":
        return _text(rf"^\s*({'|'.join(DEVICES)})\s*$")
    return _OF_TYPE[kind.type]


def _measured(names: Iterable[str], *, null: bool = False) -> Schema:
    """Return a mapping from some states, and no others, to a value of each."""
    known = {name: STANDARD_STATES[name] for name in sorted(names)}
    return {
        "type": "object",
        "properties": {
            name: {
                "description": kind.meaning,
                "anyOf": [_value_of(kind), *([_NULL] if null else [])],
            }
            for name, kind in known.items()
        },
        "additionalProperties": False,
    }


def _facts(names: Iterable[str], beside: Schema) -> Schema:
    """Return a mapping from states and attributes to one value, several, or what is `beside`."""
    known = {name: STANDARD_STATES[name] for name in sorted(names)}
    return {
        "type": "object",
        "properties": {
            name: {
                "description": kind.meaning,
                "anyOf": [*_or_list(_value_of(kind))["anyOf"], beside],
            }
            for name, kind in known.items()
        },
        "additionalProperties": {"anyOf": [*_or_list(_SCALAR)["anyOf"], beside]},
    }


def _comparisons() -> list[Schema]:
    """Say what each state may be compared by: `for` of clocks, no order of texts, and so on."""
    rules: list[Schema] = []
    for type_ in StateType:
        states = [kind for kind in STANDARD_STATES.values() if kind.type is type_]
        parts: Schema = {name: False for name in FACT.names if name not in FITTING[type_]}
        if type_ in (StateType.NUMBER, StateType.BOOLEAN):
            parts |= {name: _or_list(_OF_TYPE[type_]) for name in ("is", "not")}
        if type_ in (StateType.CLOCK, StateType.DURATION):
            parts |= {name: _text(_DURATION) for name in FITTING[type_]}
        about = {"state": {"enum": [kind.name for kind in states]}}
        rules.append({"if": {"properties": about}, "then": {"properties": parts}})
    return rules


# How each type of value is said in JSON Schema; FORM and its like are made from their form.
FRAGMENTS: dict[Type, Schema] = {
    Type.TEXT: _SCALAR,
    Type.TEXT_OR_NULL: {"anyOf": [_SCALAR, _NULL]},
    Type.TEXTS: {"anyOf": [_SCALAR, _some(_matching(_LANGUAGE, _SCALAR))]},
    Type.ID: {"type": ["string", "integer"], "pattern": "^[a-z0-9-]{1,64}$"},
    Type.NAME: _NAME,
    Type.EVENT: _offered({kind.name: kind.meaning for kind in STANDARD_EVENTS.values()}),
    Type.STATE: _offered({kind.name: kind.meaning for kind in STANDARD_STATES.values()}),
    Type.NAMES: _ref("names"),
    Type.GROUPS: _ref("names"),
    Type.AUDIENCES: _ref("names"),
    Type.CONDITION: _ref("condition"),
    Type.CONDITIONS: {"type": "array", "items": _ref("condition"), "minItems": 1},
    Type.STEPS: {"type": "array", "items": {"anyOf": [_NAME, _ref("step")]}, "minItems": 2},
    Type.SHOW: {"anyOf": [_SCALAR, _ref("show")]},
    Type.VALUES: _or_list(_SCALAR),
    Type.NEGATED: {"anyOf": [_ref("condition"), *_or_list(_SCALAR)["anyOf"]]},
    Type.COMPARES: _some(_named({"anyOf": [*_or_list(_SCALAR)["anyOf"], _ref("compare")]})),
    Type.AUDIENCE: _named(_some(_facts(_LASTING, _ref("fact")))),
    Type.GIVEN: _facts({*_LASTING, *DESK_STATES}, _NULL),
    Type.WHOLE: {"type": "integer", "minimum": 0},
    Type.NUMBER: {"type": "number", "minimum": 0},
    Type.AMOUNT: {"anyOf": [{"type": "number"}, _text(_DURATION)]},
    Type.DURATION: _text(_DURATION),
    Type.OFFSET: _text(_OFFSET),
    Type.WAIT: {"anyOf": [_text(_OFFSET), {"type": "number", "minimum": 0}, _NULL]},
    Type.WINDOW: {"anyOf": [{"enum": ["session", "page"]}, _text(_DURATION)]},
    Type.PERCENTAGE: _text(_PERCENTAGE),
    Type.CAPS: _or_list(_text(_CAP)),
    Type.DATE_TIME: _text(rf"^\s*{_DATE}([ T]{_TIME}(:[0-5][0-9])?)?\s*$"),
    Type.DATES: {
        "anyOf": [
            _text(rf"^\s*{_DATE}\s*$"),
            {"type": "array", "items": _text(rf"^\s*{_DATE}\s*$")},
        ]
    },
    Type.HOURS_BY_DAY: _some(
        _matching(rf"^{_WEEKDAY}(-{_WEEKDAY})?$", _or_list(_text(_HOURS))),
    ),
    Type.HOURS_BY_DATE: _matching(rf"^{_DATE}$", _or_list(_text(_HOURS))),
    Type.ZONE: _text(r"\S"),
    Type.GLOBS: _named(_or_list(_NAME)),
    Type.FIELD_LISTS: _named({"anyOf": [_NULL, _NAME, {"type": "array", "items": _NAME}]}),
    Type.LINK: _text(r"^\s*(/(?!/)|https://|mailto:|tel:)"),
    Type.OPENS: _text(r"^\s*(chat|contact|/(?!/).*|https://.*)$"),
    Type.BUCKETS: {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": 9999},
            _named({"type": "integer", "minimum": 0, "maximum": 9999}),
        ]
    },
    Type.MEASURES: _some(_measured(REPORTED_STATES)),
    Type.DESK: _some(_measured(DESK_STATES, null=True)),
    Type.STRINGS: _named(_SCALAR),
}

# Sections that may stand there with nothing in them, which is the same as leaving them out.
_MAY_BE_EMPTY = {(SITE_FILE.name, name) for name in SITE_FILE.names if name != "site"} | {
    ("test", "given")
}
# What else binds a form, beside its keys.
_BINDS: dict[str, Schema] = {
    STATE.name: {"allOf": _comparisons()},
    COMPARE.name: {"minProperties": 1},
    FACT.name: {"minProperties": 1},
    LINE.name: {"oneOf": [{"required": [name]} for name in ("event", "state", "availability")]},
}


def schema(kind: str) -> Schema:
    """Return the schema of a kind of file, a key of `ROOTS`. Raises KeyError for another."""
    root = FORMS[ROOTS[kind]]
    definitions: dict[str, Schema] = {
        **{form.name: _object(form) for form in FORMS.values()},
        "names": _names(),
        "condition": {"anyOf": [_ref(form.name) for form in CONDITIONS]},
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
        "properties": {
            key.name: _described(key, _value(key, empty=(form.name, key.name) in _MAY_BE_EMPTY))
            for key in form.keys
        },
        "additionalProperties": form.open,
    }
    required = [key.name for key in form.keys if key.required]
    if required:
        made["required"] = required
    return made | _BINDS.get(form.name, {})


def _described(key: Key, value: Schema) -> Schema:
    described = {"description": f"{key.description}. Example: {key.name}: {key.example}"}
    # Beside a $ref draft-07 ignores everything, so the reference goes one level down.
    return {**described, "allOf": [value]} if "$ref" in value else {**described, **value}


def _value(key: Key, *, empty: bool) -> Schema:
    if empty:
        return {"anyOf": [_NULL, _value(key, empty=False)]}
    match key.type:
        case Type.FORM:
            return _ref(str(key.form))
        case Type.LIST_OF_FORM:
            items: Schema = {"type": ["array", "null"], "items": _ref(str(key.form))}
            return {**items, "minItems": 1} if key.name == "expect" else items
        case Type.MAP_OF_FORM:
            inner = _ref(str(key.form))
            return {"type": ["object", "null"], "additionalProperties": {"anyOf": [inner, _NULL]}}
        case Type.CHOICE:
            return {"enum": list(key.choices)}
        case Type.CHOICES:
            return _or_list({"enum": list(key.choices)})
        case _:
            return FRAGMENTS[key.type]
