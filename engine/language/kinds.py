"""The closed list of kinds of finding; each one is a heading in docs/kinds.md."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What sort of mistake a `Problem` tells of."""

    # Files and YAML.
    NO_SITE = "no-site"
    FILE_NAME = "file-name"
    ENCODING = "encoding"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    SYNTAX = "syntax"
    YAML_FEATURE = "yaml-feature"
    DUPLICATE_KEY = "duplicate-key"
    # Shapes.
    WRONG_TYPE = "wrong-type"
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    EMPTY = "empty"
    BAD_VALUE = "bad-value"
    BAD_NAME = "bad-name"
    DUPLICATE_NAME = "duplicate-name"
    # The small closed forms.
    BAD_NUMBER = "bad-number"
    BAD_DURATION = "bad-duration"
    BAD_PERCENTAGE = "bad-percentage"
    BAD_CAP = "bad-cap"
    BAD_DATE = "bad-date"
    BAD_HOURS = "bad-hours"
    BAD_WEEKDAY = "bad-weekday"
    BAD_ZONE = "bad-zone"
    BAD_HOLIDAYS = "bad-holidays"
    BAD_GLOB = "bad-glob"
    BAD_LINK = "bad-link"
    BAD_LANGUAGE = "bad-language"
    BAD_PLACEHOLDER = "bad-placeholder"
    # Names.
    UNKNOWN_NAME = "unknown-name"
    UNKNOWN_EVENT = "unknown-event"
    UNKNOWN_FIELD = "unknown-field"
    UNKNOWN_STATE = "unknown-state"
    # Conditions, schedules, tests.
    BAD_CONDITION = "bad-condition"
    BAD_COUNT = "bad-count"
    BAD_GROUPING = "bad-grouping"
    BAD_COMPARISON = "bad-comparison"
    BAD_FOR = "bad-for"
    BAD_AUDIENCE = "bad-audience"
    SCHEDULE_CONFLICT = "schedule-conflict"
    BAD_TEST = "bad-test"
    # Warnings.
    NOT_READ = "not-read"
    LOOKS_TYPED = "looks-typed"
    WITHIN_BEYOND_KEEP = "within-beyond-keep"
    LONG_MESSAGE = "long-message"
    PRESUMES_PROBLEM = "presumes-problem"
    MISSING_TRANSLATION = "missing-translation"
    NO_CONTACT = "no-contact"
    UNUSED = "unused"
    UNCONDITIONAL = "unconditional"
    UNBOUNDED = "unbounded"
    ALWAYS_OUTRANKED = "always-outranked"
    NEVER_SHOWS = "never-shows"
    NO_GUARDRAILS = "no-guardrails"
    NO_CHECKOUT_SUPPRESSION = "no-checkout-suppression"
    NO_CLOSED_DATES = "no-closed-dates"
    UNTESTED = "untested"
