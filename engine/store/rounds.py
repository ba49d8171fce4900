"""Work that is done again and again beside the requests."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Rounds:
    """Calls `work` every `every` seconds on a thread of its own, from `start` to `stop`."""

    def __init__(self, work: Callable[[], None], every: float) -> None:
        self._work = work
        self._every = every
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether `start` was called since the last `stop`."""
        return self._thread is not None

    def start(self) -> None:
        """Begin; the first call comes after one pause."""
        self._over = threading.Event()
        thread = threading.Thread(target=self._run, args=(self._over,), name="rounds", daemon=True)
        thread.start()
        self._thread = thread

    def stop(self) -> None:
        """End, after the call that may be running."""
        if self._thread is not None:
            self._over.set()
            self._thread.join()
            self._thread = None

    def _run(self, over: threading.Event) -> None:
        while not over.wait(self._every):
            self._work()
