"""How new rules reach every worker: what serves is kept in a file, and a stamp says "look again".

Whoever loads a rules folder anew, a worker that was asked to or the parent that watches, holds
one lock meanwhile, writes the whole set down and touches the stamp. Every worker looks at the
stamp at the start of each request (about a microsecond) and takes over what was written, so a
request that comes after a reload was answered is decided by the new rules, in any worker. Nobody
but the one who loads reads the folder: its files may change again while others catch up.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.errors import WelltimedError
from engine.ruleset import Holder, Reloaded

log = logging.getLogger("welltimed")


class Reloads:
    """One process's end of the stamp. Without a `path` there is only this process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._stamp()

    def catch_up(self, sites: Mapping[str, Holder]) -> None:
        """Take over what was loaded in another process since the last look."""
        if self._path is None or self._stamp() == self._seen:
            return
        with self._lock:
            self._follow(sites)

    def reload(self, sites: Mapping[str, Holder]) -> dict[str, Reloaded]:
        """Load every folder anew, for every process. Return what became of each site."""
        return self._load(sites, sites, Holder.reload)

    def reload_new(
        self, sites: Mapping[str, Holder], names: Collection[str]
    ) -> dict[str, Reloaded]:
        """Load some sites' folders, but for what was judged before. Return what became of them."""
        return self._load(sites, names, Holder.reload_if_new)

    def _load(
        self,
        sites: Mapping[str, Holder],
        names: Collection[str],
        load: Callable[[Holder], Reloaded | None],
    ) -> dict[str, Reloaded]:
        with self._lock, self._alone():
            # What is refused leaves in place what serves now, not what this process last heard of.
            self._follow(sites)
            found = {name: load(sites[name]) for name in names}
            done = {name: result for name, result in found.items() if result is not None}
            if done:
                self._touch()
        for name, told in done.items():
            if not told.ok:
                log.warning("%s: the rules were refused, the old ones stay: %s", name, told.message)
        return done

    def _follow(self, sites: Mapping[str, Holder]) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        for name, holder in sites.items():
            try:
                holder.catch_up()
            except WelltimedError as error:
                log.warning("%s: what is kept cannot be served here: %s", name, error)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off every other process that would load: who writes last must have read last."""
        if self._path is None:
            yield
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _touch(self) -> None:
        if self._path is None:
            return
        draft = self._path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.draft")
        draft.touch()
        instant = time.time_ns()
        os.utime(draft, ns=(instant, instant))
        draft.replace(self._path)
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)  # noqa: PTH116 - on every request; Path.stat is slower
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
