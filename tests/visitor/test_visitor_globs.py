from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.globs import MAX_PATH, compile_glob, fold

SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("glob", "page", "found"),
    [
        # the page: without final slash, query and fragment, ignoring case
        ("/", "/", {}),
        ("/", "https://shop.example", {}),
        ("/", "https://shop.example/?a=b#c", {}),
        ("/", "/index", None),
        ("/basket", "/Basket/", {}),
        ("/basket/", "/basket", {}),
        ("/BASKET", "/basket#pay?x=/y", {}),
        ("/basket", "basket", {}),
        ("/basket", "/basket//", {}),
        ("/a/b", "/a//b", {}),
        # `*` within a segment
        ("/p/*", "/p/7", {}),
        ("/p/*", "/p", None),
        ("/p/*", "/p/", None),
        ("/p/*", "/p/7/8", None),
        ("/*", "/", None),
        ("/boots*", "/boots", {}),
        ("/*-boots.html", "/red-walking-boots.html", {}),
        ("/a*b*c", "/abc", {}),
        ("/a*b*c", "/a-c-b", None),
        # `**` across segments; `**/` and a final `/**` also match nothing
        ("**", "/", {}),
        ("/**", "/a/b/c", {}),
        ("/**", "/", {}),
        ("**/basket", "/basket", {}),
        ("**/basket", "/en/gb/basket", {}),
        ("**/basket", "/my-basket", None),
        ("**/basket", "/basket/x", None),
        ("**/checkout/**", "/checkout", {}),
        ("**/checkout/**", "/en/checkout/pay/card", {}),
        ("**/checkout/**", "/checkouts", None),
        ("/a/**/b", "/a/b", {}),
        ("/a/**/b", "/a/x/y/b", {}),
        ("/a/**/b", "/ab", None),
        ("/a/**/b", "/a/xb", None),
        ("/a/**/**", "/a", {}),
        ("**/**/b", "/b", {}),
        ("/help**", "/help-me/now", {}),
        ("**.pdf", "/files/a.PDF", {}),
        ("/a/**/b/**/c", "/a/b/x/b/c", {}),
        ("/a/**/b/**/c", "/a/c/b", None),
        # captures
        ("**/p/{product}", "/en/p/Boot-7", {"product": "Boot-7"}),
        ("**/p/{product}", "/p/", None),
        ("**/p/{product}/**", "/p/7/reviews", {"product": "7"}),
        ("/*-{product}", "/red-boots-4471", {"product": "4471"}),
        ("/{product}-*", "/4471-red-boots", {"product": "4471"}),
        ("/{category}/{product}", "/shoes/7", {"category": "shoes", "product": "7"}),
        ("/{category}/{product}", "/shoes", None),
        ("/p{product}", "/p", None),
        # percent-decoding, by segment
        ("/p/{product}", "/p/caf%C3%A9%20noir", {"product": "café noir"}),
        ("/p/{product}", "/p/a%2Fb", {"product": "a/b"}),
        ("/p/*", "/p/a%2Fb", {}),
        ("/p/a/b", "/p/a%2Fb", None),
        ("/p/{product}", "/p/100%", {"product": "100%"}),
        ("/p/{product}", "/p/%ff", {"product": "\ufffd"}),
        ("/p/{product}", "/p/a+b", {"product": "a+b"}),
        ("/caf%C3%A9", "/CAFÉ", {}),
        ("/café", "/caf%c3%a9", {}),
        ("/a%2Ab", "/a*b", {}),
        ("/a%2Ab", "/axb", None),
        ("/a/b", "/a%00b", None),
        ("/straße", "/STRAẞE", {}),
        ("/İ{product}", "/İx", {"product": "x"}),
        # hosts
        ("shop.example/basket", f"{SHOP}/basket", {}),
        ("SHOP.example/basket", "https://user:pw@Shop.Example:8443/basket", {}),
        ("shop.example:8443/basket", "https://shop.example:8443/basket", {}),
        ("shop.example:8443/basket", f"{SHOP}/basket", None),
        ("shop.example/basket", "https://www.shop.example/basket", None),
        ("*.example/basket", "https://www.shop.example/basket", {}),
        ("{tenant}.example/**", f"{SHOP}/a", {"tenant": "shop"}),
        ("shop.example/basket", "/basket", None),
        ("shop.example/", f"{SHOP}", {}),
        ("shop.example/**", f"{SHOP}/x/y", {}),
        ("/basket", f"{SHOP}/basket", {}),
        ("/go/https:/x.example", "/go/https://x.example", {}),
        # queries
        ("/search?q=boots", "/search?page=2&q=Boots", {}),
        ("/search?q=boots", "/search", None),
        ("/search?q=boots", "/search?q=boots+red", None),
        ("/search?q=boots red", "/search?q=boots+red", {}),
        ("/search?q=*", "/search?q=", {}),
        ("/search?q=*", "/search?p=1", None),
        ("/search?q={query}", "/Search?Q=Red%20Boots", {"query": "Red Boots"}),
        ("/search?q={query}", "/search?q=", None),
        ("/search?q={query}", "/search?q=a/b", {"query": "a/b"}),
        ("/?a=1&b=2", "/?b=2&a=1", {}),
        ("/?a=1&b=2", "/?a=1", None),
        ("/?a=2", "/?a=1&a=2", {}),
    ],
)
def test_a_glob_matches_what_the_page_about_globs_says(glob, page, found):
    """Each line is one sentence of LANGUAGE.md section 4, or what follows from it."""
    assert compile_glob(glob).match(page) == found


@pytest.mark.parametrize(
    ("glob", "word"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("basket", "no slash"),
        ("shop.example", "no slash"),
        ("https://shop.example/p", "scheme"),
        ("^/p/.*$", "regular expression"),
        ("/p/.*", "regular expression"),
        (r"/p/\d+", "regular expression"),
        ("/p/(a|b)", "list of globs"),
        ("/p/[0-9]", "character sets"),
        ("/p/a$", "whole path"),
        ("/p/{product", "pair"),
        ("/p/product}", "pair"),
        ("/p/{{product}}", "pair"),
        ("/p/{}", "name"),
        ("/p/{1,3}", "name"),
        ("/p/{my product}", "name"),
        ("/{product}/{product}", "twice"),
        ("/{product}?id={product}", "twice"),
        ("/p/***", "***"),
        ("/p/{a}{b}", "neighbouring"),
        ("/p/*{a}", "neighbouring"),
        ("/p#top", "fragment"),
        ("/p?", "key=value"),
        ("/p?tab", "key=value"),
        ("/p?=x", "key=value"),
        ("/p?a=1&", "key=value"),
        ("/p?*=1", "key"),
        ("/p?a=**", "**"),
        ("/p\x07", "control"),
        ("/" + "a" * 2000, "characters"),
    ],
)
def test_a_mistake_is_refused_with_a_sentence(glob, word):
    """A glob that cannot be meant says what is wrong with it."""
    with pytest.raises(ValueError, match=re.escape(word)) as refused:
        compile_glob(glob)
    assert "\n" not in str(refused.value)


def test_fields_are_named_in_order():
    """The loader learns from a glob which fields it captures."""
    assert compile_glob("{host}.example/{category}/*-{product}?q={query}").fields == (
        "host",
        "category",
        "product",
        "query",
    )


segment = st.sampled_from(
    ["**", "*", "a", "b", "ab", "a*", "*b", "a*b", "{x}", "a{y}", "{z}b", "a**", "**b"]
)


def _expression(glob):
    """Return the glob as a regular expression, straight from its definition."""
    path = re.sub(r"(/\*\*)+$", "/**", glob)
    path = re.sub(r"(\*\*/)+", "**/", path).removeprefix("/")
    text = ""
    while path:
        if path == "/**":
            text, path = text + r"(?:/.*)?", ""
        elif path.startswith("**/") and (not text or text.endswith("/")):
            text, path = text + r"(?:.*/)?", path[3:]
        elif path.startswith("**"):
            text, path = text + ".*", path[2:]
        elif path[0] == "*":
            alone = (not text or text[-1] in "/?") and path[1:2] in ("", "/")
            text, path = text + ("[^/]+" if alone else "[^/]*"), path[1:]
        elif path[0] == "{":
            text, path = text + f"(?P<{path[1]}>[^/]+)", path[3:]
        else:
            text, path = text + path[0], path[1:]
    return re.compile(text, re.DOTALL)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(segment, min_size=1, max_size=5, unique=True),
    st.lists(st.sampled_from(["a", "b", "ab", "aab", "abb", "ba"]), max_size=5),
)
def test_matching_agrees_with_the_definition(segments, path):
    """A glob matches exactly where the regular expression that defines it does."""
    glob, page = "/" + "/".join(segments), "/" + "/".join(path)
    found = compile_glob(glob).match(page)
    assert (found is not None) == bool(_expression(glob).fullmatch("/".join(path)))
    if found:
        filled = glob
        for name, value in found.items():
            assert value
            assert "/" not in value
            filled = filled.replace(f"{{{name}}}", value)
        assert compile_glob(filled).match(page) == {}


@given(st.text(max_size=20))
def test_folding_keeps_every_position(text):
    """A folded text is as long as the text, so that captures can be cut from the original."""
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=60))
def test_any_page_can_be_looked_at(page):
    """No page, however odd, is an error."""
    compile_glob("shop.example/**/{x}-*?q={y}").match(page)
    compile_glob("**/{x}/a*b/**").match(page)


@given(st.text(alphabet="ab*/?={}&.é%2", max_size=20))
def test_any_glob_compiles_or_is_refused_with_a_sentence(glob):
    """Whatever is written is a glob or a mistake that is explained, never another error."""
    try:
        compiled = compile_glob(glob)
    except ValueError as refused:
        assert str(refused)  # noqa: PT017 # both outcomes are right, and each is checked
    else:
        compiled.match("/ab/a")


@pytest.mark.parametrize("unit", ["a", "/a", "a/", "-a", "%61", "?a=a&", "é", "/"])
@pytest.mark.parametrize(
    "glob",
    [
        "**/a*a*a*a*a*a*a*a*a*a*a*a*b",
        "**/a/**/a/**/a/**/a/**/a/**/a/b",
        "**a**a**a**a**a**a**a**a**a**b",
        "/*a*a*a*a*a*a*a*-{x}b",
        "**/{x}-*-*-*-*-*-*-*b/**?a=*a*a*a*a*a*b",
    ],
)
def test_no_page_takes_long(glob, unit):
    """The worst page of a shape costs milliseconds, at the usual limit and far beyond it."""
    compiled = compile_glob(glob)
    for size in (2_048, 200_000):
        page = "/" + (unit * size)[:size]
        started = time.process_time()
        compiled.match(page + "b")
        compiled.match(page)
        assert time.process_time() - started < 0.5


def test_an_over_long_path_is_in_no_group():
    """No honest page has such a path; a long query is no matter."""
    anything = compile_glob("/**")
    assert anything.match("/" + "a" * (MAX_PATH - 1)) == {}
    assert anything.match("/" + "a" * (MAX_PATH + 2)) is None
    assert anything.match("/a?" + "q" * 100_000) == {}
