"""The demo's chat desk: open now, whatever the hour, until somebody shuts it.

It keeps the demo's rules folder (a retelling of the starter rules) and the desk's availability
fresh. The flag file beside the folder is the switch, so that every worker sees one desk.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.demo import folder
from engine.clock import Clock, now, to_datetime
from engine.errors import WelltimedError
from engine.gates.availability import Availability
from engine.service import Service

log = logging.getLogger("welltimed")

DEPARTMENTS = ("default", "sales")
STAFFED = Availability(
    agents_online=3, active_chats=2, chats_per_agent=3, reserve=1, queue_length=0, queue_wait=20
)
BEAT = 2.0  # seconds between looks at the starter rules
REPORT_EVERY = 30  # beats; the report itself stays good for its `ttl`, 120 seconds


@dataclass
class DemoDesk:
    """One demo's desk. `home` is the demo's data folder, `starter` where its rules come from."""

    home: Path
    starter: Path = folder.STARTER
    clock: Clock = now

    @property
    def rules(self) -> Path:
        """The rules folder that the demo serves."""
        return self.home / "rules"

    @property
    def _flag(self) -> Path:
        return self.home / "desk-is-closed"

    @property
    def is_open(self) -> bool:
        """Whether the switch is on."""
        return not self._flag.exists()

    def prepare(self) -> None:
        """Open the desk and write the rules folder. Raises WelltimedError without starter rules."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.switch(is_open=True)

    def switch(self, *, is_open: bool) -> None:
        """Open or shut the desk and rewrite the schedules; the caller reloads."""
        with self._alone():
            if is_open:
                self._flag.unlink(missing_ok=True)
            else:
                self._flag.touch()
            self._retell()

    def retell(self) -> bool:
        """Write the rules folder anew from the starter rules; True when something changed."""
        with self._alone():
            return self._retell()

    def _retell(self) -> bool:
        files = folder.read_starter(self.starter)
        told = folder.retell(files, desk_open=self.is_open, now=to_datetime(self.clock()))
        return folder.write(self.rules, told)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder against every other worker, and the thread that follows the rules."""
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Keeper:
    """A thread that follows edits of the starter rules and reports the desk's availability."""

    def __init__(self, desk: DemoDesk, service: Service) -> None:
        self._desk, self._service = desk, service
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-desk", daemon=True)

    def start(self) -> None:
        """Report the desk at once, then keep it up in the background."""
        self._report()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; it is gone when this returns."""
        self._stop.set()
        self._thread.join(timeout=2 * BEAT)

    def _run(self) -> None:
        beats = 0
        while not self._stop.wait(BEAT):
            beats += 1
            try:
                self._desk.retell()  # the server sees that its rules were written anew
                if beats % REPORT_EVERY == 0:
                    self._report()
            except (WelltimedError, OSError) as error:
                # A folder half saved, a store locked: the next beat tries again.
                log.warning("the demo's desk: %s", error)

    def _report(self) -> None:
        for department in DEPARTMENTS:
            self._service.put_availability(folder.SITE, department, STAFFED)
