"""A file that only grows, and whose bytes are on the disk when `append` returns."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from armazem.landing.durable import sync_path


class AppendFile:
    """Opened for appending, created if it is missing. One writer; the caller sees to that.

    `size`: bytes that are on the disk. `broken`: the file must not be written again, because nobody knows
    what the disk holds of it.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self.broken = False
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            self.size = os.fstat(self._descriptor).st_size
            sync_path(path.parent)
        except OSError:
            os.close(self._descriptor)
            raise

    def append(self, data: bytes) -> None:
        """Write and flush. Raises OSError, and then the file ends where it ended before, or is `broken`."""
        try:
            self._write(data)
        except OSError:
            self._take_back()
            raise
        try:
            os.fsync(self._descriptor)
        except OSError:
            # The kernel may have dropped the pages and call the next fsync a success.
            self.broken = True
            self._take_back()
            raise
        self.size += len(data)

    def close(self) -> None:
        # What had to be on the disk is there: an error now says nothing new.
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.size)
            os.fsync(self._descriptor)
        except OSError:
            self.broken = True
