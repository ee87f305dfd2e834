"""What can go wrong between a message and the disk, for senders to act on."""

from __future__ import annotations

import errno
from pathlib import Path

from armazem.disk.causes import first_line
from armazem.errors import ArmazemError, HomeError

_FULL = (errno.ENOSPC, errno.EDQUOT)


class JournalError(ArmazemError):
    """Messages that could not be written. None of them counts as received; the sender may try again."""


class DiskFull(JournalError):
    """No space for the messages. It goes on by itself when there is space again."""


class JournalBroken(JournalError):
    """A write failed, and so did taking it back: nobody knows what the disk holds. Nothing is written any more."""


class QueueFull(ArmazemError):
    """Too many messages wait to be written. `retry_after`: seconds after which there should be room."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many messages wait to be written", f"send them again in {retry_after:.1f} s")
        self.retry_after = retry_after


def unreadable(path: Path, error: Exception) -> HomeError:
    """A file of the journal that is damaged: what is in it is nowhere else."""
    return HomeError(f"{path} cannot be read: {first_line(error)}", "restore it, or move it out of the home")


def write_error(error: OSError, where: Path, *, uncertain: bool = False) -> JournalError:
    """The error of a write below `where`, in the words of a user; `uncertain`: it could not be taken back."""
    if uncertain:
        return JournalBroken(
            f"a write below {where} failed and could not be taken back: {error.strerror or error}",
            "check the disk, start armazem again, which looks what is there, then send the messages again",
        )
    if error.errno in _FULL:
        return DiskFull(f"no space left below {where}", "free some space there, then send the messages again")
    return JournalError(
        f"cannot write below {where}: {error.strerror or error}",
        "check the disk and the permissions there, then send the messages again",
    )
