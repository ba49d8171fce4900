from __future__ import annotations

import pytest
from hypothesis import given, settings
from visitor_samples import HOUR, MINUTE, T0, TIMEOUT, event, events, profile_of

from engine.events import PASSIVE_EVENTS
from engine.visitor.sessions import NO_SESSION, derive


def _derive(*done):
    return derive(profile_of(*done).events, TIMEOUT)


def test_a_gap_of_exactly_the_timeout_starts_a_new_session():
    """One millisecond less does not."""
    apart = _derive(event("search", 0), event("search", TIMEOUT))
    together = _derive(event("search", 0), event("search", TIMEOUT - 1))
    assert list(apart.of) == [0, 1]
    assert list(together.of) == [0, 0]


def test_there_is_no_session_from_the_timeout_on():
    """The current session ends at its last event and the timeout, to the millisecond."""
    sessions = _derive(event("search", 0), event("search", 5))
    assert sessions.current(T0 + 5 + TIMEOUT - 1) is sessions.all[0]
    assert sessions.current(T0 + 5 + TIMEOUT) is None


@pytest.mark.parametrize("kind", sorted(PASSIVE_EVENTS))
def test_passive_events_belong_to_the_session_before_and_never_extend_it(kind):
    """However late they come."""
    sessions = _derive(
        event("search", 0),
        event(kind, TIMEOUT - 1),
        event("search", TIMEOUT),
        event(kind, TIMEOUT + 2 * HOUR),
    )
    assert list(sessions.of) == [0, 0, 1, 1]
    assert [(s.last_at - T0, s.end_at - T0) for s in sessions.all] == [
        (0, TIMEOUT - 1),
        (TIMEOUT, TIMEOUT + 2 * HOUR),
    ]
    assert sessions.current(T0 + 2 * TIMEOUT) is None


def test_a_passive_event_alone_is_no_session():
    """It neither starts one nor belongs to a later one."""
    sessions = _derive(event("page_hidden", 0), event("search", 1))
    assert list(sessions.of) == [NO_SESSION, 0]
    assert sessions.name_of(0) is None
    assert sessions.all[0].first == 1


def test_a_named_session_holds_its_events_whatever_the_gaps():
    """Names beat gaps both ways: far events stay together, near ones apart."""
    sessions = _derive(
        event("search", 0, session="a"),
        event("search", 1, session="b"),
        event("search", 5 * HOUR, session="a"),
        event("page_hidden", 6 * HOUR, session="b"),
    )
    assert [sessions.name_of(p) for p in range(4)] == ["a", "b", "a", "b"]
    assert [(s.first_at - T0, s.last_at - T0) for s in sessions.all] == [(0, 5 * HOUR), (1, 1)]
    assert sessions.current(T0 + 5 * HOUR + 1) is sessions.all[0]


def test_an_event_without_a_name_joins_the_session_of_the_event_before_it():
    """Unless the gap says otherwise."""
    sessions = _derive(
        event("search", 0, session="a"),
        event("search", 1, session="b"),
        event("search", 2),
        event("search", 3, session="a"),
        event("search", 4),
        event("search", 4 + TIMEOUT),
    )
    assert list(sessions.of) == [0, 1, 1, 0, 0, 2]
    assert sessions.name_of(5) == f"search-{4 + TIMEOUT}"


def test_a_passive_event_may_name_a_session_that_begins_later():
    """It belongs to it, and is not its start."""
    sessions = _derive(event("prompt_shown", 0, session="a"), event("search", MINUTE, session="a"))
    assert list(sessions.of) == [0, 0]
    assert sessions.all[0].first_at == T0 + MINUTE


@settings(max_examples=300)
@given(events(max_size=10))
def test_passive_events_change_nothing_for_the_others(done):
    """Without them the sessions are the same."""
    held = profile_of(*done).events
    active = [e for e in held if e.kind not in PASSIVE_EVENTS]
    full, bare = derive(held, TIMEOUT), derive(active, TIMEOUT)
    of = {e.id: full.of[position] for position, e in enumerate(held)}
    assert [of[e.id] for e in active] == list(bare.of)
    assert [(s.name, s.first_at, s.last_at) for s in full.all] == [
        (s.name, s.first_at, s.last_at) for s in bare.all
    ]


@settings(max_examples=300)
@given(events(max_size=10))
def test_sessions_are_what_the_language_says(done):
    """Checked event by event against the sentences of LANGUAGE.md section 3."""
    held = profile_of(*done).events
    sessions = derive(held, TIMEOUT)
    before = None
    for position, e in enumerate(held):
        index = sessions.of[position]
        if e.session is not None:
            same = [p for p, other in enumerate(held) if other.session == e.session]
            assert len({sessions.of[p] for p in same}) == 1
        elif e.kind in PASSIVE_EVENTS:
            assert index == (NO_SESSION if before is None else sessions.of[before])
        elif before is not None and e.at - held[before].at < TIMEOUT:
            assert index == sessions.of[before]
        else:
            assert index not in sessions.of[:position]
        if e.kind not in PASSIVE_EVENTS:
            before = position
    for session in sessions.all:
        own = [p for p, e in enumerate(held) if sessions.of[p] == session.index]
        active = [p for p in own if held[p].kind not in PASSIVE_EVENTS]
        assert (session.first, session.last) == (active[0], active[-1])
        assert session.first_at == held[session.first].at
        assert session.last_at == held[session.last].at
        if not sessions.interleaved:
            assert own == list(range(own[0], own[-1] + 1))


@settings(max_examples=200)
@given(events(max_size=8))
def test_later_events_never_move_earlier_ones(done):
    """What was decided about sessions stays, so that a decision at T needs no later event."""
    held = profile_of(*done).events
    full = derive(held, TIMEOUT)
    for size in range(len(held)):
        part = derive(held[:size], TIMEOUT)
        for position in range(size):
            if part.of[position] != NO_SESSION:
                assert full.of[position] == part.of[position]
