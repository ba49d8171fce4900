"""How a reload asked of one process reaches every worker: one small file that they all watch.

A worker looks at the file's stamp at the start of each request (about a microsecond), so a
request that comes after a reload was answered is decided by the new rules, in any worker.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from engine.ruleset import Holder, Reloaded

log = logging.getLogger("welltimed")


class Reloads:
    """One worker's end of the file. Without a `path` there is only this process."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._stamp()

    def announce(self) -> None:
        """Tell every process that looks at the file, this one among them, to load anew."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.draft")
        draft.touch()
        instant = time.time_ns()
        os.utime(draft, ns=(instant, instant))
        draft.replace(self._path)

    def catch_up(self, sites: Mapping[str, Holder]) -> None:
        """Load the rules anew where somebody announced it since the last look."""
        if self._path is None or self._stamp() == self._seen:
            return
        with self._lock:
            stamp = self._stamp()
            if stamp != self._seen:
                self._seen = stamp
                reload_all(sites)

    def reload(self, sites: Mapping[str, Holder]) -> dict[str, Reloaded]:
        """Load the rules anew here, then in every other worker. Return what became of each."""
        with self._lock:
            done = reload_all(sites)
            self.announce()
            self._seen = self._stamp()
        return done

    def _stamp(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)  # noqa: PTH116 - on every request; Path.stat is slower
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


def reload_all(sites: Mapping[str, Holder]) -> dict[str, Reloaded]:
    """Reload every site's folder; one that is refused keeps its rules and is logged."""
    done = {}
    for name, holder in sites.items():
        done[name] = result = holder.reload()
        if not result.ok:
            log.warning("%s: the rules were refused, the old ones stay: %s", name, result.message)
    return done
