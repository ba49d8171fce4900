"""Who may call from where: keys, origins, sites, and what leaves with every reply."""

from __future__ import annotations

from io import BytesIO

import pytest
from api_server import AUTH, KEY, VISITOR, event, is_problem

from api.guard import Origins

SHOP = "https://shop.example"


@pytest.fixture
def listed(make):
    """Return a server with one allowed origin."""
    return make(origins=(SHOP,))


# --- keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer", "", "Bearer ", f"Basic {KEY}", KEY, f"Bearer {KEY}x", "Bearer é"],
)
def test_a_wrong_key_is_refused(server, header):
    """401 with how to do it, for every form of wrong."""
    reply = server.http.get("/v1/rules", headers={"Authorization": header})
    is_problem(reply, 401, "bad_key")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_a_wrong_key_is_not_taken_for_a_browser(server):
    """Who shows a key is held to it on public routes too."""
    reply = server.browse(event(), headers={"Authorization": "Bearer wrong"})
    is_problem(reply, 401, "bad_key")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(server, scheme):
    """As HTTP says."""
    headers = {"Authorization": f"{scheme} {KEY}"}
    assert server.http.get("/v1/rules", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/v1/decide"),
        ("put", "/v1/availability/default"),
        ("get", "/v1/availability/default"),
        ("get", "/v1/visitors/v1"),
        ("delete", "/v1/visitors/v1"),
        ("get", "/v1/rules"),
        ("post", "/v1/rules/check"),
        ("post", "/-/reload"),
    ],
)
def test_a_secret_route_wants_the_key_and_no_page(server, method, path):
    """401 without it; 403 with it from a browser, be its origin allowed or not."""
    call = getattr(server.http, method)
    is_problem(call(path, json={}), 401, "bad_key")
    local = AUTH | {"Origin": "http://localhost"}
    is_problem(call(path, json={}, headers=local), 403, "secret_key_in_browser")


def test_a_key_is_for_its_site_alone(server):
    """Naming another site is 403, whether it exists or not."""
    is_problem(server.post(event(), site="other"), 403, "wrong_site")
    is_problem(server.decide(site="other"), 403, "wrong_site")
    is_problem(server.http.get("/v1/rules?site=other", headers=AUTH), 403, "wrong_site")
    assert server.post(event(), site="shop").status_code == 202


# --- sites ----------------------------------------------------------------------------------


def test_an_unknown_site_is_not_found(server):
    """In the body or the query."""
    is_problem(server.browse(event(), site="other"), 404, "unknown_site")
    is_problem(server.http.get("/v1/hours?site=other"), 404, "unknown_site")
    is_problem(server.http.get("/v1/hours?site="), 404, "unknown_site")


def test_the_site_may_be_left_out_while_one_is_served(server):
    """And named twice, if alike."""
    assert server.browse(event()).status_code == 202
    assert server.http.get("/v1/hours").status_code == 200
    assert server.http.get("/v1/hours?site=shop").status_code == 200
    body = {"visitor": "another" * 4, "consent": "full", "site": "shop"}
    assert server.http.post("/v1/events?site=shop", json=body).status_code == 202
    is_problem(server.http.post("/v1/events?site=other", json=body), 400, "wrong_site")


def test_the_site_must_be_named_among_several(server):
    """With two sites, a page must say which."""
    server.sites["second"] = server.sites["shop"]
    is_problem(server.browse(event()), 400, "site_required")
    assert server.browse(event(), site="second").status_code == 202
    del server.sites["second"]


# --- origins --------------------------------------------------------------------------------


def test_a_listed_origin_is_echoed(listed):
    """With Vary, and never with credentials."""
    reply = listed.browse(event(), headers={"Origin": SHOP})
    assert reply.status_code == 202
    assert reply.headers["Access-Control-Allow-Origin"] == SHOP
    assert reply.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in reply.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        "https://sub.shop.example",
        "null",
        "",
        "*",
        "https://[",
        "http://localhost",
    ],
)
def test_any_other_origin_is_refused(listed, origin):
    """Exactly the listed ones: scheme, host and port."""
    reply = listed.browse(event(), headers={"Origin": origin})
    is_problem(reply, 403, "wrong_origin")
    assert "Access-Control-Allow-Origin" not in reply.headers
    is_problem(listed.http.get("/v1/hours", headers={"Origin": origin}), 403, "wrong_origin")


def test_a_caller_without_an_origin_is_let_in(listed):
    """Pages of the same origin may send none; an origin is a filter, not a proof."""
    assert listed.browse(event()).status_code == 202


def test_errors_can_be_read_by_the_page_too(listed):
    """A problem carries the echo as well."""
    reply = listed.browse(event(), consent=None, headers={"Origin": SHOP})
    is_problem(reply, 403, "consent_required")
    assert reply.headers["Access-Control-Allow-Origin"] == SHOP
    assert reply.headers["Access-Control-Expose-Headers"] == "Retry-After"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://chat.example", True),
        ("https://chat.example", True),
        ("http://localhost:3000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:8080", True),
        ("http://shop.localhost", True),
        ("http://chat.example:81", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("file://localhost", False),
        ("null", False),
    ],
)
def test_without_a_list_only_this_host_and_the_loopback_may(origin, allowed):
    """Enough to try it out, and no stranger's page."""
    assert Origins(None).allows(origin, "chat.example") is allowed


def test_an_empty_list_allows_nobody():
    """A list is a list, though nothing stands in it."""
    assert not Origins(()).allows("http://localhost", "localhost")


@pytest.mark.parametrize("path", ["/v1/events", "/v1/hours", "/v1/decide"])
def test_a_preflight_is_answered(listed, path):
    """What may be sent, to a page that may; 403 to any other."""
    asked = {"Access-Control-Request-Method": "POST", "Origin": SHOP}
    reply = listed.http.options(path, headers=asked)
    assert reply.status_code == 204
    assert reply.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Content-Type" in reply.headers["Access-Control-Allow-Headers"]
    assert reply.headers["Access-Control-Allow-Methods"] == reply.headers["Allow"]
    assert "Access-Control-Allow-Credentials" not in reply.headers
    refused = listed.http.options(path, headers=asked | {"Origin": "https://evil.example"})
    is_problem(refused, 403, "wrong_origin")


# --- every reply ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/events/", "/v1/nothing", "//v1//hours", "/%ff"])
def test_an_unknown_path_is_a_problem(server, path):
    """404 in the one shape."""
    is_problem(server.http.get(path), 404 if path != "/v1/events/" else 405, _code(path))


def _code(path):
    return "method_not_allowed" if path == "/v1/events/" else "not_found"


def test_a_wrong_method_is_a_problem(server):
    """405 says what the path takes."""
    reply = server.http.get("/v1/events")
    is_problem(reply, 405, "method_not_allowed")
    assert "POST" in reply.headers["Allow"]


@pytest.mark.parametrize("path", ["/healthz", "/v1/hours", "/nothing", "/openapi.json"])
def test_a_reply_is_neither_sniffed_nor_stored(server, path):
    """The same headers on success and on problems; no cookie ever."""
    reply = server.http.get(path)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in reply.headers


def test_an_encoded_body_is_refused(server):
    """Nothing is unpacked here, so no bomb goes off."""
    headers = AUTH | {"Content-Encoding": "gzip"}
    reply = server.http.post("/v1/events", data=b"\x1f\x8b", headers=headers)
    is_problem(reply, 415, "unsupported_encoding")


def test_a_body_of_unknown_length_is_read_to_its_limit(server):
    """Chunked bodies obey the same limit."""
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    small = f'{{"visitor": "{VISITOR}", "consent": "full"}}'.encode()
    for body, status in ((small, 202), (small + b" " * 70_000, 413)):
        reply = server.http.post(
            "/v1/events", input_stream=BytesIO(body), environ_overrides=environ
        )
        assert reply.status_code == status
