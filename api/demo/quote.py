"""The demo's fiddly form: rules as real forms have them, told one group at a time.

It refuses in a way that people know: an international phone number without spaces, a postcode
in capitals with its space, and, only once all that is right, that hire begins on a Monday or a
Friday at least five days ahead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

FIELDS = ("name", "email", "phone", "postcode", "people", "start")
LONGEST = 120

_PHONE = re.compile(r"\+[0-9]{8,15}")
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}")
_NOTICE = timedelta(days=5)


def read(form: Mapping[str, str]) -> dict[str, str]:
    """Return the form's known fields, trimmed and bounded in length."""
    return {field: str(form.get(field, "")).strip()[:LONGEST] for field in FIELDS}


def faults(answers: Mapping[str, str], today: date) -> dict[str, str]:
    """Return what is wrong, field by field; the later group waits until the first is right."""
    return _about_you(answers) or _about_the_hire(answers, today)


def _about_you(answers: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if len(answers["name"].split()) < 2:
        found["name"] = "Please give a first name and a last name."
    mailbox, _, host = answers["email"].partition("@")
    if not mailbox or "." not in host or " " in answers["email"]:
        found["email"] = "Please give an e-mail address, such as ada@example.com."
    if not _PHONE.fullmatch(answers["phone"]):
        found["phone"] = "Please use the international form without spaces: +441539720049."
    if not _POSTCODE.fullmatch(answers["postcode"]):
        found["postcode"] = "Please write the postcode in capitals with its space: LA9 4DL."
    return found


def _about_the_hire(answers: Mapping[str, str], today: date) -> dict[str, str]:
    found: dict[str, str] = {}
    people = answers["people"]
    if not (people.isascii() and people.isdigit() and 4 <= int(people) <= 40):
        found["people"] = "Group hire is for 4 to 40 people."
    start = _day(answers["start"])
    if start is None:
        found["start"] = "Please write the day as DD/MM/YYYY."
    elif start < today + _NOTICE:
        found["start"] = "We need at least five days' notice."
    elif start.weekday() not in {0, 4}:
        found["start"] = "Hire begins on a Monday or a Friday."
    return found


def _day(text: str) -> date | None:
    match = re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", text)
    if match is None:
        return None
    try:
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None
