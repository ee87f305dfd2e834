"""One writer of the journal at a time on one home folder; a second one is told who that is."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from armazem.errors import HomeError
from armazem.home import Home

_HINT = "send the events to that process (--to URL where it is `armazem serve`), or stop it"


class JournalHeld(HomeError):
    """Another process writes the journal."""


@contextmanager
def journal_lock(home: Home) -> Iterator[None]:
    """Hold the lock of the journal's writer. The lock is the kernel's: a killed holder frees it.

    Raises JournalHeld at once where another process holds it, HomeError where it cannot be taken.
    """
    lock = FileLock(home.journal / ".lock", thread_local=False)
    holder_file = home.journal / ".lock-holder.json"
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise JournalHeld(f"the journal of {home.root} is written by {_describe(holder_file)}", _HINT) from error
    except OSError as error:
        raise HomeError(
            f"the journal of {home.root} cannot be locked: {error.strerror or error}",
            "check the permissions there, or set ARMAZEM_HOME to another folder",
        ) from error
    try:
        _name_holder(holder_file)
        yield
    finally:
        with contextlib.suppress(OSError):  # the next holder overwrites it
            holder_file.unlink(missing_ok=True)
        lock.release()


def _name_holder(holder_file: Path) -> None:
    holder = {
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["armazem", *sys.argv[1:]]),
    }
    try:
        holder_file.write_text(json.dumps(holder), encoding="utf-8")
    except OSError:  # such as a full disk: the lock holds without it
        holder_file.unlink(missing_ok=True)


def _describe(holder_file: Path) -> str:
    try:
        holder = json.loads(holder_file.read_text(encoding="utf-8"))
        return f"process {holder['pid']} ({holder['command']}) since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it is just starting or just ending
        return "a process that has not said who it is yet"
