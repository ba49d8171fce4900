"""`welltimed version`: which welltimed, matcher and Python this is."""

from __future__ import annotations

import platform
from importlib import metadata

import click


@click.command()
def command() -> None:
    """Say which version this is, and what it runs on."""
    click.echo(
        f"welltimed {metadata.version('welltimed')} "
        f"(durable-rules {metadata.version('durable-rules')}, Python {platform.python_version()})"
    )
