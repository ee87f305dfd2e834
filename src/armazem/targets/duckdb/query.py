"""Read-only queries on the published warehouse."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from armazem.errors import HomeError, QueryError
from armazem.home import Home
from armazem.targets.duckdb import versions
from armazem.targets.duckdb.confined import Limits, connect_published, connect_version, execution, too_large
from armazem.targets.duckdb.statements import mentions_live, reading_statements
from armazem.targets.rows import Rows

_KEPT_ROWS = 200_000
_PIECE, _FIRST_PIECE = 10_000, 100  # rows at once
_PIECE_BYTES = 1 << 22  # of their texts, about
_NO_LIMITS = Limits()
_SHOW = re.compile(r"\s*show\s+(all\s+)?tables\s*;?\s*", re.IGNORECASE)
# As they would be without a catalog in memory beside the published one.
_ALL_TABLES = "from (show all tables) where database = current_database() order by all"
_TABLES = (
    'select schema_name as "schema", table_name as "table" from ('
    "select schema_name, table_name from duckdb_tables() where database_name = current_database() and not internal "
    "union all "
    "select schema_name, view_name from duckdb_views() where database_name = current_database() and not internal"
    ") order by all"
)


@contextmanager
def open_published(
    home: Home, *, failed: bool = False, live: bool = True, limits: Limits = _NO_LIMITS
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to one version, which it keeps whatever is published meanwhile. It can open and write no file.

    `failed`: the newest build that failed its audit instead. `live`: with the schema `live`, of the events that there
    are now; without it that schema cannot be read.
    Raises HomeError where there is nothing to open.
    """
    home.open(create=False)
    file = _failed_file(home) if failed else _published_file(home)
    with closing(connect_version(home, file, "failed" if failed else "published", live, limits)) as connection:
        yield connection


class Published:
    """The published version, held open, for a process that answers many queries. Thread-safe.

    A version never changes, so its answers are kept: the last `answers` of them, of the version that is current.
    """

    # One thread a query: more of them make small queries no faster, and large ones run beside each other.
    def __init__(self, home: Home, *, threads: int = 1, memory_limit: str = "256MB", answers: int = 2000) -> None:
        self._home = home
        self._limits = Limits(memory=memory_limit, threads=threads)
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
                rows = fetch(cursor, sql, parameters, self._limits)
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
                path.stem, connect_published(path, self._limits)
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


def run_query(
    home: Home, sql: str, parameters: Sequence[Any] = (), *, failed: bool = False, limits: Limits = _NO_LIMITS
) -> Rows:
    """The answer to one query. Raises QueryError where it does anything but read, or DuckDB refuses it."""
    with open_published(home, failed=failed, live=mentions_live(sql), limits=limits) as connection:
        return fetch(connection, sql, parameters, limits)


def fetch(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = (), limits: Limits = _NO_LIMITS
) -> Rows:
    """The answer to the last statement, on this connection, within the limits; the parameters are for that one.

    Raises QueryError where a statement does anything but read, DuckDB refuses it, or it goes beyond a limit.
    """
    if show := _SHOW.fullmatch(sql):
        sql = _ALL_TABLES if show[1] else _TABLES
    *before, last = reading_statements(sql)
    with execution(connection, limits):
        for statement in before:
            connection.execute(statement)
        # Without parameters none are handed over: for the first ones DuckDB imports pandas.
        answer = connection.execute(last, parameters) if parameters else connection.execute(last)
        rows: list[tuple[Any, ...]] = []
        size, at_once = 0, _FIRST_PIECE
        while piece := answer.fetchmany(at_once):
            rows += piece
            texts = sum(len(value) for row in piece for value in row if isinstance(value, str | bytes))
            size += texts
            if size > limits.bytes:
                raise too_large(limits)
            at_once = max(1, min(_PIECE, _PIECE_BYTES * len(piece) // (texts + 1)))
            if len(rows) > limits.rows:
                raise QueryError(
                    f"the answer has more than {limits.rows:,} rows",
                    "add a `limit`, use `armazem export parquet` for whole tables, or raise ARMAZEM_QUERY_ROWS",
                )
        return Rows(tuple(column[0] for column in answer.description or ()), tuple(rows))


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
