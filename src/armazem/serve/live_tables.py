"""The state of the orders that came as events, in a DuckDB of its own that spills to a scratch folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from armazem.home import Home
from armazem.serve import live_sql as sql
from armazem.serve.live_places import Keys
from armazem.serve.live_tiers import RECENT_ROWS, TieredTable
from armazem.serve.live_totals import Change
from armazem.stream.reading import sql_text
from armazem.warehouse import versions

T = TypeVar("T")

RECENT_ORDERS = 20
MEMORY_LIMIT = "256MB"


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch changed.

    `totals`: to add. `counts`: lines per event_type. `second`, `placed`,
    `lag`: per arrival when it came (seconds since the epoch), whether it placed an order, and
    its age then in microseconds.
    """

    seq: int
    counts: dict[str, int]
    last_event_at: datetime
    last_received_at: datetime
    totals: list[Change]
    second: npt.NDArray[np.int64]
    placed: npt.NDArray[np.bool_]
    lag: npt.NDArray[np.int64]


class LiveTables:
    """Newest value per key and column of every order, and of every customer that had an update.

    Not thread-safe. Every method may raise duckdb.Error; begin with empty tables then.
    """

    def __init__(self, scratch: Path, *, memory_limit: str = MEMORY_LIMIT, recent_rows: int = RECENT_ROWS) -> None:
        shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed
        scratch.mkdir(parents=True)
        self._scratch = scratch
        self._connection = duckdb.connect(
            config={"threads": 1, "memory_limit": memory_limit, "temp_directory": str(self._scratch)}
        )
        self._connection.execute("set timezone = 'UTC'")
        self._connection.execute(sql.TABLES)
        self._orders = TieredTable(
            self._connection,
            self._scratch,
            "orders",
            ("hash", "customer_hash"),
            flag="state_by_event",
            recent_rows=recent_rows,
        )
        self._customers = TieredTable(self._connection, self._scratch, "customers", ("hash",), recent_rows=recent_rows)

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
        applied = self._apply(source, after, int(since.timestamp() * 1e6))
        self._orders.settle()
        self._customers.settle()
        return applied

    def _apply(self, source: str, after: int, since: int) -> Applied | None:
        run = self._connection.execute
        run(sql.EVENTS.format(source=source, after=after))
        counts = run(sql.COUNTS).fetchall()
        if not counts:
            return None
        run(sql.TOUCHED)
        self._update_customers()
        self._find_orders()
        run(sql.PUBLISHED_STATES)
        run(sql.REDUCE)
        arrivals = run(sql.ARRIVALS.format(since=since)).fetchnumpy()
        return Applied(
            seq=max(count[2] for count in counts),
            last_event_at=max(count[3] for count in counts),
            last_received_at=max(count[4] for count in counts),
            counts={count[0]: count[1] for count in counts},
            totals=self._replace_old_by_fresh(),
            second=arrivals["second"],
            placed=arrivals["placed"],
            lag=arrivals["lag"],
        )

    def _update_customers(self) -> None:
        self._customers.bring_back("hash", self._hashes("touched_customers"))
        self._connection.execute(sql.OLD_CUSTOMERS)
        if len(self._hashes("batch_customers")):
            self._connection.execute(sql.CUSTOMERS)

    def _find_orders(self) -> None:
        run = self._connection.execute
        customers = self._hashes("batch_customers")
        self._orders.bring_back("hash", self._hashes("touched"))
        self._orders.bring_back("customer_hash", customers)
        run(sql.FOUND.format(condition=sql.TOUCHED_ORDER))
        if len(customers):
            run(sql.ALSO_FOUND)
        run(sql.OLD)

    def _hashes(self, table: str) -> Keys:
        hashes: Keys = self._connection.execute(f"select distinct hash from {table}").fetchnumpy()["hash"]
        return hashes

    def recent(self) -> list[dict[str, Any]]:
        """The newest placed orders, newest first; `order_purchase_timestamp` is business time."""
        names = ("order_id", "order_purchase_timestamp", "status", "revenue", "items", "customer_state", "timestamp")
        rows = self._connection.execute(sql.RECENT_ROWS).fetchall()
        return [{**dict(zip(names, row, strict=True)), "timestamp": row[6].astimezone(UTC)} for row in rows]

    def load_customers(self, home: Home, build_id: str | None) -> None:
        """Take the states of a published version's customers; after an error those of the one before stay.

        They are copied: an open file would keep a version on the disk after it was deleted.
        """
        run = self._connection.execute
        if build_id is None:
            run("truncate published")
            return
        run(f"attach {sql_text(versions.version_file(home, build_id))} as warehouse (read_only)")
        try:
            run(sql.PUBLISHED)
        finally:
            run("detach warehouse")

    def restate(self) -> list[Change]:
        """Give the states of `load_customers` to all orders whose state no event tells; what changes."""
        changes = self._restate()
        for file in self._orders.files():
            self._orders.bring_back_file(file, flagged=False)
            changes += self._restate()
            self._orders.settle()
        return changes

    def _restate(self) -> list[Change]:
        self._connection.execute(sql.FOUND.format(condition=sql.UNTOLD))
        self._connection.execute(sql.OLD)
        self._connection.execute(sql.RESTATE)
        return self._replace_old_by_fresh()

    def _replace_old_by_fresh(self) -> list[Change]:
        run = self._connection.execute
        run(sql.DELETE)
        run(sql.INSERT)
        run(sql.RECENT.format(limit=RECENT_ORDERS))
        return run(sql.TOTALS).fetchall()
