"""Globs, opening hours and comparisons: the engine's quick readings against plain ones."""

from __future__ import annotations

from typing import Any

import slow_facts
import slow_hours
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle_folders import EXAMPLES

from engine.gates import schedule as hours
from engine.globs import compile_glob
from engine.language.loader import load
from engine.model import Compare, Schedule
from engine.visitor.text import matches, prepared

MINUTE, DAY = 60_000, 86_400_000


# --- globs ----------------------------------------------------------------------------------

PIECES = ["a", "b", "ab", "*", "a*", "*b", "**", "{x}", "{y}", "a-{x}", "a*b*", ".", "A"]
SEGMENTS = ["a", "b", "ab", "a-b", "aab", "B", "aXb", ".", "a.b"]
HOSTS = ["", "", "", "shop.example", "a"]
QUERIES = ["", "", "?k=v", "?k=V&a=b", "?a=b", "?k=w"]


@st.composite
def globs(draw: Any) -> str:
    """Draw a glob that the loader takes."""
    path = "/".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4)))
    host = draw(st.sampled_from(HOSTS))
    lead = draw(st.sampled_from(["/", "**/"])) if not host else "/"
    tail = draw(st.sampled_from(["", "/", "/**"]))
    found = host + lead + path + tail
    assume("**/**" not in found)  # which of the two takes what is nobody's question
    return found + draw(st.sampled_from(["", "", "?k=v"]))


@st.composite
def pages(draw: Any) -> str:
    """Draw a path or an address."""
    path = "".join("/" + part for part in draw(st.lists(st.sampled_from(SEGMENTS), max_size=4)))
    host = draw(st.sampled_from(HOSTS))
    tail = draw(st.sampled_from(["", "/", "#f"]))
    page = path + tail if tail != "#f" else path
    page = (page or "/") + draw(st.sampled_from(QUERIES)) + ("#f" if tail == "#f" else "")
    return f"https://{host}{page}" if host else page


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(globs(), st.lists(pages(), min_size=1, max_size=8))
def test_globs_match_as_the_text_says(glob, urls):
    """A glob matches the pages that it should; what it captures makes it match, put in place."""
    try:
        compiled = compile_glob(glob)
    except ValueError:  # such as one field twice
        return
    for url in urls:
        found = compiled.match(url)
        assert (found is None) is (slow_hours.glob_match(glob, url) is None), (glob, url)
        filled = glob
        for name, value in (found or {}).items():
            filled = filled.replace(f"{{{name}}}", value)
        assert found is None or "{" not in filled
        assert found is None or slow_hours.glob_match(filled, url) is not None, (found, url)


# --- hours ----------------------------------------------------------------------------------

ZONES = [
    "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
    "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Atlantic/Azores", "UTC",
]  # fmt: skip
MINUTES = st.integers(0, 47).map(lambda n: n * 30) | st.sampled_from([1, 59, 61, 90, 119, 121])


@st.composite
def ranges(draw: Any) -> tuple[tuple[int, int], ...]:
    """Draw the ranges of one day, as the loader hands them on."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        start, end = draw(MINUTES), draw(MINUTES | st.just(1_440))
        if start != end:
            found.append((start, end if end > start else end + 1_440))
    return tuple(sorted(found))


schedules = st.builds(
    Schedule,
    name=st.just("desk"),
    zone=st.sampled_from(ZONES),
    week=st.tuples(*[ranges()] * 7),
    closed=st.frozensets(st.sampled_from(["2026-03-29", "2026-10-25", "2026-12-25"]), max_size=2),
    open_on=st.dictionaries(st.sampled_from(["2026-03-28", "2026-11-01"]), ranges(), max_size=2),
    holidays=st.sampled_from([None, None, ("GB", "ENG"), ("US", None)]),
    wind_down=st.sampled_from([0, 0, 1_000, 15 * MINUTE, 90 * MINUTE]),
)
# Around the nights on which clocks change in those zones, and some ordinary ones.
NIGHTS = [
    1_774_749_600_000, 1_792_893_600_000, 1_793_512_800_000, 1_772_953_200_000, 1_775_314_800_000,
    1_791_037_800_000, 1_798_156_800_000, 1_768_000_000_000, 1_325_203_200_000, 1_550_368_800_000,
]  # fmt: skip
instants = st.builds(
    lambda night, minutes, nudge: night + minutes * 30 * MINUTE + nudge,
    st.sampled_from(NIGHTS) | st.integers(20_400, 20_900).map(lambda day: day * DAY),
    st.integers(-60, 60),
    st.sampled_from([-1, 0, 1, 15 * MINUTE, -90 * MINUTE, 29 * MINUTE, 59_999]),
)


@settings(max_examples=EXAMPLES // 10, deadline=None)
@given(schedules, st.lists(instants, min_size=5, max_size=20))
def test_hours_are_those_of_the_wall(desk, when):
    """Open and inviting at an instant is what the clock on the wall and the hours say."""
    for t in when:
        assert hours.is_open(desk, t) is slow_hours.is_open(desk, t), (t, desk)
        assert hours.is_inviting(desk, t) is slow_hours.is_inviting(desk, t), (t, desk)


DAYS = ["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-11-01"]


@settings(max_examples=EXAMPLES // 25, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.lists(st.sampled_from(DAYS), min_size=2, max_size=2).map(sorted),
    st.lists(instants, min_size=5, max_size=20),
)
def test_active_dates_are_whole_days_of_the_site(zone, days, when):
    """A rule is active on every day from the first to the last, on the wall of the site."""
    first, last = days
    active = f"from: {first}, until: {last}"
    loaded = load(
        {
            "site.yaml": f"site: {{ name: shop, time_zone: {zone} }}\n",
            "a.yaml": f"rules: [{{ rule: a, active: {{ {active} }}, show: x }}]",
        }
    )
    assert loaded.folder is not None, loaded.problems
    read = loaded.folder.rules[0].active
    for t in when:
        today = slow_hours.wall(t, zone).date().isoformat()
        assert (read.since <= t < read.until) is (first <= today <= last), (t, read)


# --- comparisons ----------------------------------------------------------------------------

TEXTS = [
    "a", "A ", "a b", "b, a!", "ab", "a-b", "STRASSE", "straße", "5", "5.0", "true", "", " ",
    "fr", "fr-CA", "FR", "fro", "ǅ", "ß", "É", "é", "i̇", "\u00a0a", "a_b", "b\nc",
]  # fmt: skip
scalars = st.sampled_from([*TEXTS, 5, 5.0, 0, -0.0, 1, True, False, 4.999, 10**20])
held = st.none() | scalars | st.lists(scalars, max_size=3).map(tuple)
values = st.lists(scalars, min_size=1, max_size=3).map(tuple)
bounds = st.none() | st.sampled_from([0, 5, 5.0, 1])
compares = st.builds(
    Compare,
    is_=st.none() | values,
    not_=st.none() | values,
    at_least=bounds,
    at_most=bounds,
    contains=st.none()
    | st.lists(st.sampled_from(["a", "b a", "A B", "straße", "É"]), min_size=1, max_size=2).map(
        tuple
    ),
)


@settings(max_examples=EXAMPLES // 3, deadline=None)
@given(compares, held, st.booleans())
def test_values_compare_as_the_text_says(compare, value, language):
    """`is`, `not`, bounds and `contains` hold of the values that they should."""
    wanted = slow_facts.fits(compare, value, language=language)
    assert matches(compare, value, prefix_subtag=language) is wanted
    if not language:
        assert prepared(compare)(value) is wanted
