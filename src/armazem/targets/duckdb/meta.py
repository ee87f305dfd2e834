"""The schema `meta`: builds, test_results, loads and models, published with the tables that they speak of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

import duckdb

from armazem.disk.sql import sql_name
from armazem.landing import LedgerRow
from armazem.targets.catalog import Model
from armazem.targets.records import AuditResult, BuildRecord

META_DDL = """
create schema if not exists meta;
create table if not exists meta.builds (
    build_id varchar, status varchar, base_build_id varchar, full_refresh boolean, complete boolean,
    start_date date, end_date date, selector varchar, fingerprint varchar, new_loads integer,
    models integer, models_failed integer, tests integer, tests_passed integer, tests_warned integer,
    tests_failed integer, started_at timestamptz, finished_at timestamptz, seconds double,
    new_events bigint, journal_seq bigint
);
create table if not exists meta.test_results (
    build_id varchar, test varchar, model varchar, severity varchar, status varchar, failures bigint,
    failed_checks varchar, seconds double, description varchar, sql varchar
);
create table if not exists meta.loads (
    build_id varchar, load_id varchar, "table" varchar, path varchar, sha256 varchar, size_bytes bigint,
    rows_read bigint, rows_accepted bigint, rows_rejected bigint, seconds double, loaded_at timestamptz,
    encoding varchar, as_of timestamptz
);
create table if not exists meta.models (
    name varchar, layer varchar, "table" varchar, materialized varchar, is_published boolean, step integer,
    description varchar, columns varchar, inputs varchar, meta varchar
);
"""
_LOAD_COLUMNS = (
    "load_id", "table", "path", "sha256", "size_bytes", "rows_read", "rows_accepted", "rows_rejected",
    "seconds", "loaded_at", "encoding", "as_of",
)  # fmt: skip


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


def write_meta(
    connection: duckdb.DuckDBPyConnection,
    record: BuildRecord,
    tests: Sequence[AuditResult],
    loads: Sequence[LedgerRow],
) -> None:
    """Add the build, its test results, and the loads that it took in."""
    _insert(connection, "builds", [astuple(record)], len(fields(BuildRecord)))
    _insert(connection, "test_results", [astuple(test) for test in tests], len(fields(AuditResult)))
    rows = [(record.build_id, *(getattr(load, name) for name in _LOAD_COLUMNS)) for load in loads]
    _insert(connection, "loads", rows, 1 + len(_LOAD_COLUMNS))


def write_models(connection: duckdb.DuckDBPyConnection, catalog: Sequence[Model]) -> None:
    """Write what the version consists of, in place of what the one before consisted of."""
    connection.execute("delete from meta.models")
    rows = [model_row(model) for model in catalog]
    _insert(connection, "models", [tuple(row.values()) for row in rows], len(rows[0]))


def model_row(model: Model) -> dict[str, Any]:
    """The row of `meta.models`: what is no single value in it is JSON."""
    return {
        "name": model.name,
        "layer": model.layer,
        "table": model.table,
        "materialized": model.materialized,
        "is_published": model.is_published,
        "step": model.step,
        "description": model.description,
        "columns": _json(dict(model.columns)),
        "inputs": _json(model.inputs),
        "meta": _json(dict(model.meta)),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)  # YAML has dates


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]], width: int) -> None:
    if rows:  # one statement: executemany took 3 ms a row
        marks = f"({', '.join('?' * width)})"
        values = [value for row in rows for value in row]
        connection.execute(f"insert into meta.{table} values {', '.join([marks] * len(rows))}", values)
