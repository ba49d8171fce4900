"""Speaks HTTP and the command line; decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.app import App
    from api.wiring import Wiring


def create_app(wiring: Wiring) -> App:
    """Return the WSGI application over one worker's parts."""
    from api.app import build  # noqa: PLC0415 - the command line need not wait for Flask

    return build(wiring)
