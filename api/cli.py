"""The command line: `welltimed COMMAND`. Each command is a small module in `api/commands`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import click

from api import commands
from engine.errors import RulesInvalid, WelltimedError


class Commands(click.Group):
    """Finds a command in the module of its name, and loads no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return sorted(
            module.name
            for module in pkgutil.iter_modules(commands.__path__)
            if not module.name.startswith("_")
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None where there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f"api.commands.{cmd_name}").command
        found.name = cmd_name
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def welltimed() -> None:
    """Decide when to offer a chat: rules in YAML, events in, decisions out."""


def main() -> None:
    """Run the command line; whatever goes wrong is one sentence on stderr."""
    try:
        welltimed.main(prog_name="welltimed")
    except RulesInvalid as fault:
        click.echo(str(fault), err=True)
        click.echo("Error: the rules are refused; `welltimed check` shows where", err=True)
        sys.exit(1)
    except WelltimedError as fault:
        click.echo(f"Error: {fault}", err=True)
        sys.exit(1)
    except OSError as fault:
        where = f"{Path(fault.filename)}: " if isinstance(fault.filename, str) else ""
        click.echo(f"Error: {where}{(fault.strerror or str(fault)).lower()}", err=True)
        sys.exit(1)
    except Exception as fault:
        if sys.flags.dev_mode:
            raise
        kind = type(fault).__name__
        click.echo(f"Error: a mistake inside welltimed ({kind}: {fault})", err=True)
        click.echo("Run it as `python -X dev -m api.cli` to see where.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
