"""Standard error as a place where nobody may be listening: whoever reads the remarks may go away, the work goes on.

Progress is written from the threads of others, such as dbt's. An exception there ends the thread, and whoever waits
for it waits for ever.
"""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Unheard(io.FileIO):
    """A file whose writes cannot fail: what cannot be written is dropped."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            while (written := super().write(data)) is None:  # a terminal that somebody has made non-blocking
                select.select([], [self], [])
        except OSError:
            return memoryview(data).nbytes
        return written


def let_nobody_listen() -> None:
    """Put such a file in the place of sys.stderr. It stays as it is where it was closed before the start."""
    if sys.stderr is None:
        return
    try:
        raw = _Unheard(os.dup(sys.stderr.fileno()), "w")
    except (OSError, ValueError):  # it is no file of the system's
        return
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=sys.stderr.encoding, errors="backslashreplace", line_buffering=True
    )
