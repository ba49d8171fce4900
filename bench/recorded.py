"""Backtests of recorded clickstreams beside a count that shares no code with the engine.

Run it from the project's folder: `.venv/bin/python bench/recorded.py`. It prints the tables of
bench/README.md and fails where the two counts differ. The recordings are not part of the
repository; one that is not there is named and not counted.
"""

from __future__ import annotations

import csv
import gzip
import os
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from engine import ruleset
from engine.language.recording import load_map
from engine.replay import backtest, recording
from engine.replay.gather import by_visitor
from engine.replay.rows import Row
from engine.replay.tallies import Summary

HERE = Path(__file__).parent
DATA = Path("../shared/data")
ECOM = DATA / "retentioneering-ecom" / "ecom.csv.gz"
STORE = DATA / "ms-store-usage" / "ms_usage.csv.gz"
TIMEOUT = 30 * 60
ROUNDS = 3

Visitors = Mapping[str, list]
Recorded = tuple[str, int, Mapping[str, str]]  # visitor, number of the session, row


# --- by hand --------------------------------------------------------------------------------


def sessions(path: Path, visitor: str, at: str) -> Iterator[Recorded]:
    """Yield the rows with their session's number: a gap of half an hour or more starts one."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        rows = [
            (row[visitor], datetime.fromisoformat(row[at]).replace(tzinfo=UTC).timestamp(), row)
            for row in csv.DictReader(text)
        ]
    last: dict[str, float] = {}
    number: dict[str, int] = defaultdict(int)
    for who, when, row in sorted(rows, key=lambda one: one[:2]):
        number[who] += who not in last or when - last[who] >= TIMEOUT
        last[who] = when
        yield who, number[who], row


def searches_by_hand() -> dict[str, int]:
    found: dict[tuple[str, int], int] = defaultdict(int)
    for who, session, row in sessions(ECOM, "user_id", "timestamp"):
        found[who, session] += row["event"] == "search"
    return {"sessions": len(found), "prompts": sum(count >= 3 for count in found.values())}


def returns_by_hand() -> dict[str, int]:
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    every = set()
    for who, session, row in sessions(STORE, "user", "time"):
        seen[who, row["item"].strip().casefold()].add(session)
        every.add((who, session))
    twice, thrice = ({who for (who, _), s in seen.items() if len(s) >= n} for n in (2, 3))
    return {"sessions": len(every), "in 2 sessions": len(twice), "in 3 sessions": len(thrice)}


# --- by the engine --------------------------------------------------------------------------


def searches(summary: Summary) -> dict[str, int]:
    return {"sessions": summary.sessions, "prompts": summary.rules["three-searches"].shown}


def returns(summary: Summary) -> dict[str, int]:
    return {
        "sessions": summary.sessions,
        "in 2 sessions": summary.rules["second-visit"].visitors,
        "in 3 sessions": summary.rules["third-visit"].visitors,
    }


def read(path: Path, map_file: Path) -> Visitors:
    how = load_map(map_file.read_text(encoding="utf-8"), str(map_file))
    rows = list(recording.read(path, how))
    assert all(isinstance(row, Row) for row in rows), "a recording has bad rows"
    return by_visitor(row for row in rows if isinstance(row, Row))


def cpu() -> float:
    """Return the CPU seconds of this process and of those that it waited for."""
    return sum(os.times()[:4])


def timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the least of a few rounds, seconds: other work on the machine only adds to it."""
    took = []
    for _ in range(ROUNDS):
        start = clock()
        work()
        took.append(clock() - start)
    return min(took)


def speed(name: str, path: Path, folder: Path, map_file: Path) -> str:
    live, visitors = ruleset.load(folder), read(path, map_file)
    events = sum(map(len, visitors.values()))
    cores = len(os.sched_getaffinity(0))
    alone = timed(lambda: backtest.run(live, visitors), cpu)
    shared = timed(lambda: backtest.run(live, visitors, jobs=cores), cpu)
    waited = timed(lambda: backtest.run(live, visitors, jobs=cores), time.perf_counter)
    return (
        f"| {name} | {len(live.rules)} | {events:,} | {events / alone:,.0f} "
        f"| {shared / alone:.2f} | {events / waited:,.0f} |"
    )


# --- the tables -----------------------------------------------------------------------------

CASES = (
    ("searches", ECOM, searches_by_hand, searches),
    ("returns", STORE, returns_by_hand, returns),
)


SPEEDS = (
    "",
    "rules",
    "events",
    "events a CPU second, one process",
    "CPU of a process a core, in ones of that",
    "events a second of waiting, a process a core",
)


def main() -> int:
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    there = [case for case in CASES if case[1].is_file()]
    for _, path, *_ in CASES:
        if not path.is_file():
            print(f"NOT RUN: {path} is not there", file=sys.stderr)
    wrong = 0
    print("| recording | counted | by hand | backtest |\n|---|---|---|---|")
    for name, path, by_hand, counted in there:
        visitors = read(path, HERE / f"{name}.map.yaml")
        engine = counted(backtest.run(ruleset.load(HERE / name), visitors))
        for what, number in by_hand().items():
            wrong += engine[what] != number
            print(f"| {path.parent.name} | {what} | {number:,} | {engine[what]:,} |")
    print(f"\n| recording and rules{' | '.join(SPEEDS)} |\n|---|---|---|---|---|---|")
    for name, path, *_ in there:
        print(
            speed(f"{path.parent.name}, bench/{name}", path, HERE / name, HERE / f"{name}.map.yaml")
        )
    if ECOM.is_file():
        starter = HERE.parent / "rules"
        print(speed("retentioneering-ecom, rules", ECOM, starter, HERE / "searches.map.yaml"))
    return 1 if wrong or len(there) < len(CASES) else 0


if __name__ == "__main__":
    sys.exit(main())
