"""Which statements a reader may run: those of which DuckDB's own parser says that they only read tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import duckdb

from armazem.disk.sql import sql_text
from armazem.errors import QueryError

# Nothing that a connection of readers could do, or look up beside the warehouse, when it has been opened so.
CONFINED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # `from name` is a table, not a variable of this program
    "temp_directory": "",  # a query that needs more memory than it may have fails, and fills no disk
}

# Table functions that compute or describe. The others read files, write logs, run text as SQL, or follow an address
# in memory. What DuckDB adds is refused until it stands here.
_TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns", "duckdb_constraints", "duckdb_functions", "duckdb_indexes", "duckdb_keywords",
        "duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views", "generate_series", "icu_calendar_names",
        "json_each", "json_tree", "pg_timezone_names", "pragma_show", "pragma_table_info", "pragma_version", "range",
        "repeat", "repeat_row", "unnest",
    }
)  # fmt: skip
_LIVE = re.compile(r"(?<![a-z0-9_])live(?![a-z0-9_])")
_MEMORY = "memory"  # the catalog of the connection itself
_FUNCTIONS = frozenset({"nextval", "write_log"})  # change something although they stand in a SELECT

_EXPLAIN = re.compile(r"\s*explain\b(\s+analyze\b|\s+verbose\b)*(\s*\(\s*(format|analyze)\b[^()]*\))?", re.IGNORECASE)
_REMARKS = re.compile(r"\s*(--[^\n]*(\n|$)|/\*.*?\*/)", re.DOTALL)
_HINT = "a reader may SELECT, EXPLAIN, DESCRIBE, SHOW and SUMMARIZE; `armazem load` and `armazem build` change data"


@lru_cache(maxsize=4096)
def reading_statements(sql: str) -> tuple[str, ...]:
    """The statements of this text, one after the other; all of them only read the tables of the warehouse.

    Raises QueryError where one does anything else, where there is none, and where DuckDB cannot parse them.
    """
    with _parser().cursor() as parser:
        statements = [_checked(parser, statement) for statement in _parsed(parser, sql)]
    if not statements:
        raise QueryError("the query is empty", 'ask for example `armazem sql "show tables"`')
    return tuple(statements)


def mentions_live(sql: str) -> bool:
    """Whether a query may read schema `live`. It says so of some that do not."""
    return _LIVE.search(sql.lower()) is not None


@lru_cache(maxsize=1)
def _parser() -> duckdb.DuckDBPyConnection:
    # Confined too: to parse `import database` DuckDB reads the files of it.
    connection = duckdb.connect(config={**CONFINED, "threads": 1})
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    return connection


def _parsed(parser: duckdb.DuckDBPyConnection, sql: str) -> list[duckdb.Statement]:
    try:
        sql.encode()
        return parser.extract_statements(sql)
    except UnicodeEncodeError as error:
        raise QueryError("the query is not UTF-8", "set the terminal to UTF-8, or write it in ASCII") from error
    except duckdb.PermissionException as error:
        raise QueryError("IMPORT is refused: only statements that read tables run here", _HINT) from error
    except duckdb.Error as error:
        raise QueryError(str(error).strip(), '`armazem sql "show tables"` lists the tables') from error


def _checked(parser: duckdb.DuckDBPyConnection, statement: duckdb.Statement) -> str:
    text = statement.query
    kind = statement.type.name
    if not text:  # one of two that DuckDB makes of a PIVOT whose values it has to look up
        raise QueryError(
            "a PIVOT without its values creates a type: only statements that read tables run here",
            "name the values: `pivot … on column in ('a', 'b') using …`",
        )
    if kind == "EXPLAIN":
        _check_explained(parser, text)
    elif kind == "SELECT":
        _check_select(parser, text)
    else:
        raise QueryError(f"{kind} is refused: only statements that read tables run here", _HINT)
    return text


def _check_explained(parser: duckdb.DuckDBPyConnection, text: str) -> None:
    while remark := _REMARKS.match(text):
        text = text[remark.end() :]
    head = _EXPLAIN.match(text)
    # Where it is written otherwise than here, what is left is no statement.
    inner = _parsed(parser, text[head.end() :] if head else text)
    if len(inner) != 1 or inner[0].type.name != "SELECT":
        raise QueryError("EXPLAIN is for a SELECT here: only statements that read tables run here", _HINT)
    _checked(parser, inner[0])


def _check_select(parser: duckdb.DuckDBPyConnection, text: str) -> None:
    tree = _tree(parser, text)
    for table in tables_in(tree):
        if _MEMORY in (table["catalog_name"].lower(), table["schema_name"].lower()):
            raise QueryError(
                f"the catalog {_MEMORY} holds the events behind the schema live: ask live.orders and its like",
                '`armazem sql "show tables"` lists what can be read',
            )
    for name, is_table in _called(tree):
        if name in _FUNCTIONS or (is_table and name not in _TABLE_FUNCTIONS):
            raise QueryError(
                f"the function {name} is refused: only the tables of the warehouse can be read here",
                '`armazem sql "show tables"` lists them',
            )


def _tree(parser: duckdb.DuckDBPyConnection, text: str) -> Any:
    # Not as a parameter: for the first one DuckDB imports pandas, which takes longer than most queries.
    row = parser.execute(f"select json_serialize_sql({sql_text(text)})").fetchone()
    try:
        tree = json.loads(row[0]) if row else {"error": True}
    except RecursionError as error:
        raise QueryError("the statement is nested too deep to be looked through", "write it flatter") from error
    if tree["error"]:
        message = tree.get("error_message", "it cannot be looked through")
        raise QueryError(f"the statement is refused: {message}", _HINT)
    return tree


def nodes_in(tree: Any) -> Iterator[dict[str, Any]]:
    """All nodes of a tree of `json_serialize_sql`."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            yield node


def tables_in(tree: Any) -> Iterator[dict[str, Any]]:
    """The nodes that name a table or view."""
    return (node for node in nodes_in(tree) if node.get("type") == "BASE_TABLE")


def _called(tree: Any) -> Iterator[tuple[str, bool]]:
    """Every function in a tree, and whether it stands for a table."""
    for node in nodes_in(tree):
        if node.get("type") == "TABLE_FUNCTION":
            yield str(node["function"].get("function_name", "")).lower(), True
        elif "function_name" in node:
            yield str(node["function_name"]).lower(), False
