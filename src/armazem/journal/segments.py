"""Numbered lines in segments: `date=<UTC day>/<number of the first line>.jsonl`, appended to by one writer."""

from __future__ import annotations

import contextlib
import errno
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from armazem.disk.durable import sync_path
from armazem.journal.appending import AppendFile


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """`first`: number of its first line. The numbers of its lines are below the next segment's first."""

    first: int
    path: Path

    @property
    def compacted(self) -> bool:
        return self.path.suffix == ".parquet"


def list_segments(folder: Path, *, after: int = 0, up_to: int | None = None) -> list[Segment]:
    """The segments below a folder, by number; of one that is there twice the compacted one.

    `after`, `up_to`: without those that surely hold no number above the one, and none up to the other.
    """
    found: dict[int, Segment] = {}
    for suffix in (".jsonl", ".parquet"):
        for path in folder.glob(f"date=*/*{suffix}"):
            if path.stem.isdecimal():
                found[int(path.stem)] = Segment(int(path.stem), path)
    ordered = sorted(found.values())
    return [
        segment
        for segment, following in zip_longest(ordered, ordered[1:])
        if not (following and following.first <= after + 1) and (up_to is None or segment.first <= up_to)
    ]


class SegmentWriter:
    """Appends lines, and begins a new segment where the old one is large, old or of another UTC day.

    `next_number`: of the next line. `active`: the segment that may still grow; all others are closed. `uncertain`:
    lines of a failed write may be there, whole, so nothing may be written behind them.
    """

    def __init__(self, folder: Path, next_number: int, *, max_bytes: float, max_seconds: float) -> None:
        self.next_number = next_number
        self.uncertain = False
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._file: AppendFile | None = None
        self._opened = 0.0

    @property
    def active(self) -> Path | None:
        return self._file.path if self._file else None

    def append(self, lines: bytes, count: int, now: datetime) -> int:
        """Bring so many lines to the disk with one write, and return the number of the last one.

        The lines carry the numbers from `next_number` on. Raises OSError, and then none of them counts, and
        their numbers are not given again: somebody may have read a line before it was taken back. Where that failed
        too, it is `uncertain`, and raises OSError from then on.
        """
        if self.uncertain:
            raise OSError(errno.EIO, "an earlier write failed, and could not be taken back")
        self.close_if_due(now)
        file = self._file or self._open(now)
        try:
            file.append(lines)
        except OSError:
            self.next_number += count
            self.uncertain = file.uncertain
            if file.broken or not file.size:
                self._abandon(file)
            raise
        self.next_number += count
        return self.next_number - 1

    def close_if_due(self, now: datetime) -> None:
        """Close a segment that is large or old enough, or of another day."""
        if self._file and (
            self._file.size >= self._max_bytes
            or time.monotonic() - self._opened >= self._max_seconds  # the clock may be set back
            or self._file.path.parent.name != _day(now)
        ):
            self.close()

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _open(self, now: datetime) -> AppendFile:
        day = self._folder / _day(now)
        if not day.is_dir():
            day.mkdir(parents=True, exist_ok=True)
            sync_path(self._folder)
        self._file = AppendFile(day / f"{self.next_number:016d}.jsonl")
        self._opened = time.monotonic()
        return self._file

    def _abandon(self, file: AppendFile) -> None:
        self.close()
        if not file.size and not file.uncertain:
            with contextlib.suppress(OSError):  # an empty segment harms nobody
                file.path.unlink()


def _day(now: datetime) -> str:
    return f"date={now.astimezone(UTC):%Y-%m-%d}"
