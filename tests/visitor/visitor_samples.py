"""Small visitors for the tests of this room, by hand and by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.model import PageGroup, Site
from engine.visitor.pages import Pages
from engine.visitor.profile import Event, Profile, fold
from engine.visitor.view import View

T0 = 1_790_000_000_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
SITE = Site("shop", "UTC")
TIMEOUT = SITE.session_timeout
PAGES = Pages(
    [
        PageGroup("home", ("/",)),
        PageGroup("product", ("**/p/{product}",)),
        PageGroup("checkout", ("**/basket", "**/checkout/**")),
    ]
)
KEEP = {"keep": 180 * DAY, "keep_events": 500}


def event(kind, at=0, *, id_=None, page=None, session=None, referrer=None, **fields):
    """Return an event `at` ms after T0; its id is its kind and time unless given."""
    return Event(
        id_ or f"{kind}-{at}", kind, T0 + at, fields, page=page, session=session, referrer=referrer
    )


def profile_of(*events, **rest):
    """Return a profile that holds the events."""
    return fold(Profile(**rest), events, **KEEP)[0]


def view_of(*events, at=0, site=SITE, pages=PAGES, held=None, **rest):
    """Return a view `at` ms after T0 of a visitor who did these events."""
    profile = profile_of(*events) if held is None else held
    return View(profile, site, pages, T0 + at, **rest)


# Few values, so that ties, repeats, edges and groups come up all the time.
kinds = st.sampled_from(["search", "product_view", "page_view", "page_hidden", "prompt_shown"])
times = st.one_of(
    st.sampled_from([0, 1, 2, 3, TIMEOUT - 1, TIMEOUT, TIMEOUT + 1, 2 * TIMEOUT, HOUR, DAY]),
    st.integers(0, 3 * HOUR),
)
pages = st.sampled_from([None, "/", "https://shop.example/p/7", "/p/8?c=1#top", "/basket"])
fields = st.fixed_dictionaries(
    {},
    optional={
        "query": st.sampled_from(["boots", " BOOTS ", "shoes", "5", ""]),
        "results": st.sampled_from([0, 5, 5.0, True, "5", None, [1, 5], []]),
        "product": st.sampled_from(["7", "8", 7]),
    },
)


@st.composite
def events(draw, max_size=8, sessions=(None, None, None, "a", "b")):
    """Return a list of events with ids of their own, in no order."""
    size = draw(st.integers(0, max_size))
    return [
        Event(
            f"e{number}",
            draw(kinds),
            T0 + draw(times),
            draw(fields),
            page=draw(pages),
            session=draw(st.sampled_from(sessions)),
        )
        for number in draw(st.permutations(range(size)))
    ]
