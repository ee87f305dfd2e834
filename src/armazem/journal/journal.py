"""The journal: every accepted event, one line each, numbered, on the disk before its sender hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from armazem.config import Settings
from armazem.home import Home
from armazem.journal.errors import unreadable, write_error
from armazem.journal.lines import read_lines
from armazem.journal.segments import Segment, SegmentWriter, list_segments


class JournalLine(msgspec.Struct, gc=False):
    """What every line of the journal has; `data` as its JSON."""

    seq: int
    received_at: datetime
    source: str
    event_type: str
    event_id: str
    timestamp: datetime
    data: msgspec.Raw
    raw: str | None = None
    sender: str | None = None


_DECODER = msgspec.json.Decoder(JournalLine)


def decode_line(line: bytes) -> JournalLine | None:
    """Return a line of the journal; None where the bytes are no such line."""
    try:
        if not line.isascii():
            line.decode()  # msgspec skips `data` without a look at its characters
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def are_lines(contents: Sequence[bytes]) -> bool:
    """Return whether `decode_line` takes all of them; for many in two thirds of the time."""
    decode = _DECODER.decode
    try:
        for content in contents:
            decode(content)
        if not all(map(bytes.isascii, contents)):
            b"".join(contents).decode()  # none goes on in the next line: each ends with a brace
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def claimed_seq(line: bytes) -> int:
    """Return the number that a line begins with, without a look at the rest of it; 0 where there is none."""
    number, comma, _ = line[7:26].partition(b",")
    return int(number) if line.startswith(b'{"seq":') and comma and number.isdigit() else 0


def utc_now() -> datetime:
    """Return this moment, with its zone."""
    return datetime.now(UTC)


def received_at(now: datetime) -> str:
    """Return a time as the lines of the journal have it."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Journal:
    """The writing end. Whoever opens it holds `journal_lock` and has run `recover`."""

    def __init__(self, home: Home, settings: Settings, *, at_least: int = 0) -> None:
        """Numbers go on after the last line, and after `at_least`. Raises HomeError."""
        self._writer = SegmentWriter(
            home.journal,
            max(at_least, last_number(home)) + 1,
            max_bytes=settings.segment_megabytes * 2**20,
            max_seconds=settings.segment_seconds,
        )
        self.folder = home.journal

    @property
    def next_seq(self) -> int:
        return self._writer.next_number

    @property
    def active(self) -> Path | None:
        """The segment that may still grow. All others are closed."""
        return self._writer.active

    def append(self, lines: bytes, count: int, now: datetime) -> int:
        """Bring so many whole lines, numbered from `next_seq` on, to the disk; the number of the last one.

        Raises DiskFull or JournalError, and then none of them is in the journal, and `next_seq` has gone on
        as their numbers are not given again; JournalBroken where they may be there.
        """
        try:
            return self._writer.append(lines, count, now)
        except OSError as error:
            raise write_error(error, self.folder, uncertain=self._writer.uncertain) from error

    def close_if_due(self, now: datetime) -> None:
        """Close the segment where it is large, old or of another UTC day."""
        self._writer.close_if_due(now)

    def close(self) -> None:
        self._writer.close()


def last_number(home: Home) -> int:
    """Return the highest number that a line of the journal has, or may have had; 0 where there is none."""
    segments = list_segments(home.journal)
    return _last_of(segments[-1]) if segments else 0


def _last_of(segment: Segment) -> int:
    try:
        if segment.compacted:
            with duckdb.connect() as connection:
                row = connection.execute("select max(seq) from read_parquet(?)", [str(segment.path)]).fetchone()
            return max(segment.first, int(row[0]) if row and row[0] is not None else 0)
        last = segment.first - 1
        for line in read_lines(segment.path):
            last = max(last + 1, claimed_seq(line.content))  # a line that cannot be read had a number too
    except (OSError, duckdb.Error) as error:
        raise unreadable(segment.path, error) from error
    return last
