"""What stands around a load: the lock of the landing zone, and the words for what the disk has against it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb
from filelock import FileLock, Timeout

from armazem.errors import HomeError
from armazem.home import Home


@contextmanager
def locked(home: Home, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the landing zone alone. Waits for another process, after telling `on_wait`."""
    lock = FileLock(home.landing / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def disk_errors(home: Home) -> Iterator[None]:
    """Turn what the operating system or DuckDB says about the disk or the memory into a HomeError."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise _home_error(home, full, error.strerror or str(error), error.filename) from error
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        text = str(error).splitlines()[0]
        raise _home_error(home, "no space left" in text.lower(), text, None) from error


def _home_error(home: Home, full: bool, reason: str, path: str | None) -> HomeError:
    if full:
        return HomeError(
            f"no space left on the disk of {home.root}; nothing was loaded",
            "free some space, or set ARMAZEM_HOME to another disk",
        )
    where = path or home.root
    return HomeError(f"cannot use {where}: {reason}; nothing was loaded", "check the disk and its permissions")
