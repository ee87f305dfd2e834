"""The schema `meta` in a file of DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from armazem.disk.sql import sql_name, values
from armazem.targets.catalog import Model
from armazem.targets.meta import META, MODELS, MetaRows

META_DDL = "create schema if not exists meta;\n" + "".join(
    f"create table if not exists meta.{table} ("
    + ", ".join(f'"{name}" {type_}' for name, type_ in columns.items())
    + ");\n"
    for table, columns in META.items()
)


def create_meta(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of `meta` where they do not exist."""
    connection.execute(META_DDL)


def copy_history(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Copy a table of `meta` from the attached database `before`: the columns that both have."""
    rows = connection.execute(
        "select column_name from duckdb_columns() where schema_name = 'meta' and table_name = ? "
        "group by column_name having count(distinct database_name) = 2",
        (table,),
    ).fetchall()
    columns = ", ".join(sql_name(row[0]) for row in rows)
    connection.execute(f"insert into meta.{table} by name select {columns} from before.meta.{table}")


def loads_taken_in(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Ids of the loads that the tables of this file contain."""
    rows = connection.execute("select distinct load_id from meta.loads").fetchall()
    return {str(row[0]) for row in rows}


def made_by(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Fingerprint of the code of the last whole build of this file."""
    row = connection.execute(
        "select fingerprint from meta.builds where complete and status = 'published' order by build_id desc limit 1"
    ).fetchone()
    return None if row is None else str(row[0])


def journal_position(connection: duckdb.DuckDBPyConnection) -> int:
    """Up to which position of the journal events are in this file; 0 for one that an older armazem built."""
    known = connection.execute(
        "select 1 from duckdb_columns() where schema_name = 'meta' and table_name = 'builds' "
        "and column_name = 'journal_seq'"
    ).fetchone()
    if known is None:
        return 0
    row = connection.execute(
        "select journal_seq from meta.builds where status = 'published' order by build_id desc limit 1"
    ).fetchone()
    return 0 if row is None else int(row[0] or 0)


def build_before(connection: duckdb.DuckDBPyConnection, build_id: str) -> str | None:
    """The build before this one in the list of builds that this file carries; None for the first."""
    row = connection.execute("select max(build_id) from meta.builds where build_id < ?", (build_id,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def write_meta(connection: duckdb.DuckDBPyConnection, rows: MetaRows) -> None:
    """Add rows, by table."""
    for table, added in rows.items():
        _insert(connection, table, added)


def write_models(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> None:
    """Write what the version consists of, in place of what the one before consisted of."""
    connection.execute(f"delete from meta.{MODELS}")
    _insert(connection, MODELS, [model.row() for model in models])


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:  # one statement: executemany took 3 ms a row
        columns = META[table]
        names = ", ".join(map(sql_name, columns))
        connection.execute(f"insert into meta.{table} ({names}) {values([row[c] for c in columns] for row in rows)}")
