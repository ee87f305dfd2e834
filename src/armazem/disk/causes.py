"""Why the operating system or DuckDB refused something, in the words of a user, and what helps against it."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

_SPACE = "free some space there, or use another disk"
_PERMISSION = "check the permissions there"
_OF_SYSTEM = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: "it is mounted read-only: use another folder",
    errno.EMFILE: "allow more open files: `ulimit -n 4096`",
    errno.ENFILE: "close other programs: the whole system has too many files open",
    errno.ENOMEM: "close other programs: the memory is full",
    errno.ENOENT: "has somebody moved or deleted it meanwhile? try again",
}
_DISK = "check the disk and its permissions"
# DuckDB has one class for all that the system refuses; its texts tell the reasons apart.
_OF_DUCKDB = (
    (r"no space left|max_temp_directory_size|disk quota", _SPACE),
    (r"conflicting lock is held|could not set lock", "close that program: while it has the file open nobody can"),
    (r"permission denied|operation not permitted", _PERMISSION),
    (r"read-only file system", _OF_SYSTEM[errno.EROFS]),
    (r"too many open files", _OF_SYSTEM[errno.EMFILE]),
    (
        r"version number|newer version|different version|storage version",
        "another version of DuckDB wrote that file: use the armazem that did, or `armazem build --full-refresh`",
    ),
    (
        r"corrupt|checksum|not a valid duckdb|enough bytes|deserialize",
        "that file is damaged: `armazem rollback` restores a version, `armazem build --full-refresh` makes one anew",
    ),
    (r"no such file|does not exist", _OF_SYSTEM[errno.ENOENT]),
)
_MEMORY = "give it more memory (ARMAZEM_MEMORY_LIMIT) or fewer threads (ARMAZEM_THREADS)"


@dataclass(frozen=True, slots=True)
class Cause:
    """`reason`: what is wrong, on one line. `hint`: what helps; empty where nobody knows.

    `full`: there is no space left. `locked`: another program has the file open for writing.
    """

    reason: str
    hint: str
    full: bool = False
    locked: bool = False


def cause_of(error: OSError | duckdb.Error, where: Path) -> Cause:
    """The cause of an error in a work on files below `where`.

    Only what is told of the disk, the permissions or the memory is called that.
    """
    if isinstance(error, OSError):
        hint = _OF_SYSTEM.get(error.errno or 0, _DISK)
        return Cause(f"{error.filename or where}: {error.strerror or error}", hint, full=hint is _SPACE)
    reason = first_line(error)
    if isinstance(error, duckdb.OutOfMemoryException):
        full = re.search(_OF_DUCKDB[0][0], str(error), re.IGNORECASE) is not None
        return Cause(reason, _SPACE if full else _MEMORY, full=full)
    if isinstance(error, duckdb.IOException | duckdb.SerializationException):
        hint = next((hint for said, hint in _OF_DUCKDB if re.search(said, reason, re.IGNORECASE)), _DISK)
        return Cause(reason, hint, full=hint is _SPACE, locked="lock is held" in reason or "set lock on" in reason)
    return Cause(reason, "")


def first_line(error: BaseException) -> str:
    """What an error says, without the statement that DuckDB shows below it, or the request of Google's clients."""
    said = str(getattr(error, "message", "") or error).strip()
    return (said.splitlines() or [type(error).__name__])[0][:500]
