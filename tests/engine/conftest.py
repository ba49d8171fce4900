"""A service over a real SQLite store, with a clock that the test holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.clock import from_datetime
from engine.model import Decision
from engine.ruleset import Holder
from engine.service import Ask, Batch, Collected, Proof, Service
from engine.store import open_store
from engine.visitor.profile import Event

SITE = "site: { name: shop, time_zone: Europe/London }\n"

# A Tuesday morning in London, where nothing in the tests is shut.
TUESDAY = 1_796_119_200_000


@dataclass
class Bench:
    """A site under test: post events, ask for decisions, move the clock."""

    service: Service
    now: int = TUESDAY
    ids: Iterator[int] = field(default_factory=count)

    def event(self, kind: str, at: float = 0, **fields: Any) -> Event:
        """Make an event `at` seconds after the start."""
        own = {key: fields.pop(key) for key in ("page", "session", "id") if key in fields}
        own.setdefault("id", f"e{next(self.ids):05d}")
        return Event(kind=kind, at=TUESDAY + round(at * 1_000), fields=fields, **own)

    def post(self, *events: Event, visitor: str = "v", **more: Any) -> Collected:
        """Post events as a server does; `at` is seconds after the start."""
        if "at" in more:
            at = TUESDAY + round(more.pop("at") * 1_000)
        else:
            at = max((event.at for event in events), default=self.now)
        more.setdefault("browser", False)
        batch = Batch(visitor=visitor, events=events, received=self.now, at=at, **more)
        return self.service.collect("shop", batch)

    def decide(self, at: float = 0, visitor: str = "v", **more: Any) -> Decision:
        """Ask for a decision `at` seconds after the start."""
        return self.service.decide(
            "shop", Ask(visitor=visitor, at=TUESDAY + round(at * 1_000), **more)
        )


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Bench]:
    """Build a bench from the text of a rules file and, optionally, of site.yaml."""

    def build(rules: str, site: str = SITE) -> Bench:
        folder = tmp_path / "rules"
        folder.mkdir(exist_ok=True)
        (folder / "site.yaml").write_text(site, encoding="utf-8")
        (folder / "a.yaml").write_text(rules, encoding="utf-8")
        store = open_store(f"sqlite:///{tmp_path}/store.db")
        bench: Bench
        service = Service(store, {"shop": Holder(folder)}, lambda: bench.now)
        bench = Bench(service)
        return bench

    return build


__all__ = ["Proof", "from_datetime"]
