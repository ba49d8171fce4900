"""`welltimed demo`: a small shop with the tracker on it, a staffed desk and sample visitors."""

from __future__ import annotations

from typing import Any

import click

from api import demo


@click.command()
@click.option("--data", help="The folder for the demo's rules, keys and database.")
@click.option("--host", help="The address to listen on. [127.0.0.1]")
@click.option("--port", help="The port to listen on. [8080]")
@click.option("--workers", help="How many processes serve. [one a core]")
def command(**flags: Any) -> None:
    """Serve the demo shop at /demo/, to see prompts come and be held back."""
    demo.run(flags)
