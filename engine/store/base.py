"""What a store promises: every store keeps these promises, and tests/store holds each to them.

A store keeps, per site: one packed value a visitor, one packed value a department's desk, and the
journal of what happened. It knows nothing of what the bytes mean.

Promises common to all methods:

- **Safe to share.** One store object serves any number of threads; it may be created before a
  process forks and used in all of them. Any number of processes may open the same store.
- **Durable before it returns.** What a method wrote survives the death of every process. (Power
  loss is another matter: see docs/decisions/sqlite.md.)
- **Sites never meet.** Two sites may hold the same visitor id, department or journal id.
- **Texts are exact.** Ids are any Unicode text, told apart byte by byte: no case folding, no
  normalising.
- **One kind of failure.** A store that cannot answer in reasonable time, or is not fit to be used,
  raises `StoreUnavailable` with a sentence; nothing was written then, and the same store object
  works again once the cause is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct


class Snapshot(NamedTuple):
    """One visitor and the site's desks, as they stood at one instant.

    `version` is 0 where the store holds nothing of the visitor (`value` is None then). Any other
    number means nothing but "as read": hand it back to `commit`. `desk` maps departments to values.
    """

    version: int
    value: bytes | None
    desk: Mapping[str, bytes]


class Entry(Struct, frozen=True, gc=False):
    """One line of the journal: who (`visitor`), when (`at`, ms), what (`kind`, packed `body`).

    `id` is the caller's, and unique: two entries that agree in site, at, id, visitor and kind are
    one entry.
    """

    id: str
    at: int
    kind: str
    visitor: str
    body: bytes


class Store(Protocol):
    """Where visitors, desks and the journal are kept."""

    def read(self, site: str, visitor: str) -> Snapshot:
        """Return the visitor and the site's desks in one round trip, from one snapshot."""
        ...

    def commit(
        self, site: str, visitor: str, version: int, value: bytes, entries: Sequence[Entry]
    ) -> bool:
        """Write the visitor's value and the journal entries, all or nothing, if nobody was faster.

        `version` is the one that was read; 0 says that the visitor must not exist. False means
        that the race was lost (somebody wrote or erased the visitor since): nothing was written;
        read again and decide again. Of any number of commits that name one version exactly one
        returns True, and a version never comes back, not even after an erasure.
        """
        ...

    def erase(self, site: str, visitor: str) -> bool:
        """Remove the visitor and every journal entry about them; False if there was nothing."""
        ...

    def read_desk(self, site: str) -> Mapping[str, bytes]:
        """Return the values of all the site's departments."""
        ...

    def put_desk(self, site: str, department: str, value: bytes) -> None:
        """Replace the department's value; every later `read` anywhere sees it."""
        ...

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
        """Yield entries with since <= at < until (ms), ordered by (at, id), at most `limit`.

        Reading takes no lock for longer than a page of entries: an entry written meanwhile may or
        may not be seen, any other is seen exactly once.
        """
        ...

    def visitors(self, site: str) -> Iterator[tuple[str, bytes]]:
        """Yield every visitor's id and value, ordered by id; as loosely in time as `journal`."""
        ...

    def sweep(self, site: str, before: int) -> int:
        """Remove visitors last written before the instant (ms), and older journal entries.

        Works in small steps that let others write in between. Returns how many rows went.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; any later call raises `StoreUnavailable`."""
        ...
