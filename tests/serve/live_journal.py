"""Journals and published versions for the tests of the live state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from contract.event_examples import NOW, ZONE, canonical

from armazem.contract.events import Accepted, process_batch
from armazem.home import Home
from armazem.targets.duckdb.versions import make_current, version_file


def accepted(messages: Sequence[Any]) -> list[bytes]:
    """What the core makes of messages that are good."""
    results = process_batch([canonical(message) for message in messages], NOW, ZONE)
    assert all(isinstance(result, Accepted) for result in results), results
    return [result.line for result in results if isinstance(result, Accepted)]


class Writer:
    """Writes accepted events to a journal as its lines are defined, duplicates too, which `Ingest` would not."""

    def __init__(self, home: Home, *, lines_per_segment: int = 1_000_000) -> None:
        self.lines: list[bytes] = []
        self.next_seq = 1
        """May be raised: after a write that failed its numbers are not given again."""
        self._folder = home.journal / "date=2026-11-23"
        self._folder.mkdir()
        self._lines_per_segment = lines_per_segment

    def write(self, events: Sequence[bytes], received_at: datetime = NOW - timedelta(seconds=30)) -> list[bytes]:
        """The lines as they stand in the journal now."""
        head = f'"received_at":"{received_at:%Y-%m-%dT%H:%M:%S.%fZ}","source":"http"'.encode()
        lines = [b'{"seq":%d,%b,%b\n' % (seq, head, event) for seq, event in enumerate(events, self.next_seq)]
        for line in lines:
            if len(self.lines) % self._lines_per_segment == 0:
                self._path = self._folder / f"{self.next_seq:016d}.jsonl"
            with self._path.open("ab") as file:
                file.write(line)
            self.next_seq += 1
            self.lines.append(line)
        return lines


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
