"""Whether a table holds the same in two files of DuckDB."""

from __future__ import annotations

from typing import Any

import duckdb

from armazem.disk.sql import sql_name


def content_of(connection: duckdb.DuckDBPyConnection, layer: str, table: str) -> tuple[Any, ...] | None:
    """Return what is the same for the same rows and columns, in whatever order the rows lie; None without the table."""
    name = f"{sql_name(layer)}.{sql_name(table)}"
    try:
        columns = connection.execute(f"select column_name, column_type from (describe {name})").fetchall()
    except duckdb.CatalogException:
        return None
    # The sum tells rows that are there twice, which cancel each other out in the exclusive or.
    row = connection.execute(f"select count(*), bit_xor(hash(t)), sum(hash(t)) from {name} as t").fetchone()
    return (*columns, row)
