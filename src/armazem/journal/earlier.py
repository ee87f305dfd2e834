"""Events of the journal by their numbers: a few of millions, without reading what lies between.

In a segment of lines they are searched by halving, as its numbers only grow; a block that is read serves all that lie
in it. Of a Parquet file DuckDB reads the row groups that may have them.
"""

from __future__ import annotations

import contextlib
import logging
import os
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import duckdb
import msgspec

from armazem.home import Home
from armazem.journal.journal import claimed_seq, decode_line
from armazem.journal.reading import parquet_source
from armazem.journal.segments import Segment, list_segments

_BLOCK = 1 << 15  # bytes that are read as a whole
_HEAD = 26  # bytes that have a line's number
_PIECE = 1 << 12

_logger = logging.getLogger(__name__)


class Earlier(NamedTuple):
    """An event of the journal. `data`: as its JSON decodes; `raw` as there."""

    event_id: str
    sender: str | None
    event_type: str
    timestamp: datetime
    data: Any
    raw: str | None


class EarlierEvents:
    """Finds events of one journal. Not for several threads; `close` it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._segments: list[Segment] = []  # of the last look: to list the journal of a year takes 80 ms
        self._connection: duckdb.DuckDBPyConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def find(self, seqs: Collection[int]) -> dict[int, Earlier | bytes]:
        """Return the events with these numbers, of lines the lines. One that cannot be read is missing, and logged."""
        found = self._look(seqs)
        if missing := [seq for seq in seqs if seq not in found]:  # as where a segment was begun since
            self._segments = list_segments(self._home.journal)
            found |= self._look(missing)
        if missing := [seq for seq in missing if seq not in found]:
            _logger.warning("%d events of the journal cannot be read, such as number %d", len(missing), missing[0])
        return found

    def _look(self, seqs: Collection[int]) -> dict[int, Earlier | bytes]:
        """Those that are in the segments of the last look."""
        found: dict[int, Earlier | bytes] = {}
        firsts = [segment.first for segment in self._segments]
        for at, group in groupby(sorted(seqs), lambda seq: bisect_right(firsts, seq) - 1):
            wanted = list(group)
            if at < 0:
                continue
            path = self._segments[at].path
            try:
                found.update(self._of_segment(path, wanted))
            except (OSError, duckdb.Error) as error:
                _logger.warning("%s cannot be read: %s", path, str(error).partition("\n")[0])
        return found

    def _of_segment(self, path: Path, seqs: Sequence[int]) -> Iterator[tuple[int, Earlier | bytes]]:
        if path.suffix == ".jsonl":
            with contextlib.suppress(FileNotFoundError):  # compacted this moment
                with _Lines(path) as lines:
                    yield from lines.find(seqs)
                return
            path = path.with_suffix(".parquet")
        yield from self._compacted(path, seqs)

    def _compacted(self, path: Path, seqs: Sequence[int]) -> Iterator[tuple[int, Earlier]]:
        if self._connection is None:
            self._connection = duckdb.connect(config={"memory_limit": "512MB", "threads": 2, "temp_directory": ""})
        numbers = ", ".join(map(str, seqs))
        rows = self._connection.execute(
            f"select seq, event_id, sender, event_type, timestamp, data, raw from {parquet_source([path])} "
            f"where seq between {seqs[0]} and {seqs[-1]} and seq in ({numbers})"
        ).fetchall()
        for seq, event_id, sender, event_type, timestamp, data, raw in rows:
            yield seq, Earlier(event_id, sender, event_type, timestamp, _plain(data), raw)


def event_of_line(line: bytes) -> Earlier | None:
    """Return a line of the journal; None where the bytes are no such line."""
    record = decode_line(line)
    if record is None:
        return None
    data = msgspec.json.decode(record.data)
    return Earlier(record.event_id, record.sender, record.event_type, record.timestamp, data, record.raw)


def _plain(value: Any) -> Any:
    """A value of DuckDB as the JSON of a line decodes, where absent columns are absent."""
    if isinstance(value, Mapping):
        return {name: _plain(field) for name, field in value.items() if field is not None}
    if isinstance(value, list):
        return [_plain(row) for row in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else value


class _Lines:
    """A segment of lines, open. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._file).st_size

    def __enter__(self) -> _Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def find(self, seqs: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """The lines with these numbers, which grow."""
        block: dict[int, bytes] = {}
        for seq in seqs:
            if seq not in block:
                block = self._around(seq)
            if seq in block:
                yield seq, block[seq]

    def _around(self, seq: int) -> dict[int, bytes]:
        """The lines of the block where this number must be, by their numbers."""
        low, high = 0, self._size  # where its line begins
        while high - low > _BLOCK:
            middle = (low + high) // 2
            line = self._numbered(middle, high)
            if line is None or line[1] > seq:
                high = middle
            else:
                low = line[0]
        end = self._after_break(high - 1) if high < self._size else self._size
        content = os.pread(self._file, max(end, high) - low, low)
        lines = content.split(b"\n")[:-1]
        return {number: line for line in reversed(lines) if (number := claimed_seq(line))}

    def _numbered(self, start: int, stop: int) -> tuple[int, int] | None:
        """Offset and number of the first line that begins in this stretch and has a number."""
        at = self._after_break(start - 1)
        while at < stop:
            if number := claimed_seq(os.pread(self._file, _HEAD, at)):
                return at, number
            at = self._after_break(at)
        return None

    def _after_break(self, at: int) -> int:
        """The offset after the first line break from here on; the file's size where there is none."""
        size = _PIECE
        while piece := os.pread(self._file, size, at):
            if (found := piece.find(b"\n")) >= 0:
                return at + found + 1
            at += len(piece)
            size *= 2
        return self._size
