"""Guessing what was meant: helpful, and silent where a new word may well be meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import STANDARD_STATES
from engine.language.words import did_you_mean, guess, quote, slip


@pytest.mark.parametrize(
    ("word", "meant"),
    [("wihtin", "within"), ("atleast", "at_least"), ("At-Least", "at_least"), ("-with", "with")],
)
def test_a_misspelt_key_is_guessed(word, meant):
    """Swapped letters, missing joints and strange case still say what was meant."""
    assert guess(word, ["event", "at_least", "at_most", "within", "with"]) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("cart_vale", "cart_value"),
        ("onPage", "on_page"),
        ("on-page", "on_page"),
        ("visit", "visits"),
        ("queue_weit", "queue_wait"),
        ("forms", "form"),
        ("logedin", "logged_in"),
    ],
)
def test_a_slip_of_a_state_is_seen(word, meant):
    """What can hardly be anything else is taken for a misspelling."""
    assert slip(word, STANDARD_STATES) == meant


@pytest.mark.parametrize(
    "word",
    ["plan", "trial_day", "vip", "firm", "cart_total", "tags", "first_name", "on_page", "lang"],
)
def test_an_attribute_of_its_own_is_no_slip(word):
    """A site's own attributes are not mistaken for standard states."""
    assert slip(word, STANDARD_STATES) is None


@given(st.text(max_size=200))
def test_quoting_keeps_a_message_on_one_line(text):
    """Whatever the author wrote, its quotation is printable, short and on one line."""
    quoted = quote(text)
    assert quoted.isprintable()
    assert len(quoted) <= 2 + 60 * 10


@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=5))
def test_a_hint_is_always_given(word, known):
    """The second half of a message exists for any word and any names."""
    assert did_you_mean(word, known)
