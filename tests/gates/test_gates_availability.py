"""What desks report, for how long it counts, and what silence reads as."""

from __future__ import annotations

import json
import math

import msgspec
import pytest

from engine.gates.availability import Availability, Desk, FixedDesk, read

NOW = 1_800_000_000_000
STATES = ("agents_available", "free_slots", "queue_wait", "queue_length")


def values(desk, department="default") -> dict:
    return {state: desk.value(department, state) for state in STATES}


def test_a_report_is_read_with_its_defaults():
    """Only the number of agents is needed: one chat each, nobody waits, two minutes to live."""
    report = read({"agents_online": 3}, NOW)
    assert report == Availability(agents_online=3, ttl=120, at=NOW)
    assert values(Desk({"default": report}, NOW)) == {
        "agents_available": 3,
        "free_slots": 3,
        "queue_wait": None,
        "queue_length": None,
    }


def test_the_report_of_the_contract_reads_in_milliseconds_and_slots():
    """3 agents of 3 chats each, 5 of them taken: 4 are free; 20 s of queue are 20,000 ms."""
    report = read(
        {
            "agents_online": 3,
            "active_chats": 5,
            "chats_per_agent": 3,
            "reserve": 0,
            "queue_length": 0,
            "queue_wait": 20,
            "ttl": 120,
        },
        NOW,
    )
    assert values(Desk({"default": report}, NOW)) == {
        "agents_available": 3,
        "free_slots": 4,
        "queue_wait": 20_000,
        "queue_length": 0,
    }


@pytest.mark.parametrize(
    ("online", "active", "each", "reserve", "free"),
    [(3, 5, 3, 0, 4), (3, 5, 3, 3, 1), (3, 5, 3, 5, 0), (1, 4, 1, 0, 0), (0, 0, 9, 0, 0)],
)
def test_free_slots_are_never_below_zero(online, active, each, reserve, free):
    """agents_online x chats_per_agent - active_chats - reserve, at least 0."""
    assert Availability(online, active, each, reserve).free_slots == free


def test_a_report_counts_until_it_is_older_than_its_time_to_live():
    """Exactly as old still counts; a millisecond later nobody is known to be there."""
    desks = {"default": read({"agents_online": 2, "queue_wait": 5, "ttl": 1.5}, NOW)}
    assert Desk(desks, NOW + 1_500).known("default")
    late = Desk(desks, NOW + 1_501)
    assert not late.known("default")
    assert values(late) == {
        "agents_available": 0,
        "free_slots": 0,
        "queue_wait": None,
        "queue_length": None,
    }


def test_departments_do_not_speak_for_each_other():
    """Sales being staffed says nothing about support, nor about the default."""
    desk = Desk({"sales": read({"agents_online": 1}, NOW)}, NOW)
    assert desk.known("sales")
    assert not desk.known("default")
    assert desk.value("default", "agents_available") == 0
    assert desk.value("sales", "agents_available") == 1


def test_a_report_survives_its_way_through_a_store():
    """Packed and unpacked, a report is the same report."""
    report = read({"agents_online": 1, "queue_wait": 2.5}, NOW)
    packed = msgspec.msgpack.encode(report)
    assert msgspec.msgpack.decode(packed, type=Availability) == report


@pytest.mark.parametrize(
    ("report", "named"),
    [
        ([], "object"),
        (None, "object"),
        ({}, "agents_online"),
        ({"agents_online": -1}, "agents_online must be a whole number from 0"),
        ({"agents_online": 1.5}, "agents_online must be a whole number"),
        ({"agents_online": True}, "not true"),
        ({"agents_online": "3"}, "not '3'"),
        ({"agents_online": None}, "agents_online"),
        ({"agents_online": math.nan}, "not nan"),
        ({"agents_online": math.inf}, "not inf"),
        ({"agents_online": 10**30}, "agents_online"),
        ({"agents_online": 1, "queue_wait": -0.5}, "queue_wait must be a number"),
        ({"agents_online": 1, "queue_wait": math.nan}, "queue_wait"),
        ({"agents_online": 1, "ttl": -1}, "ttl"),
        ({"agents_online": 1, "ttl": None}, "ttl"),
        ({"agents_online": 1, "queue_length": [1]}, "queue_length"),
        ({"agents_online": 1, "at": 5}, "has no 'at'"),
        ({"agents_online": 1, "agents": 5}, "has no 'agents'"),
        ({"agents_online": 1, "x" * 5_000: 5}, "has no 'xxx"),
        ({"agents_online": "y" * 5_000}, "'yyy"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_report_is_refused_in_a_sentence(report, named):
    """What is wrong and what was expected, in at most a few lines."""
    with pytest.raises(ValueError, match=r"availability|must be") as refused:
        read(report, NOW)
    assert named in str(refused.value)
    assert len(str(refused.value)) < 250


def test_whole_numbers_may_be_written_as_decimals():
    """JSON clients that write 3.0 mean 3."""
    assert read(json.loads('{"agents_online": 3.0}'), NOW).agents_online == 3


def test_a_fixed_desk_states_what_it_is_given_in_seconds_and_counts():
    """Rule tests write desk states as a marketer would."""
    desk = FixedDesk({"agents_available": 2, "free_slots": 1, "queue_wait": 90, "queue_length": 4})
    assert desk.known("any")
    assert values(desk, "any") == {
        "agents_available": 2,
        "free_slots": 1,
        "queue_wait": 90_000,
        "queue_length": 4,
    }


def test_a_fixed_desk_told_null_is_unknown():
    """`availability: { free_slots: null }` is a desk that has not said so."""
    desk = FixedDesk({"agents_available": 1, "free_slots": None, "queue_wait": None})
    assert not desk.known("default")
    assert desk.value("default", "free_slots") == 0
    assert desk.value("default", "queue_wait") is None
    assert desk.value("default", "queue_length") is None


def test_a_desk_has_no_other_states():
    """Asked for what is not a desk's, it has nothing to say."""
    for desk in (Desk({"default": read({"agents_online": 1}, NOW)}, NOW), FixedDesk({"ttl": 1})):
        assert desk.value("default", "ttl") is None
        assert desk.value("default", "active_chats") is None
