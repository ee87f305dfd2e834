"""Read-only queries on the published warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from armazem.errors import HomeError, QueryError
from armazem.home import Home
from armazem.stream.reading import sql_path, sql_text
from armazem.warehouse import versions


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns and rows of an answer; money as Decimal, times as datetime, identifiers as str."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@contextmanager
def open_published(home: Home, *, failed: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to one version, which it keeps whatever is published meanwhile.

    `failed`: the newest build that failed its audit instead. It can reach no file but its own
    and those of the journal.
    Raises HomeError where there is nothing to open.
    """
    home.open(create=False)
    path = _failed_file(home) if failed else _published_file(home)
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise HomeError(f"{path} cannot be opened: {error}", "`armazem rollback` restores a version") from error
    with closing(connection):
        _confine(connection, home)
        yield connection


def run_query(home: Home, sql: str, *, failed: bool = False) -> Rows:
    """The answer to one query. Raises QueryError where DuckDB refuses it."""
    with open_published(home, failed=failed) as connection:
        return fetch(connection, sql)


def fetch(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """The answer to one query on this connection. Raises QueryError where DuckDB refuses it."""
    try:
        if not duckdb.extract_statements(sql):
            raise QueryError("the query is empty", 'ask for example `armazem sql "show all tables"`')
        cursor = connection.execute(sql, parameters)
        rows = tuple(cursor.fetchall())
        return Rows(tuple(column[0] for column in cursor.description or ()), rows)
    except duckdb.Error as error:
        raise QueryError(
            str(error).strip(), '`armazem sql "show all tables"` lists the tables and their columns'
        ) from error


def _confine(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    # The views of `live` read the journal, wherever the home folder is by now.
    journal = sql_path(home.journal)  # DuckDB compares a pattern with the folders as it is written
    connection.execute(
        f"set timezone = 'UTC'; set variable armazem_journal = {journal}; "
        f"set allowed_directories = [{journal}, {sql_text(home.journal)}]; "
        "set enable_external_access = false; set lock_configuration = true"
    )


def _published_file(home: Home) -> Path:
    current = versions.current_build(home)
    if current is None:
        raise HomeError(f"nothing is published in {home.root} yet", "run `armazem load PATH` and `armazem build`")
    path = versions.version_file(home, current)
    if not path.is_file():
        raise HomeError(f"the current version {current} is missing", "restore one with `armazem rollback BUILD_ID`")
    return path


def _failed_file(home: Home) -> Path:
    path = home.builds / versions.FAILED_FILE
    if not path.is_file():
        raise HomeError("no failed build is kept", "leave --failed out to query the published version")
    return path
