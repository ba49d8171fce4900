"""The server: granian over several worker processes, each with its own parts.

The parent loads everything once, so that a mistake is one sentence before anything listens, then
only watches: it follows edits of the rules, starts workers that died, forgets visitors whose time
is over. SIGTERM ends the listening, then waits for the requests under way.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from api import keys as deployment_keys
from api.app import App, build
from api.guard import Origins
from api.keys import Keys
from api.limits import RateLimiter
from api.reload import Reloads
from api.settings import Settings
from api.watch import SETTLE, Watch
from api.wiring import Wiring
from engine import kept
from engine.clock import HOUR, SECOND, now
from engine.errors import SettingsInvalid, StoreUnavailable
from engine.ruleset import Holder, open_sites
from engine.service import Service
from engine.store import Store, open_store
from engine.store.rounds import Rounds

log = logging.getLogger("welltimed")

# One works at a time (api.app); the others wait for bodies that are still on their way.
THREADS = 32
DRAIN = 10  # seconds that requests under way may take after SIGTERM
PORT_PATIENCE = 1.0  # seconds in which a server that is just ending may free its port
DEATHS = 50  # workers that may die within a minute before the server gives up
RELOAD_FILE = "reload"
_PR_SET_PDEATHSIG = 1

Extend = Callable[[App], None]


@dataclass(frozen=True)
class Deployment:
    """What every worker starts from; the same for all of them."""

    settings: Settings
    keys: Keys
    parent: int
    folders: Mapping[str, Path]  # of each site
    extend: Extend | None = None


def run(
    settings: Settings,
    *,
    extend: Extend | None = None,
    say: Callable[[str], None] = print,
    also: Sequence[str] = (),
    settle: float = SETTLE,
) -> None:
    """Serve until SIGTERM or SIGINT. Raises WelltimedError when it cannot even begin.

    `extend` (a module's function) adds routes to each worker's application; `also` are further
    lines to tell at the start, after those that say where everything is. `settle` is for how many
    seconds a rules folder must have been left alone before an edit of it goes live.
    """
    _log()
    port_free(settings.host, settings.port)
    _make(settings.data)
    reloads = Reloads(settings.data / RELOAD_FILE)
    sites = open_sites(settings.rules, settings.data)
    held = deployment_keys.load(settings.data, list(sites), settings.secret_key)
    with closing(open_store(settings.store)) as store:
        for line in (*banner(settings, sites, held), *also):
            say(line)
        sys.stdout.flush()
        for holder in sites.values():
            holder.keep()
            holder.current.close()
        folders = {name: holder.path for name, holder in sites.items()}
        deployment = Deployment(settings, held, os.getpid(), folders, extend)
        watch = Watch(settings.rules, sites, reloads, watching=settings.watch, settle=settle)
        rounds = Rounds(partial(_forget, store, sites), HOUR / SECOND)
        rounds.start()
        try:
            server = Server(settings, watch)
            server.serve(target_loader=partial(worker, deployment), wrap_loader=False)
        finally:
            watch.stop()
            rounds.stop()


def _forget(store: Store, sites: Mapping[str, Holder]) -> None:
    for name, holder in sites.items():
        try:
            store.sweep(name, now() - holder.current.site.keep)
        except StoreUnavailable as fault:
            log.warning("old visitors of %s were not forgotten: %s", name, fault)


def worker(deployment: Deployment) -> App:
    """Return one worker's application; called in the worker's own process."""
    _end_with(deployment.parent)
    # The parent's handlers came along; granian sets its own once this worker listens.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _log()
    settings = deployment.settings
    # Before the rules are read, so that a reload asked for meanwhile is not missed.
    reloads = Reloads(settings.data / RELOAD_FILE)
    sites = {
        name: Holder(folder, kept.path_for(settings.data, folder), follow=True)
        for name, folder in deployment.folders.items()
    }
    app = build(
        Wiring(
            service=Service(open_store(settings.store), sites, now),
            keys=deployment.keys,
            origins=Origins(settings.origins),
            limiter=RateLimiter(),
            reloads=reloads,
        )
    )
    if deployment.extend is not None:
        deployment.extend(app)
    return app


def _log() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    log.setLevel(logging.INFO)


def _make(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise SettingsInvalid(
            f"the data folder {data} cannot be made: {reason}; name another with --data"
        ) from None


def banner(settings: Settings, sites: Mapping[str, Holder], held: Keys) -> list[str]:
    """Return what is told at the start: where everything is, new keys, rules that are not live."""
    at = address(settings.host, settings.port)
    lines = [
        f"welltimed serves {', '.join(sites)} at {at} ({settings.workers} workers)",
        f"  events     {at}/v1/events",
        f"  decide     {at}/v1/decide",
        f"  tracker    {at}/tracker.js",
        f"  reference  {at}/openapi.json",
        f"  rules      {_full(settings.rules)}",
        f"  data       {_full(settings.data)}",
        f"  store      {settings.store}",
    ]
    for site, key in held.made.items():
        lines.append(f"  secret key of {site}, shown only now: {key}")
    for name, holder in sites.items():
        if not holder.last.ok:
            lines.append(f"The rules of {name} were refused: {holder.last.message}")
    return lines


def _full(path: Path) -> str:
    return str(path.absolute())


def address(host: str, port: int) -> str:
    """Return the address at which a person on this machine reaches the server."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104 - likewise
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def port_free(host: str, port: int) -> None:
    """Raise SettingsInvalid, naming what to do, unless the port can be listened on.

    Asked apart, for the workers share the port among themselves and would share it with another
    server too.
    """
    deadline = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            _bind(host, port)
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            reason = (fault.strerror or str(fault)).lower()
            raise SettingsInvalid(
                f"cannot listen on {host} port {port}: {reason}; "
                "stop what uses it, or name another with --port (or --host)"
            ) from None
        return


def _bind(host: str, port: int) -> None:
    family, kind, protocol, _, where = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(where)
        # Another server that listens makes this fail, also one that shares its port.
        probe.listen(1)


def _end_with(parent: int) -> None:
    """Have this worker end when the parent does, however it does: no orphan keeps the port.

    The parent waits for its workers, so this strikes only after a crash; what is cut off then was
    not acknowledged. A milder signal could be lost while the worker is still starting.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


class Server(MPServer):
    """Granian, with SIGHUP meaning new rules rather than new processes."""

    def __init__(self, settings: Settings, watch: Watch) -> None:
        super().__init__(
            "welltimed",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            workers=settings.workers,
            blocking_threads=THREADS,
            websockets=False,
            log_level=LogLevels.error,
            respawn_failed_workers=True,
            workers_kill_timeout=DRAIN,
        )
        self._watch = watch
        self._deaths: deque[float] = deque(maxlen=DEATHS)

    def startup(self, *rest: Any, **more: Any) -> None:
        """Start the workers, then what must not be at work while they are forked."""
        super().startup(*rest, **more)  # type: ignore[no-untyped-call]  # granian has no types
        self._watch.start()

    def signal_handler_reload(self, *_: object) -> None:
        """Have the rules loaded anew; the workers keep their old ones if they are refused."""
        self._watch.hurry()

    def _respawn_workers(self, workers: Any, *rest: Any, **more: Any) -> None:
        """Start dead workers anew; give up only when they die faster than any fault explains."""
        with self._watch.quiet:
            super()._respawn_workers(workers, *rest, **more)
        self._deaths.extend(time.monotonic() for _ in workers)
        if len(self._deaths) < DEATHS or self._deaths[-1] - self._deaths[0] > 60:
            self.respawned_wrks.clear()
