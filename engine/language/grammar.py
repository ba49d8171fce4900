"""The one table of keys: what may stand where, of which type, and what it means.

The readers, did-you-mean, the JSON Schemas and the reference page all follow it. A `Form` is a
mapping with known keys; a `Key` names the type of its value and shows it in one YAML example.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.model import Reason


class Type(StrEnum):
    """The types of value; `schema.py` says each of them in JSON Schema."""

    FORM = "form"  # a mapping of its own form
    LIST_OF_FORM = "list of form"
    MAP_OF_FORM = "named forms"
    TEXT = "text"
    TEXT_OR_NULL = "text, or null"
    TEXTS = "text, by language or not"
    ID = "id"
    NAME = "name"
    EVENT = "event"
    STATE = "state"
    NAMES = "name or names"
    GROUPS = "page groups"
    AUDIENCES = "audiences"
    CONDITION = "condition"
    CONDITIONS = "conditions"
    STEPS = "steps"
    SHOW = "show"
    VALUES = "value or values"
    NEGATED = "condition, value or values"
    COMPARES = "fields and what they must be"
    AUDIENCE = "named facts and what they must be"
    GIVEN = "facts"
    CHOICE = "choice"
    CHOICES = "choice or choices"
    WHOLE = "whole number"
    NUMBER = "number"
    AMOUNT = "number or duration"
    DURATION = "duration"
    OFFSET = "durations joined"
    WAIT = "durations joined, or null"
    WINDOW = "window"
    PERCENTAGE = "percentage"
    CAPS = "cap or caps"
    DATE_TIME = "date, with a time or without"
    DATES = "date or dates"
    HOURS_BY_DAY = "hours by weekday"
    HOURS_BY_DATE = "hours by date"
    ZONE = "time zone"
    GLOBS = "named globs"
    FIELD_LISTS = "named lists of fields"
    LINK = "link"
    OPENS = "what a prompt opens"
    BUCKETS = "buckets"
    MEASURES = "what the page measured"
    DESK = "what the desk reports"
    STRINGS = "texts by name"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a form."""

    name: str
    type: Type
    description: str
    example: str
    required: bool = False
    form: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A mapping with known keys. `title` names it in messages; `open` lets other keys stand."""

    name: str
    title: str
    keys: tuple[Key, ...]
    open: bool = False

    def key(self, name: str) -> Key:
        """Return the key of that name, which must exist."""
        return next(key for key in self.keys if key.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys, in order."""
        return tuple(key.name for key in self.keys)


def _need(name: str, kind: Type, description: str, example: str, **more: object) -> Key:
    return Key(name, kind, description, example, required=True, **more)  # type: ignore[arg-type]


_k = Key
T = Type

# --- conditions -----------------------------------------------------------------------------

_EVENT = _need("event", T.EVENT, "what must have happened", "search")
_WITHIN = _k("within", T.WINDOW, "how far back to look: a duration, session or page", "30 days")
_WITH = _k(
    "with", T.COMPARES, "what the event's own fields must be", "{ results: 0, query: boots }"
)
_EVENT_WHERE = _k("where", T.GROUPS, "the page groups of the page it happened on", "pricing")
_AT_LEAST = _k("at_least", T.AMOUNT, "this or more", "3")
_AT_MOST = _k("at_most", T.AMOUNT, "this or less", "0")
_IS = _k("is", T.VALUES, "the value, or any of a list", "[trial, free]")
_NOT_VALUE = _k("not", T.VALUES, "not the value, nor any of a list", "trial")
_CONTAINS = _k("contains", T.VALUES, "whole words that the text holds", "[return, refund]")
_FOR = _k("for", T.DURATION, "how long it must have lasted", "40 seconds")

COUNTED = Form(
    "counted",
    "a counted event",
    (
        _EVENT,
        _k("at_least", T.WHOLE, "this often or more; 1 where nothing is said", "3"),
        _k("at_most", T.WHOLE, "this often or less; 0 means never", "0"),
        _WITHIN,
        _WITH,
        _EVENT_WHERE,
        _k("same", T.NAME, "count apart for each value of this field; one must do", "product"),
        _k("different", T.NAME, "count the distinct values of a field, or sessions", "session"),
    ),
)
STALL = Form(
    "stall",
    "a condition with not_followed_by",
    (
        _EVENT,
        _need("not_followed_by", T.EVENT, "the answer that did not come", "purchase"),
        _k("for", T.DURATION, "how long the answer has been missing", "90 seconds"),
        _WITHIN,
        _WITH,
        _EVENT_WHERE,
    ),
)
STEP = Form("step", "a step of a sequence", (_EVENT, _WITH, _EVENT_WHERE))
SEQUENCE = Form(
    "sequence",
    "a sequence",
    (
        _need("sequence", T.STEPS, "events in this order, others may lie between",
              "[add_to_cart, { event: page_view, where: delivery }]"),
        _WITHIN,
    ),
)  # fmt: skip
STATE = Form(
    "state",
    "a state",
    (
        _need("state", T.STATE, "what must be true now", "cart_value"),
        _FOR, _AT_LEAST, _AT_MOST, _IS, _NOT_VALUE, _CONTAINS,
    ),
)  # fmt: skip
ANY = Form("any", "any", (_need("any", T.CONDITIONS, "one of these holds", "[{ event: search }]"),))
ALL = Form("all", "all", (_need("all", T.CONDITIONS, "all of these hold", "[{ event: search }]"),))
NOT = Form("not", "not", (_need("not", T.CONDITION, "this does not hold", "{ event: search }"),))
CONDITIONS = (COUNTED, STALL, SEQUENCE, STATE, ANY, ALL, NOT)
# Every key that some condition takes; which of them fit together is decided by what it is about.
_UNION = {key.name: replace(key, required=False) for form in CONDITIONS for key in form.keys}
_UNION["at_least"], _UNION["at_most"] = _AT_LEAST, _AT_MOST
_UNION["not"] = _k("not", T.NEGATED, "a condition that does not hold, or a value", "trial")
CONDITION = Form("condition", "a condition", tuple(_UNION.values()))
# What `where` and `who` take beside a name or a list of names.
NAMES = Form(
    "names",
    "where and who",
    (
        _k("not", T.NAMES, "not this, nor any of a list", "checkout"),
        _k("all", T.NAMES, "all of these", "[product, { not: checkout }]"),
        _k("any", T.NAMES, "any of these, as a list alone says too", "[product, pricing]"),
    ),
)
COMPARE = Form("compare", "a comparison", (_AT_LEAST, _AT_MOST, _IS, _NOT_VALUE, _CONTAINS))
FACT = Form("fact", "a comparison", (_FOR, *COMPARE.keys))

# --- what is shown --------------------------------------------------------------------------

ARTICLE = Form(
    "article",
    "an article",
    (
        _need("title", T.TEXTS, "what the link says", "Delivery times"),
        _need("url", T.LINK, "where it leads: https or a path", "/help/delivery"),
    ),
)
_BUTTON = _k("button", T.TEXTS, "the button's text", "Chat with us")
_DELAY = _k("delay", T.DURATION, "how long the page waits, up to 30 seconds", "3 seconds")
_ARTICLES = _k(
    "articles",
    T.LIST_OF_FORM,
    "help articles to offer with it",
    "[{ title: Delivery times, url: /help/delivery }]",
    form="article",
)
_OPEN = _k("open", T.OPENS, "what the button opens: chat, contact or a link", "chat")
_MESSAGE = _k(
    "message", T.TEXTS, "the text, or one for each language", '{ en: "Hi {first_name|there}!" }'
)
VARIANT = Form(
    "variant",
    "a variant",
    (
        _k("weight", T.NUMBER, "its share of the sum of all weights", "50"),
        _MESSAGE, _BUTTON, _DELAY, _ARTICLES, _OPEN,
    ),
)  # fmt: skip
SHOW = Form(
    "show",
    "show",
    (
        _MESSAGE, _BUTTON, _DELAY, _ARTICLES, _OPEN,
        _k("variants", T.MAP_OF_FORM, "several wordings, shared out by weight",
           "{ one: { message: Hello }, two: { message: Good day } }", form="variant"),
    ),
)  # fmt: skip

# --- rules ----------------------------------------------------------------------------------

ACTIVE = Form(
    "active",
    "active",
    (
        _k("from", T.DATE_TIME, "the first day, or the instant it begins", "2026-12-01"),
        _k("until", T.DATE_TIME, "the last day, or the instant it ends", "2026-12-24 18:00"),
    ),
)
RULE = Form(
    "rule",
    "a rule",
    (
        _need("rule", T.ID, "its stable id of small letters, digits and dashes", "three-searches"),
        _k("description", T.TEXT, "what it is for, in your words", "Three searches, nothing found"),
        _k("owner", T.TEXT, "whom to ask about it", "growth team"),
        _k("mode", T.CHOICE, "live, shadow (evaluated, never shown) or paused", "shadow",
           choices=("live", "shadow", "paused")),
        _k("active", T.FORM, "the dates between which it counts",
           "{ from: 2026-12-01, until: 2026-12-24 }", form="active"),
        _k("priority", T.WHOLE, "1 to 100, 50 where nothing is said; higher wins", "80"),
        _k("when", T.CONDITION, "what the visitor did", "{ event: search, at_least: 3 }"),
        _k("where", T.GROUPS, "the page groups the visitor is in now", "pricing"),
        _k("who", T.AUDIENCES, "the audiences the visitor belongs to", "trial-users"),
        _k("unless", T.CONDITION, "what holds the rule back",
           "{ event: purchase, within: 7 days }"),
        _k("during", T.NAME, "the schedule inside which it counts", "support-desk"),
        _need("show", T.SHOW, "the prompt, a text or more about it", "Can I help you?"),
        _k("department", T.NAME, "whose agents and hours count", "sales"),
        _k("limit", T.CAPS, "how often a visitor may see it", "1 per session"),
        _k("rollout", T.PERCENTAGE, "the share of visitors it is for", "10%"),
        _k("holdout", T.PERCENTAGE, "the share of those kept silent, to measure", "20%"),
    ),
)  # fmt: skip
RULES_FILE = Form(
    "rules-file",
    "a rules file",
    (_need("rules", T.LIST_OF_FORM, "the rules, in order", "[{ rule: hello, show: Hi }]",
           form="rule"),),
)  # fmt: skip

# --- the site -------------------------------------------------------------------------------

IGNORED = Form(
    "ignored",
    "after_ignored",
    (
        _need("times", T.WHOLE, "how many prompts in a row went unanswered", "3"),
        _need("for", T.DURATION, "how long to stay silent then", "30 days"),
    ),
)
COOLDOWN = Form(
    "cooldown",
    "cooldown",
    (
        _k("after_dismissal", T.DURATION, "silence after a prompt was closed", "7 days"),
        _k("after_chat", T.DURATION, "silence after a chat", "1 day"),
        _k("after_ignored", T.FORM, "silence after several unanswered prompts",
           "{ times: 3, for: 30 days }", form="ignored"),
    ),
)  # fmt: skip
SITE = Form(
    "site",
    "site",
    (
        _need("name", T.NAME, "the site's public name", "shop"),
        _need("time_zone", T.ZONE, "the zone of its dates and hours", "Europe/London"),
        _k("session_timeout", T.DURATION, "how long a session outlives its last event",
           "30 minutes"),
        _k("holdout", T.PERCENTAGE, "the share of visitors never prompted, to measure", "5%"),
        _k("caps", T.CAPS, "how many prompts a visitor may get",
           "[1 prompt per session, 3 prompts per 7 days]"),
        _k("cooldown", T.FORM, "silences after an answer", "{ after_dismissal: 7 days }",
           form="cooldown"),
        _k("keep", T.DURATION, "how far back a visitor's events are kept", "180 days"),
        _k("keep_events", T.WHOLE, "how many events of each kind are kept", "500"),
    ),
)  # fmt: skip
HOLIDAYS = Form(
    "holidays",
    "holidays",
    (
        _need("country", T.NAME, "the country whose public holidays close the desk", "GB"),
        _k("subdivision", T.NAME, "the part of it", "ENG"),
    ),
)
SCHEDULE = Form(
    "schedule",
    "a schedule",
    (
        _k("time_zone", T.ZONE, "the zone of its hours; the site's where nothing is said",
           "Europe/London"),
        _need("open", T.HOURS_BY_DAY, "the hours of each weekday",
              "{ mon-thu: 08:00-20:00, fri: [08:00-12:00, 13:00-18:00] }"),
        _k("holidays", T.FORM, "public holidays on which it is closed", "{ country: GB }",
           form="holidays"),
        _k("closed", T.DATES, "dates on which it is closed", "[2026-12-24]"),
        _k("open_on", T.HOURS_BY_DATE, "dates with hours of their own",
           "{ 2026-12-19: 10:00-16:00 }"),
        _k("wind_down", T.DURATION, "how long before closing to stop inviting", "15 minutes"),
    ),
)  # fmt: skip
DEPARTMENT = Form(
    "department",
    "a department",
    (_k("schedule", T.NAME, "the hours in which its rules count", "support-desk"),),
)
SUPPRESSION = Form(
    "suppression",
    "a suppression",
    (
        _need("name", T.NAME, "its name, which decisions give as the reason", "checkout"),
        _need("hide", T.CHOICES, "what it hides: prompt, widget or both", "prompt",
              choices=("prompt", "widget")),
        _k("where", T.GROUPS, "the page groups the visitor is in now", "checkout"),
        _k("who", T.AUDIENCES, "the audiences the visitor belongs to", "trial-users"),
        _k("outside", T.NAME, "the schedule outside of which it counts", "support-desk"),
        *(key for key in CONDITION.keys if key.name != "where"),
    ),
)  # fmt: skip
SUPPRESSION_OWN = ("name", "hide", "where", "who", "outside")
OFFLINE = Form(
    "offline",
    "offline",
    (
        _k("message", T.TEXTS, "what the widget says while the desk is shut",
           '"We are back {opens_at}."'),
        _k("contact", T.LINK, "where to reach you meanwhile", "https://shop.example/contact"),
    ),
)  # fmt: skip
SITE_FILE = Form(
    "site-file",
    "site.yaml",
    (
        _need("site", T.FORM, "the site itself", "{ name: shop, time_zone: Europe/London }",
              form="site"),
        _k("page_groups", T.GLOBS, "names for sets of pages", '{ product: "**/p/{product}" }'),
        _k("audiences", T.AUDIENCE, "names for sets of visitors",
           "{ trial-users: { logged_in: true, trial_day: { at_least: 7 } } }"),
        _k("schedules", T.MAP_OF_FORM, "opening hours",
           "{ support-desk: { open: { mon-fri: 09:00-17:00 } } }", form="schedule"),
        _k("departments", T.MAP_OF_FORM, "desks with agents and hours of their own",
           "{ sales: { schedule: support-desk } }", form="department"),
        _k("suppress", T.LIST_OF_FORM, "guardrails that no rule can override",
           "[{ name: checkout, where: checkout, hide: prompt }]", form="suppression"),
        _k("events", T.FIELD_LISTS, "events of your own, and their fields",
           "{ payment_declined: [code, amount] }"),
        _k("offline", T.FORM, "what is said while the desk is shut",
           '{ message: "We are back {opens_at}." }', form="offline"),
    ),
)  # fmt: skip

# --- tests beside the rules -----------------------------------------------------------------

BUCKET_NAMES = ("site-holdout", "rollout", "holdout", "variant")
_AT = _need("at", T.OFFSET, "when, counted from the start", "40s")
LINE = Form(
    "line",
    "a line of a timeline",
    (
        _AT,
        _k("event", T.EVENT, "what happened; its fields stand beside it", "search"),
        _k("page", T.TEXT, "the page it happened on", "/p/4471"),
        _k("session", T.TEXT, "the session it belongs to, by any name", "one"),
        _k("referrer", T.TEXT, "the address the visitor came from", "https://news.example/"),
        _k("title", T.TEXT, "the page's title", "Walking boots"),
        _k("id", T.TEXT, "the event's id", "e1"),
        _k("state", T.MEASURES, "what the page measured, in seconds and counts",
           "{ idle_in_field: 30 }"),
        _k("availability", T.DESK, "what the desk reports from here on", "{ free_slots: 0 }"),
    ),
    open=True,
)  # fmt: skip
EXPECT = Form(
    "expect",
    "an expectation",
    (
        _AT,
        _k("decision", T.CHOICE, "whether a prompt is shown", "show", choices=("show", "hold")),
        _k("rule", T.TEXT_OR_NULL, "which rule shows, or whose reason is looked at",
           "three-searches"),
        _k("because", T.CHOICE, "the reason", "suppressed",
           choices=tuple(reason.value for reason in Reason)),
        _k("by", T.TEXT_OR_NULL, "what held it: a suppression, a cap as written, …", "checkout"),
        _k("variant", T.TEXT_OR_NULL, "which wording is shown", "helpful"),
        _k("message", T.TEXT_OR_NULL, "the text that is shown", "Can I help you?"),
        _k("language", T.TEXT_OR_NULL, "the language of the text", "en"),
        _k("widget", T.CHOICE, "whether the chat button is there", "shown",
           choices=("shown", "hidden")),
        _k("check_again_in", T.WAIT, "when the page is to ask again; null for never", "50s"),
    ),
)  # fmt: skip
VISITOR = Form(
    "visitor",
    "visitor",
    (_need("bucket", T.BUCKETS, "the visitor's buckets, 0 to 9999", "{ rollout: 3 }"),),
)
TEST = Form(
    "test",
    "a test",
    (
        _need("test", T.TEXT, "what it shows, in a sentence", "the third search brings the offer"),
        _need("start", T.DATE_TIME, "when it begins, in the site's zone", "2026-12-01 10:00"),
        _k("given", T.GIVEN, "what is so from the start", "{ logged_in: true, free_slots: 2 }"),
        _k("visitor", T.FORM, "pins the visitor's buckets", "{ bucket: 3 }", form="visitor"),
        _k("timeline", T.LIST_OF_FORM, "what happens", "[{ at: 0s, event: search, query: a }]",
           form="line"),
        _need("expect", T.LIST_OF_FORM, "what must be decided, and when",
              "[{ at: 0s, decision: hold }]", form="expect"),
    ),
)  # fmt: skip
TESTS_FILE = Form(
    "tests-file",
    "a tests file",
    (_need("tests", T.LIST_OF_FORM, "the tests", "[]", form="test"),),
)

# --- the map of a recorded clickstream ------------------------------------------------------

TIME = Form(
    "time",
    "time",
    (
        _k("format", T.CHOICE, "how times are written", "iso",
           choices=("iso", "epoch_s", "epoch_ms", "auto")),
        _k("zone", T.ZONE, "the zone of times that name none", "UTC"),
    ),
)  # fmt: skip
MAP = Form(
    "map",
    "a map",
    (
        _need("columns", T.STRINGS, "our names, each with the column that holds it",
              "{ visitor: user_id, at: timestamp, product: item }"),
        _k("constants", T.STRINGS, "values that no column holds", "{ event: product_view }"),
        _k("events", T.STRINGS, "the file's event names, each with ours",
           "{ shipping_details: checkout_started }"),
        _k("pages", T.STRINGS, "the file's event names, each with a page",
           "{ shipping_details: /checkout/shipping }"),
        _k("time", T.FORM, "how times are written", "{ format: epoch_ms, zone: UTC }",
           form="time"),
    ),
)  # fmt: skip

FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        SITE_FILE, SITE, COOLDOWN, IGNORED, SCHEDULE, HOLIDAYS, DEPARTMENT, SUPPRESSION, OFFLINE,
        RULES_FILE, RULE, ACTIVE, *CONDITIONS, STEP, NAMES, COMPARE, FACT, SHOW, VARIANT, ARTICLE,
        TESTS_FILE, TEST, VISITOR, LINE, EXPECT, MAP, TIME,
    )
}  # fmt: skip


def inside(form: Form, name: str) -> str | None:
    """Return the key of `form` inside which a key called `name` belongs, if there is one."""
    for key in form.keys:
        children: Iterable[Form] = ()
        if key.form is not None:
            children = (FORMS[key.form],)
        elif key.type is Type.CONDITION:
            children = CONDITIONS
        elif key.type is Type.SHOW:
            children = (SHOW,)
        if any(name in child.names for child in children):
            return key.name
    return None


def in_file(form: Form, name: str) -> str | None:
    """Return the file in which a key belongs that stands at the top of the wrong one."""
    homes = {
        SITE_FILE.name: "site.yaml",
        RULES_FILE.name: "another file, such as shopping.yaml",
        TESTS_FILE.name: "a file whose name ends in .test.yaml",
    }
    if form.name not in homes:
        return None
    return next((home for kind, home in homes.items() if name in FORMS[kind].names), None)
