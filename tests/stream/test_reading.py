"""The journal as readers see it: every whole line once, whatever else is in the files and whoever writes them."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.contract.event_record import event_columns
from armazem.disk.sql import sql_path, sql_text
from armazem.home import Home
from armazem.journal.compaction import compact
from armazem.journal.reading import event_key_at, event_keys, last_seq, reading, relation

from .journal_files import line, lines, rows, segment, seqs

GARBAGE = [
    pytest.param(b"\0" * 5000 + b"\n", id="zeros"),
    pytest.param(line(2).replace(b"order2", b"\xff\xfe2"), id="invalid UTF-8"),
    pytest.param(b'{"seq":2,"event_id":"x","event_ty\n', id="half a line"),
    pytest.param(b'{}\n[1]\n5\nnull\n"text"\n', id="other JSON"),
    pytest.param(b"\n\r\n  \n", id="blank lines"),
    pytest.param(b'{"seq":2}\n', id="no event_id"),
    pytest.param(b'{"event_id":"a"}\n', id="no seq"),
    pytest.param(b"x" * 20_000_000 + b"\n", id="20 MB without a line break"),
    pytest.param(line(2)[:-1] + line(2), id="two events in a line"),
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_passed_over(home: Home, garbage: bytes) -> None:
    segment(home, 1, line(1) + garbage + line(3) + garbage)
    segment(home, 4, garbage + line(4))
    assert seqs(home) == [1, 3, 4]
    assert last_seq(home) == 4


def test_every_column_has_its_type(home: Home) -> None:
    segment(home, 1, line(2, raw="\u0000 'é' 😀"))
    with duckdb.connect() as connection:
        described = connection.execute(f"describe from {relation(home)}").fetchall()
        assert {name: kind.replace('"', "") for name, kind, *_ in described} == {
            **event_columns(), "received_at": "TIMESTAMP WITH TIME ZONE", "timestamp": "TIMESTAMP WITH TIME ZONE",
        }  # fmt: skip
    (row,) = rows(home, "seq, received_at, source, event_type, event_id, timestamp, data, raw")
    seq, received_at, source, event_type, event_id, timestamp, data, raw = row
    assert (seq, source, event_type, event_id, raw) == (2, "http", "order_initiated", "event-2", "\u0000 'é' 😀")
    assert received_at == datetime(2018, 8, 29, 17, 3, 2, 1, UTC)
    assert timestamp == datetime(2018, 8, 29, 17, 3, 11, 250_000, UTC)
    assert data["orders"]["order_purchase_timestamp"] == datetime(2018, 8, 29, 14, 3, 11, 250_000)
    assert [item["price"] for item in data["order_items"]] == [Decimal("10.10"), Decimal("20.20")]
    assert data["customers"] is None


def test_no_journal(home: Home) -> None:
    assert (rows(home), last_seq(home), list(event_keys(home))) == ([], 0, [])
    with duckdb.connect() as connection:
        connection.execute(f"create table empty as from {relation(home)}")
        segment(home, 1, line(1))
        connection.execute(f"insert into empty from {relation(home)}")  # of the same types


def test_empty_segments(home: Home) -> None:
    segment(home, 1, lines(1, 3))
    segment(home, 4, b"")
    assert (seqs(home), last_seq(home)) == ([1, 2, 3], 3)


@pytest.mark.parametrize("compacted", [False, True])
def test_after_and_up_to(home: Home, compacted: bool) -> None:
    for first in (1, 11, 21, 31):
        segment(home, first, lines(first, 10), day=f"date=2018-08-{first + 0:02d}" if first < 31 else "date=2018-09-01")
    if compacted:
        assert compact(home, grace=0).compacted == 3
    for after in (0, 9, 10, 11, 30, 40):
        assert seqs(home, after=after) == list(range(after + 1, 41))
        for up_to in (0, 10, 11, 50):
            assert seqs(home, after=after, up_to=up_to) == list(range(after + 1, min(up_to, 40) + 1))
        found = list(event_keys(home, after=after))
        assert [event_id for batch, _ in found for event_id in batch] == [f"event-{n}" for n in range(after + 1, 41)]
        assert [seq for _, seqs in found for seq in seqs] == list(range(after + 1, 41))
    assert last_seq(home) == 40


def test_only_the_files_that_may_hold_something(home: Home) -> None:
    paths = [segment(home, first, lines(first, 10)) for first in (1, 11, 21)]
    named = [[path for path in paths if sql_path(path) in relation(home, after=after)] for after in (0, 9, 10, 20, 99)]
    assert named == [paths, paths, paths[1:], paths[2:], paths[2:]]
    assert sql_path(paths[2]) not in relation(home, up_to=20)


def test_chosen_columns(home: Home) -> None:
    segment(home, 1, lines(1, 20))
    segment(home, 21, lines(21, 5))
    compact(home)
    expected = [(f"event-{seq}", f"order{seq}") for seq in range(1, 26)]
    assert rows(home, "event_id, data.orders.order_id", columns=("data", "event_id")) == expected


@pytest.mark.parametrize("name", ["a[1]*", "what?", "it's", "ñ {x}", "**", "a\\b", 'quo"te'])
def test_folders_with_strange_names(tmp_path: Path, name: str) -> None:
    other = Home(tmp_path / "a1x").open()  # where `a[1]*` is taken for a pattern
    segment(other, 1, lines(1, 9))
    home = Home(tmp_path / name).open()
    segment(home, 1, lines(1, 3))
    segment(home, 4, lines(4, 3))
    assert seqs(home) == [1, 2, 3, 4, 5, 6]
    assert compact(home, grace=0).compacted == 1
    assert seqs(home) == [1, 2, 3, 4, 5, 6] and last_seq(home) == 6


def test_a_long_line(home: Home) -> None:
    text = "é" * 550_000 + '"' * 1_000_000  # 3.1 MB as JSON: the largest message, with its text beside it
    segment(home, 1, line(1) + line(2, raw=text) + line(3))
    assert rows(home, "seq, raw") == [(1, None), (2, text), (3, None)]


def test_ids_beside_garbage_of_any_length(home: Home) -> None:
    segment(home, 1, lines(1, 3) + b"x" * 40_000_000 + b"\n" + lines(4, 3))
    segment(home, 7, lines(7, 3))
    found = list(event_keys(home, after=2))
    assert [event_id for batch, _ in found for event_id in batch] == [f"event-{seq}" for seq in range(3, 10)]
    assert found[-1][1][-1] == last_seq(home) == 9


def test_keys_that_come_twice(home: Home) -> None:
    segment(home, 1, line(1) + b'{"seq":2,"seq":9,"event_id":"a","event_id":"b"}\n' + line(3))
    assert rows(home, "seq, event_id") == [(1, "event-1"), (2, "a"), (3, "event-3")]


def test_segments_from_before_events_had_senders(home: Home) -> None:
    """Compacted, they have no such column."""
    old = segment(home, 1, lines(1, 3)).with_suffix(".parquet")
    segment(home, 4, line(4, sender="app") + line(5))
    compact(home, grace=-1, include_last=True)
    compact(home, grace=-1, include_last=True)
    with duckdb.connect() as connection:
        before = old.with_name("before")
        connection.execute(f"copy (select * exclude (sender) from '{old}') to '{before}' (format parquet)")
    before.replace(old)
    segment(home, 6, line(6, sender="shop"))
    expected = [(1, None), (2, None), (3, None), (4, "app"), (5, None), (6, "shop")]
    assert rows(home, "seq, sender") == expected
    assert rows(home, "seq, sender", up_to=3) == expected[:3]
    assert [key for keys, _ in event_keys(home, after=2) for key in keys] == [
        "event-3", "event-4\napp", "event-5", "event-6\nshop",
    ]  # fmt: skip
    assert [event_key_at(home, seq) for seq in (1, 4, 7)] == ["event-1", "event-4\napp", None]


def test_a_struct_that_was_written_before_a_column_was_added(home: Home) -> None:
    path = segment(home, 1, line(1)).with_suffix(".parquet")
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select 1::bigint as seq, now() as received_at, 'http' as source, 'order_payment' as event_type, "
            "'event-1' as event_id, now() as timestamp, {'orders': {'order_id': 'order1'}} as data, "
            "null::varchar as raw) "
            f"to {sql_text(path)} (format parquet)"
        )
    (data,) = rows(home, "data")[0]
    assert data["orders"]["order_id"] == "order1" and data["order_items"] is None
    assert set(data["orders"]) > {"order_id", "order_status"}


def test_while_it_grows(home: Home) -> None:
    """A reader sees the first n lines for some n that only grows, never a torn one, never with a hole."""
    path = segment(home, 1, b"")
    content = lines(1, 4000)
    done = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            for start in range(0, len(content), 1237):  # lines are cut anywhere
                file.write(content[start : start + 1237])
                time.sleep(0.0005)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    before = 0
    seen = set()
    while not done.is_set() or before < 4000:
        found = seqs(home)
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= before
        before = len(found)
        seen.add(before)
    writer.join()
    assert len(seen) > 1


def test_a_file_that_vanished_is_looked_for_again(home: Home) -> None:
    path = segment(home, 1, lines(1, 5))
    segment(home, 6, lines(6, 5))
    runs = []

    def run() -> list[int]:
        source = relation(home, columns=["seq"])
        runs.append(source)
        if len(runs) == 1:  # between listing and opening
            compact(home)
            assert compact(home, grace=0).removed == 1 and not path.exists()
        with duckdb.connect() as connection:
            return [row[0] for row in connection.execute(f"from {source}").fetchall()]

    assert reading(home, run) == list(range(1, 11))
    assert len(runs) == 2


def test_other_errors_are_not_tried_again(home: Home) -> None:
    segment(home, 1, lines(1, 5))
    runs = []

    def run() -> None:
        runs.append(1)
        duckdb.sql("from read_parquet('no such file')")

    with pytest.raises(duckdb.IOException):
        reading(home, run)
    assert len(runs) == 1


@settings(max_examples=fuzz(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.sampled_from([b"garbage\n", b"\n", b"\0" * 70_000, b"x" * 140_000 + b"\n", b"event"]), max_size=8
    ),
    cut=st.integers(0, 300),
    data=st.data(),
)
def test_last_seq_is_that_of_the_last_whole_line(
    home: Home, pieces: list[bytes], cut: int, data: st.DataObject
) -> None:
    content, seq = b"", 0
    for piece in pieces:
        if piece == b"event":
            seq += 1
            piece = line(seq)
        content += piece
    content = content[: max(0, len(content) - cut)]
    segment(home, 1, content)
    whole = [json.loads(text)["seq"] for text in content.split(b"\n")[:-1] if text.startswith(b"{")]
    assert last_seq(home) == max(whole, default=0)
