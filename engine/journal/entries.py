"""The journal's entries: what each kind says, how it is written and read back.

An entry names its visitor and instant itself; the body adds the rest. A page is kept as its path
alone: queries and fragments carry what people typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from engine.errors import StoreUnavailable
from engine.model import Decision, Reason
from engine.store.base import Entry, Store

DECISION = "decision"

PAGE_LENGTH = 512


class NearMiss(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rule whose `when` held and that a later gate refused: why, and by what."""

    rule: str
    reason: Reason
    by: str | None = None


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision as the journal keeps it; the entry's id is the `decision_id`.

    `reason` is the true one where the reply was told another (bots). `page` is a path. `shadow`
    are the shadow rules that passed.
    """

    show: bool
    reason: Reason
    ruleset: str
    by: str | None = None
    rule: str | None = None
    variant: str | None = None
    page: str | None = None
    shadow: tuple[str, ...] = ()
    near: tuple[NearMiss, ...] = ()


class Line(NamedTuple):
    """A decision read back: which, when (ms), about whom, and what it was."""

    decision_id: str
    at: int
    visitor: str
    decided: Decided


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Decided)


def decided(
    visitor: str,
    decision: Decision,
    page: str | None,
    *,
    reason: Reason | None = None,
    shadows: Iterable[str] = (),
    near: Iterable[NearMiss] = (),
) -> Entry:
    """Write a decision down; `page` is a URL or a path, `reason` replaces the reply's."""
    body = Decided(
        show=decision.show,
        reason=reason or decision.reason,
        ruleset=decision.ruleset,
        by=decision.by,
        rule=decision.rule,
        variant=decision.variant,
        page=None if page is None else path_of(page),
        shadow=tuple(shadows),
        near=tuple(near),
    )
    return Entry(
        id=decision.decision_id,
        at=decision.at,
        kind=DECISION,
        visitor=visitor,
        body=_ENCODER.encode(body),
    )


def read(entry: Entry) -> Line:
    """Read an entry of the kind `decision` back.

    A body that cannot be read is a damaged store: StoreUnavailable.
    """
    try:
        body = _DECODER.decode(entry.body)
    except msgspec.MsgspecError as error:
        raise StoreUnavailable(
            f"the journal's entry {entry.id!r} cannot be read: {error}; was it written by a newer "
            "welltimed?"
        ) from None
    return Line(entry.id, entry.at, entry.visitor, body)


def decisions(
    store: Store,
    site: str,
    *,
    visitor: str | None = None,
    since: int | None = None,
    until: int | None = None,
    newest_first: bool = False,
) -> Iterator[Line]:
    """Yield a site's decisions with since <= at < until (ms), by time, one visitor's or all."""
    entries = store.journal(
        site, since=since, until=until, visitor=visitor, newest_first=newest_first
    )
    return (read(entry) for entry in entries if entry.kind == DECISION)


def path_of(page: str) -> str:
    """Return the path of a page's address, `/` where it has none, cut at 512 characters."""
    try:
        path = urlsplit(page).path
    except ValueError:  # a bracket that never closes; such an address has no path to speak of
        path = ""
    return path[:PAGE_LENGTH] or "/"
