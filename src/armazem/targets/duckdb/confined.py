"""Connections for readers: they can open no file but the version that they are on, and write none.

Three things hold independently of each other: the version is opened read-only, DuckDB may use no other file, and
only statements that read tables are run (`statements`).
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from armazem.config import Settings
from armazem.disk.causes import cause_of
from armazem.disk.sql import sql_text
from armazem.errors import HomeError, QueryError
from armazem.home import Home
from armazem.targets.duckdb.live_views import bind_live_views
from armazem.targets.duckdb.statements import CONFINED

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take: time, DuckDB's memory, rows of its answer. `threads`: of the connection; 0: all."""

    seconds: float = 600.0
    memory: str = "4GB"
    rows: int = 5_000_000
    threads: int = 0

    @property
    def bytes(self) -> float:
        """`memory` as a number, for what is outside of DuckDB; infinite where it is written as a share."""
        found = _SIZE.fullmatch(self.memory)
        if found is None:
            return math.inf
        scale: int = (1024 if found[3] else 1000) ** " KMGT".index(found[2].upper() or " ")
        return float(found[1]) * scale

    @property
    def config(self) -> dict[str, Any]:
        return {**CONFINED, "memory_limit": self.memory} | ({"threads": self.threads} if self.threads else {})


def limits_of(settings: Settings) -> Limits:
    return Limits(settings.query_timeout, settings.query_memory, settings.query_rows)


def connect_published(path: Path, limits: Limits) -> duckdb.DuckDBPyConnection:
    """On the file of a version, for many cursors; its schema `live` cannot be read. Raises HomeError."""
    try:
        connection = duckdb.connect(str(path), read_only=True, config=limits.config)
    except duckdb.Error as error:
        raise _not_opened(path, error) from error
    _confine(connection)
    return connection


def connect_version(home: Home, path: Path, name: str, live: bool, limits: Limits) -> duckdb.DuckDBPyConnection:
    """In memory, with the file attached under this name; with `live` over the events of now. Raises HomeError."""
    try:
        connection = duckdb.connect(config=limits.config)
    except duckdb.Error as error:
        raise QueryError(str(error).strip(), "correct ARMAZEM_QUERY_MEMORY, such as 4GB") from error
    try:
        connection.execute(f"attach {sql_text(path)} as {name} (read_only); set timezone = 'UTC'")
    except duckdb.Error as error:
        connection.close()
        raise _not_opened(path, error) from error
    try:
        if live:
            bind_live_views(connection, home, name)
    except duckdb.OutOfMemoryException as error:
        connection.close()
        raise too_large(limits) from error
    except duckdb.Error as error:
        connection.close()
        raise QueryError(
            f"the schema live cannot be read: {_first_line(error)}",
            "`armazem build` takes in the events so far and makes its views anew",
        ) from error
    # A name is looked for in the file, `live` in memory.
    connection.execute(f"set search_path = '{name}.main{',memory.live' if live else ''}'")
    _confine(connection)
    return connection


@contextmanager
def execution(connection: duckdb.DuckDBPyConnection, limits: Limits) -> Iterator[None]:
    """Interrupt what runs on the connection when its time is over, and say of DuckDB's errors what to do."""
    over = threading.Event()

    def interrupt() -> None:
        over.set()
        connection.interrupt()

    timer = threading.Timer(limits.seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        if not over.is_set():
            raise
        raise QueryError(
            f"the query took longer than {limits.seconds:g} s and was stopped",
            "narrow it, or give it more time: --timeout, or ARMAZEM_QUERY_TIMEOUT",
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise too_large(limits) from error
    except duckdb.PermissionException as error:
        raise QueryError(
            f"only the tables of the warehouse can be read here: {_first_line(error)}",
            '`armazem sql "show tables"` lists them',
        ) from error
    except (duckdb.IOException, duckdb.FatalException, duckdb.SerializationException) as error:
        cause = cause_of(error, Path())  # DuckDB names the file itself
        hint = cause.hint or "`armazem rollback` restores another version"
        raise QueryError(f"the version cannot be read: {cause.reason}", hint) from error
    except duckdb.Error as error:
        hint = '`armazem sql "show tables"` lists the tables, `describe SCHEMA.TABLE` the columns of one'
        raise QueryError(str(error).strip(), hint) from error
    finally:
        timer.cancel()


def too_large(limits: Limits) -> QueryError:
    return QueryError(
        f"the query needs more memory than the {limits.memory} that it may have",
        "ask for fewer rows or columns, or raise ARMAZEM_QUERY_MEMORY",
    )


def _confine(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("set timezone = 'UTC'; set enable_external_access = false; set lock_configuration = true")


def _not_opened(path: Path, error: duckdb.Error) -> HomeError:
    cause = cause_of(error, path)
    if cause.locked:
        return HomeError(
            f"{path} is open for writing elsewhere: {cause.reason}",
            "close the program that holds it, or let it open the file read-only",
        )
    return HomeError(f"{path} cannot be opened: {cause.reason}", cause.hint or "`armazem rollback` restores a version")


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().partition("\n")[0]
