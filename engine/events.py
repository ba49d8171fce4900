"""The standard events and states: one table, read by the loader, the engine and the docs.

The definitions are LANGUAGE.md section 3; each description here is the one the docs print.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Fields that are always text, whatever type a client sends them in.
TEXT_FIELDS = frozenset({"product", "query", "form", "field", "article", "category"})

# Events that belong to the session before them and neither start nor extend one.
PASSIVE_EVENTS = frozenset({"page_hidden", "prompt_shown"})

CHAT_EVENTS = frozenset({"chat_started", "chat_ended", "chat_message", "chat_rated"})

# Names beside these are an event's own fields.
EVENT_KEYS = frozenset({"id", "event", "at", "page", "referrer", "title", "session"})

_CART = ("product", "price", "category", "quantity", "cart_value", "cart_items")


@dataclass(frozen=True, slots=True)
class EventKind:
    """A standard event: its name, the fields it may carry, and what it means."""

    name: str
    fields: tuple[str, ...]
    meaning: str


STANDARD_EVENTS: dict[str, EventKind] = {
    name: EventKind(name, fields, meaning)
    for name, fields, meaning in (
        ("page_view", (), "a page was opened, also by navigation inside a single-page app"),
        ("page_hidden", (), "the tab went out of sight or the page was left"),
        ("page_visible", (), "the tab came back into sight"),
        ("search", ("query", "results"), "a site search; results is how many were found"),
        (
            "product_view",
            ("product", "price", "category", "available"),
            "a product's page was looked at",
        ),
        ("add_to_cart", _CART, "a product was put into the cart"),
        ("remove_from_cart", _CART, "a product was taken out of the cart"),
        ("cart_view", ("cart_value", "cart_items"), "the cart was looked at"),
        ("checkout_started", ("cart_value", "cart_items"), "the visitor began to check out"),
        ("purchase", ("value",), "an order was placed"),
        ("form_started", ("form",), "the first field of a form was entered"),
        ("field_edit", ("form", "field"), "a field's content was changed"),
        ("field_return", ("form", "field"), "the visitor came back to a field already filled in"),
        ("submit_failed", ("form",), "a form was sent and refused"),
        ("form_submitted", ("form",), "a form was sent and accepted"),
        ("form_abandoned", ("form", "field"), "a started form was left"),
        ("verification_started", (), "a security check (code, identity) began"),
        ("verification_passed", (), "the security check was passed"),
        ("rage_click", (), "three clicks on one spot within a second"),
        ("dead_click", (), "a click that nothing answered"),
        ("js_error", (), "a script of the page failed"),
        ("help_view", ("article",), "a help article was opened"),
        ("scroll", ("depth",), "the page was scrolled to a depth of 0 to 100"),
        ("exit_intent", (), "the pointer left towards the top, or a fast scroll up on a phone"),
        ("link_click", ("url",), "a link was followed"),
        ("login", (), "the visitor logged in"),
        ("signup", (), "the visitor opened an account"),
        ("chat_started", (), "a chat began"),
        ("chat_ended", (), "a chat ended"),
        ("chat_message", ("text_signals",), "a chat message; only signals, never its text"),
        ("chat_rated", ("rating",), "the visitor rated a chat"),
        ("prompt_shown", ("rule", "variant", "decision_id"), "a prompt became visible"),
        ("prompt_accepted", ("rule", "variant", "decision_id"), "a prompt was accepted"),
        ("prompt_dismissed", ("rule", "variant", "decision_id"), "a prompt was closed"),
    )
}


class About(StrEnum):
    """What a state describes; decides where it may be used and when it ends."""

    PAGE = "page"
    FORM = "form"
    VISIT = "visit"
    VISITOR = "visitor"
    DESK = "desk"
    CHAT = "chat"


class StateType(StrEnum):
    """How a state's value is compared; CLOCK and DURATION values are milliseconds."""

    CLOCK = "clock"
    DURATION = "duration"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    GROUPS = "page groups"


@dataclass(frozen=True, slots=True)
class StateKind:
    """A standard state. `reported` ones may stand in the page's own `state` report."""

    name: str
    about: About
    type: StateType
    meaning: str
    reported: bool = False


STANDARD_STATES: dict[str, StateKind] = {
    kind.name: kind
    for kind in (
        StateKind(
            "on_page",
            About.PAGE,
            StateType.CLOCK,
            "visible time since the newest page_view",
            reported=True,
        ),
        StateKind(
            "idle",
            About.PAGE,
            StateType.CLOCK,
            "visible time since the last sign of the visitor",
            reported=True,
        ),
        StateKind(
            "scroll_depth",
            About.PAGE,
            StateType.NUMBER,
            "0 to 100, the deepest so far",
            reported=True,
        ),
        StateKind(
            "idle_in_field",
            About.FORM,
            StateType.CLOCK,
            "since the last input in the focused field",
            reported=True,
        ),
        StateKind(
            "field_time",
            About.FORM,
            StateType.CLOCK,
            "since entering the focused field",
            reported=True,
        ),
        StateKind(
            "hesitation",
            About.FORM,
            StateType.CLOCK,
            "from the first focus in the form to the first input",
            reported=True,
        ),
        StateKind(
            "field_returns",
            About.FORM,
            StateType.NUMBER,
            "returns to a field with earlier input",
            reported=True,
        ),
        StateKind(
            "corrections",
            About.FORM,
            StateType.NUMBER,
            "deletions in the form's fields",
            reported=True,
        ),
        StateKind(
            "failed_submits",
            About.FORM,
            StateType.NUMBER,
            "attempts to send the form that were refused",
            reported=True,
        ),
        StateKind(
            "same_field_errors",
            About.FORM,
            StateType.NUMBER,
            "attempts in which one and the same field was invalid",
            reported=True,
        ),
        StateKind(
            "submit_no_progress",
            About.FORM,
            StateType.NUMBER,
            "attempts after which nothing happened",
            reported=True,
        ),
        StateKind(
            "form_stuck",
            About.FORM,
            StateType.BOOLEAN,
            "the visitor cannot get on with the form",
            reported=True,
        ),
        StateKind("form", About.FORM, StateType.TEXT, "the form's name", reported=True),
        StateKind("on_site", About.VISIT, StateType.CLOCK, "since the session's first event"),
        StateKind(
            "cart_value",
            About.VISIT,
            StateType.NUMBER,
            "newest reported value of the cart in this session",
            reported=True,
        ),
        StateKind(
            "cart_items",
            About.VISIT,
            StateType.NUMBER,
            "newest reported number of items in the cart",
            reported=True,
        ),
        StateKind("referrer", About.VISIT, StateType.TEXT, "host that the session came from"),
        StateKind(
            "campaign", About.VISIT, StateType.TEXT, "utm_campaign of the session's first page"
        ),
        StateKind(
            "landing", About.VISIT, StateType.GROUPS, "page groups of the session's first page"
        ),
        StateKind("visits", About.VISITOR, StateType.NUMBER, "sessions held, this one included"),
        StateKind(
            "days_since_last_visit",
            About.VISITOR,
            StateType.NUMBER,
            "days from the previous session's last event to this one's first",
        ),
        StateKind(
            "logged_in", About.VISITOR, StateType.BOOLEAN, "whether the visitor is logged in"
        ),
        StateKind("device", About.VISITOR, StateType.TEXT, "mobile, tablet or desktop"),
        StateKind("browser", About.VISITOR, StateType.TEXT, "the browser's name"),
        StateKind(
            "language", About.VISITOR, StateType.TEXT, "the visitor's language; fr is fr-CA too"
        ),
        StateKind("country", About.VISITOR, StateType.TEXT, "two-letter country code"),
        StateKind(
            "agents_available",
            About.DESK,
            StateType.NUMBER,
            "agents online in the rule's department",
        ),
        StateKind(
            "free_slots", About.DESK, StateType.NUMBER, "chats that the department could still take"
        ),
        StateKind("queue_wait", About.DESK, StateType.DURATION, "how long the queue waits"),
        StateKind("queue_length", About.DESK, StateType.NUMBER, "how many wait"),
        StateKind(
            "chat_active", About.CHAT, StateType.BOOLEAN, "whether a chat with this visitor is open"
        ),
    )
}

CLOCK_STATES = frozenset(k.name for k in STANDARD_STATES.values() if k.type is StateType.CLOCK)
DESK_STATES = frozenset(k.name for k in STANDARD_STATES.values() if k.about is About.DESK)
REPORTED_STATES = frozenset(k.name for k in STANDARD_STATES.values() if k.reported)
# Read as 0 when the desk is unknown, so that silence from the desk never summons a chat.
ZERO_WHEN_UNKNOWN = frozenset({"agents_available", "free_slots"})
