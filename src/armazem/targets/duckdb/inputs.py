"""What a build takes in: the schemas `raw` and `control` of the file being built.

Both are scaffolding: they are dropped before the version is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from armazem.contract import TABLES, Table
from armazem.contract.render import duckdb_columns
from armazem.disk.sql import sql_text, values
from armazem.home import Home
from armazem.journal.reading import relation
from armazem.landing import parquet_files
from armazem.targets.duckdb.journal import events_since
from armazem.targets.duckdb.lake_inputs import create_files, lake_view
from armazem.targets.plan import Scope

if TYPE_CHECKING:  # pyiceberg is an extra
    from armazem.lake.reading import LandedFile

SCAFFOLDING = ("raw", "control", "intermediate")


def create_inputs(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    scope: Scope,
    lake: dict[str, list[LandedFile]] | None = None,
) -> None:
    """Create `raw.<table>` for the nine source tables, `raw.events`, and the four `control` tables.

    A raw table has the contract's columns, `_load_id` and `_row`, the number of the row in its file. `lake`: the files
    to read instead of those that were landed in the home folder.
    """
    drop_inputs(connection)
    connection.execute("create schema raw; create schema control")
    if lake is not None:
        create_files(connection, lake)
    for table in TABLES:
        connection.execute(_raw_view(home, table, scope) if lake is None else _lake_view(table, lake))
    new_events = relation(home, after=scope.events_after, up_to=scope.events_up_to)
    connection.execute(f"create view raw.events as select * from {new_events}")
    since = (scope.events_up_to, events_since(home, scope.events_up_to))
    window = (scope.start_date or date.min, scope.end_date or date.max)
    for name, columns, rows in (
        ("journal", "up_to bigint, since varchar", [since]),
        ("new_loads", "load_id varchar", [(load_id,) for load_id in scope.new_loads]),
        ("load_ages", "load_id varchar, as_of varchar", scope.ages),
        ("build_window", "start_date date, end_date date", [window] if scope.has_window else []),
    ):
        connection.execute(f"create table control.{name} ({columns})")
        if rows:
            connection.execute(f"insert into control.{name} {values(rows)}")


def drop_inputs(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove the scaffolding."""
    for schema in SCAFFOLDING:
        connection.execute(f"drop schema if exists {schema} cascade")


def _raw_view(home: Home, table: Table, scope: Scope) -> str:
    wanted = set(scope.read_loads)
    files = [path for path in parquet_files(home, table.name) if path.parent.name in wanted]
    if not files:
        return f"create view raw.{table.name} as {_no_rows(table)}"
    names = ", ".join(map(sql_text, files))
    columns = ", ".join(column.name for column in table.columns)
    # By name, with one that has all columns: a file that was landed before the contract had a column has null there.
    return (
        f"create view raw.{table.name} as select {columns}, _load_id, _row from ("
        "select *, split_part(filename, '/', -2) as _load_id, file_row_number as _row "
        f"from read_parquet([{names}], filename = true, file_row_number = true, union_by_name = true) "
        f"union all by name {_no_rows(table)})"
    )


def _lake_view(table: Table, lake: dict[str, list[LandedFile]]) -> str:
    files = lake.get(table.name)
    return lake_view(table, files, _no_rows(table)) if files else f"create view raw.{table.name} as {_no_rows(table)}"


def _no_rows(table: Table) -> str:
    columns: Sequence[str] = [f"cast(null as {type_}) as {name}" for name, type_ in duckdb_columns(table).items()]
    return f"select {', '.join(columns)}, cast(null as varchar) as _load_id, cast(null as bigint) as _row where false"
