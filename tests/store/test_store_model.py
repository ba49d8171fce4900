"""The store against the simplest thing that keeps its promises: a dictionary and a list."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from store_places import PLACES

from engine.store import Entry

SITE = st.sampled_from(["shop", "b2b"])
VISITOR = st.sampled_from(["ann", "Ann", "é"])
AT = st.integers(0, 6)
ENTRIES = st.lists(
    st.builds(
        Entry,
        id=st.text("abc", min_size=1, max_size=2),
        at=AT,
        kind=st.sampled_from(["decision", "other"]),
        visitor=VISITOR,
        body=st.just(b"body"),
    ),
    max_size=3,
)


def key(entry: Entry) -> tuple[int, str, str, str]:
    return entry.at, entry.id, entry.visitor, entry.kind


class AgainstModel(RuleBasedStateMachine):
    """Any calls in any order leave both with the same content, and answer alike."""

    place = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 0
        self.store = PLACES[self.place](Path(self.folder.name)).open(clock=lambda: self.now)
        self.values: dict[tuple[str, str], tuple[bytes, int]] = {}
        self.lines: dict[str, dict[tuple, Entry]] = {"shop": {}, "b2b": {}}
        self.desks: dict[str, dict[str, bytes]] = {"shop": {}, "b2b": {}}
        self.stale: dict[tuple[str, str], int] = {}

    @rule(site=SITE, visitor=VISITOR, value=st.binary(max_size=9), entries=ENTRIES)
    def commit(self, site, visitor, value, entries):
        read = self.store.read(site, visitor)
        assert (read.version == 0) == ((site, visitor) not in self.values)
        assert self.store.commit(site, visitor, read.version, value, entries)
        self.values[site, visitor] = value, self.now
        for entry in entries:
            self.lines[site].setdefault(key(entry), entry)
        self.stale[site, visitor] = read.version

    @rule(site=SITE, visitor=VISITOR, entries=ENTRIES)
    def commit_too_late(self, site, visitor, entries):
        if (site, visitor) in self.values and (site, visitor) in self.stale:
            assert not self.store.commit(site, visitor, self.stale[site, visitor], b"late", entries)

    @rule(site=SITE, visitor=VISITOR)
    def erase(self, site, visitor):
        held = {k for k, entry in self.lines[site].items() if entry.visitor == visitor}
        there = self.values.pop((site, visitor), None) is not None or bool(held)
        assert self.store.erase(site, visitor) == there
        for each in held:
            del self.lines[site][each]

    @rule(site=SITE, department=st.sampled_from(["default", "sales"]), value=st.binary(max_size=3))
    def put_desk(self, site, department, value):
        self.store.put_desk(site, department, value)
        self.desks[site][department] = value

    @rule(site=SITE, before=AT)
    def sweep(self, site, before):
        gone = [k for k, (_, written) in self.values.items() if k[0] == site and written < before]
        old = [k for k, entry in self.lines[site].items() if entry.at < before]
        assert self.store.sweep(site, before) == len(gone) + len(old)
        for each in gone:
            del self.values[each]
        for each in old:
            del self.lines[site][each]

    @rule(
        site=SITE,
        span=st.tuples(st.none() | AT, st.none() | AT),
        visitor=st.none() | VISITOR,
        limit=st.none() | st.integers(0, 5),
        newest_first=st.booleans(),
    )
    def journal(self, site, span, visitor, *, limit, newest_first):
        since, until = span
        wanted = sorted(
            (
                entry
                for entry in self.lines[site].values()
                if (since is None or entry.at >= since)
                and (until is None or entry.at < until)
                and (visitor is None or entry.visitor == visitor)
            ),
            key=key,
            reverse=newest_first,
        )
        found = self.store.journal(
            site,
            since=since,
            until=until,
            visitor=visitor,
            limit=limit,
            newest_first=newest_first,
        )
        assert list(found) == wanted[:limit]

    @rule()
    def time_passes(self):
        self.now += 1

    @invariant()
    def everyone_is_as_expected(self):
        for site in ("shop", "b2b"):
            held = {v: value for (s, v), (value, _) in self.values.items() if s == site}
            assert dict(self.store.visitors(site)) == held
            for visitor in ("ann", "Ann", "é"):
                read = self.store.read(site, visitor)
                assert read.value == held.get(visitor)
                assert read.desk == self.desks[site]

    def teardown(self):
        self.store.close()
        self.folder.cleanup()


def against_model(place: str) -> type:
    """Return the test of one of the places."""
    machine = type("AgainstModel", (AgainstModel,), {"place": place})
    machine.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
    return machine.TestCase


TestSqlite = against_model("sqlite")
