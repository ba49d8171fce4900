"""Recorded files become events, row by row; what cannot be read is named with its line."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay_rules import read_all, write_jsonl

from engine.errors import RecordingInvalid
from engine.language.recording import load_map
from engine.replay import recording
from engine.replay.instants import instant
from engine.replay.recording import MAX_LINE

ROW = {"visitor": "v1", "at": "2026-12-01T10:00:00Z", "event": "search", "query": "boots"}
TEN = 1_796_119_200_000


def test_a_line_of_jsonl_is_one_event(tmp_path):
    """Visitor, time, kind, page and fields are read from the flat object."""
    path = write_jsonl(tmp_path / "a.jsonl", ROW | {"page": "/search?q=boots", "results": 0})
    ((row,), bad) = read_all(path)
    assert not bad
    assert (row.visitor, row.line) == ("v1", 1)
    event = row.event
    assert (event.kind, event.at, event.page) == ("search", TEN, "/search?q=boots")
    assert event.fields == {"query": "boots", "results": 0}
    assert (event.session, event.referrer, event.title) == (None, None, None)


def test_json_values_keep_their_type(tmp_path):
    """A text of digits stays a text, as it does over HTTP; nulls are left out."""
    path = write_jsonl(tmp_path / "a.jsonl", ROW | {"a": "5", "b": 5, "c": None, "d": True})
    ((row,), _) = read_all(path)
    assert row.event.fields == {"query": "boots", "a": "5", "b": 5, "d": True}


def test_cells_of_csv_are_typed_as_in_yaml(tmp_path):
    """Plain numbers and true/false are typed; 012 and 1e5 stay text; blank cells are missing."""
    path = tmp_path / "a.csv"
    path.write_text(
        "visitor,at,event,product,price,code,big,ok,none\n"
        "7,2026-12-01 10:00:00,product_view,1.50,9.90,012,1e5,true,\n",
        encoding="utf-8",
    )
    ((row,), _) = read_all(path)
    assert row.visitor == "7"
    assert row.event.fields == {
        "product": "1.50",
        "price": 9.9,
        "code": "012",
        "big": "1e5",
        "ok": True,
    }


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "a"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_is_told_by_its_name_or_its_beginning(tmp_path, name, mark):
    """Commas, semicolons and tabs may divide the cells."""
    path = tmp_path / name
    rows = (("visitor", "at", "event"), ("v", "2026-12-01T10:00:00Z", "login"))
    path.write_text("\n".join(mark.join(row) for row in rows), encoding="utf-8")
    ((row,), bad) = read_all(path)
    assert (row.visitor, row.event.kind, row.line, bad) == ("v", "login", 2, [])


def test_gzip_is_told_by_its_first_bytes(tmp_path):
    """Whatever the file is called."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(gzip.compress(json.dumps(ROW).encode()))
    ((row,), _) = read_all(path)
    assert row.visitor == "v1"


def test_a_byte_order_mark_is_passed_over(tmp_path):
    """In JSONL and in CSV, as spreadsheets write it."""
    for name, text in (
        ("a.jsonl", json.dumps(ROW)),
        ("a.csv", "visitor,at,event\nv1,2026-12-01T10:00:00Z,login\n"),
    ):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8-sig")
        ((row,), bad) = read_all(path)
        assert (row.visitor, bad) == ("v1", [])


def test_unknown_events_are_kept_as_custom_ones(tmp_path):
    """A kind that no rule knows is an event all the same."""
    path = write_jsonl(tmp_path / "a.jsonl", ROW | {"event": "shipping_details"})
    ((row,), _) = read_all(path)
    assert row.event.kind == "shipping_details"


def test_rows_without_an_id_are_all_kept(tmp_path):
    """Exact duplicates get ids of their own, in the order of the rows; own ids stay."""
    path = write_jsonl(tmp_path / "a.jsonl", ROW, ROW, ROW | {"id": "x"}, ROW | {"id": 7})
    (rows, _) = read_all(path)
    ids = [row.event.id for row in rows]
    assert len(set(ids)) == 4
    assert ids[:2] == sorted(ids[:2])
    assert ids[2:] == ["x", "7"]


def test_sessions_are_believed_only_when_told_to(tmp_path):
    """As over HTTP, where a browser's are ignored."""
    path = write_jsonl(tmp_path / "a.jsonl", ROW | {"session": "s1"}, ROW | {"session": 4})
    assert [row.event.session for row in read_all(path)[0]] == [None, None]
    believed = read_all(path, trust_sessions=True)[0]
    assert [row.event.session for row in believed] == ["s1", "4"]
    assert all("session" not in row.event.fields for row in believed)


def test_several_files_are_numbered_on(tmp_path):
    """Rows of the second file come after those of the first where times tie."""
    one = write_jsonl(tmp_path / "1.jsonl", ROW, "broken")
    two = write_jsonl(tmp_path / "2.jsonl", ROW)
    items = list(recording.read_all([one, two]))
    first, last = items[0].event.id, items[-1].event.id
    assert first < last


# --- maps -----------------------------------------------------------------------------------

MAP = """
columns: { visitor: user_id, at: timestamp, event: name, session: session_id, product: item }
events: { shipping_details: checkout_started, view: product_view }
pages: { shipping_details: /checkout/shipping }
time: { format: auto, zone: Europe/Paris }
"""
TABLE = (
    "user_id,timestamp,name,session_id,item,noise\n"
    "u1,2026-12-01 11:00:00,view,s1,0012,x\n"
    "u1,1796119260,shipping_details,s1,,x\n"
    "u2,1796119260500,other,s2,,x\n"
)


def test_a_map_names_columns_renames_events_and_gives_pages(tmp_path):
    """Columns that it does not name are left out."""
    path = tmp_path / "a.csv"
    path.write_text(TABLE, encoding="utf-8")
    (rows, bad) = read_all(path, load_map(MAP), trust_sessions=True)
    assert not bad
    told = [(r.visitor, r.event.kind, r.event.at, r.event.page, r.event.session) for r in rows]
    assert told == [
        ("u1", "product_view", TEN, None, "s1"),
        ("u1", "checkout_started", TEN + 60_000, "/checkout/shipping", "s1"),
        ("u2", "other", TEN + 60_500, None, "s2"),
    ]
    assert [row.event.fields for row in rows] == [{"product": "0012"}, {}, {}]


def test_a_constant_stands_where_no_column_says_anything(tmp_path):
    """For a file with one kind of event; a column that is named beats it where it is not blank."""
    path = tmp_path / "a.csv"
    path.write_text("user,time,what\nu,2026-12-01,\nu,2026-12-01,login\n", encoding="utf-8")
    how = load_map(
        "columns: { visitor: user, at: time, event: what }\n"
        "constants: { event: product_view, price: 5 }\n"
    )
    (rows, _) = read_all(path, how)
    assert [row.event.kind for row in rows] == ["product_view", "login"]
    assert rows[0].event.fields == {"price": 5}


def test_a_map_reads_nested_json_by_dotted_names(tmp_path):
    """JSONL of any shape."""
    path = write_jsonl(
        tmp_path / "a.jsonl",
        {"user": {"id": 5}, "ts": TEN, "name": "search", "props": {"q": "boots"}},
    )
    how = load_map("columns: { visitor: user.id, at: ts, event: name, query: props.q }\n")
    ((row,), _) = read_all(path, how)
    assert (row.visitor, row.event.at, row.event.fields) == ("5", TEN, {"query": "boots"})


def test_a_blank_cell_is_told_with_its_column(tmp_path):
    """In the words of the file that has to be put right."""
    path = tmp_path / "a.csv"
    path.write_text("user,time\n ,2026-12-01\nu,\n", encoding="utf-8")
    how = load_map("columns: { visitor: user, at: time }\nconstants: { event: login }\n")
    (_, bad) = read_all(path, how)
    assert [row.why.partition(";")[0] for row in bad] == [
        'no "visitor" in the column "user"',
        'no "at" in the column "time"',
    ]


def test_a_column_that_is_not_there_is_one_sentence(tmp_path):
    """Not a bad row for every row: the map is wrong, and the near name is offered."""
    path = tmp_path / "a.csv"
    path.write_text("user,time,event\nu,2026-12-01,login\n", encoding="utf-8")
    with pytest.raises(RecordingInvalid, match=r'"visitor" from a column "usr".*mean "user"\?'):
        read_all(path, load_map("columns: { visitor: usr, at: time }\n"))
    with pytest.raises(RecordingInvalid, match=r'every row needs "visitor".*--map'):
        read_all(path)


# --- times ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "form", "zone", "expected"),
    [
        ("2026-12-01T10:00:00Z", "iso", "Europe/Paris", TEN),
        ("2026-12-01T11:00:00+01:00", "iso", "UTC", TEN),
        ("2026-12-01 10:00:00 UTC", "iso", "Europe/Paris", TEN),
        ("2026-12-01 10:00:00 +00:00", "iso", "Europe/Paris", TEN),
        ("2026-12-01 11:00:00", "iso", "Europe/Paris", TEN),
        ("2026-12-01T10:00:00.123999", "iso", "UTC", TEN + 123),
        ("2026-12-01", "iso", "UTC", TEN - 36_000_000),
        (1_796_119_200, "epoch_s", "UTC", TEN),
        ("1796119200.123", "epoch_s", "UTC", TEN + 123),
        (1_796_119_200.123, "epoch_s", "UTC", TEN + 123),
        (" 1796119200 ", "epoch_s", "UTC", TEN),
        (TEN, "epoch_ms", "UTC", TEN),
        (str(TEN), "epoch_ms", "UTC", TEN),
        ("1.7961192E+12", "epoch_ms", "UTC", TEN),
        (0, "epoch_ms", "UTC", 0),
        (-1, "epoch_s", "UTC", -1_000),
        (1_796_119_200, "auto", "UTC", TEN),
        (TEN, "auto", "UTC", TEN),
        (TEN * 1_000 + 999, "auto", "UTC", TEN),
        (str(TEN * 1_000_000), "auto", "UTC", TEN),
        ("2026-12-01T10:00:00Z", "auto", "UTC", TEN),
        ("20261201", "auto", "UTC", TEN - 36_000_000),
    ],
)
def test_times_are_read(value, form, zone, expected):
    """With a zone or without, as a number of seconds or less, and to the millisecond."""
    assert instant(value, form, ZoneInfo(zone)) == expected


@pytest.mark.parametrize(
    ("value", "form", "why"),
    [
        ("yesterday", "iso", "is not a date and time such as"),
        ("01/12/2026", "auto", "is not a date and time such as"),
        (1_796_119_200, "iso", "is not a date and time such as"),
        (True, "auto", "is not a date and time such as"),
        ([1], "auto", "is not a date and time such as"),
        ("2026-12-01", "epoch_s", "is not a number, though the map says epoch_s"),
        (10**15, "epoch_s", "beyond the years 1 to 9999"),
        ("20261201100000", "auto", "no epoch of our days"),
        (10**25, "auto", "not a date|no epoch"),
        ("2026-13-01", "iso", "is not a date and time such as"),
    ],
)
def test_times_that_cannot_be_read_are_refused(value, form, why):
    """With a sentence that quotes them."""
    with pytest.raises(ValueError, match=why):
        instant(value, form, UTC)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2199, 12, 30)), st.integers(0, 999))  # noqa: DTZ001 - a wall clock
def test_every_form_of_one_instant_is_that_instant(moment, millis):
    """ISO with and without zone, seconds with decimals, milliseconds: one number."""
    moment = moment.replace(microsecond=millis * 1_000, tzinfo=UTC)
    at = round(moment.replace(microsecond=0).timestamp()) * 1_000 + millis
    assert instant(moment.isoformat(), "iso", ZoneInfo("Asia/Tokyo")) == at
    assert instant(moment.replace(tzinfo=None).isoformat(), "iso", UTC) == at
    assert instant(f"{at // 1_000}.{millis:03d}", "epoch_s", UTC) == at
    assert instant(at, "epoch_ms", UTC) == at


# --- bad rows -------------------------------------------------------------------------------


def test_bad_lines_of_jsonl_are_named_and_the_others_kept(tmp_path):
    """Each with its line number and what is wrong; blank lines are no rows."""
    path = write_jsonl(
        tmp_path / "a.jsonl",
        ROW,
        "",
        "{ broken",
        "[1, 2]",
        {"at": ROW["at"], "event": "x"},
        ROW | {"visitor": " "},
        ROW | {"visitor": {"id": 1}},
        {"visitor": "v", "event": "x"},
        ROW | {"event": None},
        ROW | {"at": "noon"},
        '{"a": ' * 3_000 + "1" + "}" * 3_000,
        ROW,
    )
    (rows, bad) = read_all(path)
    assert [row.line for row in rows] == [1, 12]
    why = {row.line: row.why for row in bad}
    assert sorted(why) == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert why[3].startswith("not JSON: ")
    assert why[4] == "not a JSON object; each line is one event in { }"
    needs = "; every row needs visitor, at and event"
    assert {why[line] for line in (5, 6, 7)} == {f'no "visitor"{needs}'}
    assert why[8] == f'no "at"{needs}'
    assert why[9] == f'no "event"{needs}'
    assert why[10] == 'the time "noon" is not a date and time such as 2026-12-01T10:00:00Z'
    assert why[11].startswith("not JSON: ")
    assert str(bad[0]).startswith("a.jsonl:3: not JSON")


def test_bad_lines_of_csv_are_named_and_the_others_kept(tmp_path):
    """Too few cells, too many, an oversized cell, a quote that is never closed."""
    path = tmp_path / "a.csv"
    good = "v,2026-12-01T10:00:00Z,login\n"
    path.write_text(
        f'visitor,at,event\n{good}v,x\nv,2026-12-01,a,b\n\n"{"z" * 140_000}",1,b\n{good}'
        f'"v\nw",2026-12-01,login\n{good}"v,2026-12-01T10:00:00Z,login\n{good}{good}',
        encoding="utf-8",
    )
    (rows, bad) = read_all(path)
    assert [(row.line, row.visitor) for row in rows] == [
        (2, "v"),
        (7, "v"),
        (8, "v\nw"),
        (10, "v"),
    ]
    why = {row.line: row.why for row in bad}
    assert why[3] == "the row has 2 cells where the header has 3"
    assert why[4] == "the row has 4 cells where the header has 3"
    assert why[6].startswith("not CSV: ")
    assert why[11].endswith("and runs on for 2 more lines; is a quote not closed?")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_line_without_end_is_a_bad_row(tmp_path, name):
    """It is never held in memory, and the line after it is read."""
    path = tmp_path / name
    good = b"v,2026-12-01,login" if name == "a.csv" else json.dumps(ROW).encode()
    head = b"visitor,at,event\n" if name == "a.csv" else b""
    path.write_bytes(head + b"x" * (3 * MAX_LINE) + b"\n" + good + b"\n")
    (rows, bad) = read_all(path)
    first = 2 if head else 1
    assert [row.line for row in rows] == [first + 1]
    assert [(row.line, row.why) for row in bad] == [
        (first, "the line is longer than 1,048,576 characters")
    ]


def test_bytes_that_are_not_utf8_cost_their_own_row(tmp_path):
    """The rows around it are kept."""
    line = json.dumps(ROW).encode()
    (tmp_path / "a.jsonl").write_bytes(
        line + b"\n" + line.replace(b"boots", b"caf\xe9") + b"\n" + line
    )
    (tmp_path / "a.csv").write_bytes(
        b"visitor,at,event,q\nv,2026-12-01,x,a\nv,2026-12-01,x,caf\xe9\nv,2026-12-01,x,\xc3\xa9\n"
    )
    (rows, bad) = read_all(tmp_path / "a.jsonl")
    assert ([row.line for row in rows], [(b.line, b.why) for b in bad]) == (
        [1, 3],
        [(2, "not UTF-8")],
    )
    (rows, bad) = read_all(tmp_path / "a.csv")
    assert ([row.line for row in rows], [(b.line, b.why) for b in bad]) == (
        [2, 4],
        [(3, "not UTF-8")],
    )
    assert rows[1].event.fields["q"] == "é"


# --- files that cannot be read --------------------------------------------------------------


def test_a_gzip_that_is_cut_off_is_refused(tmp_path):
    """Half a recording would give counts that look like all of it."""
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress("".join(json.dumps(ROW | {"n": n}) + "\n" for n in range(5_000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordingInvalid, match="cut off in the middle of its gzip data"):
        read_all(path)


def test_a_damaged_gzip_is_refused(tmp_path):
    """Bytes that were changed on the way do not pass."""
    whole = bytearray(gzip.compress((json.dumps(ROW) + "\n").encode() * 500))
    for place in (len(whole) // 2, len(whole) - 6):
        path = tmp_path / "a.jsonl.gz"
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(RecordingInvalid, match=r"gzip data"):
            read_all(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"visitor": "v"}'.encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04zip", "zip archive"),
        (b"PAR1parquet", "Parquet"),
        (b"\x28\xb5\x2f\xfdzstd", "zstd"),
    ],
)
def test_foreign_files_are_told_apart(tmp_path, content, why):
    """One sentence instead of a bad row for every line."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingInvalid, match=why):
        read_all(path)


def test_an_empty_table_and_a_missing_file_are_refused(tmp_path):
    """By name, with what was expected."""
    (tmp_path / "a.csv").write_text("\n\n", encoding="utf-8")
    with pytest.raises(RecordingInvalid, match="is empty; a CSV file starts with"):
        read_all(tmp_path / "a.csv")
    with pytest.raises(RecordingInvalid, match=r"b\.csv cannot be read: no such file"):
        read_all(tmp_path / "b.csv")
    with pytest.raises(RecordingInvalid, match="is a directory"):
        read_all(tmp_path)


def test_an_empty_jsonl_holds_no_events(tmp_path):
    """A quiet day is no mistake."""
    (tmp_path / "a.jsonl").write_text("", encoding="utf-8")
    assert read_all(tmp_path / "a.jsonl") == ([], [])
