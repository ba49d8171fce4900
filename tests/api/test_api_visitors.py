"""`/v1/visitors/{id}`: everything held, and its end."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from api_server import AUTH, event, is_problem


def test_everything_held_is_told(server):
    """Events, attributes, exposures, in the contract's shape."""
    server.post(
        *(event(at=server.at(step), query="boots", page="/search") for step in range(3)),
        attributes={"plan": "pro"},
        ask=True,
    )
    held = server.http.get("/v1/visitors/v1", headers=AUTH).get_json()
    assert held["visitor"] == "v1"
    assert held["consent"] == "full"
    assert held["attributes"] == {"verified": {"plan": "pro"}, "claimed": {}}
    first = held["events"][0]
    assert (first["event"], first["at"], first["page"], first["query"]) == (
        "search",
        server.at(),
        "/search",
        "boots",
    )
    assert first["session"]
    exposure = held["exposures"][0]
    assert set(exposure) == {"decision_id", "rule", "variant", "at", "state"}
    assert (exposure["rule"], exposure["state"]) == ("three-searches", "reserved")


@pytest.mark.parametrize("visitor", ["v/1", "a b", "é/ü?#", "..", "%2F", "/v", "x" * 128])
def test_any_printable_id_can_be_read_and_erased(server, visitor):
    """Slashes and all."""
    path = "/v1/visitors/" + quote(visitor, safe="")
    server.post(event(), visitor=visitor)
    assert server.http.get(path, headers=AUTH).get_json()["visitor"] == visitor
    assert server.http.delete(path, headers=AUTH).status_code == 204
    is_problem(server.http.get(path, headers=AUTH), 404, "unknown_visitor")


def test_erasing_is_complete_and_may_be_repeated(server):
    """Nothing is left in store and journal, and twice is no fault."""
    server.post(event(), ask=True)
    for _ in range(2):
        reply = server.http.delete("/v1/visitors/v1", headers=AUTH)
        assert (reply.status_code, reply.data) == (204, b"")
    assert list(server.store.journal("shop", visitor="v1")) == []
    assert server.decide().get_json()["reason"] == "unknown_visitor"


@pytest.mark.parametrize("visitor", ["nobody", "x" * 129, "%00", "%0a", "%ff"])
def test_nobody_is_not_found(server, visitor):
    """404, whatever stands for an id."""
    is_problem(server.http.get(f"/v1/visitors/{visitor}", headers=AUTH), 404, "unknown_visitor")
    assert server.http.delete(f"/v1/visitors/{visitor}", headers=AUTH).status_code == 204
