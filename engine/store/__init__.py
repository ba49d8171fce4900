"""Keeps visitors, desks and the journal; knows nothing of what they mean."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from engine.errors import StoreUnavailable
from engine.store.base import Entry, Snapshot, Store
from engine.store.sqlite import SqliteStore

__all__ = ["Entry", "Snapshot", "Store", "open_store"]


def open_store(url: str) -> Store:
    """Open the store that a URL names; call it before forking, and use the result after.

    `sqlite:///relative/file.db` or `sqlite:////absolute/file.db`; `?synchronous=full` makes every
    commit wait for the disk (`normal` is the default). Raises StoreUnavailable with a sentence.
    """
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or path in {"", ":memory:"}:
        raise StoreUnavailable(
            f"a store named {parts.scheme or url}: is not known; write sqlite:///path/to/file.db"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    synchronous = options.pop("synchronous", "normal")
    if options or synchronous not in {"normal", "full"}:
        raise StoreUnavailable(
            f"the store's option ?{parts.query} is not known; "
            "there are synchronous=normal and synchronous=full"
        )
    return SqliteStore(Path(path), full=synchronous == "full")
