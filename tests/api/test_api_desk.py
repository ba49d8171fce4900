"""The desk: what it reports is kept, and its hours are told in anybody's language."""

from __future__ import annotations

import pytest
from api_server import AUTH, event, is_problem

from engine.clock import DAY, HOUR


def put(server, department="default", **report):
    """Report as a chat backend."""
    return server.http.put(f"/v1/availability/{department}", json=report, headers=AUTH)


def hours(server, **query):
    """Read the hours as a page does."""
    return server.http.get("/v1/hours", query_string=query)


def test_a_report_is_kept_and_read_back(server):
    """With its defaults, the free slots, and when it came."""
    kept = put(server, agents_online=3, active_chats=5, chats_per_agent=3, reserve=1)
    assert kept.get_json() == {
        "department": "default",
        "agents_online": 3,
        "active_chats": 5,
        "chats_per_agent": 3,
        "reserve": 1,
        "queue_length": None,
        "queue_wait": None,
        "ttl": 120,
        "free_slots": 3,
        "at": server.at(),
        "fresh": True,
    }
    read = server.http.get("/v1/availability/default", headers=AUTH)
    assert read.get_json() == kept.get_json()
    server.now += 121_000
    assert server.http.get("/v1/availability/default", headers=AUTH).get_json()["fresh"] is False


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"agents_online": -1},
        {"agents_online": "3"},
        {"agents_online": True},
        {"agents_online": 1e300},
        {"agents_online": 1, "agents": 2},
        {"agents_online": 1, "at": 5},
    ],
)
def test_a_bad_report_is_refused(server, report):
    """400, and what was kept stays."""
    is_problem(put(server, **report), 400, "invalid_field")


def test_a_department_must_be_known(server):
    """404 lists those that there are; one that never reported says so."""
    assert (
        "sales"
        in is_problem(put(server, "slaes", agents_online=1), 404, "unknown_department")["detail"]
    )
    is_problem(server.http.get("/v1/availability/sales", headers=AUTH), 404, "not_reported")
    is_problem(hours(server, department="slaes"), 404, "unknown_department")


def test_hours_say_until_when_and_when_next(server):
    """A Tuesday at ten: open until five; at six: shut until tomorrow at nine."""
    told = hours(server, department="sales").get_json()
    assert told["open"] is True
    assert told["closes_at"] == server.at(7 * 3_600)
    assert told["opens_at"] is None
    assert told["message"] is None
    server.now += 8 * HOUR
    told = hours(server, department="sales", language="en-GB").get_json()
    assert told["open"] is False
    assert told["opens_at"] == server.at(23 * 3_600)
    assert told["message"].startswith("We are back")
    assert told["contact"] == "https://shop.example/contact"


def test_the_week_is_told_in_words(server):
    """Seven days from today on, in the language asked for."""
    week = hours(server, department="sales", language="de").get_json()["week"]
    assert [day["day"] for day in week][:5] == [
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
    ]
    assert week[0]["hours"] == "09:00 – 17:00"
    assert week[0]["ranges"] == [["09:00", "17:00"]]
    assert (week[4]["hours"], week[4]["ranges"]) == ("geschlossen", [])
    english = hours(server, department="sales", language="en").get_json()["week"]
    assert english[0]["hours"].replace("\u202f", " ") == "9:00 AM – 5:00 PM"


def test_ranges_to_midnight_and_beyond_are_told(make):
    """24:00 ends a day, a range over midnight ends tomorrow, a whole day is 24 hours."""
    server = make()
    site = server.rules / "site.yaml"
    site.write_text(
        site.read_text().replace(
            "{ mon-fri: 09:00-17:00 }", '{ tue: 20:00-24:00, wed: 22:00-02:00, thu: "00:00-24:00" }'
        )
    )
    assert server.sites["shop"].reload().ok
    week = hours(server, department="sales", language="de").get_json()["week"]
    assert week[0]["ranges"] == [["20:00", "24:00"]]
    assert week[1]["ranges"] == [["22:00", "02:00"]]
    assert week[1]["hours"] == "22:00 – 02:00"
    assert week[2]["hours"] == "24 Stunden"


def test_a_department_without_a_schedule_is_always_open(server):
    """There is no week to tell then."""
    told = hours(server).get_json()
    assert (told["open"], told["closes_at"], told["week"]) == (True, None, None)


@pytest.mark.parametrize(
    "language", ["", "xx", "zz-ZZ", "../../x", "en_GB", "zh-Hant-TW", "\x00", "-", "é", "en@x=y"]
)
def test_an_unknown_language_is_told_in_english(server, language):
    """Nothing that stands for a language can break the page."""
    told = hours(server, department="sales", language=language)
    assert told.status_code == 200
    assert len(told.get_json()["week"]) == 7


def test_a_report_is_seen_by_the_next_decision(server):
    """A folder that asks for free slots shows while there are some."""
    site = server.rules / "site.yaml"
    veto = "  - { name: nobody-free, state: free_slots, at_most: 0, hide: prompt }\n"
    site.write_text(site.read_text().replace("suppress:\n", "suppress:\n" + veto))
    assert server.sites["shop"].reload().ok
    server.post(*(event(at=server.at(step)) for step in range(3)))
    server.now += 3_000
    assert server.decide(dry_run=True).get_json()["reason"] == "availability_unknown"
    put(server, agents_online=0)
    assert server.decide(dry_run=True).get_json()["reason"] == "suppressed"
    put(server, agents_online=1)
    assert server.decide(dry_run=True).get_json()["decision"] == "show"


def test_the_hours_are_those_of_now(server):
    """They follow the clock from week to week."""
    first = hours(server, department="sales").get_json()["week"][0]["date"]
    server.now += 7 * DAY
    assert hours(server, department="sales").get_json()["week"][0]["date"] > first
