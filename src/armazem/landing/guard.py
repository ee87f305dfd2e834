"""The words for what the disk has against a load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from armazem.disk.causes import cause_of
from armazem.errors import HomeError
from armazem.home import Home


@contextmanager
def disk_errors(home: Home) -> Iterator[None]:
    """Turn what the operating system or DuckDB says about the disk or the memory into a HomeError."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        cause = cause_of(error, home.root)
        if cause.full:
            raise HomeError(
                f"no space left on the disk of {home.root}; nothing was loaded",
                "free some space, or set ARMAZEM_HOME to another disk",
            ) from error
        raise HomeError(
            f"the load stopped: {cause.reason}; nothing was loaded",
            cause.hint or "please report it with the file that it stopped at",
        ) from error
