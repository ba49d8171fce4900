"""The SQLite store: its file, its log, and what it says when something is wrong with them."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import threading
from contextlib import ExitStack, closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from engine.errors import StoreUnavailable
from engine.store import Entry, sqlite, tables
from engine.store.sqlite import SqliteStore


@pytest.fixture(autouse=True)
def no_rounds(monkeypatch):
    """Keep the housekeeping to the calls that a test makes itself."""
    monkeypatch.setattr(sqlite, "ROUND", 3_600)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def open_at():
    """Open stores, and close them when the test is over."""
    with ExitStack() as stack:
        yield lambda path, **more: stack.enter_context(closing(SqliteStore(path, **more)))


@pytest.fixture
def store(open_at, path):
    """Open a store that soon loses patience."""
    return open_at(path, patience=0.05)


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def fill(store, count: int, size: int = 2_000) -> None:
    for number in range(count):
        assert store.commit("shop", f"v{number}", 0, os.urandom(size), [])


class TestTheFile:
    def test_nobody_else_may_read_it(self, store, path):
        """Visitors' data has the rights 0600, and so have the log and its index."""
        fill(store, 1)
        for ending in ("", "-wal", "-shm", "-turn"):
            assert stat.S_IMODE(beside(path, ending).stat().st_mode) == 0o600

    def test_it_says_whose_it_is_and_of_which_format(self, store, path):
        """Another program, and a later welltimed, can tell."""
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("PRAGMA application_id").fetchone() == (0x77656C6C,)
            assert raw.execute("PRAGMA user_version").fetchone() == (1,)
            assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            kinds = raw.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'")
            assert {name for name, strict in kinds if strict} == {"visitors", "desks", "journal"}

    def test_missing_folders_are_made(self, tmp_path):
        """A data folder need not be there beforehand; it is made private."""
        SqliteStore(tmp_path / "a" / "b" / "store.db").close()
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700

    def test_an_empty_file_is_ours_to_fill(self, open_at, path):
        """`touch` and an interrupted first start leave a file that can be used."""
        path.touch()
        store = open_at(path)
        fill(store, 1)

    @pytest.mark.parametrize(
        "statement",
        ["CREATE TABLE orders (id)", "PRAGMA application_id = 7", "PRAGMA user_version = 1"],
    )
    def test_a_file_of_another_application_is_refused_and_left_as_it_was(self, path, statement):
        """We neither add tables to it nor change how it keeps its journal."""
        with closing(sqlite3.connect(path)) as raw:
            raw.execute(statement)
        before = path.read_bytes()
        with pytest.raises(StoreUnavailable, match="belongs to another application; name a file"):
            SqliteStore(path)
        assert path.read_bytes() == before

    def test_a_newer_format_is_refused(self, store, path):
        """An older program does not guess at what a newer one wrote."""
        store.close()
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA user_version = 2")
        with pytest.raises(StoreUnavailable, match=r"newer welltimed \(its format is 2"):
            SqliteStore(path)

    def test_a_format_that_changes_while_it_runs_is_noticed(self, store, path):
        """A newer program that upgraded the file stops this one from writing into it."""
        fill(store, 1)
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA user_version = 2")
        store.pause()
        store.resume()
        with pytest.raises(StoreUnavailable, match="newer welltimed"):
            store.read("shop", "v0")

    def test_a_file_that_is_no_database_is_refused(self, path):
        """Anything else keeps its content."""
        path.write_bytes(b"rules:\n" * 1_000)
        with pytest.raises(StoreUnavailable, match="is not a SQLite file; name another"):
            SqliteStore(path)
        assert path.read_bytes() == b"rules:\n" * 1_000

    def test_a_folder_in_its_place_is_refused(self, path):
        """The sentence names the path."""
        path.mkdir()
        with pytest.raises(StoreUnavailable, match=r"store\.db cannot be opened; check that it is"):
            SqliteStore(path)

    def test_a_file_in_the_place_of_its_folder_is_refused(self, path):
        """A wrong path gives a sentence, not a traceback."""
        path.touch()
        with pytest.raises(StoreUnavailable, match="cannot be used: "):
            SqliteStore(path / "store.db")


class TestDurability:
    @pytest.mark.parametrize(("full", "level"), [(False, 1), (True, 2)])
    def test_the_setting_reaches_every_connection(self, open_at, path, full, level):
        """NORMAL is 1 and FULL is 2 in SQLite's own words."""
        store = open_at(path, full=full)
        fill(store, 1)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (level,)

    def test_requests_never_move_the_log(self, store, path):
        """SQLite would do so within some unlucky request once the log has 1,000 pages."""
        fill(store, 600)
        assert store._connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
        assert beside(path, "-wal").stat().st_size > 1_500 * 4_096


class TestTidying:
    def test_an_idle_log_is_moved_and_cut_off(self, store, path):
        """Once nobody has written between two rounds, the log takes no room."""
        fill(store, 50)
        store.tidy()
        assert beside(path, "-wal").stat().st_size > 0
        store.tidy()
        assert beside(path, "-wal").stat().st_size == 0
        assert len(list(store.visitors("shop"))) == 50
        store.tidy()

    def test_a_long_log_is_moved_while_others_write(self, store, path, monkeypatch):
        """Under steady load the log is moved at a size, and begun anew at a larger one."""
        monkeypatch.setattr(sqlite, "CHECKPOINT_FROM", 100_000)
        monkeypatch.setattr(sqlite, "CUT_FROM", 200)
        sizes = []
        for turn in range(8):
            for number in range(40):
                visitor = f"v{number}"
                read = store.read("shop", visitor)
                assert store.commit("shop", visitor, read.version, os.urandom(2_000), [])
            sizes.append(beside(path, "-wal").stat().st_size)
            store.tidy()
            assert len(list(store.visitors("shop"))) == 40, turn
        assert sizes[-1] < 3 * max(sizes[:2])

    def test_a_reader_elsewhere_delays_it_and_harms_nothing(self, store, path):
        """A backup tool that reads for long keeps the log alive until it is done."""
        fill(store, 20)
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("BEGIN")
            raw.execute("SELECT count(*) FROM visitors").fetchone()
            assert store.commit("shop", "late", 0, b"", [])
            store.tidy()
            store.tidy()
            assert beside(path, "-wal").stat().st_size > 0
        store.tidy()
        assert beside(path, "-wal").stat().st_size == 0
        assert store.read("shop", "late").value == b""

    def test_what_was_erased_is_in_no_file(self, store, path):
        """After the next round not one of the files holds a trace of an erased visitor."""
        secret = b"planted-personal-data"
        fill(store, 30, size=3_000)
        for turn in range(5):
            read = store.read("shop", "ann")
            line = Entry(id=f"e{turn}", at=turn, kind="k", visitor="ann", body=secret)
            value = secret * (50 + 100 * turn)
            assert store.commit("shop", "ann", read.version, value, [line])
        store.tidy()
        assert any(secret in file.read_bytes() for file in path.parent.iterdir())
        assert store.erase("shop", "ann")
        store.tidy()
        for file in path.parent.iterdir():
            assert secret not in file.read_bytes(), file

    def test_it_runs_by_itself_once_something_was_written(self, path, monkeypatch):
        """No one needs to call it: the rounds begin with the first commit of a process."""
        done = threading.Event()
        monkeypatch.setattr(sqlite, "ROUND", 0.001)
        monkeypatch.setattr(SqliteStore, "tidy", lambda self: done.set())
        store = SqliteStore(path)
        assert store.read("shop", "ann").value is None
        assert not store._rounds.running
        fill(store, 1)
        assert done.wait(30)
        store.close()
        assert not store._rounds.running

    def test_trouble_in_a_round_does_not_end_the_rounds(self, path, monkeypatch):
        """The next round tries again; requests say what is wrong."""
        calls = []
        twice = threading.Event()

        def fail(self):
            calls.append(1)
            if len(calls) == 2:
                twice.set()
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(sqlite, "ROUND", 0.001)
        monkeypatch.setattr(SqliteStore, "tidy", fail)
        store = SqliteStore(path)
        fill(store, 1)
        assert twice.wait(30)
        store.close()


class TestFaults:
    def test_another_program_that_writes_for_long_is_not_waited_for(self, store, path):
        """Reading goes on; writing is refused in time, and works again afterwards."""
        fill(store, 1)
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="is locked by another program; stop that"):
                store.commit("shop", "ann", 0, b"", [])
            assert store.read("shop", "v0").value is not None
        assert store.commit("shop", "ann", 0, b"", [])

    def test_a_process_that_was_stopped_in_its_turn_is_not_waited_for(self, store, path):
        """The lock between our own processes has an end to its patience too."""
        with beside(path, "-turn").open("rb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            with pytest.raises(StoreUnavailable, match="is locked by another program"):
                store.put_desk("shop", "default", b"")
        store.put_desk("shop", "default", b"")

    def test_a_thread_that_keeps_the_connection_is_not_waited_for(self, store):
        """A request never waits for longer than its patience, whatever keeps the store busy."""
        store._mutex.acquire()
        with pytest.raises(StoreUnavailable, match="is locked"):
            store.read("shop", "ann")
        store._mutex.release()
        assert store.read("shop", "ann").value is None

    def test_a_full_disk_is_said_and_nothing_is_half_written(self, store, path):
        """A commit that does not fit leaves the old value and no journal entry; then it goes on."""
        fill(store, 1)
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        line = Entry(id="e", at=1, kind="k", visitor="ann", body=b"")
        with pytest.raises(StoreUnavailable, match="its disk is full; make room"):
            store.commit("shop", "ann", 0, b"x" * 100_000, [line])
        assert store.read("shop", "ann").value is None
        assert list(store.journal("shop")) == []
        assert store.commit("shop", "ann", 0, b"x" * 100_000, [line])

    def test_damage_is_said(self, open_at, store, path):
        """A file whose pages were overwritten is not read as if it were whole."""
        fill(store, 200)
        store.close()
        content = path.read_bytes()
        path.write_bytes(content[:8_192] + os.urandom(len(content) - 8_192))
        damaged = open_at(path)
        with pytest.raises(StoreUnavailable, match="is damaged; restore a backup"):
            list(damaged.visitors("shop"))

    def test_a_file_that_is_taken_away_is_missed(self, store, path):
        """Nothing is acknowledged into a deleted file; once it is back, so is the store."""
        fill(store, 1)
        store.tidy()
        store.tidy()
        away = path.with_name("away.db")
        path.rename(away)
        with pytest.raises(StoreUnavailable, match=r"store\.db cannot be used: no such file"):
            store.commit("shop", "ann", 0, b"", [])
        with pytest.raises(StoreUnavailable):
            store.read("shop", "v0")
        away.rename(path)
        assert store.commit("shop", "ann", 0, b"", [])
        assert store.read("shop", "v0").value is not None

    def test_a_file_that_is_replaced_is_read_anew(self, store, path, monkeypatch):
        """A restored backup counts from then on, for readers too."""
        monkeypatch.setattr(sqlite, "LOOK_AGAIN", 0)
        fill(store, 1)
        other = SqliteStore(path.with_name("other.db"))
        assert other.commit("shop", "ann", 0, b"restored", [])
        other.close()
        path.with_name("other.db").replace(path)
        for ending in ("-wal", "-shm"):
            beside(path, ending).unlink()
        assert store.read("shop", "ann").value == b"restored"

    def test_a_file_that_is_replaced_by_an_empty_one_is_refused(self, store, path):
        """Emptiness under a running server is an accident, not a fresh start."""
        fill(store, 1)
        path.unlink()
        path.touch()
        with pytest.raises(StoreUnavailable, match="was emptied while it was in use"):
            store.commit("shop", "ann", 0, b"", [])

    def test_an_old_sqlite_is_refused(self, path, monkeypatch):
        """A Python that comes with too old a SQLite is named, before anything is created."""
        monkeypatch.setattr(sqlite, "OLDEST_SQLITE", (99, 0, 0))
        with pytest.raises(StoreUnavailable, match=r"comes with SQLite 3.*needs 99\.0\.0 or newer"):
            SqliteStore(path)
        assert not path.exists()


class TestForks:
    def test_no_connection_and_no_thread_crosses_a_fork(self, store):
        """SQLite's locks do not survive one: all is closed before, and opened again after."""
        fill(store, 1)
        assert store._connection is not None
        assert store._rounds.running
        child, parent = get_context("fork").Pipe()

        def look() -> None:
            child.send((store._connection, store._rounds.running, threading.active_count()))

        worker = get_context("fork").Process(target=look)
        worker.start()
        assert parent.recv() == (None, False, 1)
        worker.join()
        assert store._connection is None
        assert store.commit("shop", "after", 0, b"", [])
        assert store._rounds.running

    def test_the_turn_is_not_shared_across_a_fork(self, store):
        """A file lock belongs to whoever inherits the open file: each side opens its own."""
        fill(store, 1)
        context = get_context("fork")
        ours, theirs = context.Pipe()

        def work() -> None:
            theirs.recv()
            theirs.send(store._turn.take(0))

        worker = context.Process(target=work)
        worker.start()
        assert store._turn.take(0)
        ours.send("now")
        assert ours.recv() is False
        store._turn.give()
        worker.join()


def test_every_lookup_uses_an_index(store):
    """No statement of a request, and no page of the journal, walks over a whole table."""
    statements = [
        (tables.READ, 3),
        (tables.UPDATE, 5),
        (tables.page_of_visitors(after=True), 3),
        *((statement, 2) for statement in tables.ERASE),
        *(
            (tables.page_of_journal(bounds, after=after, newest_first=back), values + 4 * after)
            for bounds, values in [
                (["site = ?"], 2),
                (["site = ?", "at >= ?", "at < ?"], 4),
                (["site = ?", "at >= ?", "visitor = ?"], 4),
            ]
            for after in (False, True)
            for back in (False, True)
        ),
    ]
    store.read("shop", "ann")
    for statement, values in statements:
        rows = store._connection.execute(f"EXPLAIN QUERY PLAN {statement}", ["x"] * values)
        plan = [row[3] for row in rows]
        assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in plan), plan
