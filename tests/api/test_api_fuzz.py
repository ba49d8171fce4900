"""Whatever comes in, no reply is a 5xx, and every error is a problem."""

from __future__ import annotations

import json
import os

import pytest
from api_server import AUTH, KEY, START, VISITOR, Server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.limits import Rates
from engine.clock import to_text

# Of each kind; WELLTIMED_TEST_HTTP_FUZZ=100000 for a night.
CASES = int(os.environ.get("WELLTIMED_TEST_HTTP_FUZZ", "500"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all cases, which holds nobody to a rate."""
    free = Rates(visitor_rate=1e9, visitor_burst=1e9, site_rate=1e9, site_burst=1e9)
    one = Server(tmp_path_factory.mktemp("fuzz"), rates=free)
    yield one
    one.close()


fuzz = settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

instants = st.integers(START - 3 * 86_400_000, START + 86_400_000).map(to_text) | st.sampled_from(
    ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z", "soon", "", "9999-12-31T23:59:59Z"]
)
texts = st.text(max_size=12) | st.sampled_from(
    ["/p/4471", "https://shop.example/checkout/pay", "https://[", "//", "?", "%ff", "x" * 1_100]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
kinds = st.sampled_from(
    [
        "search",
        "page_view",
        "page_hidden",
        "purchase",
        "add_to_cart",
        "chat_started",
        "prompt_shown",
        "prompt_dismissed",
        "quote_started",
        "nonsense",
    ]
)
names = st.sampled_from(
    ["query", "product", "rule", "variant", "decision_id", "cart_value", "title", "referrer"]
)


def mostly(usual, chance=9):
    """Draw the usual value, and now and then anything at all."""
    return st.integers(0, chance).flatmap(lambda n: anything if n == 0 else usual)


ids = st.uuids().map(str) | st.sampled_from(["e1", "", "x" * 128])
events = st.builds(
    lambda base, own: base | own,
    st.fixed_dictionaries(
        {"event": mostly(kinds)},
        optional={
            "id": mostly(ids),
            "at": mostly(instants),
            "page": mostly(texts),
            "session": mostly(texts),
        },
    ),
    st.dictionaries(names, mostly(scalars), max_size=3),
)
states = st.dictionaries(
    st.sampled_from(["on_page", "idle", "scroll_depth", "form", "form_stuck", "cart_value", "x"]),
    mostly(scalars | st.floats(0, 100)),
    max_size=3,
)
bodies = st.fixed_dictionaries(
    {"visitor": mostly(st.sampled_from([VISITOR, "v1", "another" * 4]))},
    optional={
        "site": mostly(st.sampled_from(["shop", "other"])),
        "token": mostly(st.just("x")),
        "sent_at": mostly(instants),
        "consent": mostly(st.sampled_from(["full", "memory", "none"]), 8),
        "page": mostly(texts),
        "language": mostly(texts),
        "ask": mostly(st.booleans()),
        "events": mostly(st.lists(mostly(events), max_size=4)),
        "state": mostly(states),
        "attributes": mostly(st.dictionaries(texts, mostly(scalars), max_size=3)),
        "at": mostly(instants),
        "dry_run": mostly(st.booleans()),
        "explain": mostly(st.booleans()),
    },
)
header_text = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": st.sampled_from([f"Bearer {KEY}", "Bearer x"]) | header_text,
        "Origin": st.sampled_from(["http://localhost", "null", "https://["]) | header_text,
        "Sec-GPC": header_text,
        "User-Agent": header_text,
        "Idempotency-Key": header_text,
        "Content-Type": header_text,
        "Accept-Encoding": header_text,
        "Host": st.sampled_from(["localhost", "[", "a b"]),
    },
)


def fine(reply):
    """No fault of ours, and one shape for every error."""
    assert reply.status_code < 500, reply.get_data(as_text=True)
    if reply.status_code >= 400:
        assert reply.content_type == "application/problem+json"
        assert reply.get_json()["code"]


@fuzz
@given(body=bodies, known=st.booleans())
def test_no_events_body_breaks_it(server, body, known):
    """Shaped nearly right, and wrong in one place or another."""
    fine(server.http.post("/v1/events", json=body, headers=AUTH if known else {}))


@fuzz
@given(body=bodies)
def test_no_question_breaks_it(server, body):
    """Decide answers or refuses."""
    fine(server.http.post("/v1/decide", json=body, headers=AUTH))


@fuzz
@given(
    body=st.binary(max_size=60)
    | anything.map(lambda value: json.dumps(value).encode())
    | bodies.map(lambda value: json.dumps(value).encode()[:-3]),
    path=st.sampled_from(["/v1/events", "/v1/decide", "/v1/rules/check"]),
)
def test_no_bytes_break_it(server, body, path):
    """Not JSON, or JSON of any shape."""
    fine(server.http.post(path, data=body, headers=AUTH))


@fuzz
@given(
    headers=headers,
    path=st.sampled_from(
        ["/v1/events", "/v1/decide", "/v1/hours", "/v1/rules", "/tracker.js", "/v1/visitors/v1"]
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"]),
    query=st.dictionaries(st.sampled_from(["site", "department", "language"]), texts, max_size=2),
)
def test_no_header_breaks_it(server, headers, path, method, query):
    """Any method, header and query."""
    body = json.dumps({"visitor": VISITOR, "consent": "full", "ask": True})
    reply = server.http.open(path, method=method, headers=headers, query_string=query, data=body)
    assert reply.status_code < 500, reply.get_data(as_text=True)


@fuzz
@given(
    report=mostly(st.dictionaries(st.sampled_from(["agents_online", "ttl", "reserve"]), anything))
)
def test_no_report_breaks_it(server, report):
    """Availability of any shape."""
    reply = server.http.put("/v1/availability/default", json=report, headers=AUTH)
    fine(reply)
    fine(server.http.get("/v1/availability/default", headers=AUTH))


@fuzz
@given(
    files=st.dictionaries(
        st.sampled_from(["site.yaml", "rules.yaml", "a.test.yaml", "../x", ""]),
        st.text(max_size=60) | st.sampled_from(["rules: []", "site: { name: x }", "a: &x [*x]"]),
        max_size=3,
    )
)
def test_no_rules_break_the_check(server, files):
    """Findings, whatever the text."""
    reply = server.http.post("/v1/rules/check", json=files, headers=AUTH)
    fine(reply)
