"""What `/openapi.json` says is what there is."""

from __future__ import annotations

import re

import pytest
from api_server import AUTH, event

METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture
def described(server):
    """Return the description as served."""
    return server.http.get("/openapi.json").get_json()


def routes(app):
    """Return (path as OpenAPI writes it, method) of every route."""
    return {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def operations(described):
    """Return (path, method) of every operation described."""
    return {
        (path, method)
        for path, item in described["paths"].items()
        for method in METHODS & set(item)
    }


def test_every_route_is_described_and_every_description_is_a_route(server, described):
    """Neither more nor less."""
    assert routes(server.app) == operations(described)


def test_every_reference_leads_somewhere(described):
    """No $ref points at nothing."""

    def references(node):
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            for inner in node.values():
                yield from references(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from references(inner)

    for reference in references(described):
        found = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_path_parameters_are_described(described):
    """Each `{name}` has its parameter."""
    for path, item in described["paths"].items():
        for method in METHODS & set(item):
            given = [*item.get("parameters", []), *item[method].get("parameters", [])]
            named = {one["name"] for one in given if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), (path, method)


def schema(described, name):
    """Return a schema's properties."""
    return described["components"]["schemas"][name]


def test_replies_hold_what_is_described(server, described):
    """A decision, a reply to events and a visitor have the described keys and no others."""
    told = server.post(
        *(event(at=server.at(step)) for step in range(3)), ask=True, page="/p/1"
    ).get_json()
    held = server.http.get("/v1/visitors/v1", headers=AUTH).get_json()
    for name, answer in (
        ("EventsReply", told),
        ("Decision", told["decision"]),
        ("Prompt", told["decision"]["prompt"]),
        ("Visitor", held),
        ("Hours", server.http.get("/v1/hours").get_json()),
        ("Rules", server.http.get("/v1/rules", headers=AUTH).get_json()),
        ("Health", server.http.get("/healthz/ready").get_json()),
    ):
        described_keys = schema(described, name)["properties"]
        assert set(answer) <= set(described_keys), name
        assert set(schema(described, name)["required"]) <= set(answer), name


def test_every_code_that_is_raised_is_described(described):
    """The codes in the source and the codes in the description are the same."""
    from pathlib import Path

    import api

    source = "".join(path.read_text() for path in Path(api.__file__).parent.glob("*.py"))
    raised = set(re.findall(r'(?:bad_request|Rejected)\(\s*"(\w+)"', source))
    raised |= set(re.findall(r'HTTPStatus\.\w+,\s*"(\w+)"', source))
    text = str(described["components"])
    assert {code for code in raised - {"internal"} if code not in text} == set()
