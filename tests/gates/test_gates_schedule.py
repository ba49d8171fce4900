"""Schedules against a slow, independent reading of the clock on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import clock, spans
from engine.clock import DAY, HOUR, MINUTE
from engine.gates import schedule as gate
from engine.model import Schedule

STEP = 5 * MINUTE
NO_HOURS = ((),) * 7
ALL_DAY = (((0, 1440),),) * 7


def at(text: str) -> int:
    """Read a UTC time such as `2026-03-29 01:00`."""
    return clock.from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def local(text: str, zone: str, fold: int = 0) -> int:
    """Read a local time of a zone."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return clock.from_datetime(moment)


def daily(*ranges: str) -> tuple:
    """Read the same hours for all seven days."""
    return (tuple(map(hours, ranges)),) * 7


def hours(text: str) -> tuple[int, int]:
    """Read `22:00-02:00` as minutes of the day it starts on."""
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return (start, end if end > start else end + 1440)


def make(zone="Europe/London", week=NO_HOURS, **other) -> Schedule:
    return Schedule(name="desk", zone=zone, week=week, **other)


def wall_clock_says_open(hours_of, zone: ZoneInfo, instant: int) -> bool:
    """Ask what a clock on the wall reads, and whether any day's hours cover that reading."""
    reads = datetime.fromtimestamp(instant / 1000, zone).replace(tzinfo=None)
    for back in range(3):
        day = reads.date() - timedelta(days=back)
        minute = (reads - datetime.combine(day, datetime.min.time())) / timedelta(minutes=1)
        if any(start <= minute < end for start, end in hours_of(day)):
            return True
    return False


def written_hours(schedule: Schedule, holidays: frozenset[date] = frozenset()):
    """Give a day's hours as the language says: a date beats holidays and weekdays."""

    def hours_of(day: date):
        if day.isoformat() in schedule.open_on:
            return schedule.open_on[day.isoformat()]
        if day.isoformat() in schedule.closed or day in holidays:
            return ()
        return schedule.week[day.weekday()]

    return hours_of


def assert_agrees(schedule: Schedule, lo: int, hi: int, holidays=frozenset()) -> None:
    """Compare every question with the model, every five minutes of [lo, hi)."""
    zone, hours_of = ZoneInfo(schedule.zone), written_hours(schedule, holidays)
    ahead = schedule.wind_down // STEP
    count = (hi - lo) // STEP
    open_ = [wall_clock_says_open(hours_of, zone, lo + i * STEP) for i in range(count + ahead + 1)]
    inviting = [all(open_[i : i + ahead + 1]) for i in range(count)]
    grid = range(lo, hi, STEP)
    open_spans = gate.open_spans(schedule, lo, hi)
    inviting_spans = gate.inviting_spans(schedule, lo, hi)
    assert open_spans == spans.normal(open_spans)
    assert [spans.contains(open_spans, t) for t in grid] == open_[:count]
    assert [spans.contains(inviting_spans, t) for t in grid] == inviting
    assert [gate.is_open(schedule, t) for t in grid] == open_[:count]
    assert [gate.is_inviting(schedule, t) for t in grid] == inviting
    for i in range(0, count, 7):
        closing = next((j for j in range(i, count) if not open_[j]), None)
        opening = next((j for j in range(i, count) if open_[j]), None)
        if open_[i]:
            assert gate.opens_at(schedule, grid[i]) is None
            if closing is not None:
                assert gate.closes_at(schedule, grid[i]) == grid[closing]
        else:
            assert gate.closes_at(schedule, grid[i]) is None
            if opening is not None:
                assert gate.opens_at(schedule, grid[i]) == grid[opening]


WEEKS = {
    "day": daily("09:00-17:00"),
    "midday break": daily("08:00-12:00", "13:00-18:00"),
    "touching": daily("00:00-08:00", "08:00-12:00", "20:00-24:00"),
    "over midnight": daily("22:00-02:30"),
    "inside the lost hour": daily("01:45-02:15", "02:30-02:45"),
    "over the lost hour": daily("01:30-03:30"),
    "always": ALL_DAY,
    "one long night a week": (((1320, 2700),), *(() for _ in range(6))),
}


@pytest.mark.parametrize("week", WEEKS.values(), ids=WEEKS)
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-05"),  # shifts by half an hour
        ("Australia/Lord_Howe", "2026-10-04"),
        ("Asia/Pyongyang", "2018-05-05"),  # moved to another offset for good
        ("Pacific/Apia", "2011-12-30"),  # a whole day that never was
        ("America/Havana", "2026-11-01"),  # the hour before midnight comes twice
        ("Asia/Kathmandu", "2026-06-01"),  # no change at all, an odd offset
    ],
)
@pytest.mark.parametrize("wind_down", [0, 20 * MINUTE])
def test_follows_the_wall_clock_across_changes_of_the_clock(zone, day, week, wind_down):
    """Every five minutes of five days, the spans say what a clock on the wall would."""
    schedule = make(zone, week, wind_down=wind_down)
    middle = at(f"{day} 00:00")
    assert_agrees(schedule, middle - 2 * DAY, middle + 3 * DAY)


def test_a_skipped_instant_never_occurs_and_a_repeated_one_is_open_both_times():
    """Half past two in Berlin is no time in March and two times in October."""
    schedule = make("Europe/Berlin", daily("02:15-02:45"))
    march = at("2026-03-29 00:00")
    assert gate.open_spans(schedule, march, march + 12 * HOUR) == ()
    october = at("2026-10-25 00:00")
    assert gate.open_spans(schedule, october, october + 12 * HOUR) == (
        (at("2026-10-25 00:15"), at("2026-10-25 00:45")),
        (at("2026-10-25 01:15"), at("2026-10-25 01:45")),
    )


def test_a_closed_day_drops_what_starts_on_it_and_lets_last_night_run_on():
    """Closing the 24th keeps the night of the 23rd and loses the night of the 24th."""
    schedule = make(week=daily("22:00-02:00"), closed=frozenset({"2026-12-24"}))
    assert gate.open_spans(schedule, at("2026-12-23 12:00"), at("2026-12-26 12:00")) == (
        (at("2026-12-23 22:00"), at("2026-12-24 02:00")),
        (at("2026-12-25 22:00"), at("2026-12-26 02:00")),
    )


def test_a_date_beats_holidays_and_weekdays():
    """England keeps Christmas, but not where `open_on` says otherwise."""
    schedule = make(
        week=daily("09:00-17:00"),
        holidays=("GB", "ENG"),
        open_on={"2026-12-25": ((600, 660),), "2026-12-20": ()},
    )
    assert gate.open_spans(schedule, at("2026-12-25 00:00"), at("2026-12-26 00:00")) == (
        (at("2026-12-25 10:00"), at("2026-12-25 11:00")),
    )
    assert gate.open_spans(schedule, at("2026-12-20 00:00"), at("2026-12-21 00:00")) == ()


def test_holidays_are_closed_and_the_days_kept_in_lieu_too():
    """Boxing Day 2026 is a Saturday, so Monday the 28th is kept in its place."""
    kept = frozenset(map(date.fromisoformat, ("2026-12-25", "2026-12-26", "2026-12-28")))
    schedule = make(week=daily("09:00-17:00", "22:00-02:00"), holidays=("GB", "ENG"))
    assert_agrees(schedule, at("2026-12-24 00:00"), at("2026-12-31 00:00"), kept)


def test_a_holiday_kept_in_the_year_before_is_known_there():
    """New Year's Day 2028 is a Saturday: the United States keep it on 31 December 2027."""
    schedule = make("America/New_York", daily("09:00-17:00"), holidays=("US", None))
    assert not gate.is_open(schedule, local("2027-12-31 10:00", "America/New_York"))
    assert gate.is_open(schedule, local("2027-12-30 10:00", "America/New_York"))


def test_holidays_of_a_subdivision_differ_from_those_of_the_country():
    """Epiphany closes a desk in Bavaria and not one in Berlin."""
    noon = at("2026-01-06 11:00")
    week = daily("09:00-17:00")
    assert not gate.is_open(make("Europe/Berlin", week, holidays=("DE", "BY")), noon)
    assert gate.is_open(make("Europe/Berlin", week, holidays=("DE", "BE")), noon)


def test_ranges_that_touch_are_one_so_that_no_closing_lies_between_them():
    """A day ending at 24:00 and the next one starting at 00:00 make one stretch."""
    week = (((540, 1440),), ((0, 600),), *(() for _ in range(5)))
    schedule = make(week=week, wind_down=15 * MINUTE)
    monday = at("2026-01-05 00:00")
    assert gate.open_spans(schedule, monday, monday + 3 * DAY) == (
        (monday + 9 * HOUR, monday + 34 * HOUR),
    )
    assert gate.inviting_spans(schedule, monday, monday + 3 * DAY) == (
        (monday + 9 * HOUR, monday + 34 * HOUR - 15 * MINUTE),
    )
    assert gate.closes_at(schedule, monday + 10 * HOUR) == monday + 34 * HOUR


def test_wind_down_is_elapsed_time_before_every_closing_to_the_millisecond():
    """Inviting stops a quarter of an hour before lunch and before the evening."""
    schedule = make(week=daily("08:00-12:00", "13:00-18:00"), wind_down=15 * MINUTE)
    for closing in ("2026-01-05 12:00", "2026-01-05 18:00"):
        last = at(closing) - 15 * MINUTE
        assert gate.is_inviting(schedule, last - 1)
        assert not gate.is_inviting(schedule, last)
        assert gate.is_open(schedule, at(closing) - 1)
        assert not gate.is_open(schedule, at(closing))


def test_wind_down_counts_elapsed_time_where_the_clock_repeats_an_hour():
    """Two hours before 03:30 on the October night of Berlin is the second 02:30 less an hour."""
    schedule = make("Europe/Berlin", daily("00:00-03:30"), wind_down=2 * HOUR)
    closing = local("2026-10-25 03:30", "Europe/Berlin")
    assert gate.closes_at(schedule, closing - 1) == closing
    assert gate.is_inviting(schedule, closing - 2 * HOUR - 1)
    assert not gate.is_inviting(schedule, closing - 2 * HOUR)


def test_hours_shorter_than_the_wind_down_are_open_and_never_inviting():
    """A desk open for ten minutes that winds down for fifteen invites nobody."""
    schedule = make(week=daily("10:00-10:10"), wind_down=15 * MINUTE)
    monday = at("2026-01-05 00:00")
    assert gate.inviting_spans(schedule, monday, monday + 7 * DAY) == ()
    assert len(gate.open_spans(schedule, monday, monday + 7 * DAY)) == 7


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Havana"])
def test_an_always_open_schedule_never_closes_and_never_winds_down(zone):
    """A year of full days is one stretch of time, whatever the clocks do."""
    schedule = make(zone, ALL_DAY, wind_down=HOUR)
    start = at("2026-01-01 12:00")
    assert gate.inviting_spans(schedule, start, start + 365 * DAY) == ((start, start + 365 * DAY),)
    assert gate.closes_at(schedule, start) is None
    assert gate.opens_at(schedule, start) is None


def test_a_schedule_without_hours_never_opens():
    """Nothing written is nothing open, and no opening is promised."""
    assert gate.opens_at(make(), at("2026-01-01 00:00")) is None
    assert not gate.is_open(make(), at("2026-01-01 00:00"))


def test_the_next_opening_is_found_within_400_days_and_not_beyond():
    """One open date a year ahead is announced; one two years ahead is not."""
    now = at("2026-01-01 00:00")
    soon = make("UTC", open_on={"2027-02-04": ((540, 600),)})
    assert gate.opens_at(soon, now) == at("2027-02-04 09:00")
    late = make("UTC", open_on={"2027-12-31": ((540, 600),)})
    assert gate.opens_at(late, now) is None


def test_the_week_for_people_has_full_hours_from_today_on_with_touching_ranges_joined():
    """Seven local dates, wind-down left out, the closed one empty."""
    schedule = make(
        "Asia/Tokyo",
        daily("08:00-12:00", "12:00-18:00", "22:00-02:00"),
        closed=frozenset({"2026-01-07"}),
        wind_down=HOUR,
    )
    week = gate.week(schedule, at("2026-01-05 23:00"))  # already the 6th in Tokyo
    assert [day for day, _ in week] == [f"2026-01-{n:02}" for n in range(6, 13)]
    assert week[0][1] == ((480, 1080), (1320, 1560))
    assert week[1][1] == ()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (make("Europe/Lundon"), "Europe/Lundon"),
        (make("../etc"), "../etc"),
        (make("Europe"), "Europe"),
        (make(""), "time zone"),
        (make(holidays=("XX", None)), "XX"),
        (make(holidays=("GB", "BY")), "GB, BY"),
    ],
    ids=["misspelt zone", "path", "continent", "empty", "no country", "no such part"],
)
def test_what_cannot_be_prepared_is_named_in_a_sentence(wrong, named):
    """An unknown zone, country or subdivision is refused when the rules load."""
    with pytest.raises(ValueError, match=r"time zone|holidays") as refused:
        gate.prepare(wrong)
    assert named in str(refused.value)


def test_prepared_holidays_are_not_built_again_when_asked(monkeypatch):
    """After `prepare`, a question builds no holidays: that would take half a second."""
    import holidays

    schedule = make(week=daily("09:00-17:00"), holidays=("PT", None))
    now = at("2026-06-01 12:00")
    gate.prepare(schedule, now)

    def never(*_args, **_kwargs):
        raise AssertionError("holidays were built inside a request")

    monkeypatch.setattr(holidays, "country_holidays", never)
    assert gate.is_open(schedule, now)
    assert not gate.is_open(schedule, at("2027-12-25 12:00"))


def test_the_ends_of_the_calendar_are_shut_and_do_not_fail():
    """An absurd instant is an answer, not an exception."""
    schedule = make("Pacific/Auckland", daily("09:00-17:00"), holidays=("NZ", None))
    for absurd in (at("0001-01-01 00:00"), at("9999-12-31 23:59"), 10**18, -(10**18)):
        assert not gate.is_open(schedule, absurd) or abs(absurd) < 10**17
        gate.closes_at(schedule, absurd)
        gate.opens_at(schedule, absurd)
        gate.week(schedule, absurd)


def test_more_weeks_than_are_kept_still_answer_alike():
    """Twenty years of Mondays at nine are open, in any order of asking."""
    schedule = make("UTC", (((540, 600),), *(() for _ in range(6))))
    mondays = [at("2010-01-04 09:00") + n * 7 * DAY for n in range(1_000)]
    assert all(gate.is_open(schedule, t) for t in mondays + mondays[::-1])
    assert not any(gate.is_open(schedule, t - 1) for t in mondays)


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize("written", ["20:00-00:10", "23:50-23:40", "00:00-00:10"])
def test_every_night_of_a_year_is_alike(zone, written):
    """However time is laid out inside, no night's hours or wind-down are cut short by it."""
    schedule = make(zone, daily(written), wind_down=20 * MINUTE)
    start, end = hours(written)
    for night in range(400):
        midnight = local("2026-01-01 00:00", zone) + night * DAY
        opens, closes = midnight + start * MINUTE, midnight + end * MINUTE
        assert gate.is_open(schedule, opens)
        assert not gate.is_open(schedule, opens - 1)
        assert gate.closes_at(schedule, opens) == closes
        assert gate.opens_at(schedule, opens - 1) == opens
        inviting = ((opens, closes - 20 * MINUTE),) if end - start > 20 else ()
        assert gate.inviting_spans(schedule, opens, closes + 1) == inviting
        assert gate.is_inviting(schedule, opens) is bool(inviting)
        assert not gate.is_inviting(schedule, closes - 20 * MINUTE)


RANGES = st.lists(
    st.tuples(st.integers(0, 287), st.integers(1, 287)).map(
        lambda pair: (pair[0] * 5, pair[0] * 5 + pair[1] * 5)
    ),
    max_size=2,
).map(tuple)


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    week=st.tuples(*[RANGES] * 7),
    start=st.integers(at("2026-03-01 00:00") // HOUR, at("2026-11-10 00:00") // HOUR),
    wind_down=st.integers(0, 40),
)
@settings(max_examples=40, deadline=None)
def test_any_week_agrees_with_the_wall_clock(zone, week, start, wind_down):
    """Whatever is written, and whenever it is asked, spans and wall clock agree."""
    schedule = make(zone, week, wind_down=wind_down * STEP)
    assert_agrees(schedule, start * HOUR, start * HOUR + 2 * DAY)


@given(
    week=st.tuples(*[RANGES] * 7),
    lo=st.integers(0, 100 * 288),
    length=st.integers(0, 30 * 288),
)
@settings(max_examples=60, deadline=None)
def test_spans_of_a_part_are_that_part_of_the_spans_of_the_whole(week, lo, length):
    """Asking for a piece of time gives the same as asking for more and cutting."""
    schedule = make("Europe/Berlin", week, wind_down=2 * HOUR)
    base = at("2026-02-01 00:00")
    start, end = base + lo * STEP, base + (lo + length) * STEP
    for question in (gate.open_spans, gate.inviting_spans):
        whole = question(schedule, base - DAY, base + 200 * DAY)
        assert question(schedule, start, end) == spans.clip(whole, start, end)
