"""Bytes are read strictly: what is odd is refused, what is JSON is read as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import wire
from api.replies import Refused

REFUSED = [
    (b"", "not_json"),
    (b"nonsense", "not_json"),
    (b'{"a": 1} x', "not_json"),
    (b'{"a": NaN}', "not_json"),
    (b'{"a": Infinity}', "not_json"),
    (b'{"a": 01}', "not_json"),
    (b"\xef\xbb\xbf{}", "not_json"),
    ('{"a": 1}'.encode("utf-16"), "not_json"),
    (b'{"a": "\\ud800"}', "not_json"),
    (b'{"a": "\xff"}', "not_utf8"),
    (b'{"a": "\xed\xa0\x80"}', "not_utf8"),
    (b'{"\xff": 1}', "not_utf8"),
    (b"[]", "not_an_object"),
    (b"null", "not_an_object"),
    (b'"text"', "not_an_object"),
    (b'{"a": 1, "a": 2}', "duplicate_key"),
    (b'{"a" : 1, "b": {"c": 1, "c"\n: 1}}', "duplicate_key"),
    (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
    (b'{"a": [{"b": ":", "b": "\\":"}]}', "duplicate_key"),
    (b'{"a": ' + b"1" * 5_000 + b"}", "number_too_long"),
    (b'{"a": 0.' + b"1" * 5_000 + b"}", "number_too_long"),
    (b'{"a": 1e' + b"0" * 100 + b"1}", "number_too_long"),
    (b'{"a": 1e999}', "number_too_long"),
    (b'{"a": 9223372036854775808}', "number_too_long"),
    (b'{"a": -9223372036854775809}', "number_too_long"),
    (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "json_too_deep"),
    (b'{"a": ' + b'{"a":' * 64 + b"1" + b"}" * 65, "json_too_deep"),
    (b"[" * 100_000, "json_too_deep"),
    (b'{"a":' * 50_000, "json_too_deep"),
]


@pytest.mark.parametrize(("body", "code"), REFUSED)
def test_an_odd_body_is_refused_with_its_code(body, code):
    """Each kind of odd body has one code, and 400."""
    with pytest.raises(Refused) as refused:
        wire.parse_object(body)
    assert (refused.value.status, refused.value.code) == (400, code)


KEPT = [
    {"a": '":', "b": ':"', '":': 1, "": ":"},
    {"digits": "9" * 1_000},
    {"n": [2**63 - 1, -(2**63), 0.5, True, None]},
    {"deep": [[[[{"x": [{}]}]]]]},
    {"\u0000": "\u0000", "😀": "😀"},
]


@pytest.mark.parametrize("value", KEPT)
@pytest.mark.parametrize("indent", [None, 1])
def test_what_only_looks_odd_is_read(value, indent):
    """Texts that hold quotes, colons and digits are not taken for keys and numbers."""
    assert wire.parse_object(json.dumps(value, indent=indent).encode()) == value


keys = st.text('ab:"\\ \n', max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | keys | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.dictionaries(keys, values, max_size=4), st.sampled_from([(",", ":"), (" , ", "\n: ")]))
def test_any_proper_object_is_read_as_json_reads_it(value, separators):
    """The quick tests for duplicate keys and long numbers never refuse a proper body."""
    body = json.dumps(value, separators=separators).encode()
    assert wire.parse_object(body) == json.loads(body)


@settings(max_examples=300)
@given(st.lists(st.tuples(keys, keys), min_size=1, max_size=5), st.sampled_from([":", " : "]))
def test_a_key_written_twice_is_always_found(pairs, colon):
    """Whatever the keys and texts hold, an object is refused exactly when it repeats a key."""
    inner = ",".join(json.dumps(k) + colon + json.dumps(v) for k, v in pairs)
    body = f'{{"x": [{{{inner}}}]}}'.encode()
    if len(dict(pairs)) == len(pairs):
        assert wire.parse_object(body) == {"x": [dict(pairs)]}
    else:
        with pytest.raises(Refused, match="written twice"):
            wire.parse_object(body)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-01T10:00:00Z", 1_796_119_200_000),
        ("2026-12-01T10:00:00.123Z", 1_796_119_200_123),
        ("2026-12-01T10:00:00.1239Z", 1_796_119_200_123),
        ("2026-12-01T11:00:00+01:00", 1_796_119_200_000),
        ("2026-12-01t10:00:00z", 1_796_119_200_000),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_time_is_rfc_3339(text, instant):
    """Offsets count, and parts of a millisecond are dropped."""
    assert wire.parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01",
        "2026-12-01T10:00:00",
        "10:00",
        "",
        "now",
        "2026-13-01T10:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59.9999999Z",
        "0001-01-01T00:00:00+23:59",
        "2026-12-01T10:00:00+99:99",
        1_796_119_200_000,
        None,
        True,
        [],
    ],
)
def test_anything_else_is_no_time(text):
    """A number, a local time or a year beyond the calendars is refused with a sentence."""
    with pytest.raises(ValueError, match="a time must"):
        wire.parse_instant(text)
