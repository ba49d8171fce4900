"""What a rules folder means once it is loaded, and what a decision says.

Everything is frozen. Instants and durations are whole milliseconds, percentages are percent
(10.0 is 10 %), texts are as the marketer wrote them. LANGUAGE.md defines each word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Scalar = str | int | float | bool
# What a state or field may hold; a tuple matches when any of its elements does.
Value = Scalar | tuple[Scalar, ...] | None


class Mode(StrEnum):
    """A rule's life cycle."""

    LIVE = "live"
    SHADOW = "shadow"
    PAUSED = "paused"


class Span(StrEnum):
    """Look-back windows that are not a duration."""

    SESSION = "session"
    PAGE = "page"


Window = int | Span


class Reason(StrEnum):
    """Why a decision is what it is: LANGUAGE.md section 6, a closed list."""

    SHOWN = "shown"
    NO_RULES = "no_rules"
    NEEDS_MORE_EVENTS = "needs_more_events"
    STILL_WAITING = "still_waiting"
    NOT_NOW = "not_now"
    WRONG_PAGE = "wrong_page"
    NOT_IN_AUDIENCE = "not_in_audience"
    UNLESS_MATCHED = "unless_matched"
    OUTSIDE_SCHEDULE = "outside_schedule"
    SUPPRESSED = "suppressed"
    AVAILABILITY_UNKNOWN = "availability_unknown"
    CAPPED = "capped"
    COOLING_DOWN = "cooling_down"
    NO_CAPACITY = "no_capacity"
    IN_HOLDOUT = "in_holdout"
    OUTSIDE_ROLLOUT = "outside_rollout"
    OUTRANKED = "outranked"
    PAUSED = "paused"
    OUTSIDE_DATES = "outside_dates"
    SHADOW = "shadow"
    STALE_EVENT = "stale_event"
    BOT = "bot"
    NO_CONSENT = "no_consent"
    STORE_UNAVAILABLE = "store_unavailable"
    UNKNOWN_VISITOR = "unknown_visitor"


# --- conditions -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compare:
    """What a value must be: every part that is given holds; a missing value makes it false."""

    is_: tuple[Scalar, ...] | None = None
    not_: tuple[Scalar, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None
    contains: tuple[str, ...] | None = None


Fields = tuple[tuple[str, Compare], ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted: shared by every condition that counts the same thing."""

    event: str
    within: Window = Span.SESSION
    fields: Fields = ()
    where: Condition | None = None
    same: str | None = None
    different: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """`event:` with thresholds on its count."""

    measure: Measure
    at_least: int = 1
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a sequence, or the first event of a stall."""

    event: str
    fields: Fields = ()
    where: Condition | None = None


@dataclass(frozen=True, slots=True)
class Stall:
    """`not_followed_by`: some first event in the window is `lasting` ms old and unanswered."""

    first: Step
    then: str
    lasting: int = 0
    within: Window = Span.SESSION


@dataclass(frozen=True, slots=True)
class Sequence:
    """Distinct events in the window with times in this order."""

    steps: tuple[Step, ...]
    within: Window = Span.SESSION


@dataclass(frozen=True, slots=True)
class StateIs:
    """A state or attribute compared. `for:` is `compare.at_least`; durations are ms."""

    state: str
    compare: Compare


@dataclass(frozen=True, slots=True)
class InGroup:
    """The page is in the page group."""

    group: str


@dataclass(frozen=True, slots=True)
class InAudience:
    """The visitor is in the audience."""

    audience: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = Counted | Stall | Sequence | StateIs | InGroup | InAudience | AllOf | AnyOf | Not


# --- what is shown --------------------------------------------------------------------------

# (language tag or "" where none was written, text), in written order.
Texts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Article:
    """A self-service link inside a prompt."""

    title: Texts
    url: str


@dataclass(frozen=True, slots=True)
class Show:
    """A prompt. `delay` is ms; `opens` is `chat`, `contact` or a link."""

    message: Texts
    button: Texts = ()
    delay: int = 0
    articles: tuple[Article, ...] = ()
    opens: str = "chat"


@dataclass(frozen=True, slots=True)
class Variant:
    """One wording of a rule's prompt; a rule without variants has one with name None."""

    name: str | None
    weight: float
    show: Show


# --- rules and the site ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: path relative to the folder, line and column from 1."""

    path: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `times` prompts within the window (None: ever). `text` is as written."""

    times: int
    within: Window | None
    text: str


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Silences after an answer, all in ms; None where not asked for."""

    after_dismissal: int | None = None
    after_chat: int | None = None
    ignored_times: int | None = None
    after_ignored: int | None = None


@dataclass(frozen=True, slots=True)
class Active:
    """Instants from (inclusive) and until (exclusive), ms; None is open-ended."""

    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, whole."""

    id: str
    variants: tuple[Variant, ...]
    when: Condition | None = None
    where: Condition | None = None
    who: Condition | None = None
    unless: Condition | None = None
    during: str | None = None
    department: str = "default"
    mode: Mode = Mode.LIVE
    active: Active | None = None
    priority: int = 50
    limits: tuple[Cap, ...] = ()
    rollout: float = 100.0
    holdout: float = 0.0
    description: str = ""
    owner: str = ""
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class PageGroup:
    """A named set of globs, as written."""

    name: str
    globs: tuple[str, ...]
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Audience:
    """A named condition on visit and visitor facts."""

    name: str
    condition: Condition
    place: Place = Place()


# Minutes of the local day, half-open; the end may exceed 1440 where the range crosses midnight.
MinuteRange = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Opening hours on the wall clock of one zone. Dates are ISO strings."""

    name: str
    zone: str
    # Monday first; seven entries.
    week: tuple[tuple[MinuteRange, ...], ...]
    closed: frozenset[str] = frozenset()
    open_on: Mapping[str, tuple[MinuteRange, ...]] = field(default_factory=dict)
    holidays: tuple[str, str | None] | None = None
    wind_down: int = 0
    place: Place = Place()

    # Identity is enough: a ruleset is immutable and builds each schedule once.
    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, slots=True)
class Suppression:
    """A guardrail: all the given parts must hold for it to veto."""

    name: str
    hides_prompt: bool
    hides_widget: bool
    where: Condition | None = None
    who: Condition | None = None
    outside: str | None = None
    condition: Condition | None = None
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Offline:
    """What the widget says when the desk is shut."""

    message: Texts = ()
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that `site.yaml` says."""

    name: str
    time_zone: str
    session_timeout: int = 30 * 60_000
    holdout: float = 0.0
    caps: tuple[Cap, ...] = ()
    cooldown: Cooldown = Cooldown()
    keep: int = 180 * 86_400_000
    keep_events: int = 500
    page_groups: tuple[PageGroup, ...] = ()
    audiences: Mapping[str, Audience] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    # department -> schedule name, or None where it keeps no hours of its own
    departments: Mapping[str, str | None] = field(default_factory=dict)
    suppress: tuple[Suppression, ...] = ()
    # custom events: name -> fields
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    offline: Offline = Offline()


@dataclass(frozen=True, slots=True)
class Folder:
    """A rules folder, loaded: the site and its rules in order. `digest` is `sha256:<hex>`."""

    site: Site
    rules: tuple[Rule, ...]
    digest: str


# --- decisions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the page shows, texts already chosen and filled in. `delay` is seconds."""

    message: str
    language: str | None
    button: str | None
    delay: float
    articles: tuple[Mapping[str, str], ...]
    open: str
    department: str
    wait: str | None = None


@dataclass(frozen=True, slots=True)
class DeskHours:
    """Whether the department is open. Instants are ms; `message` only while it is shut."""

    open: bool
    closes_at: int | None = None
    opens_at: int | None = None
    message: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one visitor at one instant. `check_again_in` is ms; replies say seconds."""

    show: bool
    reason: Reason
    at: int
    by: str | None = None
    rule: str | None = None
    variant: str | None = None
    decision_id: str = ""
    prompt: Prompt | None = None
    widget: bool = True
    check_again_in: int | None = None
    desk: DeskHours = DeskHours(open=True)
    ruleset: str = ""
    trace: tuple[Mapping[str, Any], ...] | None = None


# --- tests beside the rules -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line of a test's timeline, `at` ms after the start; exactly one of the three kinds.

    `event` with its `fields` (page and session apart), or the page's own `state` report, or
    an `availability` change (None for a key means unknown). State and availability values are
    as written: seconds, counts.
    """

    at: int
    event: str | None = None
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    page: str | None = None
    session: str | None = None
    state: Mapping[str, Scalar] | None = None
    availability: Mapping[str, Scalar | None] | None = None
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Expectation:
    """A decision taken `at` ms after the start, and what of it is compared.

    Keys of `expected`: decision (`show`/`hold`), rule, because, by, variant, message, language,
    widget (`shown`/`hidden`), check_again_in (ms or None).
    """

    at: int
    expected: Mapping[str, Scalar | None] = field(default_factory=dict)
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test of a `*.test.yaml`. `start` is an instant (ms).

    `buckets` pins some of `site-holdout`, `rollout`, `holdout`, `variant` to 0..9999.
    """

    name: str
    start: int
    timeline: tuple[TimelineLine, ...]
    expect: tuple[Expectation, ...]
    given: Mapping[str, Scalar | None] = field(default_factory=dict)
    buckets: Mapping[str, int] = field(default_factory=dict)
    place: Place = Place()
