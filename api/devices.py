"""What a User-Agent header says: the kind of device, the browser's name, whether it is a bot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import user_agents

LONGEST = 512  # characters looked at; parsing is some hundred regular expressions over them

# Plain HTTP clients, which read no pages; the parser takes these two for crawlers, and no other.
_CLIENTS = ("Python-urllib/", "Java/")

# One browser goes by several names on phones; a marketer writes `browser: safari` for all.
_SUFFIXES = (" Mobile WebView", " Mobile iOS", " Mobile", " iOS", " WebView")


@dataclass(frozen=True, slots=True)
class Device:
    """`claims` are the attributes `device` and `browser`, each only where it is known."""

    bot: bool
    claims: Mapping[str, str] = field(default_factory=dict)


NOTHING_KNOWN = Device(bot=False)


def look(user_agent: str | None) -> Device:
    """Return what a User-Agent says; nothing where there is none."""
    return _parse((user_agent or "")[:LONGEST])


@lru_cache(maxsize=4096)
def _parse(user_agent: str) -> Device:
    parsed = user_agents.parse(user_agent)
    claims: dict[str, str] = {}
    if parsed.is_tablet:
        claims["device"] = "tablet"
    elif parsed.is_mobile:
        claims["device"] = "mobile"
    elif parsed.is_pc:
        claims["device"] = "desktop"
    family = str(parsed.browser.family or "")
    if family and family != "Other":
        claims["browser"] = _common_name(family)
    bot = bool(parsed.is_bot) and not user_agent.startswith(_CLIENTS)
    return Device(bot=bot, claims=claims)


def _common_name(family: str) -> str:
    name = family.removeprefix("Mobile ")
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name
