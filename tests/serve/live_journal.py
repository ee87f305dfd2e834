"""Journals and published versions for the tests of the live state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from contract.event_examples import NOW, ZONE, canonical

from armazem.contract.events import Accepted, process_batch
from armazem.home import Home
from armazem.stream.journal import line_prefix
from armazem.stream.segments import SegmentWriter
from armazem.warehouse.versions import make_current, version_file


def accepted(messages: Sequence[Any]) -> list[bytes]:
    """What the core makes of messages that are good."""
    results = process_batch([canonical(message) for message in messages], NOW, ZONE)
    assert all(isinstance(result, Accepted) for result in results), results
    return [result.line for result in results if isinstance(result, Accepted)]


class Writer:
    """Writes accepted events to a journal with its own segment writer, duplicates too, which `Ingest` would not."""

    def __init__(self, home: Home, *, lines_per_segment: int = 1_000_000) -> None:
        self.lines: list[bytes] = []
        self._home = home
        self._lines_per_segment = lines_per_segment
        self._segments = self._open()

    def write(self, events: Sequence[bytes], received_at: datetime | None = None) -> list[bytes]:
        """The lines as they stand in the journal now."""
        prefix = line_prefix("http", received_at or NOW - timedelta(seconds=30))
        first = self._segments.next_number
        lines = [b'{"seq":%d%b%b\n' % (first + n, prefix, event) for n, event in enumerate(events)]
        for line in lines:
            if len(self.lines) % self._lines_per_segment == 0:
                self._segments.close()
            self._segments.append([line], datetime(2026, 11, 23, tzinfo=UTC))
            self.lines.append(line)
        return lines

    def skip(self, numbers: int) -> None:
        """Give up numbers, as after a write that failed."""
        self._segments.next_number += numbers

    def close(self) -> None:
        self._segments.close()

    def _open(self) -> SegmentWriter:
        return SegmentWriter(self._home.journal, 1, max_bytes=1e9, max_seconds=1e9)


def publish(home: Home, build_id: str, states: Mapping[str, str | None]) -> Path:
    """Publish a version that has these customers and nothing else."""
    path = version_file(home, build_id)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema staging")
        connection.execute("create table staging.stg_customers (customer_id varchar, customer_state varchar)")
        for row in states.items():
            connection.execute("insert into staging.stg_customers values (?, ?)", row)
    make_current(home, build_id)
    return path
