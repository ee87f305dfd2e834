"""The live state: events/s, CPU at 5,000 events/s, memory over millions of events, seconds of a rebuild.

`python -m bench.live`. Every figure is of a process of its own, which reads a journal that another one has written.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb

from armazem.config import Settings
from armazem.home import Home
from armazem.live.service import LiveState

EVENTS_OF_AN_ORDER = 7
SEGMENT = 150_000

# Event `p` is number k = p mod 7 in the life of order p / 7 - k * step: lives overlap, and last 6 * step orders.
_LINES = """
select '{"seq":' || (row_number() over () + SEQ) || ',"received_at":"2026-11-23T06:40:00.123456Z","source":"http",'
    || '"event_type":"' || ['customer_update', 'order_initiated', 'order_status_update', 'order_status_update',
        'order_status_update', 'order_status_update', 'order_review'][k + 1]
    || '","event_id":"' || md5('event' || p) || '","timestamp":"'
    || strftime(timestamp '2026-11-01' + to_microseconds(p * 200), '%Y-%m-%dT%H:%M:%S.%f') || '-03:00","data":{'
    || case k
        when 0 then '"customers":{"customer_id":"' || c || '","customer_unique_id":"' || md5('person' || i)
            || '","customer_zip_code_prefix":"01046","customer_city":"sao paulo","customer_state":"'
            || ['SP', 'RJ', 'MG', 'BA', 'AC'][i % 5 + 1] || '"}'
        when 1 then '"orders":{"order_id":"' || o || '","customer_id":"' || c || '","order_status":"created",'
            || '"order_purchase_timestamp":"2026-11-01T14:03:11.250000",'
            || '"order_estimated_delivery_date":"2026-12-10T00:00:00"},"order_items":[{"order_id":"' || o
            || '","order_item_id":1,"product_id":"' || md5('p' || i % 3000) || '","seller_id":"' || md5('s' || i % 300)
            || '","shipping_limit_date":"2026-11-28T14:03:11","price":' || i % 90000 / 100.0
            || ',"freight_value":15.1}],'
            || '"order_payments":[{"order_id":"' || o || '","payment_sequential":1,"payment_type":"credit_card",'
            || '"payment_installments":3,"payment_value":' || (i % 90000 + 1510) / 100.0 || '}]'
        when 6 then '"order_reviews":{"review_id":"' || md5('r' || i) || '","order_id":"' || o
            || '","review_score":5,"review_creation_date":"2026-11-21T00:00:00"}'
        else '"orders":{"order_id":"' || o || '","order_status":"'
            || ['approved', 'processing', 'shipped', 'delivered'][k - 1] || '"}'
    end || '}}'
from (
    select p, p % 7 as k, p // 7 - (p % 7) * STEP as i, md5('order' || i) as o, md5('customer' || i) as c
    from range(FIRST, FIRST + COUNT) as numbers (p)
) where i >= 0 order by p
"""


def write_journal(folder: Path, events: int, life: int) -> None:
    """A journal of so many events; an order's life lasts as long as `life` orders take to be placed."""
    day = Home(folder).open().journal / "date=2026-11-01"
    day.mkdir()
    seq = first = 0
    with duckdb.connect() as connection:
        while seq < events:
            replaced = {"SEQ": seq, "STEP": life // 6, "FIRST": first, "COUNT": SEGMENT}
            query = _LINES
            for name, value in replaced.items():
                query = query.replace(name, str(value))
            lines = connection.execute(query).fetchall()[: events - seq]
            (day / f"{seq + 1:016d}.jsonl").write_text("".join(line + "\n" for (line,) in lines))
            seq += len(lines)
            first += SEGMENT


def rebuild(folder: Path) -> None:
    """Start with the whole journal."""
    live = _live(folder)
    started, cpu = time.perf_counter(), time.process_time()
    live.rebuild()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    found = live.snapshot()
    what = f"rebuild from {found['seq']:,} events, {found['orders']:,} orders"
    print(f"{what}: {seconds:.1f} s, {cpu:.1f} s of CPU, {_rss()}")
    live.close()


def feed(folder: Path) -> None:
    """The whole journal in large batches: events/s, and memory after every million."""
    live = _live(folder / "empty")
    lines = _lines(folder)
    spent, seen = 0.0, 0
    while batch := list(islice(lines, 25_000)):
        live.add(batch)
        started = time.perf_counter()
        live.apply_waiting()
        spent += time.perf_counter() - started
        seen += len(batch)
        if seen % 1_000_000 == 0:
            orders = live.snapshot()["orders"]
            print(f"{seen:,} events, {orders:,} orders: {seen / spent:,.0f} events/s, {_rss()}", flush=True)
    live.close()


def share(folder: Path, skip: int, rate: int, seconds: int) -> None:
    """The first events of the journal at once, the others at a rate: CPU, and how soon each is seen."""
    live = _live(folder / "empty")
    lines = _lines(folder)
    for _ in range(skip // 50_000):
        live.add(list(islice(lines, 50_000)))
        live.apply_waiting()
    orders = live.snapshot()["orders"]
    batches = [list(islice(lines, rate // 20)) for _ in range(seconds * 20)]
    live.start()
    cpu, own, started = time.process_time(), time.thread_time(), time.perf_counter()
    sent: deque[tuple[float, int]] = deque()
    delays = []
    for number, batch in enumerate(batches, 1):
        live.add(batch)
        sent.append((time.perf_counter(), skip + number * len(batch)))
        while (left := started + number / 20 - time.perf_counter()) > 0:
            time.sleep(min(left, 0.01))
            while sent and live.snapshot()["seq"] >= sent[0][1]:
                delays.append(time.perf_counter() - sent.popleft()[0])
    wall = time.perf_counter() - started
    cpu = time.process_time() - cpu - (time.thread_time() - own)
    p50, p99 = (sorted(delays)[len(delays) * percent // 100] for percent in (50, 99))
    print(f"{rate:,} events/s beside {orders:,} orders: {cpu / wall:.0%} of a core, seen after {p50:.2f} s (p50), "
          f"{p99:.2f} s (p99)")  # fmt: skip
    live.close()


def _live(home: Path) -> LiveState:
    return LiveState(Home(home).open(), Settings(home=home))


def _lines(folder: Path) -> Iterator[bytes]:
    for path in sorted(Home(folder).journal.glob("*/*.jsonl")):
        with path.open("rb") as file:
            yield from file


def _rss() -> str:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return f"RSS {pages * os.sysconf('SC_PAGE_SIZE') / 2**20:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000, help="of the journal that is fed")
    parser.add_argument("--rebuild", type=int, default=2_000_000, help="events of the journal of a start")
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--life", type=int, default=22_000, help="orders that are placed while one lives")
    parser.add_argument("step", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        name, folder, *numbers = arguments.step
        {"rebuild": rebuild, "feed": feed, "share": share, "write": write_journal}[name](
            Path(folder), *map(int, numbers)
        )
        return
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as folder:
        small, large = f"{folder}/small", f"{folder}/large"
        _step("write", small, arguments.rebuild, arguments.life)
        _step("rebuild", small)
        shutil.rmtree(small)
        _step("write", large, arguments.events, arguments.life)
        _step("feed", large)
        _step("share", large, arguments.events * 7 // 10, arguments.rate, 20)


def _step(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "bench.live", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
