"""`welltimed demo`: `serve` with a small shop on top, and a desk that is staffed now.

Its rules, keys and database live in a folder of their own, so that trying it out touches
nothing else. Nothing below `/demo/` exists under `serve`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from api import serve, settings
from api.app import App
from api.demo import folder
from api.demo.controls import add_controls
from api.demo.crowd import Crowd
from api.demo.desk import DemoDesk, Keeper
from api.demo.shop import add_pages
from engine.clock import now
from engine.service import Service
from engine.store import open_store

HOME = "demo"  # below the data folder


def run(flags: Mapping[str, Any]) -> None:
    """Serve the demo until SIGTERM or Ctrl+C. Raises WelltimedError when it cannot begin."""
    home = (settings.load(flags).data / HOME).absolute()
    own = {"rules": home / "rules", "data": home, "store": f"sqlite:///{home / 'demo.db'}"}
    # Its pages are its own: an allow-list that is set for a real site is not for them.
    chosen = replace(settings.load({**flags, **own}), origins=None, watch=True)
    # Before anything is written: another demo may be running on this folder.
    serve.port_free(chosen.host, chosen.port)
    desk = DemoDesk(home)
    desk.prepare()
    with closing(open_store(chosen.store)) as store:
        keeper = Keeper(desk, Service(store, {}, now))
        address = serve.address(chosen.host, chosen.port)
        crowd, told = Crowd(address), _welcome(address)
        keeper.start()
        crowd.start()
        try:
            serve.run(chosen, extend=partial(extend, home=home), say=_teller(told), also=told)
        finally:
            crowd.stop()
            keeper.stop()


def extend(app: App, *, home: Path) -> None:
    """Add the demo to one worker's application; `home` is the demo's data folder."""
    wiring, desk = app.wiring, DemoDesk(home)
    demo = Blueprint(
        "demo",
        __name__,
        url_prefix="/demo",
        template_folder="templates",
        static_folder="static",
    )
    demo.context_processor(lambda: {"site": folder.SITE, "desk_open": desk.is_open})
    add_controls(
        demo,
        wiring.service,
        desk,
        wiring.clock,
        lambda: wiring.reloads.reload(wiring.service.sites),
    )
    add_pages(demo)
    app.register_blueprint(demo)
    app.add_url_rule("/", "demo_at_the_root", _to_the_shop)


def _to_the_shop() -> ResponseReturnValue:
    return redirect("/demo/")


def _welcome(address: str) -> tuple[str, ...]:
    return (
        "",
        f"  The demo shop is at {address}/demo/",
        "",
        f"  It follows the rules in {folder.STARTER}: change one, and load a page again.",
        "  Ctrl+C ends it.",
    )


def _teller(own: tuple[str, ...]) -> Any:
    """Return what prints a line: the demo's own, and of the server's all but its addresses."""

    def tell(line: str) -> None:
        if line in own or "secret key" in line or "refused" in line:
            click.echo(line)

    return tell
