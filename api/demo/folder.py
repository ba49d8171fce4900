"""The demo's own rules folder: the starter rules, with a desk that a switch opens and shuts.

Everything is copied from the starter rules whenever they change, so that whoever edits them sees
the demo follow. Only the `site` and `schedules` blocks of site.yaml are the demo's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import WelltimedError

SITE = "shop"
ZONE = ZoneInfo("Europe/London")
STARTER = Path(__file__).resolve().parents[2] / "rules"

_SITE = """\
site:
  name: shop
  time_zone: Europe/London
  # The starter rules allow one prompt a visit; here you may try one after the other.
  caps: [10 prompts per session]
  cooldown: { after_dismissal: 3 seconds, after_chat: 3 seconds }
"""

_BLOCK = re.compile(r"^(?P<key>[a-z_]+):.*\n(?:(?![a-z_]+:).*\n)*", re.MULTILINE)


def retell(files: Mapping[str, str], *, desk_open: bool, now: datetime) -> dict[str, str]:
    """Return the demo's files: the starter rules (path → text) without their tests.

    `now` is aware; with a closed desk it opens at nine on the next day of the shop's zone.
    """
    told = {path: _links(text) for path, text in files.items() if not path.endswith(".test.yaml")}
    schedules = _schedules(desk_open=desk_open, now=now)
    site = told.get("site.yaml", "").rstrip("\n") + "\n"
    told["site.yaml"] = _BLOCK.sub(
        lambda block: {"site": _SITE, "schedules": schedules}.get(block["key"], block[0]), site
    )
    return told


def read_starter(folder: Path = STARTER) -> dict[str, str]:
    """Read the starter rules. Raises WelltimedError where they are not to be found."""
    if not (folder / "site.yaml").is_file():
        raise WelltimedError(
            f"the demo serves the starter rules, and there is no {folder / 'site.yaml'}; "
            "run it from a clone of the project"
        )
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yaml"))}


def write(folder: Path, files: Mapping[str, str]) -> bool:
    """Make the folder's YAML files these, each written whole; True when something changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = False
    for name, text in files.items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        draft = path.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
        changed = True
    for path in folder.glob("*.yaml"):
        if path.name not in files:
            path.unlink()
            changed = True
    return changed


def _schedules(*, desk_open: bool, now: datetime) -> str:
    today = now.astimezone(ZONE).date().isoformat()
    if desk_open:
        hours = "    open: { mon-sun: 00:00-24:00 }\n"
    else:
        hours = f"    open: {{ mon-sun: 09:00-18:00 }}\n    closed: [{today}]\n"
    return f"schedules:\n  support-desk:\n{hours}  sales-desk:\n{hours}\n"


def _links(text: str) -> str:
    """Let the links of the starter rules lead to the demo's own help pages."""
    text = text.replace("url: /help/", "url: /demo/help/")
    return text.replace("https://shop.example/help/", "/demo/help/")
