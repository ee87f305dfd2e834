"""The compactor can be killed at any moment, while the journal is written and read."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from armazem.home import Home
from armazem.journal.compaction import compact
from armazem.journal.segments import SegmentWriter

from .journal_files import lines, rows, seqs

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compaction_killed")]

COMPACT = """
import sys
from pathlib import Path
from armazem.home import Home
from armazem.journal.compaction import compact
home = Home(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    compact(home, grace=0.3)
"""


class Beside:
    """A writer and a reader, each in a thread of its own, until the `with` block ends."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.written = 0
        self.reads = 0
        self.largest = 0
        self.errors: list[BaseException] = []
        self.stop = threading.Event()

    def write(self) -> None:
        writer = SegmentWriter(self.home.journal, 1, max_bytes=100_000, max_seconds=float("inf"))
        while not self.stop.wait(0.01):
            self.written = writer.append(lines(self.written + 1, 10), 10, datetime.now(UTC))
        writer.close()

    def read(self) -> None:
        while not self.stop.is_set():
            after = max(0, self.largest - random.randrange(2000))
            acknowledged = self.written
            found = seqs(self.home, after=after)
            self.largest = after + len(found)
            assert found == list(range(after + 1, self.largest + 1)), "each seq once, in order"
            assert self.largest >= acknowledged
            self.reads += 1

    def run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.errors.append(error)
            raise


@contextmanager
def writer_and_reader(home: Home) -> Iterator[Beside]:
    beside = Beside(home)
    threads = [threading.Thread(target=beside.run, args=(work,)) for work in (beside.write, beside.read)]
    for thread in threads:
        thread.start()
    try:
        yield beside
    finally:
        beside.stop.set()
        for thread in threads:
            thread.join()


def test_killed_at_any_moment(home: Home, numbers: Numbers, report: Callable[..., None]) -> None:
    left: set[str] = set()
    with writer_and_reader(home) as beside:
        for _ in range(numbers.compactor_kills):
            with subprocess.Popen(
                [sys.executable, "-c", COMPACT, home.root], stdout=subprocess.PIPE, text=True
            ) as compactor:
                assert compactor.stdout is not None and compactor.stdout.readline() == "ready\n"
                time.sleep(random.uniform(0, 1))
                compactor.kill()
            assert compactor.returncode == -9
            left |= {"".join(path.suffixes) for path in home.journal.glob("date=*/*")}
            assert beside.errors == []
        kept = rows(home, "seq, event_id, data.orders.order_id", up_to=beside.written)
    assert beside.errors == []
    assert kept == [(seq, f"event-{seq}", f"order{seq}") for seq in range(1, len(kept) + 1)]
    assert ".parquet" in left

    compact(home, grace=0)
    assert compact(home, grace=0).postponed == {}
    assert seqs(home) == list(range(1, beside.written + 1))
    paths = sorted(home.journal.glob("date=*/*"), key=lambda path: path.stem)
    assert [path.suffix for path in paths] == [".parquet"] * (len(paths) - 1) + [".jsonl"]
    report(
        "killed compactions",
        kills=numbers.compactor_kills,
        events=beside.written,
        reads=beside.reads,
        segments=len(paths),
        failures=0,
    )
