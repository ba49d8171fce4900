"""The derived states of LANGUAGE.md's table; clocks and durations in ms, None where missing.

Page and form states come from the page's report, and from its instant on those that run do so
by visible time. Visit states end with the session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlsplit

from engine.clock import DAY, HOUR, SECOND
from engine.events import CHAT_EVENTS, STANDARD_STATES, About, StateType
from engine.model import Value
from engine.visitor.text import as_value

if TYPE_CHECKING:
    from engine.visitor.profile import Event
    from engine.visitor.view import View

CHAT_LASTS = 4 * HOUR
_MOST_SECONDS = 10 * 366 * DAY // SECOND  # a report that says more is held to this

# Reported clocks that run on after the report; hesitation is over once it is measured.
_RUNNING = frozenset({"on_page", "idle", "idle_in_field", "field_time"})
_CART_EVENTS = ("add_to_cart", "remove_from_cart", "cart_view", "checkout_started")
_FORM_STATES = frozenset(n for n, kind in STANDARD_STATES.items() if kind.about is About.FORM)


def given(raw: Any, type_: StateType) -> Value:
    """Return a state that the call itself states; its clocks are in seconds."""
    return _milliseconds(raw) if type_ is StateType.CLOCK else as_value(raw)


def _number(raw: Any) -> float | None:
    usable = isinstance(raw, int | float) and not isinstance(raw, bool) and raw == raw  # noqa: PLR0124 # NaN is not
    return raw if usable else None


def _milliseconds(raw: Any) -> int | None:
    seconds = _number(raw)
    return None if seconds is None else round(min(max(seconds, 0), _MOST_SECONDS) * SECOND)


# --- page and form --------------------------------------------------------------------------


def marks(view: View) -> list[tuple[int, bool]]:
    """Return when the page came into sight (True) and went out of it (False), in order.

    What was before the newest page_view is left out: that one shows the page in any case.
    """
    kinds, events = view.kinds, view.events
    opened = kinds.get("page_view", (-1,))[-1]
    found = [(position, False) for position in kinds.get("page_hidden", ()) if position > opened]
    found += [(position, True) for position in kinds.get("page_visible", ()) if position > opened]
    return [(events[position].at, visible) for position, visible in sorted(found)]


def _is_visible(view: View) -> bool:
    return not view.marks or view.marks[-1][1]


def _visible_since(view: View, start: int) -> int:
    """Return the visible time (ms) to now, from an instant no earlier than the page_view."""
    total, last, visible = 0, start, True
    for at, shown in view.marks:
        if at > start:
            if visible:
                total += at - last
            last = at
        visible = shown
    return total + (view.now - last if visible else 0)


def _reported(view: View, name: str) -> Any:
    report = view.report
    return None if report is None else report.values.get(name)


def _clock(view: View, name: str) -> int | None:
    reported = _milliseconds(_reported(view, name))
    if reported is None or view.report is None or name not in _RUNNING:
        return reported
    return reported + _visible_since(view, view.report.at)


def _on_page(view: View) -> int | None:
    reported = _clock(view, "on_page")
    if reported is not None:
        return reported
    opened = view.newest("page_view")
    return None if opened is None else _visible_since(view, opened.at)


def _count(view: View, name: str) -> float | None:
    return _number(_reported(view, name))


def _form(view: View) -> str | None:
    name = _reported(view, "form")
    return name if isinstance(name, str) else None


def _form_stuck(view: View) -> bool | None:
    if view.report is None or _FORM_STATES.isdisjoint(view.report.values):
        return None
    return (
        _reported(view, "form_stuck") is True
        or _stuck_for_good(view)
        or any(left <= 0 for left in _until_stuck(view))
    )


def _stuck_for_good(view: View) -> bool:
    counters = ("failed_submits", "same_field_errors", "submit_no_progress")
    return any((_count(view, name) or 0) >= 2 for name in counters)


def _until_stuck(view: View) -> list[int]:
    """Return how much longer (ms) each idleness must last that shows a visitor to be stuck."""
    returns = _count(view, "field_returns") or 0
    idle, inside = _clock(view, "idle_in_field"), _clock(view, "field_time")
    left = []
    if idle is not None and (returns >= 2 or (_count(view, "corrections") or 0) >= 10):
        left.append(30 * SECOND - idle)
    if inside is not None and returns >= 1:
        left.append(60 * SECOND - inside)
    return left


def stuck_from(view: View) -> int | None:
    """Return from when `form_stuck` is true if nothing else happens: now, later or never."""
    if view.state("form_stuck") is True:
        return view.now
    left = _until_stuck(view)
    return view.now + min(left) if left and _is_visible(view) else None


def runs(view: View, name: str) -> bool:
    """Tell whether a clock that has a value grows with the time."""
    if name == "on_site":
        return name not in view.given
    return name in _RUNNING and _is_visible(view)


# --- visit ----------------------------------------------------------------------------------


def _on_site(view: View) -> int | None:
    return None if view.session is None else view.now - view.session.first_at


def _cart(view: View, name: str) -> float | None:
    """Return the newest report in this session, by a cart event or the page; none after a sale."""
    session = view.session
    if session is None:
        return None
    of, events = view.sessions.of, view.events
    value, position = None, -1
    for kind in _CART_EVENTS:
        for candidate in reversed(view.kinds.get(kind, ())):
            if candidate <= position:
                break
            said = _number(events[candidate].fields.get(name))
            if of[candidate] == session.index and said is not None:
                value, position = said, candidate
                break
    at = events[position].at if value is not None else session.first_at
    for sale in reversed(view.kinds.get("purchase", ())):
        if of[sale] == session.index:
            at = max(at, events[sale].at)
            value = None if sale > position else value
            break
    reported = view.profile.cart.get(name)
    if reported is not None and at <= reported[0] <= view.now:
        return _number(reported[1])
    return value


def _landing_event(view: View) -> Event | None:
    """Return the event with the session's first page."""
    events = view.events
    paged = (events[position] for position in view.session_positions if events[position].page)
    return next(paged, None)


def _landing(view: View) -> tuple[str, ...] | None:
    event = _landing_event(view)
    return None if event is None else tuple(sorted(view.pages.look(event.page).groups))


def _referrer(view: View) -> str | None:
    """Return the host that the session's first page was reached from."""
    landing = _landing_event(view)
    if landing is None:
        return None
    for position in view.session_positions:
        event = view.events[position]
        if event.page is not None and event.page != landing.page:
            break
        if event.referrer:
            return _host(event.referrer)
    return None


def _host(url: str) -> str | None:
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname
    except ValueError:  # such as a bracket that is never closed
        return None
    return host or None


def _campaign(view: View) -> str | None:
    event = _landing_event(view)
    if event is None or event.page is None:
        return None
    query = event.page.partition("#")[0].partition("?")[2]
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        if key.casefold() == "utm_campaign":
            return unquote_plus(value).strip() or None
    return None


# --- visitor and chat -----------------------------------------------------------------------


def _visits(view: View) -> int:
    return len(view.sessions.all)


def _days_since_last_visit(view: View) -> float | None:
    session = view.session
    before = view.sessions.before(session)
    if before is None:
        return None
    until = view.now if session is None else session.first_at
    return max(until - before.end_at, 0) / DAY


def _chat_active(view: View) -> bool:
    kinds = view.kinds
    started = kinds.get("chat_started")
    if started is None:
        return False
    ended = kinds.get("chat_ended")
    if ended is not None and ended[-1] > started[-1]:
        return False
    newest = max(kinds[kind][-1] for kind in CHAT_EVENTS if kind in kinds)
    return view.now - view.events[newest].at < CHAT_LASTS


def _named(derive: Callable[[View, str], Value], name: str) -> Callable[[View], Value]:
    return lambda view: derive(view, name)


DERIVED: Mapping[str, Callable[[View], Value]] = {
    "on_page": _on_page,
    "idle": _named(_clock, "idle"),
    "scroll_depth": _named(_count, "scroll_depth"),
    "idle_in_field": _named(_clock, "idle_in_field"),
    "field_time": _named(_clock, "field_time"),
    "hesitation": _named(_clock, "hesitation"),
    "field_returns": _named(_count, "field_returns"),
    "corrections": _named(_count, "corrections"),
    "failed_submits": _named(_count, "failed_submits"),
    "same_field_errors": _named(_count, "same_field_errors"),
    "submit_no_progress": _named(_count, "submit_no_progress"),
    "form_stuck": _form_stuck,
    "form": _form,
    "on_site": _on_site,
    "cart_value": _named(_cart, "cart_value"),
    "cart_items": _named(_cart, "cart_items"),
    "referrer": _referrer,
    "campaign": _campaign,
    "landing": _landing,
    "visits": _visits,
    "days_since_last_visit": _days_since_last_visit,
    "chat_active": _chat_active,
}
