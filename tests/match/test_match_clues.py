"""Clues: whoever has none of a rule's values need not be asked, and nobody else is passed over."""

from __future__ import annotations

from random import Random

import pytest
from match_worlds import NOW, PAGES_OF_SITE, SITE, Visitor, condition, rule

from engine.clock import MINUTE
from engine.match.clues import Field, Place, State, Words, clue_of
from engine.match.compile import Feature, TooManyAlternatives, alternatives, compile_rules
from engine.match.matcher import LOOK_UP_FROM, Matcher
from engine.match.sources import Count, Highest, Truth, Wait
from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    Counted,
    InAudience,
    InGroup,
    Measure,
    Not,
    Sequence,
    Span,
    Stall,
    StateIs,
    Step,
)
from engine.visitor.profile import Event, Profile, fold
from engine.visitor.view import View


def view(*events, page=None, attributes=None, at=NOW):
    """Return a visitor who did (kind, fields, page) at one-second steps, the last just now."""
    made = [
        Event(f"e{n}", kind, NOW - 1_000 * (len(events) - 1 - n), fields, page)
        for n, (kind, fields, page) in enumerate(events)
    ]
    profile, _ = fold(Profile(), made, keep=10**12, keep_events=500)
    profile.verified = attributes or {}
    return View(profile, SITE, PAGES_OF_SITE, at, page=page)


def keys_of(source, visitor):
    """Return whether a visitor has one of the keys that a source is filed under."""
    clue, keys = clue_of(source)
    return bool(keys & clue.keys(visitor))


def searched(compare, **more):
    return Count(Measure("search", fields=(("query", compare),), **more))


def test_who_has_no_key_has_reached_no_mark():
    """Of random sources and visitors: a clue that finds nothing is never wrong about it."""
    rnd, shut, opened = Random(7), 0, 0
    for number in range(1_500):
        when = condition(rnd)
        try:
            alternatives(when)
        except TooManyAlternatives:
            continue
        features = compile_rules([rule(number, when)]).features
        for feature in features:
            found = clue_of(feature.source)
            if found is None or not all(mark > 0 for mark in feature.marks):
                continue
            clue, keys = found
            visitor = Visitor(rnd).view()
            if keys & clue.keys(visitor):
                opened += 1
            else:
                shut += 1
                assert feature.rank(visitor) == 0, (feature.source, keys, clue.keys(visitor))
    assert shut > 200
    assert opened > 100


@pytest.mark.parametrize(
    ("source", "clue", "keys"),
    [
        (
            searched(Compare(is_=(" Boots ", 5, True))),
            Field("search", "query", Span.SESSION),
            {"boots", 5, (True,)},
        ),
        (
            searched(Compare(contains=("a long phrase", "Refund", "!"))),
            Words("search", "query", Span.SESSION),
            {"phrase", "refund"},
        ),
        (
            Count(Measure("page_view", MINUTE, where=AnyOf((InGroup("home"), InGroup("product"))))),
            Place("page_view", MINUTE),
            {"home", "product"},
        ),
        (
            Count(Measure("search", where=AllOf((Not(InGroup("home")), InGroup("product"))))),
            Place("search", Span.SESSION),
            {"product"},
        ),
        (
            Wait(Stall(Step("form_started", (("form", Compare(is_=("quote",))),)), "login")),
            Field("form_started", "form", Span.SESSION),
            {"quote"},
        ),
        (
            Truth(Sequence((Step("login"), Step("page_view", where=InGroup("home")))), "default"),
            Place("page_view", Span.SESSION),
            {"home"},
        ),
        (
            Truth(StateIs("plan", Compare(is_=("Trial",))), "sales"),
            State("plan", "sales"),
            {"trial"},
        ),
    ],
)
def test_a_source_is_filed_under_the_value_that_it_asks_for(source, clue, keys):
    """As the value compares: no case, no outer blanks, numbers as numbers, of a phrase a word."""
    assert clue_of(source) == (clue, keys)


@pytest.mark.parametrize(
    "source",
    [
        Count(Measure("search")),
        searched(Compare(not_=("boots",))),
        searched(Compare(at_least=3)),
        Count(Measure("page_view", where=Not(InGroup("home")))),
        Count(Measure("page_view", where=AnyOf((InGroup("home"), Not(InGroup("product")))))),
        Truth(StateIs("language", Compare(is_=("fr",))), "default"),
        Truth(StateIs("plan", Compare(not_=("pro",))), "default"),
        Truth(InAudience("fresh"), "default"),
        Truth(Sequence((Step("login"), Step("search"))), "default"),
        Highest("cart_value", "default"),
    ],
)
def test_what_names_no_value_has_no_clue(source):
    """Absence, order, audiences; `fr`, which is `fr-CA` too."""
    assert clue_of(source) is None


@pytest.mark.parametrize(
    ("wanted", "value", "found"),
    [
        ("boots", " BOOTS", True),
        ("boots", "red boots", False),
        (5, 5.0, True),
        (5, "5", False),
        (1, True, False),
        (True, True, True),
        ("a", ["b", "A"], True),
        ("a", [], False),
        ("a", None, False),
        ("a", {"a": 1}, False),
        (1.5, float("nan"), False),
    ],
)
def test_values_are_looked_up_as_they_compare(wanted, value, found):
    """A field or a state of any type, lists by their elements."""
    visitor = view(("paid", {"code": value}, None), attributes={"plan": value})
    paid = Count(Measure("paid", fields=(("code", Compare(is_=(wanted,))),)))
    assert keys_of(paid, visitor) is found
    state = Truth(StateIs("plan", Compare(is_=(wanted,))), "default")
    assert keys_of(state, visitor) is found


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("refund", "a REFUND please", True),
        ("refund", "refunds", False),
        ("walking boots", "boots", False),
        ("walking boots", "boots for walking", True),  # which the source itself then refuses
        ("退货", "我要退货", True),
        ("x", ["y", "z x"], True),
        ("x", 5, False),
    ],
)
def test_words_are_looked_up_as_they_are_found(phrase, text, found):
    """Whole words of any script; whether they stand together is asked later."""
    visitor = view(("search", {"query": text}, None))
    assert keys_of(searched(Compare(contains=(phrase,))), visitor) is found


def test_only_the_window_is_looked_at():
    """What is out of it opens nothing."""
    visitor = view(("search", {"query": "boots"}, None), ("search", {"query": "hats"}, None))
    for query, found in (("boots", False), ("hats", True)):
        assert keys_of(searched(Compare(is_=(query,)), within=1_000), visitor) is found
        assert keys_of(searched(Compare(is_=(query,)), within=1_001), visitor)


def many(count):
    """Return rules of four kinds that differ in a value alone."""
    conditions = []
    for number in range(count):
        text = str(number)
        conditions += [
            Counted(Measure("search", fields=(("query", Compare(is_=(text,))),)), 2),
            Counted(Measure("search", fields=(("query", Compare(contains=(text,))),)), 1),
            Stall(Step("form_started", (("form", Compare(is_=(text,))),)), "form_submitted"),
            AllOf((StateIs("plan", Compare(is_=(text,))), Counted(Measure("page_view"), 1))),
        ]
    return [rule(number, when) for number, when in enumerate(conditions)]


def test_what_a_match_reads_grows_with_the_visitor_and_not_with_the_rules(monkeypatch):
    """Twenty times the rules read nothing more."""
    visitor = view(
        ("page_view", {}, "/"),
        ("search", {"query": "3"}, "/"),
        ("search", {"query": "7 and 8"}, "/"),
        ("form_started", {"form": "5"}, "/"),
        attributes={"plan": "4"},
    )
    rank, reads = Feature.rank, []
    monkeypatch.setattr(Feature, "rank", lambda self, seen: reads.append(self) or rank(self, seen))
    counts = []
    for size in (LOOK_UP_FROM + 1, 20 * LOOK_UP_FROM):
        reads.clear()
        matcher = Matcher(many(size), check_every=10**9)
        found = matcher.match(visitor)
        assert {index % 4 for index in found} == {1, 2, 3}
        assert found == matcher._by_tree(visitor)
        counts.append(len(reads))
        matcher.close()
    assert counts[0] == counts[1] < 10


def test_a_few_rules_are_asked_rather_than_looked_up(monkeypatch):
    """Gathering a visitor's values for them would cost more than it saves."""
    gathered = []
    monkeypatch.setattr(Field, "keys", lambda self, _: gathered.append(self) or set())
    visitor = view(("search", {"query": "1"}, None), ("search", {"query": "1"}, None))
    for size, looks in ((LOOK_UP_FROM - 1, 0), (LOOK_UP_FROM, 2)):
        matcher = Matcher(many(size), check_every=10**9)
        matcher.match(visitor)
        assert len(gathered) == looks
        matcher.close()


def test_a_rule_that_takes_any_of_several_values_is_found_by_each():
    """And is one match, however many of them the visitor has."""
    either = Compare(is_=("a", "b"))
    rules = [rule(n, Counted(Measure("search", fields=(("query", either),)), n)) for n in (1, 2)]
    matcher = Matcher(rules, check_every=1, look_up_from=1)
    for queries, found in (("a", {0}), ("b", {0}), ("ab", {0, 1}), ("c", set())):
        visitor = view(*(("search", {"query": query}, None) for query in queries))
        assert matcher.match(visitor) == found
    assert matcher.mismatches == 0
    matcher.close()
