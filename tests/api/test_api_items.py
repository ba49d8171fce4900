"""Items of a batch: times are put right, bad ones are rejected, the others are kept."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.items import Sender, read_items
from engine.clock import DAY, MINUTE, SECOND, to_text

NOW = 1_796_119_200_000
DECLARED = frozenset({"search", "page_view"})


def sender(*, browser=True, lag=0, page=None):
    """Whose events they are."""
    return Sender(browser=browser, received=NOW, lag=lag, page=page, declared=DECLARED)


def item(**fields):
    """One event as it is sent."""
    return {"id": str(uuid.uuid4()), "event": "search", **fields}


def only(sent, who=None, *, roomy=True):
    """Read one item; return the event, or the code with which it was rejected."""
    items = read_items([sent], who or sender(), roomy=roomy)
    return items.events[0] if items.events else items.rejected[0]["code"]


def nested(levels):
    """Return a list in a list, so many levels deep."""
    return [nested(levels - 1)] if levels > 1 else []


def test_a_long_address_is_cut_and_never_costs_the_event():
    """What is appended to an address is not the page's to choose; its beginning is kept."""
    event = only(item(page="/p?" + "x" * 3_000, referrer="/" + "y" * 3_000, title="z" * 3_000))
    assert (len(event.page), len(event.referrer), len(event.title)) == (2_048, 2_048, 1_024)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("search", "not_an_object"),
        (None, "not_an_object"),
        ([], "not_an_object"),
        ({"id": "x" * 22}, "bad_name"),
        (item(event=""), "bad_name"),
        (item(event=5), "bad_name"),
        (item(event="serach"), "unknown_event"),
        ({"event": "search"}, "bad_id"),
        (item(id="short"), "bad_id"),
        (item(id="x" * 65), "bad_id"),
        (item(id="x" * 21 + "/"), "bad_id"),
        (item(id=5), "bad_id"),
        (item(at="yesterday"), "bad_time"),
        (item(at=NOW), "bad_time"),
        (item(page=5), "invalid_field"),
        (item(title=["x"]), "invalid_field"),
        (item(query="x" * 1_025), "property_limit"),
        (item(**{"x" * 1_025: 1}), "property_limit"),
        (item(tags=["x" * 1_025]), "property_limit"),
        (item(**{f"f{i}": i for i in range(65)}), "property_limit"),
        (item(deep=nested(8)), "event_too_deep"),
        (item(**{f"f{i}": "x" * 1_000 for i in range(33)}), "event_too_large"),
        (item(at=to_text(NOW - DAY - 1)), "too_old"),
    ],
)
def test_a_bad_item_is_rejected_with_its_code(sent, code):
    """Each fault of an item has one code."""
    assert only(sent) == code


@pytest.mark.parametrize(
    "sent",
    [
        item(id=uuid.uuid4().hex),
        item(query="x" * 1_024),
        item(**{f"f{i}": i for i in range(64)}),
        item(deep=nested(7)),
        item(**{f"f{i}": "x" * 1_000 for i in range(31)}),
        item(at=to_text(NOW - DAY)),
        item(page=None, title=None, session=None, at=None),
    ],
)
def test_an_item_at_its_limit_is_kept(sent):
    """The limits themselves are allowed."""
    assert only(sent).kind == "search"


def test_a_bad_item_does_not_cost_the_others():
    """Good items around a bad one are kept, and the index is the one that was sent."""
    items = read_items([item(), {"event": "search"}, item()], sender(), roomy=False)
    assert len(items.events) == 2
    assert [fault["index"] for fault in items.rejected] == [1]


def test_fields_beside_the_known_ones_are_the_events_own():
    """Own fields are kept as sent, nulls apart."""
    event = only(item(query="boots", results=0, page="/search", nothing=None, tags=["a"]))
    assert event.fields == {"query": "boots", "results": 0, "tags": ["a"]}
    assert event.page == "/search"


def test_an_event_without_a_page_takes_the_bodys():
    """The body's page is that of every event that names none."""
    assert only(item(), sender(page="/p/1")).page == "/p/1"
    assert only(item(page="/p/2"), sender(page="/p/1")).page == "/p/2"


def test_a_session_is_believed_from_servers_only():
    """A browser cannot name its session."""
    assert only(item(session="s1")).session is None
    assert only(item(session="s1"), sender(browser=False)).session == "s1"
    assert only(item(session=""), sender(browser=False)) == "invalid_field"


def test_a_server_may_use_ids_of_its_own():
    """Any printable id of up to 128 characters, or none at all."""
    server = sender(browser=False)
    assert only(item(id="order 7/é"), server).id == "order 7/é"
    assert only({"event": "search"}, server).id
    assert only({"event": "search"}, server).id != only({"event": "search"}, server).id
    assert only(item(id=""), server) == "bad_id"
    assert only(item(id="x" * 129), server) == "bad_id"
    assert only(item(id="a\nb"), server) == "bad_id"


# --- time -----------------------------------------------------------------------------------


@given(st.integers(-10 * DAY, 10 * DAY), st.integers(0, DAY))
def test_only_the_span_between_two_readings_of_a_browsers_clock_counts(skew, age):
    """However wrong the clock is, an event's time is received − (sent_at − at)."""
    sent_at = NOW + skew
    event = only(item(at=to_text(sent_at - age)), sender(lag=NOW - sent_at))
    assert event.at == NOW - age


def test_a_browser_event_is_never_later_than_its_receipt():
    """Up to a minute ahead it is quietly put at receipt."""
    items = read_items([item(at=to_text(NOW + MINUTE))], sender(), roomy=False)
    assert items.events[0].at == NOW
    assert not items.flagged


def test_a_browser_event_far_ahead_is_flagged():
    """More than a minute ahead it is put at receipt and said so."""
    items = read_items([item(at=to_text(NOW + MINUTE + 1))], sender(), roomy=False)
    assert items.events[0].at == NOW
    assert items.flagged == [{"index": 0, "code": "future", "at": to_text(NOW)}]


@pytest.mark.parametrize("at", [NOW - 400 * DAY, NOW + 400 * DAY])
def test_a_server_is_believed(at):
    """Back-filled events keep their time, whatever it is."""
    items = read_items([item(at=to_text(at))], sender(browser=False), roomy=False)
    assert items.events[0].at == at
    assert items.newest_sent == at


def test_the_newest_time_sent_is_that_of_a_kept_item():
    """Items without a time, and rejected ones, do not move the instant decided at."""
    items = read_items(
        [
            item(at=to_text(NOW - DAY)),
            item(at=to_text(NOW), event="nonsense"),
            item(),
            item(at=to_text(NOW - 2 * DAY)),
        ],
        sender(browser=False),
        roomy=False,
    )
    assert items.newest_sent == NOW - DAY


@pytest.mark.parametrize(
    ("ages", "stale"),
    [
        ([], False),
        ([0], False),
        ([60 * SECOND], False),
        ([60 * SECOND + 1], True),
        ([2 * DAY], True),
        ([90 * SECOND, 0], False),
        ([90 * SECOND, 3_600 * SECOND], True),
    ],
)
def test_a_batch_is_stale_when_all_its_events_are_old(ages, stale):
    """One event of the last minute is enough for a decision."""
    sent = [item(at=to_text(NOW - age)) for age in ages]
    assert read_items(sent, sender(), roomy=False).stale is stale
    assert not read_items(sent, sender(browser=False), roomy=False).stale
