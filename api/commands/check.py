"""`welltimed check`: what the loader and the linter find in a rules folder."""

from __future__ import annotations

from pathlib import Path

import click

from engine import ruleset as rulesets
from engine.errors import Severity
from engine.language import loader, report

ERRORS = 1
WARNINGS = 3


@click.command()
@click.argument("folder", default="rules", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text")
@click.option("--strict", is_flag=True, help="Exit 3 where there are warnings.")
def command(folder: Path, form: str, strict: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Check a rules folder: exit 0 clean, 1 errors, 3 warnings under --strict."""
    files = loader.read_folder(folder)
    problems = rulesets.check(files).problems
    # Machines get paths within the folder, people and GitHub paths that can be opened.
    where = "" if form == "json" else str(folder)
    click.echo(report.render(problems, files, form, folder=where), nl=False)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise click.exceptions.Exit(ERRORS)
    if strict and problems:
        raise click.exceptions.Exit(WARNINGS)
