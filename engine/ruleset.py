"""A rules folder, built whole: loaded, compiled, self-tested, then swapped in by one reference.

A mistake never takes effect: the ruleset that was there stays, and the last good copy of the
files survives a restart.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine import kept as keeping
from engine.errors import Problem, RulesInvalid, Severity, WelltimedError
from engine.gates import schedule
from engine.language import loader
from engine.match.ahead import can_rise
from engine.match.compile import TooManyAlternatives, alternatives
from engine.match.matcher import Matcher
from engine.model import Folder, Rule, Site
from engine.visitor.pages import Pages

_TRIES = 5  # a folder is read while somebody saves into it


class Ruleset:
    """Everything that a decision needs of one folder; immutable until `close`."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.site: Site = folder.site
        self.rules: tuple[Rule, ...] = folder.rules
        self.digest = folder.digest
        self.pages = Pages(folder.site.page_groups)
        # Best first: higher priority, then file order.
        self.ranked = sorted(range(len(self.rules)), key=lambda i: (-self.rules[i].priority, i))
        self.rises = tuple(rule.when is not None and can_rise(rule.when) for rule in self.rules)
        for hours in folder.site.schedules.values():
            schedule.prepare(hours)
        self.matcher = Matcher(self.rules)

    def close(self) -> None:
        """Give back what the matcher holds outside Python; decisions under way still end well."""
        self.matcher.close()


def check(files: Mapping[str, str]) -> loader.Loaded:
    """Load files and add what only compiling can find; the folder is None when refused."""
    loaded = loader.load(files)
    if loaded.folder is None:
        return loaded
    problems = list(loaded.problems)
    for rule in loaded.folder.rules:
        try:
            if rule.when is not None:
                alternatives(rule.when)
        except TooManyAlternatives as error:
            at = rule.place
            message = f'the `when` of rule "{rule.id}" is too large: {error}'
            problems.append(
                Problem(at.path, at.line, at.column, "too-complex", message, length=len(rule.id))
            )
    if len(problems) == len(loaded.problems):
        return loaded
    return loader.Loaded(None, tuple(sorted(problems)), loaded.tests)


def build(files: Mapping[str, str]) -> Ruleset:
    """Build a ruleset from files (path relative to the folder → text).

    Raises RulesInvalid with every problem found, warnings among them.
    """
    loaded = check(files)
    if loaded.folder is None:
        raise RulesInvalid(loaded.problems)
    return Ruleset(loaded.folder)


def load(path: Path) -> Ruleset:
    """Build the ruleset of a folder. Raises RulesInvalid, or WelltimedError if unreadable."""
    return build(loader.read_folder(path))


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did: `problems` are errors when it was refused and the old rules stay."""

    ok: bool
    changed: bool
    digest: str
    problems: tuple[Problem, ...] = ()
    message: str = ""


@dataclass
class Holder:
    """The live ruleset of one folder.

    `kept` is where the last good set of its files is kept, which serves where the folder is
    refused. With `follow` it serves in any case, as in a worker: the folder may be in the middle
    of an edit, and all workers must serve one set. Raises RulesInvalid, or WelltimedError where
    the folder cannot be read, if nothing is kept.
    """

    path: Path
    kept: Path | None = None
    follow: bool = False
    current: Ruleset = field(init=False)
    last: Reloaded = field(init=False)
    # How the folder looked when it was read last (see `signature`).
    seen: object = field(default=None, init=False, repr=False)
    _files: Mapping[str, str] = field(init=False, repr=False)
    _judged: str = field(default="", init=False, repr=False)
    # What `prepare` built, and of which files.
    _draft: tuple[str, Ruleset] | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        held = keeping.read(self.kept) if self.kept else None
        if self.follow and held is not None and self._open(held):
            return
        try:
            files = self._read()
            self._serve(build(files), files)
        except WelltimedError as error:
            message = f"{error}\nThe last good rules serve instead."
            if held is None:
                raise
            judged, problems = self._judged, _errors(error)
            if not self._open(keeping.Kept(held.files, judged, message, problems)):
                raise
            return
        self.last = Reloaded(ok=True, changed=True, digest=self.current.digest)

    def reload(self) -> Reloaded:
        """Build the folder anew and swap it in, or keep what is there and say why."""
        with self._lock:
            self.last = self._rebuild(None)
            return self.last

    def reload_if_new(self) -> Reloaded | None:
        """Reload, but not files that this or another process judged before: None then."""
        with self._lock:
            before = self._judged
            try:
                files = self._read()
            except WelltimedError as error:
                self.last = self._refuse(error)
                return self.last
            if before == self._judged:
                return None
            self.last = self._rebuild(files)
            return self.last

    def prepare(self) -> None:
        """Build the folder as it is now, so that a reload that finds it the same is quick."""
        with self._lock, suppress(WelltimedError):  # the reload will tell
            files = read_steadily(self.path)
            mark = keeping.fingerprint(files)
            if mark not in {self._judged, self._draft and self._draft[0]}:
                self._drop_draft()
                self._draft = (mark, build(files))

    def catch_up(self) -> None:
        """Take over what another process kept. Raises RulesInvalid if it cannot be built here."""
        if self.kept is None:
            self.reload()
            return
        with self._lock:
            held = keeping.read(self.kept)
            if held is None:  # somebody deleted it; the next reload writes it again
                return
            if held.files != self._files:
                self._swap(build(held.files), held.files)
            self._note(held)

    def keep(self) -> None:
        """Write down what serves, for workers and the next start. Raises OSError."""
        self._write(self._files, self.last)

    # --- inside -----------------------------------------------------------------------------

    def _read(self) -> Mapping[str, str]:
        self.seen, self._judged = signature(self.path), ""
        files = read_steadily(self.path)
        self._judged = keeping.fingerprint(files)
        return files

    def _rebuild(self, files: Mapping[str, str] | None) -> Reloaded:
        """Build and serve; written down first, so that no process serves what others cannot."""
        try:
            files = self._read() if files is None else files
            fresh = self._build(files)
            _check_name(self.current.site, fresh.site)
            changed = fresh.digest != self.current.digest
            done = Reloaded(ok=True, changed=changed, digest=fresh.digest)
            self._write(files, done)
        except WelltimedError as error:
            return self._refuse(error)
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            return self._refuse(WelltimedError(f"{self.kept} cannot be written: {reason}"))
        self._swap(fresh, files)
        return done

    def _build(self, files: Mapping[str, str]) -> Ruleset:
        draft = self._draft
        if draft is None or draft[0] != self._judged:
            self._drop_draft()
            return build(files)
        self._draft = None
        return draft[1]

    def _drop_draft(self) -> None:
        if self._draft is not None:
            self._draft[1].close()
            self._draft = None

    def _refuse(self, error: WelltimedError) -> Reloaded:
        problems, digest = _errors(error), self.current.digest
        message = "\n".join(map(str, problems)) or str(error)
        done = Reloaded(ok=False, changed=False, digest=digest, problems=problems, message=message)
        with suppress(OSError):  # the other processes will not know why, and serve the same
            self._write(self._files, done)
        return done

    def _write(self, files: Mapping[str, str], done: Reloaded) -> None:
        if self.kept is not None:
            good = {path: text for path, text in files.items() if loader.decides(path)}
            held = keeping.Kept(good, self._judged, done.message, done.problems)
            keeping.write(self.kept, held)

    def _open(self, held: keeping.Kept) -> bool:
        """Serve what is kept; False where it cannot be built, as another version wrote it."""
        try:
            self._serve(build(held.files), held.files)
        except WelltimedError:
            return False
        self._note(held)
        return True

    def _note(self, held: keeping.Kept) -> None:
        self._judged = held.judged
        self.last = Reloaded(
            ok=not held.refusal,
            changed=False,
            digest=self.current.digest,
            problems=held.problems,
            message=held.refusal,
        )

    def _swap(self, fresh: Ruleset, files: Mapping[str, str]) -> None:
        old = self.current
        if fresh.digest == old.digest:
            fresh.close()
            return
        self._serve(fresh, files)
        old.close()

    def _serve(self, fresh: Ruleset, files: Mapping[str, str]) -> None:
        self.current = fresh
        self._files = {path: text for path, text in files.items() if loader.decides(path)}


def _check_name(old: Site, new: Site) -> None:
    """Refuse a new name: keys and everything about visitors are filed under the old one."""
    if new.name != old.name:
        raise WelltimedError(
            f'the site is called "{new.name}" now and was "{old.name}" when the server started; '
            "give it its old name, or start the server anew"
        )


def _errors(error: WelltimedError) -> tuple[Problem, ...]:
    problems = error.problems if isinstance(error, RulesInvalid) else ()
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def site_folders(path: Path) -> list[Path]:
    """Return the rules folders at a path: itself, or those in it, one a site."""
    if (path / loader.SITE).is_file():
        return [path]
    inner = sorted(child for child in path.iterdir() if (child / loader.SITE).is_file())
    return inner or [path]


def open_sites(path: Path, data: Path | None = None) -> dict[str, Holder]:
    """Open one rules folder, or a folder of them, by site name; `data` is where sets are kept.

    Raises RulesInvalid, or WelltimedError naming what is missing or named twice.
    """
    if not path.is_dir():
        raise WelltimedError(f"there is no rules folder at {path}; name one with --rules")
    sites: dict[str, Holder] = {}
    for folder in site_folders(path):
        holder = Holder(folder, keeping.path_for(data, folder) if data else None)
        name = holder.current.site.name
        if name in sites:
            raise WelltimedError(
                f'two rules folders are both for the site "{name}": '
                f"{sites[name].path} and {folder}; give one another name"
            )
        sites[name] = holder
    return sites


def read_steadily(path: Path) -> dict[str, str]:
    """Read a folder's files as they stood at one moment. Raises WelltimedError."""
    for _ in range(_TRIES):
        before = signature(path)
        files = loader.read_folder(path)
        if signature(path) == before:
            return files
    raise WelltimedError(f"the files in {path} change while they are read; try again in a moment")


def signature(path: Path) -> object:
    """Return what changes whenever a YAML file of a folder does; None where there is no folder."""
    try:
        return tuple(
            sorted(
                (entry.name, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
                for entry in os.scandir(path)
                if entry.name.endswith((".yaml", ".yml"))
                for stat in (entry.stat(),)
            )
        )
    except OSError:
        return None
