"""The map of a recorded clickstream (CONTRACT.md section 1)."""

from __future__ import annotations

import pytest

from engine.errors import RecordingInvalid
from engine.language.recording import RecordingMap, load_map

CONTRACT = """
columns: { visitor: user_id, at: timestamp, event: event, session: session_id, product: item }
constants: { event: product_view }          # for a file with one kind
events: { shipping_details: checkout_started, support_chat: chat_started }
pages: { shipping_details: /checkout/shipping }   # event kind -> page path
time: { format: epoch_ms, zone: Europe/London }
"""


def test_the_contracts_example_is_read():
    """Columns, constants, renames, pages and time land in their fields."""
    assert load_map(CONTRACT) == RecordingMap(
        columns={
            "visitor": "user_id",
            "at": "timestamp",
            "event": "event",
            "session": "session_id",
            "product": "item",
        },
        constants={"event": "product_view"},
        events={"shipping_details": "checkout_started", "support_chat": "chat_started"},
        pages={"shipping_details": "/checkout/shipping"},
        time_format="epoch_ms",
        zone="Europe/London",
    )


def test_columns_of_our_names_need_no_mapping():
    """visitor, at and event come from columns so called, unless a constant says them."""
    found = load_map("columns: { visitor: user }\nconstants: { event: search, shop: 5 }\n")
    assert found.columns == {"visitor": "user", "at": "at"}
    assert found.constants == {"event": "search", "shop": 5}
    assert (found.time_format, found.zone) == ("auto", "UTC")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "this file is empty"),
        ("[]", "expected a map, such as { columns: … }"),
        ("events: { a: b }", 'a map has no "columns"'),
        ("columns: { visitor: a }\ncolumn: { at: b }", 'did you mean "columns"?'),
        ("columns: { user_id: visitor, timestamp: at }", "the wrong way round"),
        ("columns: { visitor: a }\nevents: { b: serch }", 'did you mean "search"?'),
        (
            "columns: { visitor: a }\ntime: { format: ms }",
            "expected iso, epoch_s, epoch_ms or auto",
        ),
        ("columns: { visitor: a }\ntime: { zone: Paris }", 'did you mean "Europe/Paris"?'),
        ("columns: { visitor: [a] }", "a list stands here; expected a text"),
        ("columns: { visitor: a", "never closed"),
        ("columns: { visitor: a }\x07", "invisible character U+0007"),
    ],
)
def test_a_mistake_in_a_map_is_told_at_its_place(text, said):
    """All findings of the map in one error, each with path, line and column."""
    with pytest.raises(RecordingInvalid) as caught:
        load_map(text, "ecom.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("ecom.yaml:")
