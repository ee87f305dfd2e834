"""Read-only queries on the published warehouse."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from armazem.errors import HomeError, QueryError
from armazem.home import Home
from armazem.stream.reading import sql_path, sql_text
from armazem.warehouse import versions

_KEPT_ROWS = 200_000


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
    with closing(_connect(home, _failed_file(home) if failed else _published_file(home))) as connection:
        yield connection


class Published:
    """The published version, held open, for a process that answers many queries. Thread-safe.

    A version never changes, so its answers are kept: the last `answers` of them, of the version that is current.
    """

    # One thread a query: more of them make small queries no faster, and large ones run beside each other.
    def __init__(self, home: Home, *, threads: int = 1, memory_limit: str = "256MB", answers: int = 2000) -> None:
        self._home = home
        self._config = {"threads": threads, "memory_limit": memory_limit}
        self._answers = answers
        self._kept: OrderedDict[tuple[str, tuple[Any, ...]], Rows] = OrderedDict()
        self._kept_rows = 0
        self._lock = threading.Lock()
        self._version: _Version | None = None
        self._leaving: dict[str, _Version] = {}  # not current any more, but with queries that have not ended

    @property
    def home(self) -> Home:
        return self._home

    def build_id(self) -> str | None:
        """Of the version that is current now; None where nothing is published. Raises HomeError."""
        return versions.current_build(self._home)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        """The answer of the current version, to a query on its own tables (`live` changes: it is not for here).

        Raises HomeError where there is nothing to open, QueryError where DuckDB refuses the query.
        """
        return self.query_build(sql, parameters)[1]

    def query_build(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[str, Rows]:
        """The same, with the build that it is of."""
        key = (sql, tuple(parameters))
        with self._lock:
            version = self._open()
            if (rows := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return version.build, rows
            version.queries += 1
            cursor = version.connection.cursor()
        try:
            with closing(cursor):
                rows = fetch(cursor, sql, parameters)
        finally:
            with self._lock:
                version.queries -= 1
                self._let_go(version)
        with self._lock:
            if version is self._version and key not in self._kept and len(rows.rows) <= _KEPT_ROWS // 20:
                self._kept[key] = rows
                self._kept_rows += len(rows.rows)
                while len(self._kept) > self._answers or self._kept_rows > _KEPT_ROWS:
                    self._kept_rows -= len(self._kept.popitem(last=False)[1].rows)
        return version.build, rows

    def batches(self, sql: str, parameters: Sequence[Any] = (), *, size: int = 5000) -> Iterator[Rows]:
        """The answer some rows at a time, all of one version and not kept. Raises as `query` does."""
        with self._lock:
            version = self._open()
            version.queries += 1
            cursor = version.connection.cursor()
        try:
            with closing(cursor):
                answer = cursor.execute(sql, parameters)
                columns = tuple(column[0] for column in answer.description or ())
                yield Rows(columns, ())
                while rows := answer.fetchmany(size):
                    yield Rows(columns, tuple(rows))
        except duckdb.Error as error:
            raise QueryError(str(error).strip(), "load the page again") from error
        finally:
            with self._lock:
                version.queries -= 1
                self._let_go(version)

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _open(self) -> _Version:
        if self._version is None or self._version.build != versions.current_build(self._home):
            self._forget()
            path = _published_file(self._home)
            # Who goes back to a version that is still open gets that one: DuckDB opens no file twice.
            self._version = self._leaving.pop(path.stem, None) or _Version(
                path.stem, _connect(self._home, path, self._config)
            )
        return self._version

    def _forget(self) -> None:
        old, self._version = self._version, None
        if old:
            self._leaving[old.build] = old
            self._let_go(old)
        self._kept.clear()
        self._kept_rows = 0

    def _let_go(self, version: _Version) -> None:
        # Closing a connection ends the queries of its cursors.
        if version is not self._version and not version.queries:
            version.connection.close()
            self._leaving.pop(version.build, None)


@dataclass(slots=True, eq=False)
class _Version:
    build: str
    connection: duckdb.DuckDBPyConnection
    queries: int = 0


def run_query(home: Home, sql: str, parameters: Sequence[Any] = (), *, failed: bool = False) -> Rows:
    """The answer to one query. Raises QueryError where DuckDB refuses it."""
    with open_published(home, failed=failed) as connection:
        return fetch(connection, sql, parameters)


def fetch(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """The answer to one query on this connection. Raises QueryError where DuckDB refuses it."""
    try:
        cursor = connection.execute(sql, parameters)
        if cursor is None:
            raise QueryError("the query is empty", 'ask for example `armazem sql "show all tables"`')
        rows = tuple(cursor.fetchall())
        return Rows(tuple(column[0] for column in cursor.description or ()), rows)
    except duckdb.Error as error:
        raise QueryError(
            str(error).strip(), '`armazem sql "show all tables"` lists the tables and their columns'
        ) from error


def _connect(home: Home, path: Path, config: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=True, config=dict(config or {}))
    except duckdb.Error as error:
        raise HomeError(f"{path} cannot be opened: {error}", "`armazem rollback` restores a version") from error
    _confine(connection, home)
    return connection


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
