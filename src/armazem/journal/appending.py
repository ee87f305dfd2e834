"""A file that only grows, and whose bytes are on the disk when `append` returns."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from armazem.disk.durable import sync_path

# Write only at the end, and return when the bytes are on the disk: one call, so that another thread can go on
# from its first moment to its last.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_DSYNC
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class AppendFile:
    """Opened for appending, created if it is missing. One writer; the caller sees to that.

    `size`: bytes that are on the disk. `broken`: the file must not be written again. `uncertain`: nor anything after
    it, because nobody knows what the disk holds behind `size`.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self.broken = self.uncertain = False
        self._descriptor = os.open(path, _FLAGS, 0o644)
        try:
            self.size = os.fstat(self._descriptor).st_size
            sync_path(path.parent)
        except OSError:
            os.close(self._descriptor)
            with contextlib.suppress(OSError):
                if not path.stat().st_size:  # nobody is to take it for a segment
                    path.unlink()
            raise

    def append(self, data: bytes) -> None:
        """Bring it to the disk. Raises OSError, and then the file ends where it ended before, or is `uncertain`."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            # Unless there was no room, the kernel may have dropped the pages and call the next write a success.
            self.broken = error.errno not in _NO_ROOM
            self._take_back()
            raise
        self.size += len(data)

    def close(self) -> None:
        # What had to be on the disk is there: an error now says nothing new.
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
        except OSError:
            self.broken = self.uncertain = True
