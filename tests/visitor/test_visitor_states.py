from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from visitor_samples import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    SITE,
    T0,
    TIMEOUT,
    event,
    profile_of,
    view_of,
)

from engine.events import STANDARD_STATES, About
from engine.visitor.profile import Profile, Report, with_report


def _held(*events, reports=(), **rest):
    profile = msgspec.structs.replace(profile_of(*events), **rest)
    for at, values in reports:
        profile = with_report(profile, Report(T0 + at, values))
    return profile


def _view(*events, at, reports=(), **rest):
    return view_of(held=_held(*events, reports=reports), at=at, **rest)


@pytest.mark.parametrize("name", sorted(STANDARD_STATES))
def test_every_state_has_an_answer_for_a_visitor_without_a_past(name):
    """Missing, except for what is known of nothing: no visits, no chat, nobody at the desk."""
    known = {"visits": 0, "chat_active": False, "agents_available": 0, "free_slots": 0}
    assert view_of().state(name) == known.get(name)


# --- the page's clock -----------------------------------------------------------------------


def test_on_page_is_visible_time_since_the_newest_page_view():
    """It stands still while the page is hidden and starts anew with the next page_view."""
    done = [
        event("page_hidden", 5 * SECOND),
        event("page_view", 10 * SECOND),
        event("page_hidden", 20 * SECOND),
        event("search", 25 * SECOND),
        event("page_visible", 30 * SECOND),
        event("page_view", 50 * SECOND),
    ]
    seconds = {9: None, 10: 0, 15: 5, 20: 10, 29: 10, 30: 10, 49: 29, 50: 0, 3_000: 2_950}
    for at, wanted in seconds.items():
        value = _view(*done, at=at * SECOND).state("on_page")
        assert value == (None if wanted is None else wanted * SECOND)
    assert _view(*done, at=49_999).state("on_page") == 29_999


def test_a_report_replaces_the_servers_clock_and_runs_on():
    """By visible time from its own instant, to the millisecond."""
    done = [event("page_view", 0), event("page_hidden", 20 * SECOND)]
    reports = [(10 * SECOND, {"on_page": 4.2, "idle": 3})]
    view = _view(*done, at=15 * SECOND, reports=reports)
    assert view.state("on_page") == 9_200
    assert view.state("idle") == 8_000
    assert view.runs("on_page")
    later = _view(*done, at=40 * SECOND, reports=reports)
    assert later.state("on_page") == 14_200
    assert not later.runs("on_page")


def test_a_report_of_a_hidden_page_stands_still():
    """Hiding flushes the page's measurement; nothing runs until it comes back."""
    done = [event("page_view", 0), event("page_hidden", 9), event("page_visible", 50)]
    reports = [(10, {"idle": 1})]
    assert _view(*done, at=40, reports=reports).state("idle") == 1_000
    assert _view(*done, at=60, reports=reports).state("idle") == 1_010


def test_a_report_ends_with_the_next_page_view():
    """One of the same instant leaves it standing, for a report counts from then on."""
    reports = [(10, {"scroll_depth": 60, "form": "quote"})]
    assert _view(event("page_view", 10), at=11, reports=reports).state("scroll_depth") == 60
    over = _view(event("page_view", 11), at=11, reports=reports)
    assert over.state("scroll_depth") is None
    assert over.state("form") is None
    assert _view(event("page_view", 11), at=10, reports=reports).state("form") == "quote"


def test_a_report_after_now_is_not_seen():
    """Neither the page's states nor its cart."""
    view = _view(event("search"), at=5, reports=[(6, {"idle": 1, "cart_value": 5})])
    assert view.state("idle") is None
    assert view.state("cart_value") is None


def test_counters_and_hesitation_stand_between_reports():
    """Only clocks run."""
    values = {"hesitation": 5, "field_returns": 2, "idle_in_field": 1.5, "field_time": 2}
    view = _view(event("page_view"), at=10 * SECOND, reports=[(0, values)])
    assert view.state("hesitation") == 5 * SECOND
    assert not view.runs("hesitation")
    assert view.state("field_returns") == 2
    assert view.state("idle_in_field") == 11_500
    assert view.state("field_time") == 12 * SECOND


@pytest.mark.parametrize("value", ["3", True, None, [3], {"a": 3}, float("nan")])
def test_a_report_of_the_wrong_type_is_missing(value):
    """Whatever a page sends, a clock is a number."""
    reports = [(0, {"idle": value, "corrections": value})]
    view = _view(event("page_view"), at=9, reports=reports)
    assert view.state("idle") is None
    assert view.state("corrections") is None


def test_odd_numbers_in_a_report_do_no_harm():
    """Less than nothing is nothing, and no clock runs past what can be stored."""
    reports = [(0, {"idle": -5, "on_page": 1e300})]
    view = _view(event("page_view"), at=0, reports=reports)
    assert view.state("idle") == 0
    assert 0 < view.state("on_page") < 2**53


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60), st.sampled_from(["page_view", "page_hidden", "page_visible", "x"])
        ),
        max_size=8,
        unique_by=lambda pair: pair[0],
    ),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_visible_time_is_what_a_stopwatch_would_show(marks, reported, now):
    """Millisecond by millisecond: it runs unless the newest mark has hidden the page."""
    done = [event(kind, at) for at, kind in marks]
    newest = max((at for at, kind in marks if kind == "page_view" and at <= now), default=None)

    def stopwatch(start):
        shown = 0
        for tick in range(start, now):
            before = [(at, kind) for at, kind in marks if at <= tick and kind != "x"]
            shown += max(before, default=(0, ""))[1] != "page_hidden"
        return shown

    expected = None if newest is None else stopwatch(newest)
    assert _view(*done, at=now).state("on_page") == expected
    valid = reported <= now and (newest is None or newest <= reported)
    view = _view(*done, at=now, reports=[(reported, {"idle": 2})])
    assert view.state("idle") == (2_000 + stopwatch(reported) if valid else None)


# --- form_stuck -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "stuck"),
    [
        ({"failed_submits": 2}, True),
        ({"failed_submits": 1}, False),
        ({"same_field_errors": 2}, True),
        ({"submit_no_progress": 2}, True),
        ({"idle_in_field": 30, "field_returns": 2}, True),
        ({"idle_in_field": 30, "field_returns": 1}, False),
        ({"idle_in_field": 30, "corrections": 10}, True),
        ({"idle_in_field": 30, "corrections": 9}, False),
        ({"idle_in_field": 29.999, "corrections": 10}, False),
        ({"field_time": 60, "field_returns": 1}, True),
        ({"field_time": 59.999, "field_returns": 1}, False),
        ({"field_time": 60}, False),
        ({"idle_in_field": 3_600}, False),
        ({"form_stuck": True}, True),
        ({"form_stuck": False}, False),
        ({"form_stuck": False, "failed_submits": 2}, True),
        ({"form": "quote"}, False),
        ({"on_page": 500}, None),
        ({"field_returns": "2", "idle_in_field": 40}, False),
    ],
)
def test_a_form_is_stuck_when_the_visitor_cannot_get_on(values, stuck):
    """Each sentence of the table; idleness alone never is, and of no form nothing is known."""
    assert _view(event("page_view"), at=0, reports=[(0, values)]).state("form_stuck") is stuck


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({"idle_in_field": 20, "field_returns": 2}, 10),
        ({"idle_in_field": 20, "field_time": 55, "field_returns": 2}, 5),
        ({"field_time": 20, "field_returns": 1}, 40),
        ({"failed_submits": 2}, 0),
        ({"field_time": 20}, None),
        ({"on_page": 20}, None),
    ],
)
def test_when_a_form_will_be_stuck_is_foreseen_to_the_millisecond(values, seconds):
    """If nothing else happens, it is stuck from that instant on and not a moment earlier."""
    done, reports = [event("page_view")], [(0, values)]
    foreseen = _view(*done, at=0, reports=reports).stuck_from()
    assert foreseen == (None if seconds is None else T0 + seconds * SECOND)
    horizon = HOUR if seconds is None else seconds * SECOND
    if seconds is not None:
        assert _view(*done, at=horizon, reports=reports).state("form_stuck") is True
    if horizon:
        assert _view(*done, at=horizon - 1, reports=reports).state("form_stuck") is not True


def test_a_hidden_form_gets_no_more_stuck():
    """Its clocks stand still."""
    done = [event("page_view", 0), event("page_hidden", 1)]
    reports = [(0, {"idle_in_field": 20, "field_returns": 2})]
    assert _view(*done, at=2, reports=reports).stuck_from() is None


# --- the visit ------------------------------------------------------------------------------


def test_on_site_runs_from_the_sessions_first_event():
    """Hidden or not, until the session is over."""
    done = [event("search", 0), event("search", TIMEOUT), event("page_hidden", TIMEOUT + 5)]
    view = _view(*done, at=TIMEOUT + 20)
    assert view.state("on_site") == 20
    assert view.runs("on_site")
    assert _view(*done, at=2 * TIMEOUT).state("on_site") is None
    assert not _view(*done, at=2 * TIMEOUT).runs("on_site")


def test_the_cart_is_its_newest_report_in_this_session():
    """By a cart event or by the page; each of its two states by itself."""
    done = [
        event("add_to_cart", 10, cart_value=50, cart_items=1),
        event("cart_view", 20, cart_value=60),
        event("search", 25, cart_value=999),
        event("remove_from_cart", 30, cart_value="a text"),
    ]
    view = _view(*done, at=40)
    assert view.state("cart_value") == 60
    assert view.state("cart_items") == 1
    assert _view(*done, at=19).state("cart_value") == 50
    newer = _view(*done, at=40, reports=[(35, {"cart_value": 70})])
    assert newer.state("cart_value") == 70
    assert newer.state("cart_items") == 1
    older = _view(*done, at=40, reports=[(15, {"cart_value": 70})])
    assert older.state("cart_value") == 60


def test_a_purchase_clears_the_cart():
    """Until it is reported anew."""
    done = [
        event("add_to_cart", 10, cart_value=50, cart_items=1),
        event("purchase", 20),
        event("add_to_cart", 40, cart_value=5),
    ]
    reports = [(15, {"cart_value": 55, "cart_items": 1})]
    assert _view(*done, at=19, reports=reports).state("cart_value") == 55
    assert _view(*done, at=30, reports=reports).state("cart_value") is None
    assert _view(*done, at=50, reports=reports).state("cart_value") == 5
    assert _view(*done, at=50, reports=reports).state("cart_items") is None
    assert _view(*done, at=50, reports=[(45, {"cart_items": 3})]).state("cart_items") == 3


def test_the_cart_of_another_session_is_not_this_ones():
    """Visit states end with the session, and sessions that interleave have carts of their own."""
    done = [event("add_to_cart", 0, cart_value=50), event("search", TIMEOUT)]
    reports = [(5, {"cart_value": 55})]
    assert _view(*done, at=TIMEOUT + 1, reports=reports).state("cart_value") is None
    assert _view(*done, at=TIMEOUT - 1, reports=reports).state("cart_value") == 55
    assert _view(done[0], at=TIMEOUT, reports=reports).state("cart_value") is None
    mixed = [
        event("add_to_cart", 0, cart_value=50, session="a"),
        event("add_to_cart", 1, cart_value=60, session="b"),
        event("purchase", 2, session="b"),
        event("search", 3, session="a"),
    ]
    assert _view(*mixed, at=4).state("cart_value") == 50


def test_where_the_visit_came_from():
    """Host, campaign and page groups of the session's first page."""
    first = "https://shop.example/p/7?UTM_Campaign=Winter+sale%21&x=1#utm_campaign=no"
    done = [
        event("search", 0),
        event("page_view", 5, page=first, referrer="https://www.Google.com:443/search?q=a"),
        event("page_view", 9, page="/basket?utm_campaign=late", referrer="https://shop.example/"),
    ]
    view = _view(*done, at=10)
    assert view.state("referrer") == "www.google.com"
    assert view.state("campaign") == "Winter sale!"
    assert view.state("landing") == ("product",)
    assert _view(*done, at=4).state("landing") is None
    assert _view(*done, at=5 + TIMEOUT + 9).state("landing") is None


def test_a_visit_that_came_from_nowhere_has_no_referrer():
    """A later page's referrer, which is the shop itself, is not where the visit came from."""
    done = [
        event("product_view", 0, page="/about"),
        event("page_view", 9, page="/b", referrer="https://shop.example/about"),
    ]
    view = _view(*done, at=10)
    assert view.state("referrer") is None
    assert view.state("campaign") is None
    assert view.state("landing") == ()


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("android-app://com.Google.android.gm/", "com.google.android.gm"),
        ("news.example/story", "news.example"),
        ("https://[broken", None),
        ("about:client", "about"),
        ("", None),
        ("/only/a/path", None),
    ],
)
def test_any_referrer_is_a_host_or_missing(referrer, host):
    """Whatever a page sends."""
    view = _view(event("page_view", page="/", referrer=referrer), at=1)
    assert view.state("referrer") == host


# --- the visitor ----------------------------------------------------------------------------


def test_visits_count_this_one():
    """And every session held before it."""
    done = [event("search", n * DAY) for n in range(3)]
    assert [_view(*done, at=n * DAY).state("visits") for n in range(3)] == [1, 2, 3]
    assert _view(*done, at=9 * DAY).state("visits") == 3
    assert _view(event("page_hidden"), at=1).state("visits") == 0


def test_days_since_the_last_visit_have_fractions():
    """From the previous session's last event to this one's first; to now while there is none."""
    done = [
        event("search", 0),
        event("page_hidden", 6 * HOUR),
        event("search", DAY + 6 * HOUR),
        event("search", DAY + 6 * HOUR + MINUTE),
    ]
    assert _view(*done, at=MINUTE).state("days_since_last_visit") is None
    assert _view(*done, at=12 * HOUR).state("days_since_last_visit") == 0.25
    assert _view(*done, at=DAY + 6 * HOUR + MINUTE).state("days_since_last_visit") == 1.0


def test_interleaved_sessions_never_lie_in_the_future():
    """A session that went on during this one is no time ago."""
    done = [
        event("search", 0, session="a"),
        event("search", 1, session="b"),
        event("search", 2, session="a"),
        event("search", 3, session="b"),
    ]
    assert _view(*done, at=4).state("days_since_last_visit") == 0


@pytest.mark.parametrize(
    ("done", "at", "active"),
    [
        ([("chat_started", 0)], 0, True),
        ([("chat_started", 0)], 4 * HOUR - 1, True),
        ([("chat_started", 0)], 4 * HOUR, False),
        ([("chat_started", 0), ("chat_message", 3 * HOUR)], 7 * HOUR - 1, True),
        ([("chat_started", 0), ("chat_ended", 5)], 4, True),
        ([("chat_started", 0), ("chat_ended", 5)], 5, False),
        ([("chat_started", 0), ("chat_ended", 5), ("chat_rated", 9)], 9, False),
        ([("chat_started", 0), ("chat_ended", 5), ("chat_started", 9)], 9, True),
        ([("chat_message", 0)], 1, False),
        ([("chat_ended", 0)], 1, False),
    ],
)
def test_a_chat_lasts_until_it_ends_or_falls_silent(done, at, active):
    """For 4 hours after its last event."""
    events = [event(kind, when) for kind, when in done]
    assert _view(*events, at=at).state("chat_active") is active


# --- facts that the call itself states ------------------------------------------------------


def test_what_a_call_states_beats_what_is_derived():
    """Visit, visitor and chat facts; a clock is in seconds, as reports are."""
    given_ = {
        "visits": 7,
        "cart_value": 100,
        "on_site": 90,
        "landing": ["home"],
        "chat_active": True,
        "country": "GB",
    }
    view = _view(event("search"), at=5, attributes=given_)
    assert view.state("visits") == 7
    assert view.state("cart_value") == 100
    assert view.state("on_site") == 90 * SECOND
    assert not view.runs("on_site")
    assert view.state("landing") == ("home",)
    assert view.state("chat_active") is True
    assert view.state("country") == "GB"


def test_what_a_call_states_does_not_touch_page_form_and_desk():
    """Those are measured or reported, never believed."""
    names = [n for n, k in STANDARD_STATES.items() if k.about in (About.PAGE, About.FORM)]
    view = _view(event("page_view"), at=5, attributes=dict.fromkeys(names, 99))
    assert view.state("on_page") == 5
    assert all(view.state(name) is None for name in names if name != "on_page")
    assert _view(at=0, attributes={"free_slots": 9}).state("free_slots") == 0


def test_a_stored_attribute_of_a_derived_states_name_is_not_that_state():
    """What is derived of the visitor's events stays true, whatever was once sent."""
    held = _held(event("search"), verified={"visits": 50, "device": "mobile"})
    assert view_of(held=held, at=1).state("visits") == 1
    assert view_of(held=held, at=1).state("device") == "mobile"


def test_the_timeout_is_the_sites():
    """`session_timeout` is a setting."""
    site = type(SITE)("shop", "UTC", session_timeout=10)
    view = _view(event("search", 0), event("search", 10), at=11, site=site)
    assert view.state("visits") == 2


def test_a_report_without_a_cart_leaves_the_cart_alone():
    """Null is no value of a cart either."""
    profile = with_report(Profile(), Report(1, {"idle": 1, "cart_value": None}))
    assert profile.cart == {}
