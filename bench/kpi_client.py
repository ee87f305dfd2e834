"""Questions to `/v1/kpis/…` that a client may have, a client that asks them, and the same in raw DuckDB."""

from __future__ import annotations

import asyncio
import queue
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, cast
from urllib.parse import urlencode

import duckdb

from armazem.kpis.catalogue import KPIS, Kpi
from armazem.kpis.filters import DEFAULT_LIMIT, filters_of, parse_filters
from armazem.kpis.query import count_query, kpi_query

_VALUES = {
    "state": "select customer_state from marts.fact_orders where customer_state is not null group by 1 order by 1",
    "city": "select customer_city from kpis.agg_avg_order_value_city_state where customer_city is not null "
    "order by orders desc limit 500",
    "seller": "select seller_id from kpis.agg_sales_by_seller order by revenue_rank limit 500",
    "product": "select product_id from kpis.agg_top_selling_products where grain = 'all' order by units_rank limit 500",
    "category": "select distinct product_category from kpis.agg_top_selling_products "
    "where product_category is not null order by 1",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A KPI table and what it is filtered by."""

    kpi: Kpi
    given: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.kpi.name

    @property
    def path(self) -> str:
        return f"/v1/kpis/{self.kpi.name}?{urlencode(self.given)}"

    def queries(self) -> list[tuple[str, tuple[Any, ...]]]:
        """What the server asks DuckDB for it."""
        filters = parse_filters(self.kpi, (*self.given, *(() if "limit" in dict(self.given) else _DEFAULT)))
        return [kpi_query(self.kpi, filters), count_query(self.kpi, filters)]


_DEFAULT = (("limit", str(DEFAULT_LIMIT)),)


class Asked(Protocol):
    """What a client asks for: a path, and a name under which its times are told."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str: ...


class Questions:
    """Endless questions, the tables in turn, each with some of its filters; none is asked twice."""

    def __init__(self, version: Path, seed: int) -> None:
        with closing(duckdb.connect(str(version), read_only=True)) as connection:
            self._values: Mapping[str, Sequence[str]] = {
                name: [row[0] for row in connection.execute(sql).fetchall()] for name, sql in _VALUES.items()
            }
        self._rng = random.Random(seed)
        self._asked: set[Question] = set()
        self._all = self._endless()

    def take(self, count: int) -> list[Question]:
        return [next(self._all) for _ in range(count)]

    def _endless(self) -> Iterator[Question]:
        while True:
            for kpi in KPIS:
                question = self._any(kpi)
                while question in self._asked:
                    question = self._any(kpi)
                self._asked.add(question)
                yield question

    def _any(self, kpi: Kpi) -> Question:
        rng, given = self._rng, dict[str, str]()
        first = date(2016, 9, 1) + timedelta(days=rng.randrange(650))
        for entry in filters_of(kpi):
            match entry.name:
                case "from" if rng.random() < 0.7:
                    given["from"] = first.isoformat()
                case "to" if rng.random() < 0.5:
                    given["to"] = (first + timedelta(days=rng.randrange(1, 700))).isoformat()
                case "grain" | "level" if rng.random() < 0.8:
                    given[entry.name] = rng.choice(entry.schema["enum"])
                case "order" if rng.random() < 0.5:
                    given["order"] = rng.choice(entry.schema["enum"])
                case "state" | "category" if rng.random() < 0.5:
                    given[entry.name] = rng.choice(self._values[entry.name])
                case "city" | "seller" | "product" if rng.random() < 0.15:
                    given[entry.name] = rng.choice(self._values[entry.name])
                case "limit" if rng.random() < 0.7:  # else the default, 1,000 rows
                    given["limit"] = str(rng.randrange(10, 500))
                case "offset" if rng.random() < 0.2:
                    given["offset"] = str(rng.randrange(1, 200))
        return Question(kpi, tuple(given.items()))


@dataclass
class Times:
    """`seconds` over all; `latencies` in seconds, of each question in the order of their answers."""

    seconds: float = 0.0
    latencies: list[tuple[Asked, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def __iadd__(self, more: Times) -> Times:
        self.seconds += more.seconds
        self.latencies += more.latencies
        return self

    def percentile(self, share: float, name: str = "") -> float:
        """In milliseconds."""
        found = sorted(seconds for question, seconds in self.latencies if name in ("", question.name))
        return 1000 * found[min(len(found) - 1, int(share * len(found)))]

    def __str__(self) -> str:
        p50, p95, p99 = (self.percentile(share) for share in (0.5, 0.95, 0.99))
        return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, {self.rate:,.0f}/s"

    @property
    def slowest(self) -> str:
        """The table whose p95 is the largest, and that p95."""
        p95, name = max((self.percentile(0.95, kpi.name), kpi.name) for kpi in KPIS)
        return f"`{name}` p95 {p95:.1f} ms"


class _Asker(asyncio.Protocol):
    """Asks the next question when the last is answered."""

    def __init__(self, waiting: Iterator[Asked], times: Times, ended: asyncio.Future[None]) -> None:
        self._waiting = waiting
        self._times = times
        self._ended = ended
        self._answer = bytearray()
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none by inheritance
        self._ask()

    def _ask(self) -> None:
        question = next(self._waiting, None)
        if question is None:
            self._transport.close()
            return
        self._question, self._sent = question, perf_counter()
        self._transport.write(f"GET {question.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._answer += data
            head, apart, body = self._answer.partition(b"\r\n\r\n")
            if not apart:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self._ended.set_exception(SystemExit(f"{self._question.path}: {self._answer.decode()}"))
                self._transport.close()
                return
            length = int(head.lower().partition(b"content-length:")[2].split(maxsplit=1)[0])
            self._missing = length - len(body)
        else:
            self._missing -= len(data)
        if not self._missing:
            self._times.latencies.append((self._question, perf_counter() - self._sent))
            self._answer.clear()
            self._ask()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


async def ask(port: int, questions: Sequence[Asked], clients: int) -> Times:
    """Ask all of them over so many connections, each as fast as it is answered."""
    times = Times()
    waiting = iter(questions)
    loop = asyncio.get_running_loop()
    ended: list[asyncio.Future[None]] = [loop.create_future() for _ in range(clients)]
    started = perf_counter()
    for each in ended:
        await loop.create_connection(partial(_Asker, waiting, times, each), "127.0.0.1", port)
    await asyncio.gather(*ended)
    times.seconds = perf_counter() - started
    return times


def ask_raw(version: Path, questions: Sequence[Question], clients: int) -> Times:
    """The same queries in DuckDB itself, in so many threads, until all rows are there."""
    times = Times()
    waiting: queue.SimpleQueue[Question] = queue.SimpleQueue()
    for question in questions:
        waiting.put(question)
    with closing(duckdb.connect(str(version), read_only=True, config={"threads": 2})) as connection:

        def work() -> None:
            cursor = connection.cursor()
            while True:
                try:
                    question = waiting.get_nowait()
                except queue.Empty:
                    return
                queries = question.queries()
                begun = perf_counter()
                for sql, parameters in queries:
                    cursor.execute(sql, parameters).fetchall()
                times.latencies.append((question, perf_counter() - begun))

        threads = [threading.Thread(target=work) for _ in range(clients)]
        started = perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        times.seconds = perf_counter() - started
    return times
