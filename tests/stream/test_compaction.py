"""Compaction: the same rows in another file, and no line goes before that is certain."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from small_disk import fill, small_disk

from armazem.config import Settings
from armazem.errors import HomeError
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.journal.compaction import Report, compact
from armazem.journal.dead_letters import read_dead_letters
from armazem.journal.ledger import LEDGER_FILE
from armazem.journal.reading import last_seq

from .journal_files import DAY, line, lines, rows, segment, seqs
from .shop_events import messages

HOLD = """
import sys; from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True); sys.stdin.read()
"""


def three(home: Home) -> list[Path]:
    """Three segments of ten events; the newest may still grow."""
    return [segment(home, first, lines(first, 10)) for first in (1, 11, 21)]


def files(home: Home) -> list[str]:
    return sorted(path.name.lstrip("0") for path in home.journal.glob("date=*/*"))


def test_the_same_rows_in_parquet(home: Home) -> None:
    first = line(1, raw='{"extra": "é\\u0000\\n"}') + line(2, source="pubsub:p/s") + line(3, event_type="order_review")
    status = {"orders": {"order_id": "o", "order_status": "shipped", "order_approved_at": "2018-08-29T00:00:00"}}
    product = {"products": {"product_id": "p", "product_weight_g": 12.345}, "customers": {"customer_city": "são"}}
    first += line(4, data=status) + line(5, data=product) + line(6, data={}) + line(7, data={"order_items": []})
    segment(home, 1, first)
    segment(home, 8, lines(8, 500))
    segment(home, 508, b"")
    before = rows(home)
    assert len(before) == 507

    report = compact(home)
    assert (report.compacted, report.events, report.removed, report.postponed) == (2, 507, 0, {})
    assert files(home) == ["1.jsonl", "1.parquet", "508.jsonl", "8.jsonl", "8.parquet"]
    assert rows(home) == before
    assert compact(home, grace=0) == Report(removed=2)
    assert files(home) == ["1.parquet", "508.jsonl", "8.parquet"]
    assert rows(home) == before
    assert compact(home, grace=0) == Report()


def test_lines_stay_for_the_grace_time(home: Home) -> None:
    three(home)
    compact(home)
    written = (home.journal / DAY / f"{1:016d}.parquet").stat().st_mtime
    assert compact(home, grace=60, now=written + 50) == Report()
    assert compact(home, grace=60, now=written - 1e6) == Report()  # a clock that was set back
    assert compact(home, grace=60, now=written + 70).removed == 2
    assert seqs(home) == list(range(1, 31))


def test_the_newest_segment(home: Home) -> None:
    three(home)
    assert compact(home).compacted == 2
    assert compact(home, include_last=True, grace=0) == Report(compacted=1, events=10, removed=2, **sizes(home, 21))
    assert compact(home, include_last=True, grace=0).removed == 1
    assert files(home) == ["1.parquet", "11.parquet", "21.parquet"]
    assert (seqs(home), last_seq(home)) == (list(range(1, 31)), 30)
    with Ingest(home, Settings(home=home.root)) as writer:
        assert writer.submit(messages(1, 1), "http").result().rejected[0].code == "conflicting_event_id"
        assert writer.submit(messages(100, 1), "http").result().accepted == 1
    assert seqs(home) == list(range(1, 32))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_compacted_segment_that_is_damaged(home: Home, settings: Settings, damage: str) -> None:
    """Its ids are nowhere else: nobody may write until it is whole again, or else they would count twice."""
    three(home)
    compact(home, include_last=True, grace=0)
    compact(home, include_last=True, grace=0)
    path = home.journal / DAY / f"{11:016d}.parquet"
    content = path.read_bytes()
    half = len(content) // 2
    flipped = content[: half - 20] + bytes(byte ^ 255 for byte in content[half - 20 : half]) + content[half:]
    with Ingest(home, settings):
        pass
    shutil.rmtree(home.journal / "seen")
    path.write_bytes({"cut": content[:half], "flipped": flipped, "empty": b""}[damage])
    for missing in ("nothing", LEDGER_FILE):
        (home.journal / missing).unlink(missing_ok=True)
        with pytest.raises(HomeError, match=r"11\.parquet cannot be read") as raised, Ingest(home, settings):
            pass
        assert "restore it" in raised.value.hint and "\n" not in str(raised.value)
    path.write_bytes(content)
    with Ingest(home, settings) as writer:
        assert len(writer.submit(messages(11, 1), "http").result().rejected) == 1


def sizes(home: Home, first: int) -> dict[str, int]:
    path = home.journal / DAY / f"{first:016d}.jsonl"
    return {"bytes_before": len(lines(first, 10)), "bytes_after": path.with_suffix(".parquet").stat().st_size}


def test_a_segment_that_begins_where_the_newest_does_is_open(home: Home) -> None:
    """The clock was set back: which of the two days is written is not to be told from the names."""
    for day in ("date=2018-08-29", "date=2018-08-28"):
        segment(home, 1, lines(1, 3) if day.endswith("28") else b"", day)
    assert compact(home, grace=0) == Report()
    assert files(home) == ["1.jsonl", "1.jsonl"]


@pytest.mark.parametrize(
    "garbage", [b"\0" * 100, b"\xff", b"{}", line(5)[:50], b"", pytest.param(b"x" * 40_000_000, id="40 MB")]
)
def test_garbage_waits_until_it_is_a_dead_letter(home: Home, garbage: bytes) -> None:
    path, *_ = three(home)
    first, rest = lines(1, 4), lines(6, 5)
    path.write_bytes(first + garbage + b"\n" + rest)
    report = compact(home, grace=0)
    assert (report.compacted, list(report.postponed)) == (1, [f"{DAY}/{path.name}"])
    assert f"byte {len(first)}" in report.postponed[f"{DAY}/{path.name}"]
    assert path.read_bytes() == first + garbage + b"\n" + rest

    with Ingest(home, Settings(home=home.root)):
        pass
    assert b"".join(letter.content for letter in read_dead_letters(home)) == garbage
    # Both: a journal that says nothing of its format was brought up to date, and with it the Parquet of lines.
    assert compact(home, grace=0).compacted == 2
    assert compact(home, grace=0).removed == 2
    assert files(home) == ["1.parquet", "11.parquet", "21.jsonl"]
    assert seqs(home) == [1, 2, 3, 4, *range(6, 31)]


def test_a_torn_line_at_the_end_waits_too(home: Home) -> None:
    path, *_ = three(home)
    path.write_bytes(lines(1, 10) + line(11)[:-1])
    assert list(compact(home).postponed) == [f"{DAY}/{path.name}"]


@pytest.mark.parametrize(
    "lossy",
    [
        line(2, data={"orders": {"order_purchase_timestamp": "yesterday"}}),
        line(2, data={"order_payments": [{"payment_value": 1e30}]}),
        line(2, data={"orders": ["order2"]}),
        line(2**70),
    ],
)
def test_a_segment_whose_values_do_not_fit_stays(home: Home, lossy: bytes) -> None:
    """DuckDB reads such a value as null: the line is all that has it."""
    path, *_ = three(home)
    path.write_bytes(line(1) + lossy + line(3))
    for _ in range(2):
        report = compact(home, grace=0)
        assert list(report.postponed) == [f"{DAY}/{path.name}"]
        assert "\n" not in report.postponed[f"{DAY}/{path.name}"]
    assert files(home) == ["1.jsonl", "11.parquet", "21.jsonl"]


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "of another segment", "no parquet"])
def test_a_damaged_parquet_file_is_written_again(home: Home, damage: str) -> None:
    path, other, _ = three(home)
    compact(home)
    target = path.with_suffix(".parquet")
    content = target.read_bytes()
    middle = len(content) // 8
    target.write_bytes(
        {
            "empty": b"",
            "short": content[:-100],
            "flipped": content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :],
            "of another segment": other.with_suffix(".parquet").read_bytes(),
            "no parquet": b"garbage",
        }[damage]
    )
    assert compact(home, grace=0).compacted == 1 and path.exists()
    assert target.read_bytes() != b"" and seqs(home) == list(range(1, 31))


def test_lines_that_grew_after_all_are_written_again(home: Home) -> None:
    path, *_ = three(home)
    compact(home)
    with path.open("ab") as file:
        file.write(line(10, "late"))
    assert compact(home, grace=0).events == 11
    assert compact(home, grace=0).removed == 1
    assert ("late",) in rows(home, "event_id")


def test_empty_and_eventless_segments_stay(home: Home) -> None:
    segment(home, 1, b"")
    segment(home, 2, lines(2, 3))
    segment(home, 5, b"")
    assert compact(home, include_last=True, grace=0).compacted == 1
    assert compact(home, include_last=True, grace=0) == Report(removed=1)
    assert files(home) == ["1.jsonl", "2.parquet", "5.jsonl"]


def test_leftovers_of_a_killed_compactor_are_removed(home: Home) -> None:
    path, *_ = three(home)
    for suffix in (".parquet.tmp", ".jsonl.tmp"):
        path.with_suffix(suffix).write_bytes(b"half")
    assert seqs(home) == list(range(1, 31))
    compact(home, grace=0)
    compact(home, grace=0)
    assert files(home) == ["1.parquet", "11.parquet", "21.jsonl"]


def test_two_compactors(home: Home) -> None:
    three(home)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, home.journal / ".compaction.lock"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert compact(home) == Report(busy=True)
        assert files(home) == ["1.jsonl", "11.jsonl", "21.jsonl"]
        holder.kill()
    assert compact(home).compacted == 2


def run_module(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "armazem.journal.compaction", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_as_a_process(home: Home, tmp_path: Path) -> None:
    three(home)
    done = run_module(home.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["compacted"] == 2
    missing = run_module(tmp_path / "nowhere")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.count("\n") == 1 and "nowhere" in missing.stderr
    assert run_module().returncode == 2


def test_a_home_without_a_journal(home: Home) -> None:
    shutil.rmtree(home.journal)
    home.journal.touch()
    with pytest.raises(HomeError, match="cannot be locked"):
        compact(home)


def test_no_space_for_the_parquet_file(home: Home) -> None:
    with small_disk(home.journal, "256k"):
        three(home)
        ballast = fill(home.journal, 4096)
        report = compact(home, grace=0)
        assert report.compacted == 0 and len(report.postponed) == 2
        assert files(home) == ["1.jsonl", "11.jsonl", "21.jsonl"]
        ballast.unlink()
        assert compact(home, grace=0).compacted == 2
        assert seqs(home) == list(range(1, 31))


def test_compression(home: Home) -> None:
    path, *_ = three(home)
    compact(home)
    target = path.with_suffix(".parquet")
    with duckdb.connect() as connection:
        codecs = connection.execute(
            "select distinct compression from parquet_metadata(?) where path_in_schema = 'event_id'", [str(target)]
        ).fetchall()
    assert codecs == [("ZSTD",)]
