"""Rules that wait for what nobody sends: found in what a store holds, and nothing else is."""

from __future__ import annotations

import pytest

from engine.clock import DAY
from engine.errors import Severity, StoreUnavailable
from engine.language import loader
from engine.seen import NEVER_SEEN, Seen, awaited, findings, look
from engine.visitor.profile import Event, Profile, fold, pack

NOW = 1_796_119_200_000
SITE = """site: { name: shop, time_zone: UTC }
events: { quote_started: [plan], code_sent: [] }
"""


def folder(when, more=""):
    """Return a folder with one rule."""
    rules = f"rules:\n  - rule: one\n    when: {when}\n    show: Hello\n{more}"
    loaded = loader.load({"site.yaml": SITE, "a.yaml": rules})
    assert loaded.folder is not None, loaded.problems
    return loaded.folder


def visitor(name, *events):
    """Return a visitor as a store gives it: (kind, days ago) each."""
    made = [Event(f"e{n}", kind, NOW - round(days * DAY)) for n, (kind, days) in enumerate(events)]
    return name, pack(fold(Profile(), made, keep=180 * DAY, keep_events=500)[0])


@pytest.mark.parametrize(
    ("when", "kinds"),
    [
        ("{ event: search }", ["search"]),
        ("{ event: search, at_least: 3, at_most: 5 }", ["search"]),
        ("{ event: purchase, at_most: 0 }", []),
        ("{ not: { event: purchase } }", []),
        ("{ state: on_page, for: 40s }", []),
        ("{ event: code_sent, not_followed_by: login, for: 90s }", ["code_sent"]),
        ("{ sequence: [add_to_cart, page_view, add_to_cart] }", ["add_to_cart", "page_view"]),
        ("{ any: [ { event: search }, { event: login } ] }", ["search", "login"]),
        ("{ all: [ { event: search }, { state: form_stuck } ] }", ["search"]),
    ],
)
def test_a_rule_waits_for_what_it_cannot_do_without(when, kinds):
    """Absence, answers that stay away and states are nothing to wait for."""
    assert awaited(folder(when)) == {"one": kinds}


def test_a_paused_rule_waits_for_nothing():
    """It is known not to show."""
    assert awaited(folder("{ event: search }", "    mode: paused\n")) == {}


def test_the_look_goes_thirty_days_back_and_no_further():
    """An event exactly as old is outside, as in every window; what is to come is not seen yet."""
    people = [
        visitor("a", ("search", 30), ("login", 29.999)),
        visitor("b", ("purchase", -1)),
        visitor("c", ("signup", 0)),
    ]
    assert look(people, {"x"}, NOW) == Seen(2, {"login", "signup"}, whole=True)


def test_the_look_ends_when_everything_was_seen():
    """A large store is not read to its end for nothing."""

    def people():
        yield visitor("a", ("search", 1))
        yield visitor("b", ("login", 1))
        raise AssertionError("one too many")

    assert look(people(), {"search", "login"}, NOW).visitors == 2
    assert look(iter([]), set(), NOW).visitors == 0


def test_the_look_ends_with_the_patience_and_says_so():
    """What was not looked at is not counted."""
    people = [visitor(name, ("search", 1)) for name in "abc"]
    answers = iter([True, True, False])
    seen = look(people, {"login"}, NOW, lambda: next(answers))
    assert (seen.visitors, seen.whole) == (2, False)


def test_a_damaged_visitor_is_a_sentence():
    """Naming whose."""
    with pytest.raises(StoreUnavailable, match="the visitor 'v1' cannot be read"):
        look([("v1", b"\xc1")], {"x"}, NOW)


def test_what_was_never_seen_is_warned_of_at_the_rule():
    """Each event by itself; what was seen is not."""
    rules = folder("{ any: [ { event: search }, { event: quote_started }, { event: login } ] }")
    told = list(findings(rules, Seen(1203, {"search", "page_view"})))
    assert [problem.kind for problem in told] == [NEVER_SEEN, NEVER_SEEN]
    assert {problem.severity for problem in told} == {Severity.WARNING}
    assert (told[0].path, told[0].line, told[0].column, told[0].length) == ("a.yaml", 2, 11, 3)
    assert told[0].message == (
        'the rule "one" waits for "quote_started", which none of the 1,203 visitors looked at has '
        "sent in the last 30 days; expected pages or servers that send it, by this name"
    )


def test_an_event_of_almost_that_name_is_pointed_at():
    """The compatible doors keep what nobody declared; standard events are no misspellings."""
    rules = folder("{ event: quote_started }")
    (told,) = findings(rules, Seen(2, {"quote_start", "page_view"}))
    assert '(they do send "quote_start")' in told.message
    (told,) = findings(folder("{ event: form_started }"), Seen(2, {"form_submitted"}))
    assert "do send" not in told.message


def test_where_nobody_was_seen_nothing_is_said():
    """An empty store proves nothing."""
    assert list(findings(folder("{ event: search }"), Seen(0))) == []
