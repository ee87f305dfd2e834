"""The limit of ingest: validate, recognise duplicates, journal and fsync on one core, beside the bare typed decode.

`python -m bench.ingest [--events N] [--batch N]` ingests N events (400,000) in submissions of so many messages
(1,000), in eight rounds; each round first decodes the same bytes. It prints events/s of both, their ratio, and memory
as the journal grows. On a machine that does other things too, look at the ratio of processor seconds.
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
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from armazem.config import Settings
from armazem.contract.event_structs import decoder
from armazem.home import Home
from armazem.stream.ingest import Ingest, Outcome
from armazem.stream.ledger import read_ledger

ROUNDS = 8
COMMIT = 2_000  # messages of one commit at most
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


def decode(messages: list[bytes]) -> float:
    """Seconds of the bare typed decode, in batches of a commit's size that are held as long as ingest holds them."""
    decode_one = decoder().decode
    started = time.perf_counter()
    for start in range(0, len(messages), COMMIT):
        _held = [decode_one(message) for message in messages[start : start + COMMIT]]
    return time.perf_counter() - started


def decode_and_drop(messages: list[bytes]) -> float:
    """The same, with each event given up before the next: all in the processor's cache."""
    decode_one = decoder().decode
    started = time.perf_counter()
    for message in messages:
        decode_one(message)
    return time.perf_counter() - started


def ingest(writer: Ingest, messages: list[bytes], batch: int) -> float:
    """Seconds until all are acknowledged; some submissions wait at any time, as with several senders."""
    waiting: deque[Future[Outcome]] = deque()
    started = time.perf_counter()
    for start in range(0, len(messages), batch):
        waiting.append(writer.submit(messages[start : start + batch], "http"))
        if len(waiting) > max(4, 8_000 // batch):
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()
    return time.perf_counter() - started


@dataclass(frozen=True, slots=True)
class Round:
    """Events/s, and processor seconds per event."""

    decode: float
    dropped: float
    ingest: float
    decode_cpu: float
    ingest_cpu: float

    def __str__(self) -> str:
        return (
            f"decode {self.decode:>9,.0f}/s, ingest {self.ingest:>9,.0f}/s, ratio {self.ingest / self.decode:.2f}; "
            f"processor {1e6 * self.decode_cpu:.2f} and {1e6 * self.ingest_cpu:.2f} µs each"
        )


def measure(writer: Ingest, messages: list[bytes], batch: int) -> Round:
    dropped = decode_and_drop(messages)
    cpu = time.process_time()
    bare = decode(messages)
    between = time.process_time()
    ours = ingest(writer, messages, batch)
    ingest_cpu = time.process_time() - between
    n = len(messages)
    return Round(n / bare, n / dropped, n / ours, (between - cpu) / n, ingest_cpu / n)


def memory() -> float:
    """Resident MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(total: int, batch: int) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home").open()
        done = 0
        with Ingest(home, Settings(home=home.root)) as writer:
            while done < total:
                messages = events(max(1, min(total // ROUNDS, 250_000, total - done)))
                gc.collect()
                rounds.append(measure(writer, messages, batch))
                done += len(messages)
                print(f"{done:>10,} events: {rounds[-1]}, {memory():,.0f} MiB", flush=True)
        started = time.perf_counter()
        with Ingest(home, Settings(home=home.root)):
            opened = time.perf_counter() - started
        (row,) = read_ledger(home)
        if (row.received, row.accepted) != (total, total):
            raise SystemExit(f"{total} were sent, and the ledger says {row}")
    ratio = statistics.median(one.ingest / one.decode for one in rounds)
    rate = statistics.median(one.ingest for one in rounds)
    dropped = statistics.median(one.ingest / one.dropped for one in rounds)
    of_cpu = statistics.median(one.decode_cpu / one.ingest_cpu for one in rounds)
    print(f"{datetime.now(UTC):%Y-%m-%d}, one core, submissions of {batch:,}: {rate:,.0f} events/s")
    print(f"ratio to the bare decode {ratio:.2f} (of processor seconds {of_cpu:.2f}; to decode and drop {dropped:.2f})")
    holds = rate >= LIMIT_RATE and ratio >= LIMIT_RATIO
    print(f"limits {LIMIT_RATE:,}/s and {LIMIT_RATIO}: {'hold' if holds else 'MISSED'}")
    print(f"opened again with {total:,} events in {opened:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--batch", type=int, default=1_000)
    arguments = parser.parse_args()
    main(arguments.events, arguments.batch)
