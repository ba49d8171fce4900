"""What every store promises (engine/store/base.py), one promise a test."""

from __future__ import annotations

from itertools import count

import pytest

from engine.errors import StoreUnavailable
from engine.store import Entry, Snapshot

LATE = 4_102_444_800_000  # 2100: later than any clock here


def entry(at: int = 1, id_: str = "e1", visitor: str = "ann", **more: object) -> Entry:
    return Entry(id=id_, at=at, kind=more.pop("kind", "decision"), visitor=visitor, body=b"body")


class TestReading:
    def test_a_visitor_of_whom_nothing_is_held_has_version_0(self, store):
        """Nothing is told apart from an empty value."""
        assert store.read("shop", "ann") == Snapshot(0, None, {})

    def test_what_was_committed_is_read_by_everyone(self, store, place):
        """Another way in to the same store sees it at once."""
        assert store.commit("shop", "ann", 0, b"one", [])
        seen = place.open().read("shop", "ann")
        assert seen.value == b"one"
        assert seen.version != 0
        assert seen == store.read("shop", "ann")

    def test_an_empty_value_is_a_value(self, store):
        """Zero bytes are kept like any others."""
        assert store.commit("shop", "ann", 0, b"", [])
        seen = store.read("shop", "ann")
        assert seen.value == b""
        assert seen.version != 0

    def test_a_large_value_is_kept_whole(self, store):
        """A megabyte of every byte there is, written over a small one and back."""
        large = bytes(range(256)) * 4_096
        for value in (b"small", large, b"small again"):
            assert store.commit("shop", "ann", store.read("shop", "ann").version, value, [])
            assert store.read("shop", "ann").value == value

    def test_the_desks_come_with_the_visitor(self, store):
        """One round trip tells a request all that it needs."""
        store.put_desk("shop", "default", b"3 agents")
        store.put_desk("shop", "sales", b"1 agent")
        store.put_desk("b2b", "default", b"none")
        assert store.read("shop", "ann").desk == {"default": b"3 agents", "sales": b"1 agent"}
        assert store.commit("shop", "ann", 0, b"one", [])
        assert store.read("shop", "ann").desk == {"default": b"3 agents", "sales": b"1 agent"}

    @pytest.mark.parametrize(
        "ids",
        [
            ("ann", "Ann", "ANN", " ann", "ann "),
            ("caf\u00e9", "cafe\u0301"),
            ("日本", "🛒", "ا", "\u200b", "\x00", "a\x00b", "a"),
            ("'; DROP TABLE visitors; --", "%", "_", "\\", "\n"),
            ("x" * 10_000, "x" * 9_999),
        ],
    )
    def test_ids_are_told_apart_byte_by_byte(self, store, ids):
        """No id folds into another, whatever it is written in."""
        for number, visitor in enumerate(ids):
            line = entry(visitor=visitor, id_=f"e{number}")
            assert store.commit("shop", visitor, 0, str(number).encode(), [line])
        assert [store.read("shop", visitor).value for visitor in ids] == [
            str(number).encode() for number in range(len(ids))
        ]
        assert dict(store.visitors("shop")).keys() == set(ids)
        for visitor in ids:
            assert [line.visitor for line in store.journal("shop", visitor=visitor)] == [visitor]


class TestCommitting:
    def test_a_lost_race_writes_nothing(self, store):
        """Neither the value nor the journal of a stale commit is kept."""
        assert store.commit("shop", "ann", 0, b"one", [entry(id_="e1")])
        read = store.read("shop", "ann")
        assert store.commit("shop", "ann", read.version, b"two", [entry(id_="e2")])
        assert not store.commit("shop", "ann", read.version, b"three", [entry(id_="e3")])
        assert store.read("shop", "ann").value == b"two"
        assert [line.id for line in store.journal("shop")] == ["e1", "e2"]

    def test_version_0_says_that_there_must_be_nobody(self, store):
        """A first write loses to an earlier first write."""
        assert store.commit("shop", "ann", 0, b"one", [])
        assert not store.commit("shop", "ann", 0, b"two", [entry()])
        assert store.read("shop", "ann").value == b"one"
        assert list(store.journal("shop")) == []

    def test_a_version_that_nobody_has_loses(self, store):
        """A visitor that is not there cannot be the one that was read."""
        assert not store.commit("shop", "ann", 7, b"one", [entry()])
        assert store.read("shop", "ann").value is None

    def test_a_failure_half_way_leaves_nothing(self, store):
        """Value and journal are one write: an entry that cannot be kept undoes the value."""
        wrong = Entry(id="e2", at=2**70, kind="decision", visitor="ann", body=b"")
        with pytest.raises(OverflowError):
            store.commit("shop", "ann", 0, b"one", [entry(), wrong])
        assert store.read("shop", "ann").value is None
        assert list(store.journal("shop")) == []
        assert store.commit("shop", "ann", 0, b"one", [entry()])

    def test_sites_never_meet(self, store):
        """One id in two sites is two visitors with two journals and two desks."""
        for site in ("shop", "b2b"):
            assert store.commit(site, "ann", 0, site.encode(), [entry(id_=site)])
            store.put_desk(site, "default", site.encode())
        for site in ("shop", "b2b"):
            assert store.read(site, "ann").value == site.encode()
            assert store.read_desk(site) == {"default": site.encode()}
            assert [line.id for line in store.journal(site)] == [site]
            assert list(store.visitors(site)) == [("ann", site.encode())]


class TestDesks:
    def test_a_desk_is_replaced_and_seen_at_once(self, store, place):
        """The newest report is the only one, for every way in."""
        other = place.open()
        assert other.read_desk("shop") == {}
        for value in (b"one", b"two"):
            store.put_desk("shop", "default", value)
            assert other.read_desk("shop") == {"default": value}
            assert other.read("shop", "ann").desk == {"default": value}


class TestErasing:
    def test_nothing_about_the_visitor_is_left(self, store):
        """Value and journal go together, and nobody else's do."""
        for visitor in ("ann", "bob"):
            lines = [entry(at=at, id_=f"{visitor}{at}", visitor=visitor) for at in range(3)]
            assert store.commit("shop", visitor, 0, b"one", lines)
        assert store.erase("shop", "ann")
        assert store.read("shop", "ann") == Snapshot(0, None, {})
        assert [line.visitor for line in store.journal("shop")] == ["bob"] * 3
        assert list(store.journal("shop", visitor="ann")) == []
        assert store.read("shop", "bob").value == b"one"

    def test_erasing_nobody_says_so(self, store):
        """A second erasure has nothing to do, nor has one in another site."""
        assert store.commit("shop", "ann", 0, b"one", [entry()])
        assert not store.erase("b2b", "ann")
        assert store.erase("shop", "ann")
        assert not store.erase("shop", "ann")

    def test_a_request_that_read_before_cannot_bring_the_visitor_back(self, store):
        """Versions start elsewhere after an erasure, so an old one never fits a new visitor."""
        seen = set()
        for number in range(20):
            assert store.commit("shop", "ann", 0, b"old", [])
            assert store.commit("shop", "ann", store.read("shop", "ann").version, b"older", [])
            seen.add(store.read("shop", "ann").version)
            assert store.erase("shop", "ann")
            assert len(seen) == number + 1
        assert not any(store.commit("shop", "ann", version, b"old", []) for version in seen)
        assert store.read("shop", "ann").value is None


class TestTheJournal:
    @pytest.fixture
    def full(self, store):
        """Keep 1,300 entries, more than any page of a store, written out of order, with ties."""
        made = [entry(at=n * 7 % 650, id_=f"e{n:04}", visitor=f"v{n % 3}") for n in range(1_300)]
        for start in range(0, 1_300, 100):
            visitor = f"writer{start}"
            assert store.commit("shop", visitor, 0, b"", made[start : start + 100])
        return store, sorted(made, key=lambda line: (line.at, line.id))

    def test_entries_come_by_time_then_id(self, full):
        """The order of writing does not matter, and no entry is missed or told twice."""
        store, made = full
        assert list(store.journal("shop")) == made
        assert list(store.journal("shop", newest_first=True)) == made[::-1]

    def test_a_span_is_half_open(self, full):
        """The beginning counts, the end does not."""
        store, made = full
        wanted = [line for line in made if 100 <= line.at < 400]
        assert list(store.journal("shop", since=100, until=400)) == wanted
        assert list(store.journal("shop", since=400, until=100)) == []

    @pytest.mark.parametrize("limit", [0, 1, 499, 500, 501, 1_000, 1_299, 1_300, 5_000])
    def test_a_limit_counts_from_the_end_that_comes_first(self, full, limit):
        """Whatever pages a store reads by, the limit is exact."""
        store, made = full
        assert list(store.journal("shop", limit=limit)) == made[:limit]
        newest = made[::-1][:limit]
        assert list(store.journal("shop", limit=limit, newest_first=True)) == newest

    def test_a_visitor_narrows_it(self, full):
        """Every bound can be joined with every other."""
        store, made = full
        wanted = [line for line in made if line.visitor == "v1" and line.at >= 300]
        assert list(store.journal("shop", visitor="v1", since=300)) == wanted
        assert list(store.journal("shop", visitor="v1", since=300, limit=7)) == wanted[:7]

    def test_writing_goes_on_while_it_is_read(self, full):
        """A reader half way through neither blocks a writer nor loses an old entry."""
        store, made = full
        seen = []
        for number, line in enumerate(store.journal("shop")):
            seen.append(line)
            if number % 400 == 0:
                assert store.commit("shop", f"new{number}", 0, b"", [entry(LATE, f"n{number}")])
        assert seen[:1_300] == made

    def test_an_entry_that_is_written_twice_is_one(self, store):
        """Site, instant, id, visitor and kind make an entry what it is."""
        assert store.commit("shop", "ann", 0, b"", [entry(), entry()])
        assert len(list(store.journal("shop"))) == 1
        assert store.commit("shop", "bob", 0, b"", [entry(kind="shown"), entry(visitor="bob")])
        assert len(list(store.journal("shop"))) == 3


class TestAllVisitors:
    def test_each_comes_once_by_id(self, store):
        """More visitors than any page of a store, in order."""
        made = {f"v{number * 7 % 230:03}": str(number).encode() for number in range(230)}
        for visitor, value in made.items():
            assert store.commit("shop", visitor, 0, value, [])
        assert list(store.visitors("shop")) == sorted(made.items())

    def test_they_may_be_erased_while_they_are_read(self, store):
        """Walking over all visitors holds nothing up."""
        for number in range(120):
            assert store.commit("shop", f"v{number:03}", 0, b"", [])
        for visitor, _ in store.visitors("shop"):
            assert store.erase("shop", visitor)
        assert list(store.visitors("shop")) == []


class TestSweeping:
    def test_what_was_not_written_since_goes(self, place):
        """A visitor goes by the store's clock, a journal entry by its own instant."""
        ticks = count(1_000)
        store = place.open(clock=lambda: next(ticks))
        for number in range(4):  # written at 1000 .. 1003
            line = entry(at=number, id_=f"e{number}", visitor=f"v{number}")
            assert store.commit("shop", f"v{number}", 0, b"", [line])
        again = store.read("shop", "v0").version
        assert store.commit("shop", "v0", again, b"again", [])  # at 1004
        assert store.sweep("shop", 1_002) == 1 + 4
        assert [visitor for visitor, _ in store.visitors("shop")] == ["v0", "v2", "v3"]
        assert list(store.journal("shop")) == []

    def test_the_instant_itself_stays(self, place):
        """Exactly as old as the limit is not older."""
        store = place.open(clock=lambda: 1_000)
        assert store.commit("shop", "ann", 0, b"", [entry(at=1_000)])
        assert store.sweep("shop", 1_000) == 0
        assert store.sweep("shop", 1_001) == 2

    def test_other_sites_and_desks_stay(self, place):
        """A site's retention is its own."""
        store = place.open(clock=lambda: 1_000)
        for site in ("shop", "b2b"):
            assert store.commit(site, "ann", 0, b"", [entry()])
            store.put_desk(site, "default", b"here")
        assert store.sweep("shop", LATE) == 2
        assert store.read("b2b", "ann").value == b""
        assert len(list(store.journal("b2b"))) == 1
        assert store.read_desk("shop") == {"default": b"here"}

    def test_many_rows_go_in_steps(self, place):
        """More rows than any step takes are all removed, and counted."""
        store = place.open(clock=lambda: 1_000)
        lines = [entry(at=at, id_=f"e{at}") for at in range(1_200)]
        assert store.commit("shop", "ann", 0, b"", lines)
        for number in range(700):
            assert store.commit("shop", f"v{number}", 0, b"", [])
        assert store.sweep("shop", LATE) == 1_200 + 701
        assert store.sweep("shop", LATE) == 0


class TestClosing:
    def test_a_closed_store_says_so(self, store):
        """Every method of a closed store raises the one kind of failure."""
        store.close()
        calls = [
            lambda: store.read("shop", "ann"),
            lambda: store.commit("shop", "ann", 0, b"", []),
            lambda: store.erase("shop", "ann"),
            lambda: store.read_desk("shop"),
            lambda: store.put_desk("shop", "default", b""),
            lambda: list(store.journal("shop")),
            lambda: list(store.visitors("shop")),
            lambda: store.sweep("shop", 1),
        ]
        for call in calls:
            with pytest.raises(StoreUnavailable, match="is closed"):
                call()

    def test_closing_twice_does_no_harm_and_keeps_everything(self, store, place):
        """Whoever opens it next finds it all."""
        assert store.commit("shop", "ann", 0, b"one", [entry()])
        store.close()
        store.close()
        again = place.open()
        assert again.read("shop", "ann").value == b"one"
        assert list(again.journal("shop")) == [entry()]
