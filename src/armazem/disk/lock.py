"""One build at a time on one home folder; who waits is told for whom."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from armazem.errors import HomeError
from armazem.home import Home


@contextmanager
def build_lock(home: Home, *, timeout: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the build lock of this home folder; `waiting` is called once with the holder's description.

    The lock is the kernel's: a killed holder frees it. Raises HomeError after `timeout` seconds.
    """
    lock = FileLock(home.builds / ".lock")
    holder_file = home.builds / ".lock-holder.json"
    try:
        lock.acquire(blocking=False)
    except Timeout:
        holder = _describe(holder_file)
        waiting(holder)
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise HomeError(
                f"another build of {home.root} is under way: {holder}",
                "wait for it to end, or give --wait more seconds",
            ) from error
    try:
        holder_file.write_text(
            json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}),
            encoding="utf-8",
        )
        yield
    finally:
        holder_file.unlink(missing_ok=True)
        lock.release()


def _describe(holder_file: Path) -> str:
    try:
        holder = json.loads(holder_file.read_text(encoding="utf-8"))
        return f"process {holder['pid']} since {holder['since']}"
    except (OSError, ValueError, KeyError):  # it is just starting or just ending
        return "a process that has not said who it is yet"
