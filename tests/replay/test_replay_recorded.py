"""Backtests of recorded clickstreams give exactly what an independent count gives.

The recordings are not part of the repository: they lie beside the checkout where there are any.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.language.recording import load_map
from engine.replay import backtest, recording
from engine.replay.gather import by_visitor
from engine.replay.rows import Row
from engine.replay.tallies import Summary
from engine.ruleset import build

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
ECOM = DATA / "retentioneering-ecom" / "ecom.csv.gz"
STORE = DATA / "ms-store-usage" / "ms_usage.csv.gz"

SITE = "site: { name: shop, time_zone: UTC, keep: 365 days }\n"
ECOM_MAP = """
columns: { visitor: user_id, at: timestamp, event: event }
time: { format: iso, zone: UTC }
"""
STORE_MAP = """
columns: { visitor: user, at: time, product: item }
constants: { event: product_view }
time: { format: iso, zone: UTC }
"""


def need(path: Path) -> None:
    if not path.is_file():
        pytest.skip(f"NOT RUN: the recording {path.name} is not beside this checkout ({path})")


def replay(rules: str, path: Path, how: str) -> Summary:
    live = build({"site.yaml": SITE, "rules.yaml": rules})
    rows = list(recording.read(path, load_map(how, "map.yaml")))
    assert all(isinstance(row, Row) for row in rows)
    return backtest.run(live, by_visitor(rows))


def rows_of(path: Path, visitor: str, at: str):
    """Read a recording with nothing of ours: (visitor, seconds, row) sorted by both."""
    with gzip.open(path, "rt", encoding="utf-8") as text:
        rows = [
            (row[visitor], datetime.fromisoformat(row[at]).replace(tzinfo=UTC).timestamp(), row)
            for row in csv.DictReader(text)
        ]
    return sorted(rows, key=lambda r: (r[0], r[1]))


def sessions_of(rows, timeout=30 * 60):
    """Yield each row with its session's number: a gap of the timeout starts a new one."""
    last, number = {}, defaultdict(int)
    for visitor, at, row in rows:
        if visitor not in last or at - last[visitor] >= timeout:
            number[visitor] += 1
        last[visitor] = at
        yield visitor, number[visitor], row


def test_three_searches_in_a_session_on_a_recorded_shop():
    """427 prompts in 3,605 sessions, once a session, as counted by hand."""
    need(ECOM)
    searches = defaultdict(int)
    sessions = set()
    for visitor, session, row in sessions_of(rows_of(ECOM, "user_id", "timestamp")):
        sessions.add((visitor, session))
        searches[visitor, session] += row["event"] == "search"
    by_hand = sum(count >= 3 for count in searches.values())
    summary = replay(
        "rules:\n  - rule: three\n    when: { event: search, at_least: 3, within: session }\n"
        '    limit: 1 per session\n    show: "Can I help?"\n',
        ECOM,
        ECOM_MAP,
    )
    assert (by_hand, len(sessions)) == (427, 3_605)
    assert (summary.rules["three"].shown, summary.sessions) == (427, 3_605)
    assert summary.events == 31_106
    assert summary.visitors == 600


@pytest.mark.parametrize("times", [2, 3])
def test_one_product_in_several_sessions_of_a_recorded_store(times):
    """The visitors who come back to one item in 2 and in 3 sessions, as counted by hand."""
    need(STORE)
    seen = defaultdict(set)
    for visitor, session, row in sessions_of(rows_of(STORE, "user", "time")):
        seen[visitor, row["item"].casefold()].add(session)
    by_hand = {visitor for (visitor, _), sessions in seen.items() if len(sessions) >= times}
    summary = replay(
        "rules:\n  - rule: back\n    when: { event: product_view, same: product,"
        f" different: session, at_least: {times}, within: 300 days }}\n"
        '    limit: 1 ever\n    show: "Back again?"\n',
        STORE,
        STORE_MAP,
    )
    assert summary.rules["back"].triggered == len(by_hand)
    assert summary.shown_to["back"] == by_hand
    assert summary.rules["back"].visitors == len(by_hand) > 0
