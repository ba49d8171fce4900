"""The embedded store: one SQLite file for all processes of one machine.

Each process has one connection, used by one thread at a time, opened when first needed and closed
before a fork: SQLite's locks do not survive one. The file keeps a write-ahead log; requests only
append to it, and `tidy` moves it into the file beside them. docs/decisions/sqlite.md has reasons.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from engine.clock import Clock, now
from engine.errors import StoreUnavailable
from engine.store import tables
from engine.store.base import Entry, Snapshot
from engine.store.rounds import Rounds
from engine.store.turn import Turn

T = TypeVar("T")

# STRICT tables
OLDEST_SQLITE = (3, 37, 0)
# How long a call waits for its turn before it gives up, in seconds.
PATIENCE = 1.0
# ... and the first look at the file, which another process may be preparing.
PREPARE_PATIENCE = 10.0
# Rows read or removed at once; values may be large, so visitors come in fewer.
JOURNAL_PAGE = 500
VISITOR_PAGE = 50
SWEEP_PAGE = 500
# The log is moved into the file when it takes this many bytes, or nobody writes.
CHECKPOINT_FROM = 4 << 20
# Under steady load it would grow for ever: at this many pages it is begun anew, writers waiting.
CUT_FROM = 16_000
# How long that may wait for readers, in seconds.
KEEPER_PATIENCE = 0.05
# Seconds for which a reader trusts that the file is still the one it opened.
LOOK_AGAIN = 0.1
# Seconds between two rounds of `tidy`.
ROUND = 0.5


class SqliteStore:
    """A `Store` in one SQLite file; the file is prepared here, before anything forks.

    `full` makes every commit survive a power cut as well, at the price of the disk's own pace.
    """

    def __init__(
        self, path: Path, *, full: bool = False, clock: Clock = now, patience: float = PATIENCE
    ) -> None:
        self._path = path.absolute()
        self._full = full
        self._clock = clock
        self._patience = patience
        try:
            _prepare(self._path)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(_in_plain_words(error, self._path)) from error
        self._closed = False
        self._mutex = threading.Lock()  # guards the five below
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._look_again = 0.0
        self._turn = Turn(_beside(self._path, "-turn"))
        self._rounds = Rounds(self._tidy_quietly, ROUND)
        self._tidying = threading.Lock()  # guards the two below
        self._log_seen = 0
        self._scrub = False
        _STORES.add(self)

    # --- promises of base.Store -------------------------------------------------------------

    def read(self, site: str, visitor: str) -> Snapshot:
        """See `Store.read`."""
        rows = self._rows(tables.READ, (site, visitor, site))
        if rows and rows[0][0]:
            version, _, value = rows.pop(0)
            return Snapshot(version, value, {desk: held for _, desk, held in rows})
        return Snapshot(0, None, {desk: held for _, desk, held in rows})

    def commit(
        self, site: str, visitor: str, version: int, value: bytes, entries: Sequence[Entry]
    ) -> bool:
        """See `Store.commit`."""
        written = self._clock()
        rows = [(site, e.at, e.id, e.visitor, e.kind, e.body) for e in entries]

        def write(connection: sqlite3.Connection) -> bool:
            if version:
                done = connection.execute(tables.UPDATE, (written, value, site, visitor, version))
            else:
                done = connection.execute(tables.INSERT, (site, visitor, written, value))
            if not done.rowcount:
                return False
            for row in rows:
                connection.execute(tables.WRITE_ENTRY, row)
            return True

        return self._transact(write)

    def erase(self, site: str, visitor: str) -> bool:
        """See `Store.erase`; the log's old pages go with the next round of `tidy`."""

        def remove(connection: sqlite3.Connection) -> int:
            return sum(
                connection.execute(statement, (site, visitor)).rowcount
                for statement in tables.ERASE
            )

        removed = self._transact(remove)
        self._scrub = True
        return removed > 0

    def read_desk(self, site: str) -> Mapping[str, bytes]:
        """See `Store.read_desk`."""
        return dict(self._rows(tables.READ_DESK, (site,)))

    def put_desk(self, site: str, department: str, value: bytes) -> None:
        """See `Store.put_desk`."""
        self._change(tables.PUT_DESK, (site, department, value))

    def journal(
        self,
        site: str,
        *,
        since: int | None = None,
        until: int | None = None,
        visitor: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """See `Store.journal`."""
        bounds = {"site = ?": site, "at >= ?": since, "at < ?": until, "visitor = ?": visitor}
        bounds = {text: value for text, value in bounds.items() if value is not None}
        last: tuple[object, ...] = ()
        while limit is None or limit > 0:
            size = JOURNAL_PAGE if limit is None else min(limit, JOURNAL_PAGE)
            page = tables.page_of_journal([*bounds], after=bool(last), newest_first=newest_first)
            rows = self._rows(page, (*bounds.values(), *last, size))
            for at, id_, who, kind, body in rows:
                yield Entry(id=id_, at=at, kind=kind, visitor=who, body=body)
            if len(rows) < size:
                return
            last = rows[-1][:4]
            limit = None if limit is None else limit - size

    def visitors(self, site: str) -> Iterator[tuple[str, bytes]]:
        """See `Store.visitors`."""
        rows = self._rows(tables.page_of_visitors(after=False), (site, VISITOR_PAGE))
        while rows:
            yield from rows
            last = rows[-1][0]
            rows = self._rows(tables.page_of_visitors(after=True), (site, last, VISITOR_PAGE))

    def sweep(self, site: str, before: int) -> int:
        """See `Store.sweep`."""
        removed = last = 0
        while (end := self._rows(tables.SWEEP_WINDOW, (last, SWEEP_PAGE))[0][0]) is not None:
            removed += self._change(tables.SWEEP_VISITORS, (last, end, site, before))
            last = end
        while gone := self._change(tables.SWEEP_JOURNAL, (site, before, SWEEP_PAGE)):
            removed += gone
        return removed

    def close(self) -> None:
        """See `Store.close`."""
        with self._mutex:
            self._closed = True
            self._rounds.stop()
            self._let_go_of_connection()
            self._turn.close()

    # --- the write-ahead log ----------------------------------------------------------------

    def tidy(self) -> None:
        """Move the log into the file where that is worth it, and cut it off when it is idle.

        Runs every half second on a thread of its own once this process has written; processes do
        not get in each other's way. Raises StoreUnavailable.
        """
        with self._tidying:
            try:
                self._tidy()
            except FileNotFoundError:
                return  # no log: nothing was ever written
            except (sqlite3.Error, OSError) as error:
                raise StoreUnavailable(_in_plain_words(error, self._path)) from error

    def _tidy(self) -> None:
        log = _beside(self._path, "-wal").stat()
        idle, self._log_seen = log.st_mtime_ns == self._log_seen, log.st_mtime_ns
        scrub = self._scrub
        worth_it = log.st_size and (idle or scrub or log.st_size >= CHECKPOINT_FROM)
        if self._closed or not worth_it:
            return
        self._scrub, done = False, False  # before the cut: an erasure during it asks anew
        try:
            with closing(self._connect(KEEPER_PATIENCE)) as keeper:
                pages = _checkpoint(keeper)
                if idle or scrub:
                    done = self._cut_off(keeper, "TRUNCATE")
                elif pages >= CUT_FROM:
                    self._cut_off(keeper, "RESTART")
        finally:
            self._scrub = self._scrub or (scrub and not done)

    def _cut_off(self, keeper: sqlite3.Connection, how: str) -> bool:
        """Move the rest of the log and begin it anew, writers waiting: little is left by now."""
        turn = Turn(_beside(self._path, "-turn"))
        try:
            if not turn.take(self._patience):
                return False
            busy, _, _ = keeper.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        finally:
            turn.close()
        return not busy

    def _tidy_quietly(self) -> None:
        # The requests meet the same trouble and report it; the next round tries again.
        with suppress(StoreUnavailable):
            self.tidy()

    # --- connections ------------------------------------------------------------------------

    def _rows(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._lend(lambda connection: connection.execute(statement, values).fetchall())

    def _change(self, statement: str, values: Sequence[object]) -> int:
        return self._transact(lambda connection: connection.execute(statement, values).rowcount)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work inside one transaction; an exception undoes all of it."""

        def transaction(connection: sqlite3.Connection) -> T:
            if not self._rounds.running:
                with suppress(RuntimeError):  # no threads any more while Python shuts down
                    self._rounds.start()
            if not self._turn.take(self._patience):
                raise StoreUnavailable(_locked(self._path))
            try:
                connection.execute("BEGIN IMMEDIATE")
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._turn.give()
            return result

        return self._lend(transaction, surely=True)

    def _lend(self, work: Callable[[sqlite3.Connection], T], *, surely: bool = False) -> T:
        """Do the work with this process's connection, on which no other thread is then."""
        if not self._mutex.acquire(timeout=self._patience):
            raise StoreUnavailable(_locked(self._path))
        try:
            return work(self._current(surely=surely))
        except (sqlite3.Error, OSError) as error:
            self._let_go_of_connection()
            raise StoreUnavailable(_in_plain_words(error, self._path)) from error
        finally:
            self._mutex.release()

    def _current(self, *, surely: bool) -> sqlite3.Connection:
        """Return the open connection, or a new one: the first time, and when the file changed.

        What is written into a file that was deleted or replaced would be lost, so writers look
        each time (`surely`), readers every now and then: a look costs 2 µs.
        """
        if self._closed:
            raise StoreUnavailable(f"the store {self._path} is closed")
        clock = time.monotonic()
        if self._connection is None or surely or clock >= self._look_again:
            inode = self._path.stat().st_ino
            if self._connection is None or inode != self._inode:
                self._let_go_of_connection()
                self._connection, self._inode = self._connect(self._patience), inode
            self._look_again = clock + LOOK_AGAIN
        return self._connection

    def _connect(self, patience: float) -> sqlite3.Connection:
        connection = _open(self._path, patience)
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        if not _format_of(connection, self._path):
            raise StoreUnavailable(
                f"the store {self._path} was emptied while it was in use; restart to begin anew"
            )
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._full else 'NORMAL'}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA secure_delete = ON")

    def _let_go_of_connection(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def pause(self) -> None:
        """Close everything and let nobody in, for the length of a fork."""
        self._mutex.acquire()
        self._rounds.stop()
        self._tidying.acquire()
        self._let_go_of_connection()
        self._turn.close()

    def resume(self) -> None:
        """Let the callers in again, in parent and child alike."""
        self._tidying.release()
        self._mutex.release()


# --- forks ----------------------------------------------------------------------------------

_STORES: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_PAUSED: list[SqliteStore] = []
_FORKING = threading.Lock()


def _before_fork() -> None:
    _FORKING.acquire()
    _PAUSED.extend(_STORES)
    for store in _PAUSED:
        store.pause()


def _after_fork() -> None:
    while _PAUSED:
        _PAUSED.pop().resume()
    _FORKING.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


# --- the file -------------------------------------------------------------------------------


def _prepare(path: Path) -> None:
    """Create the file if need be, and see that it is ours, readable and in WAL mode."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreUnavailable(
            f"this Python comes with SQLite {sqlite3.sqlite_version}; "
            f"welltimed needs {'.'.join(map(str, OLDEST_SQLITE))} or newer"
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    turn = Turn(_beside(path, "-turn"))
    try:
        # One process at a time: two that turn the log on at once can fail in spite of waiting.
        if not turn.take(PREPARE_PATIENCE):
            raise StoreUnavailable(_locked(path))
        # Visitors' data: the log and its index take over these rights. A file that is there must
        # not be opened here: closing it would drop the locks that SQLite has on it.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(_open(path, PREPARE_PATIENCE)) as connection:
            _bring_up(connection, path)
    finally:
        turn.close()


def _bring_up(connection: sqlite3.Connection, path: Path) -> None:
    """Turn the log on and create the tables, if the file is fit for it."""
    empty = not _format_of(connection, path)
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreUnavailable(
            f"the store {path} cannot keep a write-ahead log there (is it a network folder?); "
            "put it on a disk of this machine"
        )
    if empty:  # all or nothing
        connection.executescript(
            f"BEGIN IMMEDIATE; {tables.TABLES} "
            f"PRAGMA application_id = {tables.APPLICATION}; "
            f"PRAGMA user_version = {tables.FORMAT}; COMMIT;"
        )


def _format_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the file's format, 0 for an empty file.

    Raises StoreUnavailable if it is another application's, or of a format that we do not know.
    """
    connection.execute("BEGIN")  # one look: another process may be creating the tables
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    format_ = connection.execute("PRAGMA user_version").fetchone()[0]
    filled = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    connection.execute("COMMIT")
    if application != tables.APPLICATION and (application or filled or format_):
        raise StoreUnavailable(
            f"the file {path} belongs to another application; name a file of welltimed's own"
        )
    if format_ > tables.FORMAT:
        raise StoreUnavailable(
            f"the store {path} was written by a newer welltimed (its format is {format_}, this "
            f"one knows {tables.FORMAT}); use the newer one"
        )
    return int(format_)


def _open(path: Path, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _checkpoint(keeper: sqlite3.Connection) -> int:
    """Move the log into the file, nobody waiting, until little is left of it.

    Returns how many pages the log holds; -1 while another process is doing the same.
    """
    pages = moved = 0
    for _ in range(8):
        _, pages, moved = keeper.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages - moved < 100:
            break
    return int(pages)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


# --- faults in plain words ------------------------------------------------------------------


def _locked(path: Path) -> str:
    return f"the store {path} is locked by another program; stop that, or try again"


_FAULTS = {
    sqlite3.SQLITE_BUSY: "is locked by another program; stop that, or try again",
    sqlite3.SQLITE_FULL: "cannot grow, its disk is full; make room",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a backup, or move it away to start anew",
    sqlite3.SQLITE_NOTADB: "is not a SQLite file; name another, or move it away",
    sqlite3.SQLITE_READONLY: "may not be written; check the rights of the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that it is a file, and its rights",
    sqlite3.SQLITE_PERM: "cannot be opened; check the rights of the file and its folder",
    sqlite3.SQLITE_IOERR: "cannot be read or written, its disk fails or is full",
}


def _in_plain_words(error: Exception, path: Path) -> str:
    """Say what SQLite or the file system raised."""
    if isinstance(error, OSError):
        return f"the store {path} cannot be used: {(error.strerror or str(error)).lower()}"
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return f"the store {path} {_FAULTS.get(code, f'cannot be used: {error}')}"
