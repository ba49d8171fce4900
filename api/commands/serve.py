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
@click.option("--watch/--no-watch", default=None, help="Have edits of the rules go live. [watch]")
def command(**flags: Any) -> None:
    """Serve until SIGTERM (requests under way are finished).

    Edits of the rules go live a second after the last one, if all of them are good. SIGHUP loads
    the rules anew at once.
    """
    serve.run(settings.load(flags), say=click.echo)
