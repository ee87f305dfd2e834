"""The limit of ingest: validate, recognise duplicates, journal and fsync on one core, beside the bare typed decode.

`python -m bench.ingest [--events N] [--batch N]` ingests N events (400,000) in submissions of so many messages
(1,000), in eight rounds. In each, a slice of the messages is decoded, then ingested, then ingested with what recognises
duplicates taken out, which the product never does; slice by slice, as the speed of a machine changes within seconds. It
prints events/s, the ratios to two ways of decoding, and memory as the journal grows. The limit is asked of ingest as it
is. On a machine that does other things too, look at the ratios of processor seconds.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from armazem.config import Settings
from armazem.contract.event_structs import decoder
from armazem.home import Home
from armazem.intake.ingest import Ingest, Outcome
from armazem.journal.ledger import read_ledger
from armazem.journal.seen.ids import SeenIds

ROUNDS = 8
COMMIT = 2_000  # messages of one commit at most
SLICE = 25_000
LIMIT_RATIO, LIMIT_RATE = 0.4, 60_000

# As the shop sends it: an order of one item, paid with one card; 726 bytes.
EVENT = (
    '{{"event_id":"{event}","event_type":"order_initiated","timestamp":"2026-11-22T14:03:11.250-03:00","data":{{'
    '"orders":{{"order_id":"{order}","customer_id":"9ef432eb6251297304e76186b10a928d","order_status":"created",'
    '"order_purchase_timestamp":"2026-11-22T14:03:11","order_estimated_delivery_date":"2026-12-10T00:00:00"}},'
    '"order_items":[{{"order_id":"{order}","order_item_id":1,"product_id":"87285b34884572647811a353c7ac498a",'
    '"seller_id":"3504c0cb71d7fa48d967e0e4c94d59d9","shipping_limit_date":"2026-11-26T14:03:11","price":{price},'
    '"freight_value":8.72}}],"order_payments":[{{"order_id":"{order}","payment_sequential":1,'
    '"payment_type":"credit_card","payment_installments":2,"payment_value":38.71}}]}}}}'
)


def events(count: int) -> list[bytes]:
    return [
        EVENT.format(event=uuid.uuid4(), order=uuid.uuid4().hex, price=f"{number % 9000 / 100:.2f}").encode()
        for number in range(count)
    ]


def decode(messages: list[bytes]) -> None:
    """The bare typed decode, in batches of a commit's size that are held as long as ingest holds them."""
    decode_one = decoder().decode
    for start in range(0, len(messages), COMMIT):
        _held = [decode_one(message) for message in messages[start : start + COMMIT]]


def decode_and_drop(messages: list[bytes]) -> None:
    """The same, with each event given up before the next: all in the processor's cache."""
    decode_one = decoder().decode
    for message in messages:
        decode_one(message)


def ingest(writer: Ingest, messages: list[bytes], batch: int) -> None:
    """Until all are acknowledged; some submissions wait at any time, as with several senders."""
    waiting: deque[Future[Outcome]] = deque()
    for start in range(0, len(messages), batch):
        waiting.append(writer.submit(messages[start : start + batch], "http"))
        if len(waiting) > max(4, 8_000 // batch):
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()


class NoIds(SeenIds):
    """Takes every event for new: validate, journal and fsync alone."""

    def check(self, event_ids: Sequence[str]) -> list[bool]:
        return [True] * len(event_ids)

    def commit(self, event_ids: Sequence[str], last_seq: int) -> None:
        pass


class Spent:
    """Seconds of wall time and of the processor."""

    def __init__(self) -> None:
        self.wall = self.processor = 0.0

    def add(self, work: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.wall += time.perf_counter() - wall
        self.processor += time.process_time() - processor


class Round:
    """`decoded` and held or `dropped`, `ingested`, and `written`: ingested without recognising duplicates."""

    def __init__(self, writer: Ingest, plain: Ingest, messages: list[bytes], batch: int) -> None:
        self.count = len(messages)
        self.decoded, self.dropped, self.ingested, self.written = Spent(), Spent(), Spent(), Spent()
        for start in range(0, len(messages), SLICE):
            some = messages[start : start + SLICE]
            self.decoded.add(lambda some=some: decode(some))
            self.dropped.add(lambda some=some: decode_and_drop(some))
            self.ingested.add(lambda some=some: ingest(writer, some, batch))
            self.written.add(lambda some=some: ingest(plain, some, batch))

    def __str__(self) -> str:
        parts = {"decode": self.decoded, "ingest": self.ingested, "without ids": self.written}
        return ", ".join(
            f"{name} {self.count / spent.wall:>7,.0f}/s ({1e6 * spent.processor / self.count:.2f} µs)"
            for name, spent in parts.items()
        )


def memory() -> float:
    """Resident MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(total: int, batch: int) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory() as folder:
        home, other = Home(Path(folder) / "home").open(), Home(Path(folder) / "other").open()
        with Ingest(home, Settings(home=home.root)) as writer, ExitStack() as stack:
            with patch("armazem.intake.ingest.SeenIds", NoIds):
                plain = stack.enter_context(Ingest(other, Settings(home=other.root)))
            done = 0
            while done < total:
                messages = events(max(1, min(total // ROUNDS, 250_000, total - done)))
                gc.collect()
                rounds.append(Round(writer, plain, messages, batch))
                done += len(messages)
                print(f"{done:>10,} events: {rounds[-1]}, {memory():,.0f} MiB", flush=True)
        started = time.perf_counter()
        with Ingest(home, Settings(home=home.root)):
            opened = time.perf_counter() - started
        for one in (home, other):
            (row,) = read_ledger(one)
            if (row.received, row.accepted) != (total, total):
                raise SystemExit(f"{total} were sent, and the ledger says {row}")
    rate = statistics.median(one.count / one.ingested.wall for one in rounds)
    print(f"{datetime.now(UTC):%Y-%m-%d}, one core, submissions of {batch:,}: {rate:,.0f} events/s")
    words = "{:.2f} of the bare decode that holds a commit (of processor seconds {:.2f}), {:.2f} of one that drops each"
    for name, what in (("ingested", "ingest"), ("written", "without recognising duplicates")):
        print(f"{what}: {words.format(*ratios(rounds, 'decoded', name), ratios(rounds, 'dropped', name)[0])}")
    ratio, _ = ratios(rounds, "decoded", "ingested")
    holds = rate >= LIMIT_RATE and ratio >= LIMIT_RATIO
    print(f"limits {LIMIT_RATE:,}/s and {LIMIT_RATIO}: {'hold' if holds else 'MISSED'}")
    print(f"opened again with {total:,} events in {opened:.2f} s")


def ratios(rounds: list[Round], bare: str, ours: str) -> tuple[float, float]:
    """Medians of the seconds of one part of the rounds to those of another, of wall time and processor."""
    pairs: list[tuple[Spent, Spent]] = [(getattr(one, bare), getattr(one, ours)) for one in rounds]
    return (
        statistics.median(decoded.wall / spent.wall for decoded, spent in pairs),
        statistics.median(decoded.processor / spent.processor for decoded, spent in pairs),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--batch", type=int, default=1_000)
    arguments = parser.parse_args()
    main(arguments.events, arguments.batch)
