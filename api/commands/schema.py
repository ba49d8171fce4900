"""`welltimed schema`: the JSON Schemas with which an editor completes and explains the YAML."""

from __future__ import annotations

import json

import click

from engine.language.schema import ROOTS, schema


@click.command()
@click.argument("kind", type=click.Choice(list(ROOTS)))
def command(kind: str) -> None:
    """Print the JSON Schema (draft-07) of a KIND of file: site, rules, tests or map.

    Keep it in a file, and name that file in the first line of your YAML:
    `# yaml-language-server: $schema=./rules.schema.json`. Your editor then completes keys,
    explains them, and underlines what does not fit. `welltimed check` remains the judge.
    """
    click.echo(json.dumps(schema(kind), indent=2, ensure_ascii=False))
