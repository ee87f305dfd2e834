"""The writer of the journal is killed at any moment under load; senders retry until they are acknowledged."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Client
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from armazem.config import Settings
from armazem.home import Home
from armazem.intake.ingest import Ingest

from . import writer
from .shop_events import assert_conserved, event_ids, ledger, letters, message, seqs

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("killed")]

SENDERS = 3


class Sender(threading.Thread):
    """Sends batches of new, repeated and bad messages until it is stopped; each until it is acknowledged."""

    def __init__(self, number: int, address: Path, stop: threading.Event) -> None:
        super().__init__()
        self.events: list[int] = []  # acknowledged
        self.bad: list[bytes] = []
        self.acknowledged = 0
        self._address = str(address)
        self._stop_asked = stop
        self._first = number * 10_000_000
        self._rng = random.Random()

    def run(self) -> None:
        next_number = self._first
        while not self._stop_asked.is_set():
            # Of the large ones several commits wait, and one is encoded while another is written.
            new = range(next_number, next_number + self._rng.randint(1, self._rng.choice((20, 200, 200, 8_000))))
            old = self._rng.choices(self.events, k=5) if self.events else []
            bad = [b"bad %d" % number for number in new[::50]]
            batch = [message(number) for number in (*new, *old)] + bad
            self._rng.shuffle(batch)
            if not self._sent(batch):
                return
            next_number = new.stop
            self.events += new
            self.bad += bad
            self.acknowledged += len(batch)

    def _sent(self, batch: list[bytes]) -> bool:
        while not self._stop_asked.is_set():
            try:
                with Client(self._address, "AF_UNIX") as connection:
                    connection.send(batch)
                    answer = connection.recv()
                if answer is not None:
                    assert sum(answer) == len(batch)
                    return True
            except (OSError, EOFError):  # killed, or not up yet
                time.sleep(0.01)
        return False


def test_killed_at_any_moment(home: Home, tmp_path: Path, numbers: Numbers, report: Callable[..., None]) -> None:
    rng = random.Random()
    stop = threading.Event()
    address = tmp_path / "socket"
    senders = [Sender(number, address, stop) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    torn = 0
    try:
        for kill in range(numbers.ingest_kills):
            address.unlink(missing_ok=True)
            process = subprocess.Popen(
                [sys.executable, writer.__file__, home.root, address], stdout=subprocess.PIPE, text=True
            )
            try:
                assert process.stdout is not None and process.stdout.readline() == "listening\n"
                time.sleep(rng.uniform(0, 0.5))
            finally:
                process.kill()
                process.communicate()
            if kill % 10 == 0:  # the ledger of a process that was killed
                for received, *parts in ledger(home).values():
                    assert received == sum(parts)
            torn += sum(not path.read_bytes().endswith(b"\n") for path in newest(home))
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    check(home, senders)
    report(
        "killed ingest",
        kills=numbers.ingest_kills,
        acknowledged=sum(sender.acknowledged for sender in senders),
        torn_tails=torn,
        failures=0,
    )


def newest(home: Home) -> list[Path]:
    return [path for path in sorted(home.journal.glob("date=*/*.jsonl"))[-1:] if path.stat().st_size]


def check(home: Home, senders: list[Sender]) -> None:
    with Ingest(home, Settings(home=home.root)):  # repairs what the last kill left
        pass
    times = Counter(event_ids(home))
    acknowledged = {f"event-{number}" for sender in senders for number in sender.events}
    assert acknowledged - set(times) == set()
    assert {event_id: count for event_id, count in times.items() if count > 1} == {}
    assert len(acknowledged) > 100
    assert seqs(home) == sorted(set(seqs(home)))
    kept = {letter.content for letter in letters(home)}
    assert {bad for sender in senders for bad in sender.bad} - kept == set()
    assert_conserved(home)
