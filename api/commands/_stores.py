"""Stores that commands only look into."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from api.settings import DATABASE
from engine.errors import StoreUnavailable
from engine.store import Store, open_store


def open_existing(url: str) -> Store:
    """Open a store, refusing one whose file would only now be made. Raises StoreUnavailable."""
    path = Path(unquote(urlsplit(url).path.removeprefix("/")))
    if url.startswith(DATABASE) and not path.is_file():
        raise StoreUnavailable(
            f"there is no store at {path}; name it with --store, or its folder with --data"
        )
    return open_store(url)
