"""`welltimed serve`: the collector, the decide endpoint and the scripts."""

from __future__ import annotations

from typing import Any

import click

from api import serve, settings


@click.command()
@click.option("--rules", help="The rules folder, or a folder of them, one a site. [rules]")
@click.option("--store", help="The store's URL, such as sqlite:///path/to/file.db.")
@click.option("--data", help="The folder for keys, database and last good rules. [data]")
@click.option("--host", help="The address to listen on. [127.0.0.1]")
@click.option("--port", help="The port to listen on. [8080]")
@click.option("--workers", help="How many processes serve. [one a core]")
def command(**flags: Any) -> None:
    """Serve until SIGTERM (requests under way are finished); SIGHUP loads the rules anew."""
    serve.run(settings.load(flags), say=click.echo)
