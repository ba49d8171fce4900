"""A place for each kind of store, and the store in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_places import OPENED, PLACES, Place

from engine.store import Store


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Name an empty place for each kind of store."""
    yield PLACES[request.param](tmp_path)
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def store(place: Place) -> Store:
    """Open the place."""
    return place.open()
