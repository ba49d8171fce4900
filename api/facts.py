"""What a caller states beside events: the page's own `state`, attributes, page and language.

Every reader returns what the engine takes, or raises Refused (400) naming the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.replies import Refused, bad_request
from engine.events import STANDARD_STATES, StateType

LONGEST_TEXT = 1_024  # characters of any one text
LONGEST_ADDRESS = 2_048  # addresses grow long by what is appended; their beginning is kept
ATTRIBUTES = 64
LONGEST_NAME = 64
MOST = 1_000_000_000  # of any measured number: 30 years in seconds

_REPORTED = {name: kind.type for name, kind in STANDARD_STATES.items() if kind.reported}
_NOTHING: Mapping[str, Any] = {}


def read_state(sent: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the page's report, seconds and counts as sent; nulls are left out."""
    if not sent:
        return None
    values = {name: value for name, value in sent.items() if value is not None}
    for name, value in values.items():
        kind = _REPORTED.get(name)
        if kind is None:
            raise _bad_state(name[:64], f"is not measured by pages; {', '.join(_REPORTED)} are")
        if kind is StateType.BOOLEAN:
            if type(value) is not bool:
                raise _bad_state(name, "must be true or false")
        elif kind is StateType.TEXT:
            if type(value) is not str or len(value) > LONGEST_TEXT:
                raise _bad_state(name, f"must be text of at most {LONGEST_TEXT} characters")
        elif type(value) not in (int, float) or not 0 <= value <= MOST:
            raise _bad_state(name, f"must be a number from 0 to {MOST}")
    return values


def _bad_state(name: str, fault: str) -> Refused:
    return bad_request("invalid_state", f"state.{name}: {fault}")


def read_attributes(sent: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return attributes: name to text, number, true/false, a list of these, or null to delete."""
    if not sent:
        return _NOTHING
    if len(sent) > ATTRIBUTES:
        raise bad_request("attribute_limit", f"attributes: at most {ATTRIBUTES} at once")
    for name, value in sent.items():
        if not 0 < len(name) <= LONGEST_NAME:
            detail = f"attributes: a name has 1 to {LONGEST_NAME} characters"
            raise bad_request("attribute_limit", detail)
        _check_attribute(name, value)
    return sent


def _check_attribute(name: str, value: Any) -> None:
    elements = value if type(value) is list else (value,)
    if len(elements) > ATTRIBUTES:
        raise bad_request("attribute_limit", f"attributes.{name}: at most {ATTRIBUTES} elements")
    for element in elements:
        if isinstance(element, dict | list):
            detail = f"attributes.{name}: must be text, a number, true/false or a list of these"
            raise bad_request("invalid_attribute", detail)
        if type(element) is str and len(element) > LONGEST_TEXT:
            detail = f"attributes.{name}: at most {LONGEST_TEXT} characters"
            raise bad_request("attribute_limit", detail)


def read_page(sent: str | None) -> str | None:
    """Return the page now. A long address loses its fragment, then its end; rules see the rest."""
    if sent is None or len(sent) <= LONGEST_ADDRESS:
        return sent or None
    return sent.partition("#")[0][:LONGEST_ADDRESS]


def read_language(sent: str | None) -> str | None:
    """Return a language tag."""
    if sent is not None and len(sent) > LONGEST_NAME:
        raise bad_request("invalid_field", "language: must be a tag such as en or fr-CA")
    return sent or None
