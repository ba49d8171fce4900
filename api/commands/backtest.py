"""`welltimed backtest`: what the rules would have done on a recorded clickstream."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import click
from tqdm import tqdm

from api import settings
from engine import ruleset as rulesets
from engine.errors import RecordingInvalid
from engine.language.recording import RecordingMap, load_map
from engine.replay import backtest, recording, summary_text
from engine.replay.backtest import Visitors
from engine.replay.gather import by_visitor
from engine.replay.recording import BadRow
from engine.replay.rows import Row
from engine.replay.tallies import Firing, Summary

_BAD_ROWS_TOLD = 100
_WORTH_SHARING = 5_000  # events from which several processes are faster than one

_FILE = click.Path(path_type=Path)


@click.command(short_help="Replay a recorded clickstream through the rules.")
@click.option("--rules", help="The rules folder to try. [rules]")
@click.option("--events", "files", type=_FILE, multiple=True, help="Recorded files: JSONL or CSV.")
@click.argument("more", nargs=-1, type=_FILE, metavar="[FILE]...")
@click.option("--map", "map_file", type=_FILE, help="Says which column holds what.")
@click.option("--against", type=_FILE, help="Another rules folder to compare with.")
@click.option("--firings", type=_FILE, help="Write one JSON line for each triggered instant.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--trust-sessions", is_flag=True, help="Believe the recorded session names.")
@click.option("--strict", is_flag=True, help="Stop at the first bad row.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes to use. [one a core]")
def command(  # noqa: PLR0917 - click passes one argument an option
    rules: str | None,
    files: tuple[Path, ...],
    more: tuple[Path, ...],
    map_file: Path | None,
    against: Path | None,
    firings: Path | None,
    form: str,
    trust_sessions: bool,  # noqa: FBT001 - a flag of the command line
    strict: bool,  # noqa: FBT001 - likewise
    jobs: int | None,
) -> None:
    """Say what the rules would have shown on recorded events, and what would have held them back.

    Rows that cannot be used are named on stderr and counted. The desk counts as staffed; caps
    and answers are simulated: a prompt counts as shown and left unanswered. Progress goes to
    stderr, where that is no terminal every ten seconds. Counts do not depend on --jobs.
    """
    named = (*files, *more)
    if not named:
        raise click.UsageError("name at least one recorded file: --events FILE")
    how = _map(map_file)
    live = rulesets.load(settings.load({"rules": rules}).rules)
    rival = rulesets.load(against) if against else None
    with ExitStack() as stack:
        sink = stack.enter_context(firings.open("w", encoding="utf-8")) if firings else None
        bad: list[BadRow] = []
        rows = recording.read_all(named, how, trust_sessions=trust_sessions)
        visitors = by_visitor(_good(_reading(rows), bad, strict=strict))
        _say_bad(bad)
        jobs = jobs or _jobs(visitors)
        summary = _replay(live, visitors, jobs, _writer(sink))
        summary.bad = len(bad)
        told = summary.record()
        if rival is not None:
            told["against"] = summary.compared(_replay(rival, visitors, jobs, lambda _: None))
    click.echo(json.dumps(told, indent=2) if form == "json" else summary_text.render(told))


def _map(path: Path | None) -> RecordingMap | None:
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RecordingInvalid(f"the map {path} cannot be read: it is not UTF-8") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RecordingInvalid(f"the map {path} cannot be read: {reason}") from None
    return load_map(text, str(path))


def _good(items: Iterable[Row | BadRow], bad: list[BadRow], *, strict: bool) -> Iterator[Row]:
    """Pass the rows on and keep the bad ones apart, or stop at the first of them."""
    for item in items:
        if isinstance(item, Row):
            yield item
        elif strict:
            raise RecordingInvalid(f"{item} (without --strict it would be counted and passed over)")
        else:
            bad.append(item)


def _say_bad(bad: Sequence[BadRow]) -> None:
    for row in bad[:_BAD_ROWS_TOLD]:
        click.echo(str(row), err=True)
    for (path, why), times in Counter((row.path, row.why) for row in bad[_BAD_ROWS_TOLD:]).items():
        click.echo(f"{path}: {times:,} more: {why}", err=True)


def _writer(sink: IO[str] | None) -> backtest.Fired:
    def fired(firing: Firing) -> None:
        if sink is not None:
            sink.write(json.dumps(firing.record(), ensure_ascii=False) + "\n")

    return fired


def _jobs(visitors: Visitors) -> int:
    if sum(map(len, visitors.values())) < _WORTH_SHARING:
        return 1
    # The cores that this process may use, where the system can tell.
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


# --- progress -------------------------------------------------------------------------------


def _manner() -> dict[str, Any]:
    """Return how bars are drawn: on stderr, and where that is no terminal renewed seldom."""
    tqdm.monitor_interval = 0  # its thread would make forking unsafe
    rare = {} if sys.stderr.isatty() else {"mininterval": 10.0, "ncols": 80, "ascii": True}
    return {"file": sys.stderr, **rare}


def _reading(rows: Iterable[Row | BadRow]) -> Iterator[Row | BadRow]:
    return iter(tqdm(rows, desc="reading", unit=" rows", **_manner()))


def _replay(
    live: rulesets.Ruleset, visitors: Visitors, jobs: int, fired: backtest.Fired
) -> Summary:
    total = sum(map(len, visitors.values()))
    with tqdm(total=total, desc="replaying", unit=" events", **_manner()) as bar:
        return backtest.run(live, visitors, fired=fired, progress=bar.update, jobs=jobs)
