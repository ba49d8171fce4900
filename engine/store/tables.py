"""The tables of the SQLite store and the statements that touch them: text only.

`written` is the wall clock (ms) of a visitor's last commit: what a sweep goes by. It stands before
`value`, so that a sweep need not read the values, and has no index: one cost 60 % of a commit.
The journal's own order is its key; `journal_by_visitor` carries the rest of the key by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

# Marks our files among all SQLite files: "well".
APPLICATION = 0x77656C6C
# The shape of the tables below. A change needs a new number and a step in `_lay_out`.
FORMAT = 1

TABLES = """
CREATE TABLE visitors (
    row INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    visitor TEXT NOT NULL,
    version INTEGER NOT NULL,
    written INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX visitors_by_id ON visitors (site, visitor);
CREATE TABLE desks (
    site TEXT NOT NULL,
    department TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (site, department)
) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
    site TEXT NOT NULL,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    visitor TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (site, at, id, visitor, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_by_visitor ON journal (site, visitor);
"""

# Site, visitor, site. One statement sees one instant.
READ = """
SELECT version, '', value FROM visitors WHERE site = ? AND visitor = ?
UNION ALL SELECT 0, department, value FROM desks WHERE site = ?
"""
# A first version is random: a request that read before an erasure cannot win after it.
INSERT = """
INSERT INTO visitors (site, visitor, version, written, value)
VALUES (?, ?, (random() & 0xFFFFFFFFFFFFF) + 1, ?, ?) ON CONFLICT DO NOTHING
"""
UPDATE = """
UPDATE visitors SET version = version + 1, written = ?, value = ?
WHERE site = ? AND visitor = ? AND version = ?
"""
WRITE_ENTRY = "INSERT OR IGNORE INTO journal VALUES (?, ?, ?, ?, ?, ?)"
PUT_DESK = """
INSERT INTO desks VALUES (?, ?, ?)
ON CONFLICT (site, department) DO UPDATE SET value = excluded.value
"""
SWEEP_JOURNAL = """
DELETE FROM journal WHERE (site, at, id, visitor, kind) IN (
    SELECT site, at, id, visitor, kind FROM journal WHERE site = ? AND at < ? LIMIT ?
)
"""

ERASE = (
    "DELETE FROM visitors WHERE site = ? AND visitor = ?",
    "DELETE FROM journal WHERE site = ? AND visitor = ?",
)
READ_DESK = "SELECT department, value FROM desks WHERE site = ?"
# The window's end: rows may have gaps.
SWEEP_WINDOW = """
SELECT max(row) FROM (SELECT row FROM visitors WHERE row > ? ORDER BY row LIMIT ?)
"""
SWEEP_VISITORS = "DELETE FROM visitors WHERE row > ? AND row <= ? AND site = ? AND written < ?"


def page_of_visitors(*, after: bool) -> str:
    """Return the statement for a page of visitors: site, the id before it where `after`, rows."""
    beyond = " AND visitor > ?" if after else ""
    where = f"site = ?{beyond} ORDER BY visitor LIMIT ?"
    return f"SELECT visitor, value FROM visitors WHERE {where}"  # noqa: S608 our own text


def page_of_journal(bounds: Sequence[str], *, after: bool, newest_first: bool) -> str:
    """Return the statement for a page of the journal.

    `bounds` are conditions on its columns; their values come first, then the key of the entry
    before the page where `after`, then how many rows.
    """
    beyond, way = ("<", "DESC") if newest_first else (">", "ASC")
    where = [*bounds, f"(at, id, visitor, kind) {beyond} (?, ?, ?, ?)"] if after else bounds
    order = f"at {way}, id {way}, visitor {way}, kind {way}"
    page = f"{' AND '.join(where)} ORDER BY {order} LIMIT ?"
    return f"SELECT at, id, visitor, kind, body FROM journal WHERE {page}"  # noqa: S608 our own text
