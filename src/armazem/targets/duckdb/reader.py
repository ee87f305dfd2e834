"""Questions with a table of their own to one version, which the connection keeps whatever is published meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from armazem.home import Home
from armazem.targets.duckdb.confined import Limits, execution
from armazem.targets.duckdb.query import fetch, open_published
from armazem.targets.reader import Reader

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class VersionReader(Reader):
    connection: duckdb.DuckDBPyConnection
    limits: Limits

    def schema(self, layer: str) -> str:
        return layer

    def answer(self, sql: str, requests: pa.Table | None = None) -> pa.Table:
        with execution(self.connection, self.limits):
            if requests is not None:
                # A table, whose rows are counted: of an Arrow table DuckDB takes them for few, and loops over them.
                self.connection.register("given", requests)
                self.connection.execute("create or replace temp table requests as select * from given")
                self.connection.unregister("given")
            return self.connection.execute(sql).to_arrow_table()

    def newest(self, columns: Sequence[str]) -> str:
        values = "".join(f", coalesce(history.{column}, 0) as {column}" for column in columns)
        return (
            f"select requests.number{values} from requests asof left join history "
            "on requests.entity_id = history.entity_id and requests.day >= history.day"
        )

    def is_of_one_build(self) -> bool:
        return True


@contextmanager
def reading(home: Home, limits: Limits) -> Iterator[Reader]:
    """Raises HomeError where nothing is published."""
    with open_published(home, live=False, limits=limits) as connection:
        build = fetch(connection, "select max(build_id) from meta.builds").rows[0][0]
        yield VersionReader(build, connection, limits)
