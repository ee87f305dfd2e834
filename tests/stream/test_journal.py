"""The journal's segments and numbers: how they grow, end and go on, and what a disk that fails does to them."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from armazem.config import Settings
from armazem.disk.lock import Held, journal_lock
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.journal import appending
from armazem.journal.errors import JournalBroken, JournalError
from armazem.journal.journal import Journal, decode_line, last_number

from .shop_events import event_ids, journal, message, messages, segment_files, seqs

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

HOLDER = """
import sys, time
from pathlib import Path
from armazem.home import Home
from armazem.disk.lock import journal_lock
sys.argv[1:2] = ["serve"]
with journal_lock(Home(Path(sys.argv[2]))):
    print("held", flush=True)
    time.sleep(60)
"""


def line(seq: int) -> bytes:
    return (
        b'{"seq":%d,"received_at":"2026-11-23T12:00:00.000000Z","source":"http","event_type":"order_review",'
        b'"event_id":"e%d","timestamp":"2026-11-23T12:00:00Z","data":{}}\n' % (seq, seq)
    )


def append(writer: Journal, count: int, now: datetime = NOON) -> int:
    return writer.append(b"".join(line(writer.next_seq + i) for i in range(count)), count, now)


def names(home: Home) -> list[str]:
    return [f"{path.parent.name}/{path.name}" for path in segment_files(home)]


def test_a_line_is_what_the_contract_says(home: Home, settings: Settings) -> None:
    with Ingest(home, settings, clock=lambda: datetime(2026, 11, 23, 6, 40, tzinfo=UTC)) as writer:
        writer.submit([message(1)], 'pubsub:p/s "x"').result()
    assert names(home) == ["date=2026-11-23/0000000000000001.jsonl"]
    content = segment_files(home)[0].read_bytes()
    start = (
        b'{"seq":1,"received_at":"2026-11-23T06:40:00.000000Z","source":"pubsub:p/s \\"x\\"","event_type":"order_ini'
    )
    assert content.startswith(start) and content.endswith(b"}\n") and content.count(b"\n") == 1
    (only,) = journal(home)
    assert (only["event_id"], only["data"]["orders"]["order_id"]) == ("event-1", "order1")
    assert decode_line(content[:-1]) is not None


def test_numbers_go_on_after_a_restart(home: Home, settings: Settings) -> None:
    for expected in (3, 6, 9):
        writer = Journal(home, settings)
        assert append(writer, 3) == expected
        writer.close()
    assert seqs(home) == list(range(1, 10))
    assert names(home) == [f"date=2026-11-23/{first:016d}.jsonl" for first in (1, 4, 7)]


def test_numbers_go_on_after_compacted_segments(home: Home, settings: Settings) -> None:
    writer = Journal(home, settings)
    append(writer, 3)
    writer.close()
    path = segment_files(home)[0]
    with duckdb.connect() as connection:
        compacted = str(path.with_suffix(".parquet"))
        connection.execute(f"copy (from read_json('{path}', format = 'newline_delimited')) to '{compacted}'")
    assert last_number(home) == 3
    path.unlink()
    assert last_number(home) == 3
    assert append(Journal(home, settings), 1) == 4


def test_numbers_of_lines_that_cannot_be_read_are_not_given_again(home: Home, settings: Settings) -> None:
    writer = Journal(home, settings)
    append(writer, 5)
    writer.close()
    path = segment_files(home)[0]
    kept = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(kept[:3]) + b"garbage\n" * 2)
    assert Journal(home, settings).next_seq == 6
    assert Journal(home, settings, at_least=40).next_seq == 41


def test_a_segment_ends_by_size(home: Home) -> None:
    writer = Journal(home, Settings(home=home.root, segment_megabytes=1))
    while writer.next_seq <= 20_000:
        append(writer, 1_000)
    sizes = [path.stat().st_size for path in segment_files(home)]
    assert len(sizes) > 2
    assert all(2**20 <= size < 2**20 + 1_000 * len(line(99_999)) for size in sizes[:-1])
    assert seqs(home) == list(range(1, writer.next_seq))


def test_a_segment_ends_by_age(home: Home) -> None:
    writer = Journal(home, Settings(home=home.root, segment_seconds=0.05))
    append(writer, 1)
    assert writer.active == segment_files(home)[0]
    time.sleep(0.06)
    writer.close_if_due(NOON)
    assert writer.active is None
    append(writer, 1)
    assert len(segment_files(home)) == 2


def test_an_idle_segment_is_closed_by_the_writer_itself(home: Home) -> None:
    with Ingest(home, Settings(home=home.root, segment_seconds=0.2)) as writer:
        writer.submit([message(1)], "http").result()
        deadline = time.monotonic() + 10
        while writer.journal.active is not None:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_segment_ends_with_the_day_and_a_clock_that_jumps_back_harms_nothing(home: Home, settings: Settings) -> None:
    writer = Journal(home, settings)
    days = [NOON, NOON + timedelta(days=1), NOON - timedelta(days=30), NOON - timedelta(days=30, minutes=5), NOON]
    for now in days:
        append(writer, 2, now)
    writer.close()
    assert names(home) == [
        "date=2026-11-23/0000000000000001.jsonl",
        "date=2026-11-24/0000000000000003.jsonl",
        "date=2026-10-24/0000000000000005.jsonl",
        "date=2026-11-23/0000000000000009.jsonl",
    ]
    assert seqs(home) == list(range(1, 11))
    assert Journal(home, settings).next_seq == 11


def test_ids_are_recognised_when_the_clock_jumps_back(home: Home, settings: Settings) -> None:
    now = NOON
    with Ingest(home, settings, clock=lambda: now) as writer:
        writer.submit([message(1)], "http").result()
        now -= timedelta(days=400)
        outcome = writer.submit([message(1), message(2)], "http").result()
        assert (outcome.accepted, outcome.duplicates) == (1, 1)
    with Ingest(home, settings, clock=lambda: NOON) as writer:
        assert writer.submit(messages(1, 2), "http").result().duplicates == 2
    assert [(r["seq"], r["received_at"][:10]) for r in journal(home)] == [(1, "2026-11-23"), (2, "2025-10-19")]


def test_a_second_writer_is_refused_at_once(home: Home, settings: Settings) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, "-", str(home.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        started = time.monotonic()
        with pytest.raises(Held, match=rf"is written by process {holder.pid} \(armazem serve ") as raised:
            Ingest(home, settings).__enter__()
        assert time.monotonic() - started < 5
        assert "--to" in raised.value.hint and "stop it" in raised.value.hint
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with Ingest(home, settings) as writer:  # the lock was the kernel's
            assert writer.submit([message(1)], "http").result().accepted == 1
    finally:
        holder.kill()
        holder.communicate()


def test_one_process_cannot_write_twice_either(home: Home, settings: Settings) -> None:
    with Ingest(home, settings), pytest.raises(Held, match=str(os.getpid())):
        Ingest(home, settings).__enter__()
    with journal_lock(home):
        pass
    assert not (home.journal / ".lock-holder.json").exists()


def test_a_segment_that_cannot_be_cut_ends_the_journal(home: Home, settings: Settings) -> None:
    """The segment is a device that is always full, and cannot be cut: nobody knows what it holds."""
    day = home.journal / "date=2026-11-23"
    day.mkdir()
    writer = Journal(home, settings)
    (day / "0000000000000001.jsonl").symlink_to("/dev/full")
    for _ in range(2):
        with pytest.raises(JournalBroken, match=r"below .*journal failed and could not be taken back") as raised:
            append(writer, 4)
        assert "start armazem again" in raised.value.hint
    assert names(home) == ["date=2026-11-23/0000000000000001.jsonl"]  # the next start looks what is in it


def test_a_segment_that_cannot_be_begun_leaves_no_file(
    home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty one would hide the segment that begins with the same number the next day."""
    writer = Journal(home, settings)

    def refused(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(appending, "sync_path", refused)
        with pytest.raises(JournalError, match="cannot write below"):
            append(writer, 1)
    assert segment_files(home) == []
    assert append(writer, 1) == 1


def test_a_write_that_fails_and_cannot_be_taken_back(home: Home, settings: Settings) -> None:
    """The segment is a pipe that nobody reads any more: not for want of room, and it cannot be cut."""
    day = home.journal / "date=2026-11-23"
    day.mkdir()
    writer = Journal(home, settings)
    pipe = day / "0000000000000001.jsonl"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        append(writer, 1)
        assert os.read(reader, 1 << 16) == line(1)
    finally:
        os.close(reader)
    with pytest.raises(JournalBroken, match="Broken pipe"):
        append(writer, 1)
    with pytest.raises(JournalBroken, match="an earlier write failed"):
        append(writer, 1)
    assert names(home) == ["date=2026-11-23/0000000000000001.jsonl"]


LIMITED = """
import resource, sys
from pathlib import Path
from armazem.config import Settings
from armazem.home import Home
from armazem.journal.errors import JournalError
from armazem.intake.ingest import Ingest
from stream.shop_events import messages
home = Home(Path(sys.argv[1]))
with Ingest(home, Settings(home=home.root)) as writer:
    acknowledged = writer.submit(messages(1, 10), "http").result().accepted
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
    try:
        writer.submit(messages(11, 10), "http").result()
    except JournalError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    acknowledged += writer.submit(messages(21, 10), "http").result().accepted
    print(acknowledged)
"""


def test_half_a_write_is_taken_back(home: Home) -> None:
    """The file may not grow beyond 10,000 bytes: the kernel takes a part of the lines and refuses the rest."""
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(home.root)], capture_output=True, text=True, check=True, cwd=tests
    )
    refused, acknowledged = done.stdout.splitlines()
    assert "cannot write below" in refused and "File too large" in refused and acknowledged == "20"
    assert event_ids(home) == [f"event-{n}" for n in (*range(1, 11), *range(21, 31))]
    assert len(segment_files(home)) == 1
    assert sorted(set(seqs(home))) == seqs(home)
