"""YAML text to positioned nodes: what is typed, what is refused, and how fast."""

from __future__ import annotations

import time

import pytest
import yaml

from engine.errors import Severity
from engine.language import loader, nodes
from engine.language.kinds import Kind
from engine.language.nodes import ListNode, MapNode, ScalarNode, parse

SITE = "site: { name: shop, time_zone: UTC }\n"


@pytest.fixture(params=[nodes._LOADER, yaml.Loader], ids=["libyaml", "pure"], autouse=True)
def reader(request, monkeypatch):
    """Run every test here with both YAML readers."""
    monkeypatch.setattr(nodes, "_LOADER", request.param)
    return request.param


def value_of(text):
    document = parse("f.yaml", f"- {text}\n")
    assert document.problems == []
    (item,) = document.root.items
    return item.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("0", 0),
        ("42", 42),
        ("-7", -7),
        ("0.50", 0.5),
        ("-1.25", -1.25),
    ],
)
def test_these_plain_scalars_are_typed(text, value):
    """true, false, null, nothing, whole numbers and decimals have their types."""
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "on", "off", "yes", "no", "NO", "Yes", "True", "FALSE", "Null", "~", "012", "0x1f", "1e5",
        "1_000", "17:30", "24:00", "+5", ".5", "5.", ".inf", ".nan", "2026-12-01", "10%",
        "2026-12-24 18:00", "1,5",
    ],
)  # fmt: skip
def test_every_other_plain_scalar_stays_text(text):
    """What YAML 1.1 would turn into something else stays what it looks like."""
    assert value_of(text) == text


def test_quotes_make_text():
    """A quoted number or word is a text."""
    assert [value_of(f'"{word}"') for word in ("true", "5", "null", "")] == [
        "true",
        "5",
        "null",
        "",
    ]


def test_every_node_has_its_place():
    """Keys, values, lists and mappings know their line, column and length, emoji counted once."""
    root = parse("a/b.yaml", 'emoji: "🙂🙂" # hi\nlist:\n  - { k: [1, two] }\n').root
    assert isinstance(root, MapNode)
    (emoji, text), (listed, items) = root.pairs
    assert (emoji.path, emoji.line, emoji.column, emoji.length) == ("a/b.yaml", 1, 1, 5)
    assert (text.line, text.column, text.length, text.raw) == (1, 8, 4, "🙂🙂")
    assert (listed.line, listed.column) == (2, 1)
    assert isinstance(items, ListNode)
    (entry,) = items.items
    assert (entry.line, entry.column) == (3, 5)
    ((key, inner),) = entry.pairs
    assert (key.raw, key.column, inner.column) == ("k", 7, 10)
    assert isinstance(inner.items[1], ScalarNode)
    assert (inner.items[1].raw, inner.items[1].column) == ("two", 14)


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter():
    """Files saved by Windows editors read the same, at the same places."""
    root = parse("f.yaml", "\ufeffa: 1\r\nb: 2\r\n").root
    assert [(key.raw, key.line, key.column, value.value) for key, value in root.pairs] == [
        ("a", 1, 1, 1),
        ("b", 2, 1, 2),
    ]


def kinds(text):
    return [str(p.kind) for p in parse("f.yaml", text).problems]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a: &x 1\n", Kind.YAML_FEATURE),
        ("a: *x\n", Kind.YAML_FEATURE),
        ("a: !tag 1\n", Kind.YAML_FEATURE),
        ("a: !!str 1\n", Kind.YAML_FEATURE),
        ("&a b: 1\n", Kind.YAML_FEATURE),
        ("a: 1\na: 2\n", Kind.DUPLICATE_KEY),
        ("a: 1\n---\nb: 2\n", Kind.SYNTAX),
        ("a: [\n", Kind.SYNTAX),
        ("? [a]\n: 1\n", Kind.WRONG_TYPE),
        ("a: " + "9" * 19 + "\n", Kind.BAD_NUMBER),
        ("a: \x07\n", Kind.ENCODING),
        ("a: \udcff\n", Kind.ENCODING),
        ("[" * 21 + "]" * 21, Kind.TOO_DEEP),
    ],
)
def test_what_is_not_part_of_the_language_is_refused(text, kind):
    """Anchors, aliases, tags, repeats, second documents and the like are one finding each."""
    assert kinds(text) == [kind]


def test_twenty_deep_is_deep_enough():
    """The limit is 20, itself allowed."""
    assert kinds("[" * 20 + "]" * 20) == []


def test_a_number_of_18_digits_is_a_number():
    """Whole numbers are exact up to 18 digits."""
    assert value_of("9" * 18) == 10**18 - 1


def test_faults_after_a_fault_of_syntax_are_found_too():
    """Reading goes on at the next item of the list, with its lines numbered as they are."""
    text = "rules:\n  - a: 1\n  - b: @\n  - c: 3\n    d: [\n  - e: 5\n"
    document = parse("f.yaml", text)
    assert [(p.line, p.column) for p in document.problems] == [(3, 8), (5, 8)]
    assert not document.complete
    ((_, items),) = document.root.pairs
    assert [(key.raw, key.line) for item in items.items for key, _ in item.pairs] == [
        ("a", 2),
        ("e", 6),
    ]


def test_a_tab_in_quotes_or_comments_is_no_matter():
    """Only a tab that separates values is refused."""
    assert kinds('a: "x\ty"\t# a tab before this\n') == [Kind.SYNTAX]
    assert kinds("a: 'x\ty' #\ta comment\nb: |\n  a\tb\n") == []


MIB = 1 << 20


@pytest.mark.parametrize(
    "text",
    [
        "[" * MIB,
        "{" * MIB,
        "- " * (MIB // 2),
        "a: " * (MIB // 3),
        '"' + "x" * (MIB - 2),
        "a: &a [x]\n" + "".join(f"b{i}: [*a,*a,*a,*a]\n" for i in range(40_000)),
        "rules: {" + "a: 1, " * (MIB // 6 - 10) + "}",
        "rules: [{" + "".join(f"wheen{i}: 1, " for i in range(60_000)) + "}]",
        "rules:\n" + '  - show: "a" b\n' * (MIB // 17),
        "rules: [{rule: a, show: '" + "what " * (MIB // 5 - 100) + "'}]",
        "rules: [{rule: a, show: '" + "{" * (MIB - 100) + "'}]",
        "rules: [" + "9" * (MIB - 20) + "]",
        "x" * (MIB + 1),
        "\u20ac" * (MIB // 2),
        "rules:\n" + "\t" * (MIB - 10),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_input_is_refused_quickly(text, reader):
    """A mebibyte of nonsense is a handful of findings within seconds, never a crash."""
    if reader is yaml.Loader and text[:1] in "ar" and len(text) > MIB // 2:
        text = text[: MIB // 16]  # the pure reader is honest but slow
    start = time.monotonic()
    loaded = loader.load({"site.yaml": SITE, "more.yaml": text})
    assert loaded.folder is None
    assert any(p.severity is Severity.ERROR for p in loaded.problems)
    assert len(loaded.problems) <= 2_000
    assert time.monotonic() - start < 20  # seconds, on a machine that is busy with other things


def test_a_file_over_one_mebibyte_is_too_large():
    """The limit counts bytes: half a mebibyte of three-byte characters is over it."""
    assert kinds("\u20ac" * (MIB // 2)) == [Kind.TOO_LARGE]
    assert kinds("#" + "x" * (MIB - 1)) == []
    assert kinds("#" + "x" * MIB) == [Kind.TOO_LARGE]
