"""`python -m bench.lookup`: look-ups of features over HTTP, of random entities of every type, while nothing and while
events come in.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import duckdb
import uvloop

from armazem.contract.features import ENTITIES
from armazem.shop.history import generate
from bench.__main__ import Report
from bench.features import OLIST_ORDERS
from bench.http import Server
from bench.kpi_client import Times, ask
from bench.measure import armazem

_CLIENTS = 8
_LIMIT = 10.0  # milliseconds
_IDS = {
    "seller": "select distinct seller_id from marts.fact_sales order by 1",
    "lane": "select distinct entity_id from features.feat_lane_daily order by 1",
    "marketplace": "select 'all'",
    "product": "select distinct product_id from marts.fact_sales order by 1",
    "customer": "select distinct customer_unique_id from marts.fact_orders order by 1",
}
_KNOWN = "select order_id from marts.fact_orders order by hash(order_id) limit ?"


@dataclass(frozen=True, slots=True)
class Question:
    """One entity, and the day as of which it is asked about."""

    name: str
    path: str


def questions(version: Path, seed: int) -> Iterator[Question]:
    """Endless questions, the types of entities in turn, as of any day of the history."""
    rng = random.Random(seed)
    with closing(duckdb.connect(str(version), read_only=True)) as connection:
        ids = {name: [row[0] for row in connection.execute(sql).fetchall()] for name, sql in _IDS.items()}
        row = connection.execute(
            "select min(order_purchase_timestamp), max(order_purchase_timestamp) from marts.fact_orders"
        ).fetchone()
    assert row is not None
    first, last = row
    while True:
        for entity in ENTITIES:
            day = first + timedelta(days=rng.randrange((last - first).days + 1))
            name = quote(rng.choice(ids[entity.name]), safe="")
            yield Question(entity.name, f"/v1/features/{entity.name}/{name}?at={day:%Y-%m-%dT%H:%M:%S}")


def news(version: Path, count: int) -> Iterator[bytes]:
    """Events about so many orders of the build: they were delivered, or reviewed."""
    with closing(duckdb.connect(str(version), read_only=True)) as connection:
        orders = [str(row[0]) for row in connection.execute(_KNOWN, [count]).fetchall()]
    now = datetime.now(UTC)
    for number, order_id in enumerate(orders):
        local = (now - timedelta(days=number % 60)).strftime("%Y-%m-%dT%H:%M:%S")
        if number % 2:
            row = {"order_id": order_id, "order_status": "delivered", "order_delivered_customer_date": local}
            kind, data = "order_status_update", {"orders": row}
        else:
            row = {"review_id": f"bench-{number}", "order_id": order_id, "review_score": 1 + number % 5}
            kind, data = "order_review", {"order_reviews": {**row, "review_answer_timestamp": local}}
        event = {"event_id": f"bench-{number}", "event_type": kind, "timestamp": now.isoformat(), "data": data}
        yield json.dumps(event).encode()


def bench_lookups(report: Report, server: Server, version: Path, count: int, rate: int) -> None:
    asked = questions(version, seed=1)

    def measured(number: int) -> Times:
        return uvloop.run(ask(server.port, [next(asked) for _ in range(number)], _CLIENTS))

    measured(_CLIENTS * 10)
    _add(report, f"a look-up of features, {_CLIENTS} clients", measured(count))
    with simulated(server, version.parent, rate):
        measured(_CLIENTS * 10)
        _add(report, f"the same while {rate} events a second come in", measured(count))
    report.add("the server's memory", f"{server.memory:,.0f} MiB")


def _add(report: Report, what: str, times: Times) -> None:
    slowest, name = max((times.percentile(0.95, entity.name), entity.name) for entity in ENTITIES)
    p95 = times.percentile(0.95)
    report.add(what, f"{times}; slowest: {name}, p95 {slowest:.1f} ms", f"p95 {_LIMIT:.0f} ms", p95 <= _LIMIT)


@contextmanager
def simulated(server: Server, home: Path, rate: int) -> Iterator[None]:
    """The shop of `simulate` at the server, so many events a second."""
    command = [sys.executable, "-m", "armazem", "--home", str(home), "simulate", "--quiet"]
    sender = subprocess.Popen(
        [*command, "--rate", str(rate), "--to", server.url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(3)
    try:
        yield
    finally:
        sender.send_signal(signal.SIGINT)
        sender.wait(60)


def home_of(folder: Path, orders: int, given: Path | None, events: int) -> Path:
    """A built home, a copy of a given one or of generated orders, with events about them since the build."""
    home = folder / "home"
    if given:
        shutil.copytree(given, home, symlinks=True)
    else:
        generate(folder / "data", orders=orders)
        armazem(home, "load", str(folder / "data"))
        armazem(home, "build")
    file = folder / "news.jsonl"
    file.write_bytes(b"\n".join(news(home / "current", events)) + b"\n")
    armazem(home, "ingest", str(file))
    return home


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.lookup", description=__doc__)
    parser.add_argument("--orders", type=int, default=OLIST_ORDERS)
    parser.add_argument("--home", type=Path, help="a built home folder, which is copied, instead of generated orders")
    parser.add_argument("--events", type=int, default=4000, help="since the build")
    parser.add_argument("--count", type=int, default=10_000, help="look-ups of each measurement")
    parser.add_argument("--rate", type=int, default=20, help="events a second that come in meanwhile")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as name:
        home = home_of(Path(name), arguments.orders, arguments.home, arguments.events)
        server = Server(home)
        try:
            bench_lookups(report, server, home / "current", arguments.count, arguments.rate)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
