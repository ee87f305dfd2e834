"""The views of `live` on a connection that can open no file: the events that they read are put into memory first."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from armazem.disk.sql import sql_path, sql_text
from armazem.home import Home
from armazem.journal.reading import reading
from armazem.targets.duckdb.statements import nodes_in, tables_in

_SCHEMA = "live"
_READERS = ("read_json", "read_parquet")
_CREATED = re.compile(r"\s*CREATE VIEW\s+\S+?(\s*\([^()]*\))?\s+AS\s+", re.IGNORECASE)


def bind_live_views(connection: duckdb.DuckDBPyConnection, home: Home, published: str) -> None:
    """Define `live` anew in memory, over the events as they are now, for the version attached as `published`.

    In the file a view of `live` reads the journal's files by itself. A reader's connection may open none: so the part
    that reads them is run here, before the connection is confined, and the view gets the rows. Raises duckdb.Error.
    """
    connection.execute(f"create schema {_SCHEMA}; set variable armazem_journal = {sql_path(home.journal)}")
    views = connection.execute(
        f"select view_name, sql from duckdb_views() where database_name = {sql_text(published)} "
        f"and schema_name = {sql_text(_SCHEMA)} order by view_name"
    ).fetchall()
    tables: dict[str, str] = {}
    for name, sql in views:
        tree = _tree(connection, _CREATED.sub("", sql, count=1))
        for source in list(_event_sources(tree)):
            select = _sql(connection, {"error": False, "statements": [copy.deepcopy(source["subquery"])]})
            if select not in tables:
                tables[select] = _read(connection, home, select, f"events_{len(tables)}")
            _replace(source, tables[select])
        for table in tables_in(tree):
            if table["schema_name"] and not table["catalog_name"]:
                table["catalog_name"] = published
        connection.execute(f"create view {_SCHEMA}.{name} as {_sql(connection, tree)}")


def _read(connection: duckdb.DuckDBPyConnection, home: Home, select: str, name: str) -> str:
    reading(home, lambda: connection.execute(f"create or replace table {name} as {select}"))
    return name


def _event_sources(tree: Any) -> Iterator[dict[str, Any]]:
    """The subqueries that read the journal: lines, and what was compacted."""
    for node in nodes_in(tree):
        inner = node["subquery"]["node"] if node.get("type") == "SUBQUERY" and "subquery" in node else {}
        if inner.get("type") == "SET_OPERATION_NODE" and _reads_files(inner["left"]) and _reads_files(inner["right"]):
            yield node


def _reads_files(select: dict[str, Any]) -> bool:
    table = select.get("from_table", {})
    return table.get("type") == "TABLE_FUNCTION" and table["function"]["function_name"] in _READERS


def _replace(source: dict[str, Any], table: str) -> None:
    kept = {key: source.get(key) for key in ("alias", "sample", "query_location", "column_name_alias")}
    source.clear()
    source.update(
        kept,
        type="BASE_TABLE",
        schema_name="main",
        table_name=table,
        catalog_name="memory",
        at_clause=None,
    )


def _tree(connection: duckdb.DuckDBPyConnection, select: str) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(_text(connection, f"select json_serialize_sql({sql_text(select)})"))
    if tree["error"]:
        raise duckdb.InvalidInputException(f"a view of {_SCHEMA} cannot be parsed: {tree.get('error_message')}")
    return tree


def _sql(connection: duckdb.DuckDBPyConnection, tree: dict[str, Any]) -> str:
    return _text(connection, f"select json_deserialize_sql({sql_text(json.dumps(tree))})")


def _text(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])
