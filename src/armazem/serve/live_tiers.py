"""A table in two tiers: rows that change often in memory, those that have settled in Arrow files on disk.

Events come to few of the orders, the recent ones. Those are quick to find in a small table; of all others only a
hash and a place are in memory, 16 to 32 bytes a row, so that the memory hardly grows with the orders.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

RECENT_ROWS = 100_000


class Shelf:
    """Arrow files in a folder, each written once. Reading one does not keep it open or in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._next = 0

    def put(self, rows: pa.Table) -> int:
        """Write a file; its number."""
        self._next += 1
        with pa.OSFile(str(self._path(self._next)), "wb") as file, pa.ipc.new_file(file, rows.schema) as writer:
            writer.write_table(rows.combine_chunks())
        return self._next

    def take(self, number: int, places: object) -> pa.Table:
        """Rows of a file by their places."""
        with pa.memory_map(str(self._path(number))) as file:
            return pa.ipc.open_file(file).read_all().take(places)

    def remove(self, number: int) -> None:
        self._path(number).unlink()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.arrow"


class TieredTable:
    """A table whose older rows lie on a shelf. `keys`: columns that rows are found by, whatever tier they are in.

    The table of that name has the recent rows, `settled_<name>` the keys and places of the others. Whoever changes
    rows calls `bring_back` first, and inserts the changed rows at the end.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        shelf: Shelf,
        name: str,
        keys: tuple[str, ...],
        *,
        recent_rows: int = RECENT_ROWS,
    ) -> None:
        self._connection = connection
        self._shelf = shelf
        self._name = name
        self._keys = keys
        self._recent_rows = recent_rows
        self._kept = recent_rows * 2 // 5
        self._live: Counter[int] = Counter()
        connection.execute(
            f"create table settled_{name} as "
            f"select {', '.join(keys)}, 0::integer as shelf, 0::integer as place from {name} where false"
        )

    def bring_back(self, condition: str) -> None:
        """Make the settled rows that meet a condition on the keys recent."""
        run = self._connection.execute
        run(
            f"create or replace temp table hits as "
            f"select rowid as row, shelf, place from settled_{self._name} where {condition}"
        )
        hits = run("select shelf, place from hits order by all").fetchnumpy()
        if not len(hits["shelf"]):
            return
        run(f"delete from settled_{self._name} where rowid in (select row from hits)")
        rows = []
        for shelf, count in zip(*np.unique(hits["shelf"], return_counts=True), strict=True):
            rows.append(self._shelf.take(int(shelf), pa.array(hits["place"][hits["shelf"] == shelf])))
            self._forget(int(shelf), int(count))
        self._insert(self._name, pa.concat_tables(rows))

    def settle(self) -> None:
        """Once there are many recent rows, move all to the shelf but those that were inserted last."""
        run = self._connection.execute
        if self._size(self._name) <= self._recent_rows:
            return
        cut = run(f"select rowid from {self._name} order by rowid desc limit 1 offset {self._kept}").fetchone()
        border = cut[0] if cut else -1
        rows = run(f"select * from {self._name} where rowid <= {border}").to_arrow_table()
        if rows.num_rows:
            number = self._shelf.put(rows)
            self._live[number] = rows.num_rows
            places = {
                "shelf": pa.array(np.full(rows.num_rows, number, np.int32)),
                "place": pa.array(np.arange(rows.num_rows, dtype=np.int32)),
            }
            self._insert(f"settled_{self._name}", pa.table({**{key: rows[key] for key in self._keys}, **places}))
        self._rewrite(self._name, f"rowid > {border}")
        self._tidy()

    def shelves(self) -> list[int]:
        """Numbers of the files that rows have settled in."""
        return sorted(self._live)

    def _tidy(self) -> None:
        """Empty the file of which least is left, if that is little, and drop deleted keys once they are most."""
        number, live = min(self._live.items(), key=lambda item: item[1], default=(0, self._kept))
        if live < self._kept // 8:
            self.bring_back(f"shelf = {number}")
        if self._size(f"settled_{self._name}") > 2 * sum(self._live.values()) + self._recent_rows:
            self._rewrite(f"settled_{self._name}", "true")

    def _size(self, table: str) -> int:
        """Rows with the deleted ones that still take space."""
        row = self._connection.execute(f"select max(rowid) + 1 from {table}").fetchone()
        return int(row[0] or 0) if row else 0

    def _rewrite(self, table: str, condition: str) -> None:
        self._connection.execute(f"create table kept as select * from {table} where {condition}")
        self._connection.execute(f"drop table {table}")
        self._connection.execute(f"alter table kept rename to {table}")

    def _insert(self, table: str, rows: pa.Table) -> None:
        self._connection.register("rows_to_insert", rows)
        self._connection.execute(f"insert into {table} select * from rows_to_insert")
        self._connection.unregister("rows_to_insert")

    def _forget(self, number: int, rows: int) -> None:
        self._live[number] -= rows
        if not self._live[number]:
            del self._live[number]
            self._shelf.remove(number)
