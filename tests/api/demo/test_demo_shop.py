"""The demo shop's own logic: its search, its basket, its fussy form, its rules folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.demo import basket, folder, quote
from api.demo.ageing import aged
from api.demo.catalogue import BY_ID, search
from engine import ruleset as rulesets
from engine.clock import DAY, HOUR, MINUTE, from_datetime
from engine.errors import Severity, WelltimedError
from engine.gates import schedule
from engine.model import Place
from engine.visitor.profile import Event, Exposure, Profile, Report

NOW = datetime(2026, 12, 25, 23, 30, tzinfo=UTC)  # a holiday, at night
MONDAY = date(2026, 12, 7)
RIGHT = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "phone": "+441539720049",
    "postcode": "LA9 4DL",
    "people": "8",
    "start": "14/12/2026",
}


# --- search and basket ----------------------------------------------------------------------


@pytest.mark.parametrize("words", ["boots", "walking boots", "wide walking boots", "BOOT"])
def test_the_searches_that_the_home_page_proposes_find_boots(words) -> None:
    """The three searches of the home page find the boots first."""
    assert search(words)[0].id == "4471"


def test_a_search_may_find_nothing() -> None:
    """Words that nothing carries find nothing, and so does no word at all."""
    assert search("crampons") == []
    assert search("") == []
    assert search("<script>") == []


@given(st.text(max_size=200))
def test_any_cookie_is_a_basket(cookie) -> None:
    """Whatever stands in the cookie, it reads as a basket of our own products, in bounds."""
    held = basket.read(cookie)
    assert all(line.product.id in BY_ID and 1 <= line.count <= 9 for line in held.lines)
    assert basket.read(held.cookie()) == held


@given(st.lists(st.tuples(st.sampled_from(sorted(BY_ID)), st.integers(0, 12)), max_size=20))
def test_a_basket_survives_its_cookie(changes) -> None:
    """What was put into a basket is what its cookie says."""
    held = basket.Basket()
    for product, count in changes:
        held = held.with_count(BY_ID[product], count)
    assert basket.read(held.cookie()) == held
    assert held.total == sum(line.product.price * line.count for line in held.lines)


# --- the form -------------------------------------------------------------------------------


def test_right_answers_go_through() -> None:
    """A form that is filled in as it wants has no fault."""
    assert quote.faults(RIGHT, MONDAY) == {}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "Ada"),
        ("email", "ada"),
        ("email", "ada@example"),
        ("phone", "01539 720049"),
        ("phone", "+44 1539 720049"),
        ("postcode", "la9 4dl"),
        ("postcode", "LA94DL"),
        ("people", "3"),
        ("people", "41"),
        ("people", "eight"),
        ("people", "٨"),
        ("start", "2026-12-14"),
        ("start", "31/02/2027"),
        ("start", "11/12/2026"),  # a Friday, four days ahead
        ("start", "15/12/2026"),  # a Tuesday
    ],
)
def test_each_field_is_fussy_on_its_own(field, text) -> None:
    """One wrong answer is one fault, at its own field."""
    assert set(quote.faults(RIGHT | {field: text}, MONDAY)) == {field}


def test_a_plausible_person_is_refused_twice() -> None:
    """Who writes things as people do is refused for the phone first, then for the day."""
    person = RIGHT | {"phone": "01539 720049", "start": "16/12/2026"}
    assert set(quote.faults(person, MONDAY)) == {"phone"}
    person |= {"phone": "+441539720049"}
    assert set(quote.faults(person, MONDAY)) == {"start"}


@given(st.dictionaries(st.sampled_from([*quote.FIELDS, "other"]), st.text(max_size=400)))
def test_any_form_is_answered(sent) -> None:
    """Whatever is typed, the form answers with faults for its own fields, and keeps texts short."""
    answers = quote.read(sent)
    assert all(len(text) <= quote.LONGEST for text in answers.values())
    assert set(quote.faults(answers, MONDAY)) <= set(quote.FIELDS)


# --- the rules folder -----------------------------------------------------------------------


@pytest.mark.parametrize("desk_open", [True, False])
def test_the_demo_folder_loads(desk_open) -> None:
    """The demo's retelling of the starter rules has all their rules, and no error."""
    starter = rulesets.check(folder.read_starter())
    told = folder.retell(folder.read_starter(), desk_open=desk_open, now=NOW)
    loaded = rulesets.check(told)
    assert [str(p) for p in loaded.problems if p.severity is Severity.ERROR] == []
    assert [rule.id for rule in loaded.folder.rules] == [rule.id for rule in starter.folder.rules]
    assert _unplaced(loaded.folder.site.suppress) == _unplaced(starter.folder.site.suppress)


def _unplaced(items):
    return [replace(item, place=Place()) for item in items]


def test_the_open_desk_is_open_whatever_the_hour() -> None:
    """On Christmas night the demo's desks are open, and stay so."""
    site = _site(desk_open=True)
    for hours in site.schedules.values():
        for hour in range(24 * 8):
            assert schedule.is_inviting(hours, from_datetime(NOW) + hour * HOUR)


def test_the_closed_desk_opens_at_nine_tomorrow() -> None:
    """A desk that was shut is shut for the day, and says nine o'clock of the next."""
    site = _site(desk_open=False)
    tomorrow = from_datetime(datetime(2026, 12, 26, 9, 0, tzinfo=UTC))
    for hours in site.schedules.values():
        assert not schedule.is_open(hours, from_datetime(NOW))
        assert not schedule.is_open(hours, from_datetime(NOW) - 12 * HOUR)
        assert schedule.opens_at(hours, from_datetime(NOW)) == tomorrow
        assert schedule.opens_at(hours, from_datetime(NOW) - 12 * HOUR) == tomorrow


def _site(*, desk_open):
    told = folder.retell(folder.read_starter(), desk_open=desk_open, now=NOW)
    site = rulesets.check(told).folder.site
    for hours in site.schedules.values():
        schedule.prepare(hours)
    return site


def test_its_links_lead_to_the_demo() -> None:
    """Articles and contact of the starter rules lead to pages that the demo has."""
    told = folder.retell(folder.read_starter(), desk_open=True, now=NOW)
    loaded = rulesets.check(told).folder
    links = [
        article.url
        for rule in loaded.rules
        for variant in rule.variants
        for article in variant.show.articles
    ]
    assert links
    assert all(url.startswith("/demo/help/") for url in [*links, loaded.site.offline.contact])


def test_writing_a_folder_twice_changes_nothing(tmp_path) -> None:
    """A second writing of the same files is no change; another file, or one less, is."""
    assert folder.write(tmp_path, {"site.yaml": "a", "old.yaml": "b"})
    assert not folder.write(tmp_path, {"site.yaml": "a", "old.yaml": "b"})
    assert folder.write(tmp_path, {"site.yaml": "a"})
    assert [path.name for path in tmp_path.iterdir()] == ["site.yaml"]


def test_without_starter_rules_there_is_a_sentence(tmp_path) -> None:
    """Where the starter rules are missing the demo says so, and what to do."""
    with pytest.raises(WelltimedError, match="run it from a clone"):
        folder.read_starter(tmp_path)


# --- a day gone by --------------------------------------------------------------------------


def test_ageing_moves_everything_and_nothing_else() -> None:
    """After a day everything is a day older, in the same order, and otherwise as it was."""
    young = Profile(
        events=[Event("a", "search", 5 * DAY), Event("b", "search", 5 * DAY + MINUTE)],
        exposures=[Exposure("d", "r", None, 5 * DAY), Exposure("e", "r", None, 1, shown_at=7)],
        report=Report(5 * DAY, {"on_page": 3}),
        cart={"cart_value": (5 * DAY, 10)},
        answers=[("k", 5 * DAY, b"")],
        claimed={"device": "mobile"},
        browser=True,
    )
    old = aged(young, DAY)
    assert [event.at for event in old.events] == [4 * DAY, 4 * DAY + MINUTE]
    assert [(e.at, e.shown_at) for e in old.exposures] == [(4 * DAY, None), (1 - DAY, 7 - DAY)]
    assert (old.report.at, old.cart["cart_value"], old.answers[0][1]) == (
        4 * DAY,
        (4 * DAY, 10),
        4 * DAY,
    )
    assert aged(old, -DAY) == young
