"""The parent's eye on the rules folders: an edit goes live by itself once it is finished.

Finished means that no file was touched for a second: a file half saved, or the first of several,
stays off the air. What was edited is then built whole, here; only what is good reaches the
workers. The folders are looked at again and again rather than subscribed to: that works on every
file system, through links that are swapped, and costs next to nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from api.reload import Reloads
from engine.ruleset import Holder, Reloaded, signature, site_folders

log = logging.getLogger("welltimed")

LOOK = 0.1  # seconds between looks
SETTLE = 1.0  # seconds without a change after which an edit is finished
PREPARE = 0.3  # ... and after which it may well be: it is built meanwhile, to be live the sooner

_END, _LOAD = "end", "load"
_NEVER = object()  # how no folder looks


class Watch:
    """Follows the folders of `sites`, which lie at `root`, on a thread from `start` to `stop`.

    Without `watching` it only does what `hurry` asks. Rulesets that it builds are closed again:
    this process decides nothing. `quiet` is held while it builds: fork only with it in hand.
    """

    def __init__(
        self,
        root: Path,
        sites: Mapping[str, Holder],
        reloads: Reloads,
        *,
        watching: bool = True,
        settle: float = SETTLE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.quiet = threading.RLock()
        self._root = root
        self._sites = sites
        self._reloads = reloads
        self._watching = watching
        self._settle = settle
        self._clock = clock
        self._moving: dict[str, tuple[object, float]] = {}  # site → how it looks, and since when
        self._folders: Collection[Path] = {holder.path for holder in sites.values()}
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()  # of _END and _LOAD
        self._complaint = ""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; what was edited since the folders were opened is noticed."""
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after a load that is under way."""
        if self._thread is not None:
            self._asked.put(_END)
            self._thread.join()
            self._thread = None

    def hurry(self) -> None:
        """Load every folder as it is now, without waiting. May be called in a signal handler."""
        self._asked.put(_LOAD)

    def look(self) -> None:
        """Look once; load the folders that have come to rest after a change."""
        with self.quiet:
            self._reloads.catch_up(self._sites)
            self._look_for_new_folders()
            now = self._clock()
            settled = [name for name in self._sites if self._has_settled(name, now)]
            if settled:
                before = {name: self._sites[name].last.ok for name in settled}
                for name, told in self._reloads.reload_new(self._sites, settled).items():
                    _tell(name, told, mended=not before[name])
            self._let_go()

    def _has_settled(self, name: str, now: float) -> bool:
        holder = self._sites[name]
        found = signature(holder.path)
        if found == holder.seen:
            self._moving.pop(name, None)
            return False
        before, since = self._moving.get(name, (_NEVER, now))
        if before != found:
            self._moving[name] = (found, now)
            return False
        if now - since >= self._settle:
            return True
        if now - since >= PREPARE:
            holder.prepare()
        return False

    def _look_for_new_folders(self) -> None:
        """Tell once of folders that only a restart will serve: their sites have no keys yet."""
        if self._root in self._folders:
            return
        try:
            found = site_folders(self._root)
        except OSError:
            return
        for folder in found:
            if folder not in self._folders and folder != self._root:
                log.warning("%s is a new rules folder; start the server anew to serve it", folder)
        self._folders = {*self._folders, *found}

    def _load_all(self) -> None:
        with self.quiet:
            done = self._reloads.reload(self._sites)
            self._let_go()
        if all(told.ok for told in done.values()):
            log.info("SIGHUP: every worker decides by the rules as they are now")
        else:
            log.warning("SIGHUP: not all rules could be loaded; see above")

    def _let_go(self) -> None:
        for holder in self._sites.values():
            holder.current.close()

    def _run(self) -> None:
        while True:
            try:
                if self._asked.get(timeout=LOOK if self._watching else None) == _END:
                    return
                work = self._load_all
            except queue.Empty:
                work = self.look
            try:
                work()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the next look may do better
                complaint = f"the rules folders could not be looked at: {fault!r}"
                if complaint != self._complaint:
                    log.warning("%s", complaint)
                self._complaint = complaint
            else:
                self._complaint = ""


def _tell(name: str, told: Reloaded, *, mended: bool) -> None:
    if told.changed:
        log.info("%s: the edited rules are live: %s", name, told.digest)
    elif told.ok and mended:
        log.info("%s: the rules on disk are in order again", name)
