"""The state of the orders that came as events, in a DuckDB of its own that spills to a scratch folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from armazem.home import Home
from armazem.serve import live_sql as sql
from armazem.stream.reading import sql_text
from armazem.warehouse import versions

T = TypeVar("T")

RECENT_ORDERS = 20
MEMORY_LIMIT = "256MB"
_DEAD_ROWS = 200_000  # rewriting the table costs about a microsecond a row


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch changed.

    `totals`: (status, state, orders, revenue) to add. `counts`: lines per event_type. `second`, `placed`,
    `lag`: per arrival when it came (seconds since the epoch), whether it placed an order, and
    its age then in microseconds.
    """

    seq: int
    counts: dict[str, int]
    last_event_at: datetime
    last_received_at: datetime
    totals: list[tuple[str, str, int, Decimal]]
    second: npt.NDArray[np.int64]
    placed: npt.NDArray[np.bool_]
    lag: npt.NDArray[np.int64]


class LiveTables:
    """Newest value per key and column of every order, and of every customer that had an update.

    Not thread-safe. Every method may raise duckdb.Error; begin with empty tables then.
    """

    def __init__(self, memory_limit: str = MEMORY_LIMIT) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="armazem-live-"))
        self._connection = duckdb.connect(
            config={"threads": 1, "memory_limit": memory_limit, "temp_directory": str(self._scratch)}
        )
        self._connection.execute("set timezone = 'UTC'; set preserve_insertion_order = true")
        self._connection.execute(sql.TABLES)
        self._live = self._dead = 0

    def close(self) -> None:
        self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def set_threads(self, threads: int) -> None:
        self._connection.execute(f"set threads = {threads}")

    def apply_lines(self, lines: Sequence[bytes], *, after: int, since: datetime) -> Applied | None:
        """Apply lines of the journal after position `after`; None where there are none.

        Arrivals are given of what came at `since` or later.
        """
        table = pa.table({"line": pa.array(lines, type=pa.string())})
        self._connection.register("lines", table)
        try:
            return self.apply(sql.FROM_LINES, after=after, since=since)
        finally:
            self._connection.unregister("lines")

    def apply(self, source: str, *, after: int, since: datetime) -> Applied | None:
        """Apply the events of this query, which has the columns of the contract's event record."""
        applied = self._transact(lambda: self._apply(source, after, int(since.timestamp() * 1e6)))
        if self._dead > max(self._live, _DEAD_ROWS):
            self._transact(lambda: self._connection.execute(sql.REWRITE))
            self._dead = 0
        return applied

    def _apply(self, source: str, after: int, since: int) -> Applied | None:
        run = self._connection.execute
        run(sql.EVENTS.format(source=source, after=after))
        newest = run(sql.NEWEST).fetchone()
        if newest is None or newest[0] is None:
            return None
        run(sql.TOUCHED)
        by_customer = self._count("batch_customers") > 0
        if by_customer:
            run(sql.CUSTOMERS)
        run(sql.FOUND_BY_CUSTOMER if by_customer else sql.FOUND)
        run(sql.OLD)
        run(sql.REDUCE)
        deleted = self._changed(sql.DELETE)
        inserted = self._changed(sql.INSERT)
        self._dead += deleted
        self._live += inserted - deleted
        run(sql.RECENT.format(limit=RECENT_ORDERS))
        arrivals = run(sql.ARRIVALS.format(since=since)).fetchnumpy()
        return Applied(
            seq=newest[0],
            last_event_at=newest[1],
            last_received_at=newest[2],
            counts=dict(run(sql.COUNTS).fetchall()),
            totals=run(sql.TOTALS).fetchall(),
            second=arrivals["second"],
            placed=arrivals["placed"],
            lag=arrivals["lag"],
        )

    def totals(self) -> list[tuple[str, str, int, Decimal]]:
        """(status, state, orders, revenue) over all placed orders."""
        return self._connection.execute(sql.ALL_TOTALS).fetchall()

    def recent(self) -> list[dict[str, Any]]:
        """The newest placed orders, newest first; `order_purchase_timestamp` is business time."""
        names = ("order_id", "order_purchase_timestamp", "status", "revenue", "items", "customer_state", "timestamp")
        rows = self._connection.execute(sql.RECENT_ROWS).fetchall()
        return [{**dict(zip(names, row, strict=True)), "timestamp": row[6].astimezone(UTC)} for row in rows]

    def take_customers(self, home: Home, build_id: str | None) -> None:
        """Take the customers' states of a published version, and give every order its state anew.

        They are copied: an open file would keep a version on the disk after it was deleted.
        """
        run = self._connection.execute
        if build_id is not None:
            run(f"attach {sql_text(versions.version_file(home, build_id))} as warehouse (read_only)")
        try:
            self._transact(lambda: self._take_customers(from_warehouse=build_id is not None))
        finally:
            if build_id is not None:
                run("detach warehouse")
        self._dead = 0

    def _take_customers(self, *, from_warehouse: bool) -> None:
        run = self._connection.execute
        run("truncate published")
        if from_warehouse:
            run(sql.PUBLISHED)
        run(sql.RESTATE)

    def _transact(self, work: Callable[[], T]) -> T:
        run = self._connection.execute
        run("begin")
        try:
            result = work()
            run("commit")
        except BaseException:
            run("rollback")
            raise
        return result

    def _count(self, table: str) -> int:
        row = self._connection.execute(f"select count(*) from {table}").fetchone()
        return int(row[0]) if row else 0

    def _changed(self, statement: str) -> int:
        row = self._connection.execute(statement).fetchone()
        return int(row[0]) if row else 0
