"""The DuckDB that does the work of a load: without a file of its own, and with bounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

_MEMORY_LIMIT = "2GB"
_THREADS = 2


@contextmanager
def scratch(work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection that spills to folder `work`."""
    connection = duckdb.connect(
        config={
            "threads": _THREADS,
            "memory_limit": _MEMORY_LIMIT,
            "temp_directory": str(work / "duckdb"),
            "autoinstall_known_extensions": False,
        }
    )
    try:
        yield connection
    finally:
        connection.close()
