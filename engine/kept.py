"""The rules that serve, as one file: what every worker loads, and what survives a restart.

It holds the last good set of files whole, and what became of the folder when it was last looked
at. It is replaced in one step, so that whoever reads it reads one set and never parts of two.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import Problem, Severity


@dataclass(frozen=True, slots=True)
class Kept:
    """The last good `files` (path in the folder → text), and the folder's last judgement.

    `judged` is the fingerprint of what was looked at last. `refusal` says why it was refused,
    with its `problems`; it is empty where those files are the ones that serve.
    """

    files: Mapping[str, str]
    judged: str
    refusal: str = ""
    problems: tuple[Problem, ...] = ()


def path_for(data: Path, folder: Path) -> Path:
    """Return where the rules of a folder are kept below a data folder.

    The address is part of the name: two servers may share a data folder and not their rules.
    """
    address = str(folder.absolute()).encode("utf-8", "surrogateescape")
    return data / "last-good" / f"{folder.name}-{hashlib.sha256(address).hexdigest()[:8]}.json"


def fingerprint(files: Mapping[str, str]) -> str:
    """Return a hash of all files, tests too; two sets of files share none."""
    return hashlib.sha256(json.dumps(sorted(files.items())).encode("ascii")).hexdigest()


def read(path: Path) -> Kept | None:
    """Return what is kept, None where that is nothing, or nothing that can be read."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
        kept = Kept(found["files"], found["judged"], found["refusal"])
        problems = (Problem(**each) for each in found["problems"])
        told = tuple(replace(each, severity=Severity(each.severity)) for each in problems)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return replace(kept, problems=told)


def write(path: Path, kept: Kept) -> None:
    """Replace what is kept, durably. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # ASCII holds what is not UTF-8 in somebody's file, too: as the escape of a lone surrogate.
    text = json.dumps({**asdict(kept), "files": dict(kept.files)})
    draft = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.draft")
    try:
        with draft.open("w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
