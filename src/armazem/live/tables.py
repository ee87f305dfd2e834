"""The state of the orders that came as events, in a DuckDB file that outlives the process."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from armazem.disk.sql import sql_text
from armazem.home import Home
from armazem.live import sql as sql
from armazem.live.totals import Change
from armazem.targets.duckdb import versions

RECENT_ORDERS = 300
MEMORY_LIMIT = "256MB"
_RESTATED_ROWS = 100_000

# Whatever the SQL would do otherwise makes another file, and the figures are read from the journal again.
_FORMAT = hashlib.blake2b(Path(sql.__file__).read_bytes(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch changed.

    `event_key`: of the event with number `seq`. `totals`: to add. `counts`: lines per event_type. `second`,
    `placed`, `lag`: per arrival when it came (seconds since the epoch), whether it placed an order, and its age then
    in microseconds.
    """

    seq: int
    event_key: str
    counts: dict[str, int]
    last_event_at: datetime
    last_received_at: datetime
    totals: list[Change]
    second: npt.NDArray[np.int64]
    placed: npt.NDArray[np.bool_]
    lag: npt.NDArray[np.int64]


class LiveTables:
    """Newest value per key and column of every order, and of every customer that had an update.

    What is changed in a `transaction` with `save` is on the disk, whole, after the next `checkpoint`, and never half.
    Not thread-safe. Every method may raise duckdb.Error; open it again then.
    """

    def __init__(self, folder: Path, *, memory_limit: str = MEMORY_LIMIT) -> None:
        """Open what the last checkpoint has left in `folder`, or empty tables."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"state-{_FORMAT}.duckdb"
        for other in folder.iterdir():  # of another version of the program, or of a process that was killed
            if other != file:
                shutil.rmtree(other) if other.is_dir() else other.unlink()
        self._connection = duckdb.connect(
            config={"threads": 1, "memory_limit": memory_limit, "temp_directory": str(folder / "temp")}
        )
        try:
            run = self._connection.execute
            run("set timezone = 'UTC'")
            # Else every large commit is a checkpoint too: a third of the time of a rebuild.
            run("set checkpoint_threshold = '1TB'")
            # No log of each change: what came after the last checkpoint is read from the journal again.
            run(f"attach {sql_text(file)} as state (recovery_mode no_wal_writes)")
            run("use state")
            if not run("from duckdb_tables() where database_name = 'state'").fetchone():
                with self.transaction():
                    run(sql.TABLES)
        except duckdb.Error:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def set_limits(self, threads: int, memory_limit: str = MEMORY_LIMIT) -> None:
        self._connection.execute(f"set threads = {threads}; set memory_limit = '{memory_limit}'")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
        except BaseException:
            with contextlib.suppress(duckdb.Error):  # the first error is the one to tell
                self._connection.rollback()
            raise
        self._connection.commit()

    def save(self, progress: str) -> None:
        """Keep this text with the tables."""
        self._connection.execute("truncate saved")
        self._connection.execute("insert into saved values (?)", [progress])

    def saved(self) -> str | None:
        row = self._connection.execute("from saved").fetchone()
        return str(row[0]) if row else None

    def checkpoint(self) -> None:
        self._connection.execute("checkpoint state")

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
        """Apply the events of this query, which has the columns of `live_sql.COLUMNS`."""
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
        arrivals = run(sql.ARRIVALS.format(since=int(since.timestamp() * 1e6))).fetchnumpy()
        seq, event_key = max((count[2], count[5]) for count in counts)
        return Applied(
            seq=seq,
            event_key=event_key,
            last_event_at=max(count[3] for count in counts),
            last_received_at=max(count[4] for count in counts),
            counts={count[0]: count[1] for count in counts},
            totals=self._replace_old_by_fresh(),
            second=arrivals["second"],
            placed=arrivals["placed"],
            lag=arrivals["lag"],
        )

    def _update_customers(self) -> None:
        self._connection.execute(sql.OLD_CUSTOMERS)
        if self._count("batch_customers"):
            self._connection.execute(sql.CUSTOMERS)

    def _find_orders(self) -> None:
        run = self._connection.execute
        run(sql.FOUND.format(condition=sql.TOUCHED_ORDER))
        if self._count("batch_customers"):
            run(sql.ALSO_FOUND)
        run(sql.OLD)

    def _count(self, table: str) -> int:
        row = self._connection.execute(f"select count(*) from {table}").fetchone()
        return int(row[0]) if row else 0

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

    def restate(self) -> list[Change] | None:
        """Give the states of `load_customers` to orders whose state no event tells; None once all have them.

        A call changes so many rows as fit into memory.
        """
        self._connection.execute(sql.RESTATED.format(limit=_RESTATED_ROWS))
        if not self._count("found"):
            return None
        self._connection.execute(sql.OLD)
        self._connection.execute(sql.RESTATE)
        return self._replace_old_by_fresh()

    def _replace_old_by_fresh(self) -> list[Change]:
        run = self._connection.execute
        run(sql.DELETE)
        run(sql.INSERT)
        run(sql.RECENT.format(limit=RECENT_ORDERS))
        return run(sql.TOTALS).fetchall()
