"""`welltimed check`: what the loader and the linter find in a rules folder."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path

import click
from tqdm import tqdm

from api.commands._stores import open_existing
from engine import ruleset as rulesets
from engine import seen
from engine.clock import now
from engine.errors import Problem, Severity
from engine.language import loader, report
from engine.model import Folder

ERRORS = 1
WARNINGS = 3
PATIENCE = 20  # seconds for which a store is looked through


@click.command()
@click.argument("folder", default="rules", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text")
@click.option("--strict", is_flag=True, help="Exit 3 where there are warnings.")
@click.option("--store", help="Warn of events that nobody in this store has sent for 30 days too.")
def command(folder: Path, form: str, strict: bool, store: str | None) -> None:  # noqa: FBT001 - a flag of the command line
    """Check a rules folder: exit 0 clean, 1 errors, 3 warnings under --strict.

    With --store (a URL such as sqlite:///data/welltimed.db) rules that wait for an event which
    no visitor has sent in 30 days are warned of; without it no store is looked at, whatever the
    settings say.
    """
    files = loader.read_folder(folder)
    loaded = rulesets.check(files)
    problems = list(loaded.problems)
    if store is not None and loaded.folder is not None:
        problems += _never_seen(loaded.folder, store)
    # Machines get paths within the folder, people and GitHub paths that can be opened.
    where = "" if form == "json" else str(folder)
    click.echo(report.render(problems, files, form, folder=where), nl=False)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise click.exceptions.Exit(ERRORS)
    if strict and problems:
        raise click.exceptions.Exit(WARNINGS)


def _never_seen(folder: Folder, url: str) -> list[Problem]:
    """Look through a store for what the rules wait for, for a bounded time."""
    wanted = {kind for kinds in seen.awaited(folder).values() for kind in kinds}
    end = time.monotonic() + PATIENCE
    with closing(open_existing(url)) as store:
        visitors = store.visitors(folder.site.name)
        bar = tqdm(visitors, "looking at events", unit=" visitors", file=sys.stderr, disable=None)
        found = seen.look(bar, wanted, now(), lambda: time.monotonic() < end)
        bar.close()
    if wanted and not found.visitors:
        click.echo(
            f"{url} holds nobody of {folder.site.name} who sent anything in 30 days, so that it "
            "cannot say which events never come",
            err=True,
        )
    elif not found.whole:
        click.echo(
            f"{found.visitors:,} visitors were looked at in {PATIENCE} s, and there are more",
            err=True,
        )
    return list(seen.findings(folder, found))
