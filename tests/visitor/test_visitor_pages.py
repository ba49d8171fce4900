from __future__ import annotations

import pytest

from engine.model import PageGroup
from engine.visitor.pages import NO_PAGE, Pages

PAGES = Pages(
    [
        PageGroup("shop", ("/p/**", "/c/{category}/**", "/p/{product}")),
        PageGroup("product", ("/p/{sku}/**", "/*/{product}")),
        PageGroup("checkout", ("**/basket", "**/checkout/**")),
    ]
)


def test_an_unknown_page_is_in_no_group_and_has_no_values():
    """Nothing is known of a page that nobody named."""
    assert PAGES.look(None) == NO_PAGE


def test_a_page_may_be_in_several_groups_or_none():
    """Groups are independent of each other."""
    assert PAGES.look("https://shop.example/p/7?x=1").groups == {"shop", "product"}
    assert PAGES.look("/checkout/pay").groups == {"checkout", "product"}
    assert PAGES.look("/about").groups == frozenset()


def test_the_first_group_that_captures_a_field_gives_its_value():
    """File order decides between groups; within one group all its globs may capture."""
    assert PAGES.look("/p/7").values == {"product": "7", "sku": "7"}
    assert PAGES.look("/c/shoes").values == {"category": "shoes", "product": "shoes"}


def test_what_is_known_of_a_page_cannot_be_changed():
    """Facts are shared between requests."""
    with pytest.raises(TypeError):
        PAGES.look("/p/7").values["product"] = "8"


def test_repeated_and_over_long_pages_give_the_same_answer():
    """What is remembered and what is looked at anew agree."""
    long = "/p/7?" + "q" * 5_000
    assert PAGES.look(long) == PAGES.look(long) == PAGES.look("/p/7")
    assert PAGES.look("/p/" + "a" * 20_000) == NO_PAGE


def test_remembered_pages_are_bounded():
    """A crawler's many addresses do not fill the memory."""
    for number in range(10_000):
        PAGES.look(f"/p/{number}")
    assert PAGES._cached.cache_info().currsize <= 4_096


def test_a_glob_that_cannot_be_read_is_refused():
    """A mistake in a page group is a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match="pair"):
        Pages([PageGroup("broken", ("/p/{",))])
