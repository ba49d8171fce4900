"""Reservations, limits, caps and cooldowns: each sentence of the language, and an oracle."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import spans
from engine.clock import DAY, MINUTE, SECOND
from engine.gates import caps
from engine.gates.refusal import Refusal
from engine.model import Cap, Cooldown, Reason, Rule, Site, Span
from engine.visitor.pages import Pages
from engine.visitor.profile import Event, Exposure, Profile
from engine.visitor.view import View

T0 = 1_800_000_000_000
RULE = Rule(id="help", variants=())
OTHER = Rule(id="other", variants=())
SITE = Site(name="shop", time_zone="UTC")

PER_SESSION = Cap(1, Span.SESSION, "1 prompt per session")
PER_PAGE = Cap(1, Span.PAGE, "1 per page")
TWICE_A_DAY = Cap(2, DAY, "2 prompts per 1 day")
EVER = Cap(1, None, "1 ever")


def capped(by: str) -> Refusal:
    return Refusal(Reason.CAPPED, by)


def cooling(by: str) -> Refusal:
    return Refusal(Reason.COOLING_DOWN, by)


def event(kind: str, at: int, **more) -> Event:
    return Event(id=f"{kind}-{at}", kind=kind, at=at, **more)


def exposure(at: int, rule: str | None = "help", *, shown=True, **more) -> Exposure:
    """Make a prompt, confirmed at once unless told otherwise."""
    shown_at = at if shown and "held" not in more and "shown_at" not in more else None
    return Exposure(**{"decision_id": f"d-{at}", "rule": rule, "variant": None, "at": at,
                       "shown_at": shown_at, **more})  # fmt: skip


def view(now: int, *, exposures=(), events=(), site=SITE, hindsight=False) -> View:
    profile = Profile(
        events=sorted(events, key=lambda e: (e.at, e.id)),
        exposures=sorted(exposures, key=lambda e: e.at),
    )
    return View(profile, site, Pages(()), now, hindsight=hindsight)


def ask(now: int, *, rule=RULE, site=SITE, **other) -> Refusal | None:
    return caps.refusal(rule, site, view(now, site=site, **other))


def with_caps(*written: Cap) -> Site:
    return replace(SITE, caps=written)


def with_cooldown(**cooldown) -> Site:
    return replace(SITE, cooldown=Cooldown(**cooldown))


# --- reservations ---------------------------------------------------------------------------


def test_without_caps_or_cooldowns_there_are_none():
    """A prompt a moment ago holds nothing back where nothing was asked for."""
    assert ask(T0 + 1, exposures=[exposure(T0)]) is None


@pytest.mark.parametrize("delay", [0, 3 * SECOND])
def test_an_open_reservation_holds_every_rule_until_it_lapses(delay):
    """One at a time: for 60 seconds beside the delay, unless the page confirms."""
    reserved = [exposure(T0, shown=False, delay=delay)]
    lapse = T0 + 60 * SECOND + delay
    for rule in (RULE, OTHER):
        for now in (T0, lapse - 1):
            assert ask(now, rule=rule, exposures=reserved) == capped("reserved")
        assert ask(lapse, rule=rule, exposures=reserved) is None


def test_a_confirmed_prompt_is_no_reservation():
    """Once it is on the page, only caps and cooldowns speak."""
    assert ask(T0 + 1, exposures=[exposure(T0, shown_at=T0 + 1)]) is None


@pytest.mark.parametrize("held", ["site", "rule"])
def test_a_silent_exposure_reserves_nothing(held):
    """Nobody has to confirm what nobody sees."""
    assert ask(T0, exposures=[exposure(T0, held=held)]) is None


def test_a_lapsed_reservation_gives_its_caps_back_and_a_late_confirmation_takes_them_again():
    """It counts while open, not once lapsed, and again when the page reports it after all."""
    site = with_caps(EVER)
    lapsed = [exposure(T0, shown=False)]
    assert ask(T0 + MINUTE - 1, site=site, exposures=lapsed) == capped("reserved")
    assert ask(T0 + MINUTE, site=site, exposures=lapsed) is None
    late = [exposure(T0, shown_at=T0 + 5 * MINUTE)]
    assert ask(T0 + 6 * MINUTE, site=site, exposures=late) == capped("1 ever")


# --- limits and caps ------------------------------------------------------------------------


def test_a_prompt_exactly_as_old_as_the_window_is_outside():
    """`2 prompts per 1 day` counts from the instant each was decided."""
    site = with_caps(TWICE_A_DAY)
    shown = [exposure(T0, shown_at=T0 + 30 * SECOND), exposure(T0 + 5 * SECOND)]
    assert ask(T0 + DAY - 1, site=site, exposures=shown) == capped("2 prompts per 1 day")
    assert ask(T0 + DAY, site=site, exposures=shown) is None


def test_the_cap_is_reached_at_its_number_and_not_before():
    """One of two prompts leaves room for another."""
    assert ask(T0 + 1, site=with_caps(TWICE_A_DAY), exposures=[exposure(T0)]) is None


def test_a_limit_counts_the_rules_own_prompts_and_a_cap_counts_all():
    """Another rule's prompt is no matter for `limit`."""
    limited = replace(RULE, limits=(EVER,))
    others = [exposure(T0, "other")]
    assert ask(T0 + 1, rule=limited, exposures=others) is None
    assert ask(T0 + 1, rule=limited, exposures=[exposure(T0)]) == capped("1 ever")
    assert ask(T0 + 1, site=with_caps(EVER), exposures=others) == capped("1 ever")


def test_a_prompt_without_a_rule_counts_towards_the_caps_only():
    """A recorded prompt of somebody else's fills the site's caps and nobody's limit."""
    nameless = [exposure(T0, None)]
    assert ask(T0 + 1, site=with_caps(EVER), exposures=nameless) == capped("1 ever")
    assert ask(T0 + 1, rule=replace(RULE, limits=(EVER,)), exposures=nameless) is None


@pytest.mark.parametrize(("held", "cap", "limit"), [("site", True, True), ("rule", False, True)])
def test_a_holdout_consumes_what_it_must(held, cap, limit):
    """The site's consumes caps and limit as a prompt would; a rule's only that rule's limit."""
    silent = [exposure(T0, held=held)]
    assert ask(T0 + 1, site=with_caps(EVER), exposures=silent) == (
        capped("1 ever") if cap else None
    )
    assert ask(T0 + 1, rule=replace(RULE, limits=(EVER,)), exposures=silent) == (
        capped("1 ever") if limit else None
    )
    other = replace(OTHER, limits=(EVER,))
    assert ask(T0 + 1, rule=other, exposures=silent) is None


def test_reasons_are_named_in_order_reserved_limit_caps_cooldowns():
    """The first that stands is the one that is named, as it was written."""
    rule = replace(RULE, limits=(Cap(9, None, "9 ever"), Cap(1, DAY, "1 per day")))
    site = replace(
        SITE, caps=(TWICE_A_DAY, EVER), cooldown=Cooldown(after_dismissal=DAY, after_chat=DAY)
    )
    told = [event("prompt_dismissed", T0 + 1), event("chat_started", T0 + 2)]
    reserved = [exposure(T0, shown=False)]
    shown = [exposure(T0)]
    assert ask(T0 + 9, rule=rule, site=site, exposures=reserved, events=told) == capped("reserved")
    assert ask(T0 + 9, rule=rule, site=site, exposures=shown, events=told) == capped("1 per day")
    assert ask(T0 + 9, rule=OTHER, site=site, exposures=shown, events=told) == capped("1 ever")
    assert ask(T0 + 9, site=replace(site, caps=()), exposures=shown, events=told) == cooling(
        "after_dismissal"
    )
    assert ask(T0 + 9, site=replace(site, caps=()), exposures=shown, events=told[1:]) == cooling(
        "after_chat"
    )


# --- per session, per page ------------------------------------------------------------------


def test_per_session_counts_prompts_of_the_session_that_goes_on():
    """A prompt counts until 30 minutes without an event have passed, to the millisecond."""
    site = with_caps(PER_SESSION)
    events = [event("search", T0), event("search", T0 + 10 * MINUTE)]
    shown = [exposure(T0 + 5 * MINUTE)]
    ends = T0 + 40 * MINUTE
    for now in (T0 + 5 * MINUTE, ends - 1):
        assert ask(now, site=site, events=events, exposures=shown) == capped(PER_SESSION.text)
    assert ask(ends, site=site, events=events, exposures=shown) is None


def test_a_new_session_is_fresh_though_the_old_prompt_is_near():
    """The prompt belongs to the session of the event before it."""
    site = with_caps(PER_SESSION)
    events = [event("search", T0), event("search", T0 + 30 * MINUTE)]
    shown = [exposure(T0 + 30 * MINUTE - 1)]
    assert ask(T0 + 30 * MINUTE, site=site, events=events, exposures=shown) is None


def test_a_prompt_at_the_very_instant_of_a_sessions_first_event_belongs_to_it():
    """The event being decided on counts."""
    site = with_caps(PER_SESSION)
    events = [event("search", T0 - DAY), event("search", T0)]
    asked = {"site": site, "events": events, "exposures": [exposure(T0)]}
    assert ask(T0 + 1, **asked) == capped(PER_SESSION.text)


def test_passive_events_do_not_keep_a_session_going_for_its_prompts():
    """`prompt_shown` and `page_hidden` extend nothing, so the cap ends on time."""
    site = with_caps(PER_SESSION)
    events = [event("search", T0), event("prompt_shown", T0 + MINUTE),
              event("page_hidden", T0 + 20 * MINUTE)]  # fmt: skip
    shown = [exposure(T0 + MINUTE), exposure(T0 + 21 * MINUTE, "other")]
    assert ask(T0 + 30 * MINUTE - 1, site=site, events=events, exposures=shown) is not None
    assert ask(T0 + 30 * MINUTE, site=site, events=events, exposures=shown) is None


def test_a_prompt_between_sessions_belongs_to_none():
    """A decision asked for long after the last event is in no session, nor in the next one."""
    site = with_caps(PER_SESSION)
    events = [event("search", T0), event("search", T0 + 60 * MINUTE)]
    shown = [exposure(T0 + 45 * MINUTE)]
    assert ask(T0 + 46 * MINUTE, site=site, events=events[:1], exposures=shown) is None
    assert ask(T0 + 61 * MINUTE, site=site, events=events, exposures=shown) is None


def test_named_sessions_keep_their_prompts_apart():
    """A prompt in session A is not one of session B that runs at the same time."""
    site = with_caps(PER_SESSION)
    events = [event("search", T0, session="a"), event("search", T0 + 5, session="b")]
    shown = [exposure(T0 + 1)]
    assert ask(T0 + 3, site=site, events=events, exposures=shown) == capped(PER_SESSION.text)
    assert ask(T0 + 6, site=site, events=events, exposures=shown) is None
    back = [*events, event("search", T0 + 8, session="a")]
    assert ask(T0 + 9, site=site, events=back, exposures=shown) == capped(PER_SESSION.text)


def test_per_page_counts_prompts_since_the_newest_page_view():
    """The next page is fresh; without any page there is nothing to count."""
    site = with_caps(PER_PAGE)
    shown = [exposure(T0 + 10)]
    first, second = event("page_view", T0 + 10), event("page_view", T0 + 11)
    assert ask(T0 + 20, site=site, exposures=shown) is None
    assert ask(T0 + 20, site=site, exposures=shown, events=[first]) == capped(PER_PAGE.text)
    assert ask(T0 + 20, site=site, exposures=shown, events=[first, second]) is None


# --- decisions out of order -----------------------------------------------------------------


def test_prompts_decided_after_the_instant_count_but_not_in_hindsight():
    """A decision taken late for an earlier instant must not show a second prompt."""
    shown = [exposure(T0 + MINUTE)]
    reserved = [exposure(T0 + MINUTE, shown=False)]
    site = with_caps(EVER)
    assert ask(T0, site=site, exposures=shown) == capped("1 ever")
    assert ask(T0, site=site, exposures=reserved) == capped("reserved")
    for exposures in (shown, reserved):
        assert ask(T0, site=site, exposures=exposures, hindsight=True) is None


def test_a_later_prompt_of_the_same_session_counts_per_session_and_one_of_another_does_not():
    """Whose session it is, is told by the events before it, later ones included."""
    site = with_caps(PER_SESSION)
    first, second = event("search", T0), event("search", T0 + 90 * MINUTE)
    same = [exposure(T0 + 2 * MINUTE)]
    other = [exposure(T0 + 91 * MINUTE)]
    for events in ([first], [first, second]):
        assert ask(T0 + MINUTE, site=site, events=events, exposures=same) is not None
        assert ask(T0 + MINUTE, site=site, events=events, exposures=other) is None


def test_a_later_prompt_counts_for_the_session_that_events_not_seen_yet_keep_going():
    """What kept the session going comes after the decision, and is a fact all the same."""
    site = with_caps(PER_SESSION)
    events = [event("search", T0), event("search", T0 + 20 * MINUTE)]
    later = [exposure(T0 + 45 * MINUTE)]
    assert ask(T0, site=site, events=events, exposures=later) == capped(PER_SESSION.text)
    assert ask(T0, site=site, events=events[:1], exposures=later) is None


def test_hindsight_sees_no_confirmation_that_came_later():
    """At that instant the prompt was a reservation, and later a lapsed one."""
    shown = [exposure(T0, shown_at=T0 + 5 * MINUTE)]
    site = with_caps(EVER)
    asked = {"site": site, "exposures": shown, "hindsight": True}
    assert ask(T0 + 1, **asked) == capped("reserved")
    assert ask(T0 + 2 * MINUTE, **asked) is None
    assert ask(T0 + 5 * MINUTE, **asked) == capped("1 ever")


# --- cooldowns ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        ("after_dismissal", ["prompt_dismissed"]),
        ("after_chat", ["chat_started", "chat_message", "chat_ended", "chat_rated"]),
    ],
)
def test_a_cooldown_runs_from_the_last_such_event_and_binds_every_rule(key, kinds):
    """Exactly as old as the span is over."""
    site = with_cooldown(**{key: DAY})
    for kind in kinds:
        told = [event(kind, T0 - MINUTE), event(kind, T0)]
        for rule in (RULE, OTHER):
            assert ask(T0 + DAY - 1, rule=rule, site=site, events=told) == cooling(key)
            assert ask(T0 + DAY, rule=rule, site=site, events=told) is None
    assert ask(T0, site=site, events=[event("prompt_accepted", T0)]) is None


IGNORED = with_cooldown(ignored_times=2, after_ignored=DAY)
TWO = [exposure(T0), exposure(T0 + 10 * MINUTE, "other")]


def test_ignoring_the_newest_prompts_brings_silence_from_the_last_one():
    """Two prompts unanswered: a day without, counted from the second."""
    assert ask(T0 + 1, site=IGNORED, exposures=TWO[:1]) is None
    assert ask(T0 + 11 * MINUTE, site=IGNORED, exposures=TWO) == cooling("after_ignored")
    last = T0 + 10 * MINUTE + DAY
    assert ask(last - 1, site=IGNORED, exposures=TWO) == cooling("after_ignored")
    assert ask(last, site=IGNORED, exposures=TWO) is None


@pytest.mark.parametrize("kind", ["prompt_accepted", "prompt_dismissed", "chat_started"])
@pytest.mark.parametrize("at", [T0, T0 + 10 * MINUTE - 1, T0 + 10 * MINUTE, T0 + 11 * MINUTE])
def test_an_answer_to_either_prompt_ends_being_ignored(kind, at):
    """An answer belongs to the newest prompt at or before it."""
    answered = [event(kind, at)]
    assert ask(T0 + 11 * MINUTE, site=IGNORED, exposures=TWO, events=answered) is None


def test_an_answer_to_an_older_prompt_does_not_count():
    """Only the newest prompts matter, and what came before them answers none of them."""
    three = [exposure(T0 - MINUTE), *TWO]
    answered = [event("prompt_accepted", T0 - 1)]
    asked = {"site": IGNORED, "exposures": three, "events": answered}
    assert ask(T0 + 11 * MINUTE, **asked) == cooling("after_ignored")


def test_silent_and_lapsed_exposures_are_never_ignored_prompts():
    """Nobody can ignore what was not on the page."""
    silent = [exposure(T0 + n, held=held) for n, held in enumerate(("site", "rule", "site"))]
    assert ask(T0 + MINUTE, site=IGNORED, exposures=silent) is None
    lapsed = [exposure(T0), exposure(T0 + MINUTE, shown=False)]
    assert ask(T0 + 5 * MINUTE, site=IGNORED, exposures=lapsed) is None


# --- against an oracle ----------------------------------------------------------------------

UNIT = 20 * SECOND  # a third of a reservation, so that all borders lie on whole units
TIMEOUT = 15 * UNIT
SPAN = 60

INSTANTS = st.integers(0, SPAN).map(lambda n: T0 + n * UNIT)
KINDS = st.sampled_from(
    ["search", "page_view", "page_hidden", "prompt_dismissed", "prompt_accepted", "chat_started"]
)
EVENTS = st.lists(st.tuples(KINDS, INSTANTS).map(lambda pair: event(*pair)), max_size=8)


@st.composite
def exposures_(draw):
    at = draw(INSTANTS)
    held = draw(st.sampled_from([None, None, None, "site", "rule"]))
    confirmed = held is None and draw(st.booleans())
    return Exposure(
        decision_id="d",
        rule=draw(st.sampled_from(["help", "other", None])),
        variant=None,
        at=at,
        delay=draw(st.sampled_from([0, UNIT])),
        shown_at=at + UNIT * draw(st.integers(0, 9)) if confirmed else None,
        held=held,
    )


WITHIN = st.sampled_from([Span.SESSION, Span.PAGE, None, 3 * UNIT, 10 * UNIT, 25 * UNIT])
CAPS = st.lists(
    st.tuples(st.integers(1, 3), WITHIN).map(lambda c: Cap(*c, text=f"{c[0]} per {c[1]}")),
    max_size=2,
).map(tuple)
SILENCE = st.none() | st.integers(1, 20).map(lambda n: n * UNIT)
COOLDOWNS = st.builds(
    Cooldown,
    after_dismissal=SILENCE,
    after_chat=SILENCE,
    ignored_times=st.integers(1, 3),
    after_ignored=SILENCE,
)
SITES = st.builds(
    Site,
    name=st.just("shop"),
    time_zone=st.just("UTC"),
    session_timeout=st.just(TIMEOUT),
    caps=CAPS,
    cooldown=COOLDOWNS,
)


def session_of(at: int, events) -> int | None:
    """Return the number of the session at an instant: events without a gap of the timeout."""
    acts = [e.at for e in events if e.kind not in {"page_hidden", "prompt_shown"} and e.at <= at]
    if not acts or at - acts[-1] >= TIMEOUT:
        return None
    return sum(later - act >= TIMEOUT for act, later in pairwise(acts))


def counted(exposures, cap: Cap, events, now: int) -> int:
    """Count as the language says it: in the window, decided then, open or confirmed."""
    views = [e.at for e in events if e.kind == "page_view" and e.at <= now]
    total = 0
    for e in exposures:
        if e.held is None and e.shown_at is None and now >= e.at + 60 * SECOND + e.delay:
            continue
        if cap.within is Span.SESSION:
            session = session_of(now, [x for x in events if x.at <= now])
            total += session is not None and session_of(e.at, events) == session
        elif cap.within is Span.PAGE:
            total += bool(views) and e.at >= views[-1]
        else:
            total += cap.within is None or now - e.at < cap.within
    return total


def oracle(rule: Rule, site: Site, exposures, events, now: int) -> Refusal | None:
    """Say the reason as the language tells it, one sentence at a time."""
    seen = [e for e in events if e.at <= now]
    opened = [e for e in exposures if e.held is None and e.shown_at is None]
    if any(now < e.at + 60 * SECOND + e.delay for e in opened):
        return capped("reserved")
    for cap in rule.limits:
        own = [e for e in exposures if e.rule == rule.id]
        if counted(own, cap, events, now) >= cap.times:
            return capped(cap.text)
    for cap in site.caps:
        every = [e for e in exposures if e.held != "rule"]
        if counted(every, cap, events, now) >= cap.times:
            return capped(cap.text)
    cooldown = site.cooldown
    for key, kind in (("after_dismissal", "prompt_dismissed"), ("after_chat", "chat_started")):
        silence = getattr(cooldown, key)
        told = [e.at for e in seen if e.kind == kind]
        if silence is not None and told and now - told[-1] < silence:
            return cooling(key)
    prompted = [e.at for e in exposures if e.shown_at is not None]
    if cooldown.after_ignored is None or len(prompted) < cooldown.ignored_times:
        return None
    answers = [e.at for e in seen if e.kind in caps.ANSWERS]
    for index in range(len(prompted) - cooldown.ignored_times, len(prompted)):
        following = prompted[index + 1] if index + 1 < len(prompted) else now + 1
        if any(prompted[index] <= answer < following for answer in answers):
            return None
    return cooling("after_ignored") if now - prompted[-1] < cooldown.after_ignored else None


@given(
    events=EVENTS,
    exposures=st.lists(exposures_(), max_size=6),
    site=SITES,
    limits=CAPS,
    now=INSTANTS,
    early=st.integers(0, 1),
)
@settings(max_examples=400, deadline=None)
def test_any_visitor_is_refused_as_the_language_says(
    *, events, exposures, site, limits, now, early
):
    """Whatever happened, the answer is that of the oracle, on every border and before it."""
    rule = replace(RULE, limits=limits)
    events = sorted(events, key=lambda e: (e.at, e.id))
    exposures = sorted(exposures, key=lambda e: e.at)
    now -= early
    answer = ask(now, rule=rule, site=site, events=events, exposures=exposures)
    assert answer == oracle(rule, site, exposures, events, now)


@given(
    events=EVENTS,
    exposures=st.lists(exposures_(), max_size=6),
    site=SITES,
    limits=CAPS,
    hindsight=st.booleans(),
    hours=st.integers(0, SPAN),
)
@settings(max_examples=150, deadline=None)
def test_looking_ahead_says_what_later_decisions_will(
    *, events, exposures, site, limits, hindsight, hours
):
    """If nothing else happens, free spans are exactly the instants without a refusal."""
    now = max([T0, *(e.at for e in events), *(e.shown_at or e.at for e in exposures)])
    rule = replace(RULE, limits=limits)
    asked = {"exposures": exposures, "events": events, "site": site, "hindsight": hindsight}
    until = now + hours * UNIT
    free = caps.free_spans(rule, site, view(now, **asked), until)
    assert spans.clip(free, now, until + 1) == free == spans.normal(free)
    for border in range(now, until + 1, UNIT):
        for t in (border, min(border + 1, until), min(border + UNIT - 1, until)):
            refusal = caps.refusal(rule, site, view(t, **asked))
            assert spans.contains(free, t) is (refusal is None), t
