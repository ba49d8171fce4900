"""Suppressions: what vetoes a prompt, what hides the widget, and when that will be over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import clock, spans
from engine.clock import DAY, HOUR, MINUTE, SECOND
from engine.gates import suppress
from engine.gates.availability import Availability, Desk, FixedDesk
from engine.gates.suppress import Veto
from engine.model import (
    AnyOf,
    Audience,
    Compare,
    Counted,
    InAudience,
    InGroup,
    Measure,
    Not,
    PageGroup,
    Reason,
    Schedule,
    Site,
    Stall,
    StateIs,
    Step,
    Suppression,
)
from engine.visitor.pages import Pages
from engine.visitor.profile import Event, Profile
from engine.visitor.view import View

NOON = clock.from_datetime(datetime(2026, 12, 1, 12, tzinfo=UTC))  # a Tuesday
GROUPS = (PageGroup("checkout", ("**/checkout/**",)), PageGroup("help", ("/help/**",)))
DESK = Schedule("desk", "UTC", (((540, 1020),),) * 7, wind_down=15 * MINUTE)
SITE = Site(
    name="shop",
    time_zone="UTC",
    page_groups=GROUPS,
    audiences={"members": Audience("members", StateIs("plan", Compare(is_=("pro",))))},
    schedules={"desk": DESK},
)
NO_SLOTS = StateIs("free_slots", Compare(at_most=0))
LONG_QUEUE = StateIs("queue_wait", Compare(at_least=60 * SECOND))
CHATTING = StateIs("chat_active", Compare(is_=(True,)))
BOUGHT = Counted(Measure("purchase", within=HOUR))
PAYING = Stall(Step("checkout_started"), "purchase", within=DAY)


def veto(name: str, *, prompt=True, widget=False, **parts) -> Suppression:
    return Suppression(name, hides_prompt=prompt, hides_widget=widget, **parts)


def view(*suppressions, now=NOON, events=(), desk=None, **other) -> View:
    """Look at a visitor of a site with these suppressions; the desk is staffed unless given."""
    site = replace(SITE, suppress=suppressions)
    staffed = FixedDesk({"agents_available": 1, "free_slots": 1, "queue_wait": 0})
    profile = Profile(events=sorted(events, key=lambda e: (e.at, e.id)))
    return View(profile, site, Pages(GROUPS), now, desk=(desk or staffed).value, **other)


def event(kind: str, at: int, **fields) -> Event:
    return Event(f"{kind}-{at}", kind, at, fields)


def held_by(seen: View, department="default", desk=None) -> Veto | None:
    known = desk.known if desk else lambda _department: True
    return suppress.first_veto(seen.site, seen, department, known)


def test_without_suppressions_nothing_is_vetoed_or_hidden():
    """There are no guardrails but those written."""
    assert held_by(view()) is None
    assert not suppress.widget_hidden(SITE, view())


def test_a_page_vetoes_only_there():
    """`where: checkout` holds on a checkout page, not elsewhere, not on an unknown page."""
    rule = veto("checkout", where=InGroup("checkout"))
    assert held_by(view(rule, page="/checkout/pay")) == Veto("checkout", Reason.SUPPRESSED, 0)
    assert held_by(view(rule, page="/help/x")) is None
    assert held_by(view(rule)) is None


def test_an_audience_vetoes_only_its_members():
    """`who` takes visitor facts."""
    rule = veto("members", who=InAudience("members"))
    assert held_by(view(rule, attributes={"plan": "pro"})) == Veto("members", Reason.SUPPRESSED, 0)
    assert held_by(view(rule)) is None


@pytest.mark.parametrize(
    ("clock_time", "held"),
    [((8, 59), True), ((9, 0), False), ((16, 44), False), ((16, 45), True), ((17, 0), True)],
)
def test_outside_a_schedule_vetoes_from_the_wind_down_on(clock_time, held):
    """The desk shuts at five and stops inviting a quarter of an hour before."""
    now = clock.from_datetime(datetime(2026, 12, 1, *clock_time, tzinfo=UTC))
    answer = held_by(view(veto("desk-closed", outside="desk"), now=now))
    assert answer == (Veto("desk-closed", Reason.SUPPRESSED, 0) if held else None)


def test_all_the_parts_that_are_given_must_hold():
    """Page, audience, schedule and condition together veto only together."""
    rule = veto(
        "all",
        where=InGroup("help"),
        who=InAudience("members"),
        outside="desk",
        condition=BOUGHT,
    )
    night = NOON + 8 * HOUR
    bought = [event("purchase", night - MINUTE)]
    whole = {"now": night, "events": bought, "page": "/help/x", "attributes": {"plan": "pro"}}
    assert held_by(view(rule, **whole)) is not None
    assert held_by(view(rule, **whole | {"page": "/"})) is None
    assert held_by(view(rule, **whole | {"attributes": {}})) is None
    assert held_by(view(rule, **whole | {"events": []})) is None
    noon = whole | {"now": NOON, "events": [event("purchase", NOON - MINUTE)]}
    assert held_by(view(rule, **noon)) is None


def test_the_first_one_in_file_order_is_named():
    """Of several that match, and among ones that do not."""
    rules = (
        veto("paying", condition=PAYING),
        veto("bought", condition=BOUGHT),
        veto("checkout", where=InGroup("checkout")),
    )
    seen = view(*rules, events=[event("purchase", NOON)], page="/checkout/done")
    assert held_by(seen) == Veto("bought", Reason.SUPPRESSED, 1)


def test_what_hides_only_the_widget_vetoes_no_prompt():
    """`hide: widget` alone is not a veto, nor does it shadow one further down."""
    quiet = veto("quiet", prompt=False, widget=True, where=InGroup("help"))
    loud = veto("loud", where=InGroup("help"))
    assert held_by(view(quiet, page="/help/x")) is None
    assert held_by(view(quiet, loud, page="/help/x")) == Veto("loud", Reason.SUPPRESSED, 1)


def test_the_loudest_wins_for_the_widget():
    """Any match that hides the widget hides it; `hide: prompt` leaves it."""
    soft = veto("soft", where=InGroup("checkout"))
    loud = veto("loud", widget=True, where=InGroup("checkout"))
    for rules, page, hidden in (
        ((soft,), "/checkout/pay", False),
        ((soft, loud), "/checkout/pay", True),
        ((soft, loud), "/help/x", False),
    ):
        seen = view(*rules, page=page)
        assert suppress.widget_hidden(seen.site, seen) is hidden


def test_the_widget_of_an_open_chat_is_never_taken_away():
    """A veto never touches an open chat; the prompt is vetoed all the same."""
    loud = veto("loud", widget=True, where=InGroup("checkout"))
    events = [event("chat_started", NOON - MINUTE)]
    during = view(loud, page="/checkout/pay", events=events)
    assert not suppress.widget_hidden(during.site, during)
    assert held_by(during) is not None
    after = view(loud, page="/checkout/pay", events=[*events, event("chat_ended", NOON)])
    assert suppress.widget_hidden(after.site, after)


# --- the desk -------------------------------------------------------------------------------

NOBODY = veto("nobody-free", condition=NO_SLOTS)
QUEUE = veto("long-queue", condition=LONG_QUEUE)


def test_desk_states_are_those_of_the_rules_department():
    """Sales has nobody free and support has; the bare widget looks at the default."""
    desk = Desk({"sales": Availability(0, at=NOON), "support": Availability(2, at=NOON)}, NOON)
    hiding = replace(NOBODY, hides_widget=True)
    seen = view(hiding, desk=desk)
    assert held_by(seen, "sales", desk) == Veto("nobody-free", Reason.SUPPRESSED, 0)
    assert held_by(seen, "support", desk) is None
    assert suppress.widget_hidden(seen.site, seen)
    staffed = Desk({"default": Availability(1, at=NOON)}, NOON)
    assert not suppress.widget_hidden(seen.site, view(hiding, desk=staffed))


def test_an_unknown_desk_is_vetoed_as_unknown_and_not_as_busy():
    """Never reported, or too old: nobody free, and the reason says why."""
    for desk in (Desk({}, NOON), Desk({"default": Availability(3, at=NOON - HOUR)}, NOON)):
        answer = held_by(view(NOBODY, desk=desk), desk=desk)
        assert answer == Veto("nobody-free", Reason.AVAILABILITY_UNKNOWN, 0)
    busy = Desk({"default": Availability(0, at=NOON)}, NOON)
    assert held_by(view(NOBODY, desk=busy), desk=busy) == Veto("nobody-free", Reason.SUPPRESSED, 0)


def test_the_queue_of_an_unknown_desk_is_missing_and_vetoes_nothing():
    """A long queue cannot be told from silence."""
    desk = Desk({}, NOON)
    assert held_by(view(QUEUE, desk=desk), desk=desk) is None


def test_a_veto_that_stands_for_another_reason_is_plainly_suppressed():
    """What would match whatever the desk said does not hang on it."""
    desk = Desk({}, NOON)
    either = veto("either", condition=AnyOf((CHATTING, NO_SLOTS)))
    chatting = [event("chat_started", NOON - MINUTE)]
    seen = view(either, desk=desk, events=chatting)
    assert held_by(seen, desk=desk) == Veto("either", Reason.SUPPRESSED, 0)
    assert held_by(view(either, desk=desk), desk=desk) == Veto(
        "either", Reason.AVAILABILITY_UNKNOWN, 0
    )


def test_a_site_that_mentions_no_desk_state_is_not_gated_by_one():
    """An unknown desk is no matter where nobody asks after it."""
    desk = Desk({}, NOON)
    seen = view(veto("checkout", where=InGroup("checkout")), desk=desk, page="/")
    assert held_by(seen, desk=desk) is None


# --- looking ahead --------------------------------------------------------------------------


def test_the_end_of_a_veto_is_known_to_the_millisecond():
    """`purchase` within an hour is over exactly an hour after it."""
    seen = view(veto("bought", condition=BOUGHT), events=[event("purchase", NOON - 10 * MINUTE)])
    free = suppress.veto_free_spans(seen.site, seen, "default", NOON + DAY)
    assert free == ((NOON + 50 * MINUTE, NOON + DAY + 1),)


def test_a_veto_that_hides_only_the_widget_leaves_all_time_free():
    """It is no veto now, nor later."""
    seen = view(veto("quiet", prompt=False, widget=True, outside="desk"))
    assert suppress.veto_free_spans(seen.site, seen, "default", NOON + DAY) == (
        (NOON, NOON + DAY + 1),
    )


POOL = st.sampled_from(
    [
        veto("checkout", where=InGroup("checkout")),
        veto("elsewhere", where=Not(InGroup("help")), outside="desk"),
        veto("desk-closed", outside="desk"),
        veto("bought", condition=BOUGHT),
        veto("paying", condition=PAYING),
        veto("waiting", condition=Stall(Step("checkout_started"), "purchase", 7 * MINUTE)),
        veto("chatting", condition=CHATTING),
        veto("quiet", condition=Counted(Measure("search"), at_least=0, at_most=0)),
        veto("night-buyer", outside="desk", condition=BOUGHT),
        veto("unseen", prompt=False, widget=True, outside="desk"),
        NOBODY,
    ]
)
HAPPENED = st.tuples(
    st.sampled_from(["purchase", "checkout_started", "chat_started", "chat_ended", "search"]),
    st.integers(0, 36),
).map(lambda pair: event(pair[0], NOON - pair[1] * 10 * MINUTE))


@given(
    suppressions=st.lists(POOL, max_size=4),
    events=st.lists(HAPPENED, max_size=6),
    page=st.sampled_from([None, "/", "/checkout/pay", "/help/x"]),
    slots=st.integers(0, 1),
    length=st.integers(0, 40),
)
@settings(max_examples=60, deadline=None)
def test_looking_ahead_says_what_later_decisions_will(*, suppressions, events, page, slots, length):
    """If nothing else happens, free spans are exactly the instants without a veto."""
    asked = {"events": events, "page": page, "desk": FixedDesk({"free_slots": slots})}
    until = NOON + length * 15 * MINUTE
    now = view(*suppressions, **asked)
    free = suppress.veto_free_spans(now.site, now, "default", until)
    assert spans.clip(free, NOON, until + 1) == free
    borders = {NOON, until, *(edge for span in free for edge in span)}
    grid = borders | {edge - 1 for edge in borders} | set(range(NOON, until, 5 * MINUTE))
    for t in sorted(t for t in grid if NOON <= t <= until):
        assert spans.contains(free, t) is (held_by(view(*suppressions, now=t, **asked)) is None)
