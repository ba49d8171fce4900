"""Whose turn it is to write: a lock between processes that is given back when its holder dies.

SQLite lets one process write at a time, and makes the others sleep for whole milliseconds. Taking
this lock before its transaction took the slowest hundredth of commits from 2.2 ms to 0.2-0.5 ms.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

# How long a waiting process sleeps before it tries again, in seconds: about one commit.
_PAUSE = 50e-6


class Turn:
    """One process's hold on the lock file. Not for two threads at once: give each its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the lock; False if somebody kept it all that time.

        A plain blocking lock would wait for ever behind a process that is stopped.
        """
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_PAUSE)
            else:
                return True

    def give(self) -> None:
        """Let the next one write."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; `take` opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
