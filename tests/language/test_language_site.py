"""site.yaml: everything that rules refer to."""

from __future__ import annotations

import pytest

from engine.clock import DAY, HOUR, MINUTE
from engine.language import loader
from engine.model import (
    AllOf,
    Audience,
    Cap,
    Compare,
    Cooldown,
    Counted,
    InAudience,
    InGroup,
    Measure,
    Offline,
    Place,
    Span,
    Stall,
    StateIs,
    Step,
)


def site_of(text):
    loaded = loader.load({"site.yaml": text})
    assert loaded.folder is not None, [str(p) for p in loaded.problems]
    return loaded.folder.site


BASE = "site: { name: shop, time_zone: Europe/London }\n"


def test_the_defaults_are_those_of_the_language():
    """Half an hour of session, half a year of events, 500 of each kind, no holdout, no caps."""
    site = site_of(BASE)
    assert (site.name, site.time_zone) == ("shop", "Europe/London")
    assert site.session_timeout == 30 * MINUTE
    assert site.keep == 180 * DAY
    assert site.keep_events == 500
    assert (site.holdout, site.caps, site.cooldown) == (0.0, (), Cooldown())
    assert (site.suppress, site.offline, dict(site.departments)) == ((), Offline(), {})


def test_every_setting_is_read():
    """Each key of site: lands in the model, in ms and percent."""
    site = site_of(
        "site:\n  name: shop\n  time_zone: UTC\n  session_timeout: 45 minutes\n  holdout: 0.5%\n"
        "  caps: 3 prompts per 7 days\n  keep: 400 days\n  keep_events: 20\n"
        "  cooldown: { after_dismissal: 7 days, after_chat: 1 day,"
        " after_ignored: { times: 3, for: 30 days } }\n"
    )
    assert site.session_timeout == 45 * MINUTE
    assert site.holdout == 0.5
    assert site.caps == (Cap(3, 7 * DAY, "3 prompts per 7 days"),)
    assert (site.keep, site.keep_events) == (400 * DAY, 20)
    assert site.cooldown == Cooldown(7 * DAY, DAY, 3, 30 * DAY)


def test_page_groups_keep_their_order_and_globs():
    """A group is a glob or a list of them, as written; order decides which captures first."""
    site = site_of(
        BASE + 'page_groups:\n  product: "**/p/{product}"\n  pay: ["/basket", "/pay/**"]\n'
    )
    assert [(group.name, group.globs) for group in site.page_groups] == [
        ("product", ("**/p/{product}",)),
        ("pay", ("/basket", "/pay/**")),
    ]


def test_all_facts_of_an_audience_hold():
    """Each key of an audience is one comparison; several are joined by all."""
    site = site_of(
        BASE + "audiences:\n  uk: { country: GB }\n"
        "  late: { logged_in: true, plan: trial, day: { at_least: 7 }, on_site: { for: 1m } }\n"
    )
    assert site.audiences["uk"] == Audience(
        "uk", StateIs("country", Compare(is_=("GB",))), Place("site.yaml", 3, 3)
    )
    assert site.audiences["late"].condition == AllOf(
        (
            StateIs("logged_in", Compare(is_=(True,))),
            StateIs("plan", Compare(is_=("trial",))),
            StateIs("day", Compare(at_least=7)),
            StateIs("on_site", Compare(at_least=MINUTE)),
        )
    )


def test_a_schedule_is_laid_out_by_weekday():
    """Ranges of weekdays, lists of hours, dates, holidays and winding down, in minutes and ms."""
    site = site_of(
        BASE + "schedules:\n  desk:\n    time_zone: America/New_York\n"
        "    open: { sat-mon: 22:00-02:00, wed: [13:00-18:00, 08:00-12:00] }\n"
        "    holidays: { country: GB, subdivision: ENG }\n    closed: [2026-12-24]\n"
        "    open_on: { 2026-12-19: 10:00-24:00 }\n    wind_down: 15 minutes\n"
    )
    desk = site.schedules["desk"]
    night = ((1320, 1560),)
    assert desk.zone == "America/New_York"
    assert desk.week == (night, (), ((480, 720), (780, 1080)), (), (), night, night)
    assert desk.holidays == ("GB", "ENG")
    assert desk.closed == {"2026-12-24"}
    assert desk.open_on == {"2026-12-19": ((600, 1440),)}
    assert desk.wind_down == 15 * MINUTE


def test_a_schedule_has_the_zone_of_the_site_unless_it_names_one():
    """Without time_zone the site's zone counts."""
    site = site_of(BASE + "schedules: { desk: { open: { mon: 09:00-17:00 } } }\n")
    assert site.schedules["desk"].zone == "Europe/London"


def test_departments_may_keep_hours_of_their_own():
    """A department with a schedule, with an empty mapping, with nothing."""
    site = site_of(
        BASE + "schedules: { desk: { open: { mon: 09:00-17:00 } } }\n"
        "departments:\n  sales: { schedule: desk }\n  returns: {}\n  other:\n"
    )
    assert site.departments == {"sales": "desk", "returns": None, "other": None}


def suppressions(text):
    return site_of(
        BASE + "page_groups: { checkout: /checkout, forms: /form }\n"
        "audiences: { uk: { country: GB } }\n"
        "schedules: { desk: { open: { mon: 09:00-17:00 } } }\nsuppress:\n" + text
    ).suppress


def test_a_suppression_takes_several_parts():
    """Page, audience, schedule and condition stand side by side, and all must hold."""
    (veto,) = suppressions(
        "  - { name: a, where: checkout, who: uk, outside: desk, state: free_slots, at_most: 0,"
        " hide: [prompt, widget] }\n"
    )
    assert (veto.name, veto.hides_prompt, veto.hides_widget) == ("a", True, True)
    assert (veto.where, veto.who, veto.outside) == (InGroup("checkout"), InAudience("uk"), "desk")
    assert veto.condition == StateIs("free_slots", Compare(at_most=0))


def test_where_beside_an_event_is_the_page_now():
    """In a suppression `where` is where the visitor is now; all: filters an event by its page."""
    now, then = suppressions(
        "  - { name: a, where: forms, event: js_error, hide: prompt }\n"
        "  - { name: b, all: [ { event: js_error, where: forms } ], hide: widget }\n"
    )
    assert (now.where, now.condition) == (InGroup("forms"), Counted(Measure("js_error")))
    assert then.where is None
    assert then.condition == AllOf((Counted(Measure("js_error", where=InGroup("forms"))),))
    assert (then.hides_prompt, then.hides_widget) == (False, True)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("event: purchase, within: 1 hour", Counted(Measure("purchase", HOUR))),
        (
            "event: checkout_started, not_followed_by: purchase",
            Stall(Step("checkout_started"), "purchase", 0, Span.SESSION),
        ),
        ("state: chat_active", StateIs("chat_active", Compare(is_=(True,)))),
        ("state: device, not: mobile", StateIs("device", Compare(not_=("mobile",)))),
    ],
)
def test_any_condition_may_suppress(text, condition):
    """The condition's keys stand beside name and hide."""
    (veto,) = suppressions(f"  - {{ name: a, {text}, hide: prompt }}\n")
    assert veto.condition == condition


def test_events_declare_their_fields():
    """A list of fields, a single one, or none."""
    site = site_of(BASE + "events:\n  a: [code, amount]\n  b: []\n  c:\n  Order Refunded: reason\n")
    assert site.events == {"a": ("code", "amount"), "b": (), "c": (), "Order Refunded": ("reason",)}


def test_what_is_said_offline_is_read():
    """A message by language, and where to reach people meanwhile."""
    site = site_of(
        BASE + 'offline:\n  message: { en: "Back {opens_at}.", pl: "Wracamy {opens_at|jutro}." }\n'
        "  contact: mailto:help@shop.example\n"
    )
    assert site.offline.message == (("en", "Back {opens_at}."), ("pl", "Wracamy {opens_at|jutro}."))
    assert site.offline.contact == "mailto:help@shop.example"


def test_a_broken_site_does_not_make_its_names_unknown():
    """While site.yaml has a fault of syntax nobody is told that a page group does not exist."""
    files = {
        "site.yaml": BASE + "page_groups: { a: /a }\nsuppress: [\n",
        "a.yaml": "rules:\n  - { rule: a, where: b, wen: 1, show: Hi }\n",
    }
    problems = [(p.path, str(p.kind)) for p in loader.load(files).problems]
    assert problems == [("a.yaml", "unknown-key"), ("site.yaml", "syntax")]


def test_a_name_with_a_wrong_definition_is_still_a_name():
    """A page group whose glob is wrong is one mistake, not one for each rule that names it."""
    files = {
        "site.yaml": BASE + "page_groups: { a: nonsense }\n",
        "a.yaml": "rules:\n  - { rule: a, where: a, show: Hi }\n",
    }
    assert [str(p.kind) for p in loader.load(files).problems] == ["bad-glob"]
