from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visitor_samples import (
    DAY,
    HOUR,
    MINUTE,
    PAGES,
    SECOND,
    SITE,
    T0,
    TIMEOUT,
    event,
    events,
    kinds,
    pages,
    profile_of,
    times,
    view_of,
)

from engine.model import (
    AllOf,
    AnyOf,
    Compare,
    InGroup,
    Measure,
    Not,
    Sequence,
    Span,
    Stall,
    StateIs,
    Step,
)
from engine.visitor import measures
from engine.visitor.measures import (
    FOREVER,
    Tally,
    filtered,
    in_order,
    leaves_at,
    leaving,
    sequence_leaves,
    stalled,
    tally,
)
from engine.visitor.text import as_value, is_scalar, matches, norm
from engine.visitor.view import View

windows = st.sampled_from([Span.SESSION, Span.PAGE, 1, 3, TIMEOUT, HOUR, DAY])
withs = st.sampled_from(
    [
        (),
        (("results", Compare(is_=(0,))),),
        (("results", Compare(at_least=1)), ("query", Compare(not_=("shoes",)))),
    ]
)
wheres = st.sampled_from(
    [
        None,
        None,
        InGroup("product"),
        Not(InGroup("home")),
        AnyOf((InGroup("home"), AllOf((InGroup("product"), Not(InGroup("checkout")))))),
    ]
)
names = st.sampled_from([None, "query", "results", "product"])
steps = st.builds(Step, kinds, withs, wheres)
tallied = st.builds(
    Measure, kinds, windows, withs, wheres, names, st.one_of(names, st.just("session"))
)
stalls = st.builds(Stall, steps, kinds, st.sampled_from([0, 1, 3, TIMEOUT]), windows)
sequences = st.builds(Sequence, st.lists(steps, min_size=1, max_size=4).map(tuple), windows)


@st.composite
def views(draw, max_size=8):
    """Return a visitor at an instant, some of whose events may lie after it."""
    profile = profile_of(*draw(events(max_size=max_size)))
    now = T0 + draw(times) + draw(times)
    return View(profile, SITE, PAGES, now, page=draw(pages))


# Two kinds within a few milliseconds, so that groups and orders come about, grow and shrink.
close_kinds = st.sampled_from(["search", "product_view"])
close_windows = st.sampled_from([3, 5, 8, Span.SESSION])
close_tallied = st.builds(
    Measure,
    close_kinds,
    close_windows,
    same=st.sampled_from([None, "product"]),
    different=st.sampled_from([None, "query", "session"]),
)
close_steps = st.builds(
    Step, close_kinds, st.sampled_from([(), (), (("product", Compare(is_=("7",))),)])
)
close_sequences = st.builds(
    Sequence, st.lists(close_steps, min_size=1, max_size=3).map(tuple), close_windows
)


@st.composite
def close_views(draw, max_size=7):
    """Return a visitor who did much of the same in a few milliseconds."""
    done = [
        event(
            draw(close_kinds),
            draw(st.integers(0, 7)),
            id_=f"{number}",
            session=draw(st.sampled_from([None, None, "a"])),
            product=draw(st.sampled_from(["7", "8"])),
            query=draw(st.sampled_from(["x", "y"])),
        )
        for number in range(draw(st.integers(0, max_size)))
    ]
    return view_of(*done, at=draw(st.integers(3, 9)), page=draw(st.sampled_from(["/", "/p/7"])))


def _later(view, now):
    """Return the same visitor at a later instant, if nothing else happened."""
    seen = profile_of(*view.events)
    return View(seen, SITE, PAGES, now, page=view.page)


def _instants(view, within):
    """Return instants from now on at which anything could change, and their neighbours."""
    edges = {view.now, view.now + 2 * DAY}
    for e in view.events:
        for span in (TIMEOUT, within if isinstance(within, int) else 0, 1, 3):
            edges |= {e.at + span - 1, e.at + span, e.at + span + 1}
            edges |= {e.at + span + TIMEOUT}
    return sorted(t for t in edges if t >= view.now)


def _in_window(view, within):
    """Return the events in a window, straight from the words of LANGUAGE.md."""
    seen = [e for e in view.profile.events if e.at <= view.now]
    if within is Span.PAGE:
        opened = [n for n, e in enumerate(seen) if e.kind == "page_view"]
        return seen[opened[-1] :] if opened else []
    if within is Span.SESSION:
        current = view.sessions.current(view.now)
        if current is None:
            return []
        return [e for n, e in enumerate(seen) if view.sessions.of[n] == current.index]
    return [e for e in seen if view.now - within < e.at]


def _on(where, groups):
    match where:
        case None:
            return True
        case InGroup(group):
            return group in groups
        case Not(part):
            return not _on(part, groups)
        case AllOf(parts):
            return all(_on(part, groups) for part in parts)
        case AnyOf(parts):
            return any(_on(part, groups) for part in parts)


def _meant(step, e):
    return (
        e.kind == step.event
        and all(matches(compare, as_value(e.fields.get(name))) for name, compare in step.fields)
        and _on(step.where, PAGES.look(e.page).groups)
    )


def _plain_tally(view, measure):
    chosen = [e for e in _in_window(view, measure.within) if _meant(measure, e)]
    session_of = {e.id: view.sessions.of[n] for n, e in enumerate(view.events)}

    def count(some):
        if measure.different is None:
            return len(some)
        if measure.different == "session":
            return len({session_of[e.id] for e in some} - {-1})
        return len(
            {
                norm(e.fields[measure.different])
                for e in some
                if is_scalar(e.fields.get(measure.different))
            }
        )

    if measure.same is None:
        return count(chosen)
    grouped = {}
    for e in chosen:
        if is_scalar(e.fields.get(measure.same)):
            grouped.setdefault(norm(e.fields[measure.same]), []).append(e)
    bound = view.value(measure.same)
    if bound is not None:
        return count(grouped.get(norm(bound), []))
    return max(map(count, grouped.values()), default=0)


@settings(max_examples=300, deadline=None)
@given(st.tuples(views(), tallied) | st.tuples(close_views(), close_tallied))
def test_counts_are_what_the_language_says(asked):
    """Windows, filters, distinct values and groups, against a plain reading of the page."""
    view, measure = asked
    assert tally(view, measure).count == _plain_tally(view, measure)


@settings(max_examples=500, deadline=None)
@given(st.tuples(views(), tallied) | st.tuples(close_views(), close_tallied))
def test_looking_ahead_at_a_count_is_what_then_comes_true(asked):
    """If nothing else happens, the count at each later instant is as foreseen."""
    view, measure = asked
    falls = leaving(view, measure)
    assert len(falls) == tally(view, measure).count
    assert falls == sorted(falls, reverse=True)
    for instant in _instants(view, measure.within):
        assert tally(_later(view, instant), measure).count == sum(instant < at for at in falls)


@settings(max_examples=300, deadline=None)
@given(views(), stalls)
def test_stalls_are_what_the_language_says(view, stall):
    """Every first event in the window without a second one at or after it, and no other."""
    seen = [e for e in view.profile.events if e.at <= view.now]
    assert stalled(view, stall) == [
        first.at
        for first in _in_window(view, stall.within)
        if _meant(stall.first, first)
        and not any(e.kind == stall.then and e.at >= first.at and e.id != first.id for e in seen)
    ]


@settings(max_examples=300, deadline=None)
@given(views(), stalls)
def test_looking_ahead_at_a_stall_is_what_then_comes_true(view, stall):
    """Each waiting event makes the stall true from its time plus `for` until it leaves."""
    waiting = stalled(view, stall)
    for instant in _instants(view, stall.within):
        later = _later(view, instant)
        assert any(at + stall.lasting <= instant for at in stalled(later, stall)) == any(
            at + stall.lasting <= instant < leaves_at(view, stall.within, at) for at in waiting
        )


def _plain_order(view, sequence):
    """Return the longest run of first steps that distinct events have in order: by trying all."""
    window = _in_window(view, sequence.within)
    for size in range(len(sequence.steps), 0, -1):
        for chosen in permutations(window, size):
            if all(map(_meant, sequence.steps, chosen)) and all(
                a.at <= b.at for a, b in pairwise(chosen)
            ):
                return size
    return 0


@settings(max_examples=300, deadline=None)
@given(st.tuples(views(max_size=6), sequences) | st.tuples(close_views(6), close_sequences))
def test_sequences_are_what_the_language_says(asked):
    """Distinct events with times in that order, equal times fitting either: against all choices."""
    view, sequence = asked
    assert in_order(view, sequence) == _plain_order(view, sequence)


@settings(max_examples=300, deadline=None)
@given(st.tuples(views(max_size=6), sequences) | st.tuples(close_views(6), close_sequences))
def test_looking_ahead_at_a_sequence_is_what_then_comes_true(asked):
    """It stays true until the latest first event that it can have leaves the window."""
    view, sequence = asked
    leaves = sequence_leaves(view, sequence)
    assert (leaves is not None) == (in_order(view, sequence) == len(sequence.steps))
    for instant in _instants(view, sequence.within):
        then = in_order(_later(view, instant), sequence) == len(sequence.steps)
        assert then == (leaves is not None and instant < leaves)


same_instant = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([0, 0, 0, 1, 2])), max_size=6
)
loose_steps = st.lists(
    st.sampled_from([Step("a"), Step("b"), Step("a", (("n", Compare(at_most=2)),))]),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(same_instant, loose_steps)
def test_events_of_one_instant_fit_a_sequence_in_any_order(done, wanted):
    """Ties are shared out so that as many steps as possible find an event of their own."""
    held = [event(kind, at, id_=f"{n}", n=n) for n, (kind, at) in enumerate(done)]
    view = view_of(*held, at=10)
    sequence = Sequence(tuple(wanted))
    assert in_order(view, sequence) == _plain_order(view, sequence)


# --- the sentences, one by one --------------------------------------------------------------


def test_a_window_excludes_its_old_end_and_includes_now():
    """An event exactly as old as the window is outside; the one being decided on counts."""
    measure = Measure("search", 10)
    assert tally(view_of(event("search", 0), at=10), measure).count == 0
    assert tally(view_of(event("search", 0), at=9), measure).count == 1
    assert tally(view_of(event("search", 0), at=0), measure).count == 1
    assert tally(view_of(event("search", 1), at=0), measure).count == 0


def test_the_page_window_starts_with_the_newest_page_view():
    """That one included; without any there is nothing."""
    searches, views_ = Measure("search", Span.PAGE), Measure("page_view", Span.PAGE)
    done = [event("search", 0), event("page_view", 1), event("search", 2), event("page_view", 3)]
    assert tally(view_of(*done, at=9), searches).count == 0
    assert tally(view_of(*done, at=9), views_).count == 1
    assert tally(view_of(*done, at=2), searches).count == 1
    assert tally(view_of(event("search", 0), at=1), searches).count == 0


def test_the_session_window_is_empty_once_the_session_is_over():
    """From the timeout on."""
    measure = Measure("search")
    assert tally(view_of(event("search"), at=TIMEOUT - 1), measure).count == 1
    assert tally(view_of(event("search"), at=TIMEOUT), measure).count == 0


def test_passive_events_count_in_their_session_and_do_not_prolong_it():
    """`page_hidden` can be counted, and the window closes without it."""
    done = [event("search", 0), event("page_hidden", TIMEOUT - 1)]
    assert tally(view_of(*done, at=TIMEOUT - 1), Measure("page_hidden")).count == 1
    assert tally(view_of(*done, at=TIMEOUT), Measure("page_hidden")).count == 0
    assert tally(view_of(*done, at=TIMEOUT), Measure("page_hidden", HOUR)).count == 1


def test_distinct_texts_are_told_apart_without_case_and_blanks():
    """And never equal a number; events that lack the field are not counted."""
    sent = ["Boots", " boots ", "shoes", None, ["hats", "caps"]]
    view = view_of(*(event("search", n, query=query) for n, query in enumerate(sent)), at=9)
    assert tally(view, Measure("search", different="query")).count == 2
    sent = [5, 5.0, "5", True, 1, None]
    view = view_of(*(event("x", n, code=code) for n, code in enumerate(sent)), at=9)
    assert tally(view, Measure("x", different="code")).count == 4


def test_a_list_in_a_field_matches_with_any_element():
    """In `with` a list means any of its elements, as everywhere."""
    view = view_of(event("x", 0, tags=["red", "wide"]), at=1)
    for wanted, count in (("RED", 1), ("blue", 0)):
        measure = Measure("x", fields=(("tags", Compare(is_=(wanted,))),))
        assert tally(view, measure).count == count


def _views_of(*products, page=None):
    done = [
        event("product_view", n * DAY, product=product, page=f"/v/{product}")
        for n, product in enumerate(products)
    ]
    return view_of(*done, at=(len(done) - 1) * DAY, page=page)


def test_some_group_must_reach_the_count():
    """`same` is about the best group, and says which it is."""
    measure = Measure("product_view", 30 * DAY, same="product", different="session")
    assert tally(_views_of("7", "8", "7", "7", "8", page="/"), measure) == Tally(3, "7")
    assert tally(_views_of("7", "8", page="/"), measure) == Tally(1, "8")
    assert tally(view_of(), measure) == Tally(0, None)


def test_the_current_page_binds_the_group():
    """Only its value's group counts: captured by the glob, else told by an event from that URL."""
    measure = Measure("product_view", 30 * DAY, same="product")
    done = ("7", "8", "7", "7", "8")
    assert tally(_views_of(*done, page="https://shop.example/p/8?x#y"), measure) == Tally(2, "8")
    assert tally(_views_of(*done, page="/p/9"), measure) == Tally(0, "9")
    assert tally(_views_of(*done, page="/v/8#reviews"), measure) == Tally(2, "8")
    assert tally(_views_of(*done, page="/v/8?x=1"), measure) == Tally(3, "7")


def test_where_asks_for_the_page_that_an_event_happened_on():
    """An unknown page is in no group."""
    done = [event("x", 0, page="/basket"), event("x", 1), event("x", 2, page="/")]
    view = view_of(*done, at=3)
    assert tally(view, Measure("x", where=InGroup("checkout"))).count == 1
    assert tally(view, Measure("x", where=Not(InGroup("checkout")))).count == 2
    with pytest.raises(TypeError, match="page groups only"):
        tally(view, Measure("x", where=StateIs("idle", Compare())))


def test_only_the_current_sessions_events_are_in_its_window():
    """Also where named sessions interleave."""
    done = [event("search", at, session=name) for at, name in enumerate("abab")]
    assert tally(view_of(*done, at=9), Measure("search")).count == 2
    assert leaving(view_of(*done, at=9), Measure("search")) == [T0 + 3 + TIMEOUT] * 2


def test_an_event_of_no_session_is_no_distinct_session():
    """A page hidden before anything else happened belongs to none."""
    measure = Measure("page_hidden", DAY, different="session")
    done = [event("page_hidden", 0), event("search", 1), event("page_hidden", 2)]
    assert tally(view_of(*done, at=1), measure).count == 0
    assert tally(view_of(*done, at=2), measure).count == 1


def test_a_sequence_lasts_until_its_latest_start_leaves_the_window():
    """Not the first start that came along."""
    done = [event("search", 0), event("search", 5), event("purchase", 6), event("search", 7)]
    sequence = Sequence((Step("search"), Step("purchase")), 10)
    assert sequence_leaves(view_of(*done, at=8), sequence) == T0 + 15
    assert sequence_leaves(view_of(*done, at=5), sequence) is None
    thrice = Sequence((Step("search"), Step("search"), Step("search")), 10)
    assert sequence_leaves(view_of(*done, at=8), thrice) == T0 + 10


def test_a_second_first_event_does_not_restart_a_stall():
    """The oldest unanswered one counts, and an answer at its very instant is one."""
    stall = Stall(Step("verification_started"), "verification_passed", 90 * SECOND)
    started = [event("verification_started", at * SECOND) for at in (0, 80)]
    assert stalled(view_of(*started, at=MINUTE * 2), stall) == [T0, T0 + 80 * SECOND]
    passed = event("verification_passed", 80 * SECOND)
    assert stalled(view_of(*started, passed, at=MINUTE * 2), stall) == []
    early = event("verification_passed", 79 * SECOND)
    assert stalled(view_of(*started, early, at=MINUTE * 2), stall) == [T0 + 80 * SECOND]


def test_an_event_does_not_answer_itself():
    """Of one kind, the newest waits; two at one instant answer each other."""
    stall = Stall(Step("search"), "search")
    assert stalled(view_of(event("search", 0), event("search", 5), at=9), stall) == [T0 + 5]
    twins = [event("search", 5, id_="a"), event("search", 5, id_="b")]
    assert stalled(view_of(*twins, at=9), stall) == []


def test_what_is_in_the_page_window_never_leaves_it_by_itself():
    """Only another page_view ends it."""
    view = view_of(event("page_view", 0), event("search", 1), at=2)
    assert leaving(view, Measure("search", Span.PAGE)) == [FOREVER]
    assert sequence_leaves(view, Sequence((Step("search"),), Span.PAGE)) == FOREVER


def test_filtered_returns_the_events_themselves():
    """For whoever wants to show them."""
    done = [event("search", 0, results=0), event("search", 1, results=3)]
    step = Step("search", (("results", Compare(is_=(0,))),))
    assert filtered(view_of(*done, at=2), step, Span.SESSION) == done[:1]


def test_rules_that_come_and_go_leave_no_memory_behind():
    """What is remembered of `with` is bounded."""
    view = view_of(event("x", 0, code=1), at=1)
    for code in range(5_000):
        tally(view, Measure("x", fields=(("code", Compare(is_=(code,))),)))
    assert len(measures._TESTS) <= 4_096
    assert tally(view, Measure("x", fields=(("code", Compare(is_=(1,))),))).count == 1
