"""One process at a time for each kind of work on a home folder; who waits, or is refused, is told for whom.

The locks are the kernel's: a killed holder frees them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from armazem.errors import HomeError
from armazem.home import Home

FOR_EVER = -1.0


class Held(HomeError):
    """Another process has the lock."""


@contextmanager
def lock(
    path: Path, busy: str, hint: str, *, timeout: float = 0, waiting: Callable[[str], None] = lambda holder: None
) -> Iterator[None]:
    """Hold the lock file at `path`; beside it stands who has it.

    Where another process has it, `waiting` is called once with that one in words. Raises Held after `timeout` seconds,
    as "`busy` process 12 (armazem …) since …", and HomeError where the file cannot be locked.
    """
    file = FileLock(path, thread_local=False)
    holder_file = path.with_name(f"{path.name}-holder.json")
    try:
        try:
            file.acquire(blocking=False)
        except Timeout:
            if timeout:
                waiting(_holder(holder_file))
            file.acquire(timeout=timeout)
    except Timeout as error:
        raise Held(f"{busy} {_holder(holder_file)}", hint) from error
    except OSError as error:
        raise HomeError(
            f"{path} cannot be locked: {error.strerror or error}",
            "check the permissions there, or set ARMAZEM_HOME to another folder",
        ) from error
    try:
        _name_holder(holder_file)
        yield
    finally:
        with contextlib.suppress(OSError):  # the next holder overwrites it
            holder_file.unlink(missing_ok=True)
        file.release()


def build_lock(home: Home, *, timeout: float, waiting: Callable[[str], None]) -> AbstractContextManager[None]:
    """For who builds, or changes what builds read or publish."""
    busy = f"another build of {home.root} is under way:"
    hint = "wait for it to end, or give --wait more seconds"
    return lock(home.builds / ".lock", busy, hint, timeout=timeout, waiting=waiting)


def landing_lock(home: Home, on_wait: Callable[[], None]) -> AbstractContextManager[None]:
    """For who changes the landing zone. Waits for as long as it takes, after telling `on_wait`."""
    busy = f"another load of {home.root} is under way:"
    return lock(home.landing / ".lock", busy, "", timeout=FOR_EVER, waiting=lambda holder: on_wait())


def journal_lock(home: Home) -> AbstractContextManager[None]:
    """For who writes the journal."""
    hint = "send the events to that process (--to URL where it is `armazem serve`), or stop it"
    return lock(home.journal / ".lock", f"the journal of {home.root} is written by", hint)


def compaction_lock(home: Home, timeout: float = 0) -> AbstractContextManager[None]:
    """For who replaces whole segments of the journal."""
    busy = f"the journal of {home.root} is being compacted by"
    return lock(home.journal / ".compaction.lock", busy, "wait for that to end", timeout=timeout)


def replay_lock(home: Home) -> AbstractContextManager[None]:
    """For who replays dead letters."""
    busy = f"another replay of {home.root} is under way:"
    return lock(home.dead_letters / ".replay-lock", busy, "wait for it to end")


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


def _holder(holder_file: Path) -> str:
    try:
        holder = json.loads(holder_file.read_text(encoding="utf-8"))
        return f"process {holder['pid']} ({holder['command']}) since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it is just starting or just ending
        return "a process that has not said who it is yet"
