"""A table in two tiers: rows that change often in memory, those that have settled in Arrow files on disk.

Events come to few of the orders, the recent ones. Those are quick to find in a small table; of all others only
their `Places` are in memory, which therefore hardly grows with the orders.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from armazem.serve.live_places import Keys, Places

RECENT_ROWS = 60_000


class TieredTable:
    """A table of DuckDB whose older rows lie in files of a folder. `keys`: columns that rows are found by.

    Whoever changes rows brings them back first, and inserts the changed ones at the end. `flag`: a boolean column.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        name: str,
        keys: tuple[str, ...],
        *,
        flag: str | None = None,
        recent_rows: int = RECENT_ROWS,
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._name = name
        self._keys = keys
        self._flag = flag
        self._places = Places(keys)
        self._rows: Counter[int] = Counter()
        self._next_file = 1
        self._recent_rows = recent_rows
        self._kept = recent_rows * 2 // 5

    def bring_back(self, key: str, values: Keys) -> None:
        """Make the settled rows with one of these distinct values recent."""
        self._insert(self._places.take(key, values))

    def bring_back_file(self, file: int, *, flagged: bool | None = None) -> None:
        """Make the rows of one of `files` recent, or those whose flag is so."""
        self._insert(self._places.take_file(file, flagged=flagged))

    def files(self) -> list[int]:
        """Numbers of the files that have settled rows."""
        return sorted(self._rows)

    def settle(self) -> None:
        """Once there are many recent rows, move all to a file but those that were inserted last."""
        run = self._connection.execute
        size = run(f"select max(rowid) + 1 from {self._name}").fetchone()  # with those that are deleted
        if not size or (size[0] or 0) <= self._recent_rows:
            return
        cut = run(f"select rowid from {self._name} order by rowid desc limit 1 offset {self._kept}").fetchone()
        border = cut[0] if cut else -1
        rows = run(f"select * from {self._name} where rowid <= {border}").to_arrow_table()
        if rows.num_rows:
            self._write(rows)
        run(f"create table kept as select * from {self._name} where rowid > {border}")
        run(f"drop table {self._name}")
        run(f"alter table kept rename to {self._name}")
        # Of the file of which least is left, if that is little, the rest comes back, to settle in another one.
        file, left = min(self._rows.items(), key=lambda item: item[1], default=(0, self._kept))
        if left < self._kept // 8:
            self.bring_back_file(file)

    def _write(self, rows: pa.Table) -> None:
        file, self._next_file = self._next_file, self._next_file + 1
        with pa.OSFile(str(self._path(file)), "wb") as target, pa.ipc.new_file(target, rows.schema) as writer:
            writer.write_table(rows.combine_chunks())
        self._rows[file] = rows.num_rows
        flags = rows[self._flag].to_numpy() if self._flag else np.zeros(rows.num_rows, np.bool_)
        self._places.add(file, {key: rows[key].to_numpy() for key in self._keys}, flags)

    def _insert(self, taken: dict[int, npt.NDArray[np.int32]]) -> None:
        if not taken:
            return
        rows = []
        for file, places in taken.items():
            with pa.memory_map(str(self._path(file))) as source:  # only for now: what is mapped counts as memory
                rows.append(pa.ipc.open_file(source).read_all().take(pa.array(places)))
            self._rows[file] -= len(places)
            if not self._rows[file]:
                del self._rows[file]
                self._path(file).unlink()
        self._connection.register("rows_to_insert", pa.concat_tables(rows))
        self._connection.execute(f"insert into {self._name} select * from rows_to_insert")
        self._connection.unregister("rows_to_insert")

    def _path(self, file: int) -> Path:
        return self._folder / f"{self._name}-{file}.arrow"
