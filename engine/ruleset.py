"""A rules folder, built whole: loaded, compiled, self-tested, then swapped in by one reference.

A mistake never takes effect: the ruleset that was there stays, and the last good copy of the
files survives a restart.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import Problem, RulesInvalid, Severity, WelltimedError
from engine.gates import schedule
from engine.language import loader
from engine.match.ahead import can_rise
from engine.match.compile import TooManyAlternatives, alternatives
from engine.match.matcher import Matcher
from engine.model import Folder, Rule, Site
from engine.visitor.pages import Pages


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
    """The live ruleset of one folder. `kept` is where the last good files are remembered."""

    path: Path
    kept: Path | None = None
    current: Ruleset = field(init=False)
    last: Reloaded = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _seen: object = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._seen = _signature(self.path)
        try:
            files = loader.read_folder(self.path)
            self.current = build(files)
        except WelltimedError as error:
            self.current = build(self._last_good(error))
            self.last = Reloaded(
                ok=False,
                changed=False,
                digest=self.current.digest,
                problems=getattr(error, "problems", ()),
                message=f"{error}\nThe last good rules serve instead.",
            )
            return
        self._keep(files)
        self.last = Reloaded(ok=True, changed=True, digest=self.current.digest)

    def reload(self) -> Reloaded:
        """Build the folder anew and swap it in, or keep what is there and say why."""
        with self._lock:
            self._seen = _signature(self.path)
            self.last = self._rebuild()
            return self.last

    def reload_if_changed(self) -> Reloaded | None:
        """Reload when a file was touched since the last look; None when nothing was."""
        if _signature(self.path) == self._seen:
            return None
        return self.reload()

    def _rebuild(self) -> Reloaded:
        old = self.current
        try:
            files = loader.read_folder(self.path)
            fresh = build(files)
        except WelltimedError as error:
            problems = tuple(
                p for p in getattr(error, "problems", ()) if p.severity is Severity.ERROR
            )
            return Reloaded(
                ok=False, changed=False, digest=old.digest, problems=problems, message=str(error)
            )
        if fresh.digest == old.digest:
            fresh.close()
            return Reloaded(ok=True, changed=False, digest=old.digest)
        self.current = fresh
        old.close()
        self._keep(files)
        return Reloaded(ok=True, changed=True, digest=fresh.digest)

    def _keep(self, files: Mapping[str, str]) -> None:
        if self.kept is None:
            return
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        draft = self.kept.with_suffix(f".{os.getpid()}.{threading.get_ident()}.draft")
        draft.write_text(json.dumps(dict(files)), encoding="utf-8")
        draft.replace(self.kept)

    def _last_good(self, error: WelltimedError) -> Mapping[str, str]:
        if self.kept is None or not self.kept.is_file():
            raise error
        try:
            files: dict[str, str] = json.loads(self.kept.read_text(encoding="utf-8"))
        except ValueError:
            raise error from None
        return files


def open_sites(path: Path, data: Path | None = None) -> dict[str, Holder]:
    """Open one rules folder, or a folder of them, by site name.

    Raises RulesInvalid, or WelltimedError naming what is missing or named twice.
    """
    if not path.is_dir():
        raise WelltimedError(f"there is no rules folder at {path}; name one with --rules")
    folders = [path]
    if not (path / "site.yaml").is_file():
        inner = sorted(child for child in path.iterdir() if (child / "site.yaml").is_file())
        folders = inner or [path]
    sites: dict[str, Holder] = {}
    for folder in folders:
        kept = data / "last-good" / f"{folder.name}.json" if data else None
        holder = Holder(folder, kept)
        name = holder.current.site.name
        if name in sites:
            raise WelltimedError(
                f'two rules folders are both for the site "{name}": '
                f"{sites[name].path} and {folder}; give one another name"
            )
        sites[name] = holder
    return sites


def _signature(path: Path) -> object:
    try:
        return tuple(
            sorted(
                (entry.name, (stat := entry.stat()).st_mtime_ns, stat.st_size, stat.st_ino)
                for entry in os.scandir(path)
                if entry.name.endswith(".yaml")
            )
        )
    except OSError:
        return None
