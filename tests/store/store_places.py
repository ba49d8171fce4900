"""Every store that there is, so that each promise is held against each of them.

A new store joins with one line in `PLACES`. A place can be pickled: other processes open it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from engine.clock import Clock, now
from engine.store import Store
from engine.store.sqlite import SqliteStore

# What this process opened: closed when a test is over.
OPENED: list[Store] = []


class Place(Protocol):
    """Where one store is kept; each `open` is another way in to the same one."""

    def open(self, clock: Clock = now) -> Store:
        """Open the store."""


@dataclass(frozen=True)
class SqlitePlace:
    """A SQLite file."""

    folder: Path
    full: bool = False

    def open(self, clock: Clock = now) -> Store:
        """Open the file."""
        store = SqliteStore(self.folder / "store.db", full=self.full, clock=clock)
        OPENED.append(store)
        return store


# Each makes an empty place; it is given an empty folder of its own.
PLACES: dict[str, Callable[[Path], Place]] = {
    "sqlite": SqlitePlace,
    "sqlite-full": partial(SqlitePlace, full=True),
}
