"""What a replay keeps up step by step is what the engine would derive anew."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import MINUTE
from engine.model import Site
from engine.replay.gather import canonical, in_order
from engine.replay.trail import Trail
from engine.visitor.pages import Pages
from engine.visitor.profile import Event, Profile, fold
from engine.visitor.sessions import derive
from engine.visitor.view import View

KINDS = ("search", "login", "page_view", "page_hidden", "prompt_shown")
PAGES = Pages(())

times = st.integers(0, 12).map(lambda step: step * 10 * MINUTE)
events = st.builds(
    Event,
    id=st.text("abc~", min_size=1, max_size=2),
    kind=st.sampled_from(KINDS),
    at=times,
    fields=st.sampled_from(({}, {"product": 5}, {"query": "x"})),
    page=st.sampled_from((None, "/a", "/b")),
    session=st.sampled_from((None, None, None, None, "one", "two")),
)
# Mostly as recordings are: in order and unnamed, so that the quick way is taken.
tame = st.lists(
    st.builds(
        lambda gap, kind, page: (gap * 10 * MINUTE, kind, page),
        st.integers(0, 4),
        st.sampled_from(KINDS),
        st.sampled_from((None, "/a")),
    ),
    max_size=15,
)


def same(trail: Trail, expected: Profile, site: Site, now: int) -> None:
    assert trail.profile == expected
    seeded = trail.prepare(View(trail.profile, site, PAGES, now))
    fresh = View(expected, site, PAGES, now)
    assert seeded.events == fresh.events
    assert seeded.kinds == fresh.kinds
    assert seeded.page == fresh.page
    wanted = derive(fresh.events, site.session_timeout)
    assert list(seeded.sessions.all) == list(wanted.all)
    assert list(seeded.sessions.of) == list(wanted.of)
    assert seeded.sessions.newest == wanted.newest
    assert seeded.session == fresh.session
    assert seeded.sessions.interleaved == wanted.interleaved


@settings(max_examples=300, deadline=None)
@given(st.lists(events, max_size=12), st.sampled_from((2, 500)), st.sampled_from((30, 10_000)))
def test_a_trail_is_what_folding_and_deriving_give(stream, keep_events, keep):
    """In any order, with repeated ids, named sessions, and bounds that drop events."""
    site = Site("s", "UTC", keep=keep * MINUTE, keep_events=keep_events)
    trail, expected = Trail(site), Profile()
    for event in (canonical([event])[0] for event in stream):
        trail.add(event)
        expected, _ = fold(expected, [event], keep=site.keep, keep_events=keep_events)
        same(trail, expected, site, expected.events[-1].at)


@settings(max_examples=300, deadline=None)
@given(tame)
def test_a_trail_in_order_is_what_folding_and_deriving_give(stream):
    """The quick way, on which nothing is walked again."""
    site = Site("s", "UTC")
    trail, expected, at = Trail(site), Profile(), 0
    for number, (gap, kind, page) in enumerate(stream):
        at += gap
        event = Event(f"row-{number:04d}", kind, at, page=page)
        before = trail.now()
        restored, was = before.restored(), expected
        trail.add(event)
        expected, _ = fold(expected, [event], keep=site.keep, keep_events=site.keep_events)
        same(trail, expected, site, at)
        assert before.restored() == restored == was


def test_a_view_of_an_earlier_instant_is_left_alone():
    """What is known of all events is not handed to a view that sees fewer."""
    site = Site("s", "UTC")
    trail = Trail(site)
    trail.add(Event("a", "search", 0))
    trail.add(Event("b", "search", 10))
    view = trail.prepare(View(trail.profile, site, PAGES, 5))
    assert view.kinds == {"search": [0]}
    assert len(view.sessions.of) == 1


@given(st.lists(events, max_size=12))
def test_rows_run_by_time_then_as_they_were_read(stream):
    """And each id once, at the earliest of its times."""
    kept = in_order(stream)
    assert len({event.id for event in kept}) == len(kept)
    earliest = {}
    for event in stream:
        earliest[event.id] = min(event.at, earliest.get(event.id, event.at))
    assert {event.id: event.at for event in kept} == earliest
    first = {event.id: number for number, event in reversed(list(enumerate(stream)))}
    assert [(e.at, first[e.id]) for e in kept] == sorted((e.at, first[e.id]) for e in kept)
