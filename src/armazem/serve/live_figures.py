"""What the live state knows: the tables of its orders, their totals, and how far in the journal that is."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from armazem.errors import HomeError
from armazem.home import Home
from armazem.serve.live_tables import Applied, LiveTables
from armazem.serve.live_totals import Totals
from armazem.serve.live_window import HOUR, Window
from armazem.stream import reading
from armazem.warehouse import versions

_COLUMNS = ("seq", "received_at", "event_type", "event_id", "timestamp", "data")
_CHUNK = 250_000  # events of the journal that are applied together
_CHUNK_BYTES = 160 * 2**20  # of their files as lines; Parquet has an eighth of it


class Figures:
    """Figures of all events of the journal up to `seq`. Not thread-safe.

    Every method may raise duckdb.Error, OSError and HomeError; only `rebuild` makes the figures good again then.
    `customers_error`: why the states of a published version's customers are missing.
    """

    def __init__(
        self, home: Home, threads: int, clock: Callable[[], datetime], make_tables: Callable[[Path], LiveTables]
    ) -> None:
        self.customers_error: str | None = None
        self._home = home
        self._threads = threads
        self._clock = clock
        self._make_tables = make_tables
        self._chunk = _CHUNK
        self._clear()

    def _clear(self) -> None:
        self.seq = 0
        self.build: str | None = None
        self.window = Window()
        self.last_event_at: datetime | None = None
        self.last_received_at: datetime | None = None
        self._tables = self._make_tables(self._home.root / "live")
        self._totals = Totals()
        self._events: Counter[str] = Counter()
        self._recent: list[dict[str, Any]] = []

    def close(self) -> None:
        self._tables.close()

    def rebuild(self) -> None:
        """Begin anew, with the whole journal."""
        try:
            self._read_all()
        except duckdb.OutOfMemoryException:
            if self._chunk < 1000:
                raise
            self._chunk //= 8  # orders of a thousand items, say
            self._read_all()

    def _read_all(self) -> None:
        self._tables.close()
        self._clear()
        self.take_customers()
        self.catch_up()

    def catch_up(self) -> None:
        """Read on in the journal, to its end, in chunks that fit into memory."""
        end = reading.last_seq(self._home)
        self._tables.set_threads(self._threads)
        try:
            while self.seq < end:
                up_to = self._chunk_end(end)
                self._note(reading.reading(self._home, lambda: self._apply_journal(up_to)))  # noqa: B023
                self.seq = up_to  # whatever of these numbers is not there will not come
        finally:
            self._tables.set_threads(1)

    def apply(self, lines: Sequence[bytes]) -> None:
        """Apply lines of the journal; those that it has already are passed over."""
        self._note(self._tables.apply_lines(lines, after=self.seq, since=self._since()))

    def take_customers(self) -> bool:
        """Give the orders the states of a newly published version's customers; whether there was one."""
        try:
            build = versions.current_build(self._home)
            if build == self.build:
                return False
            self._tables.load_customers(self._home, build)
        except (duckdb.Error, HomeError) as error:  # such as a version that was deleted this moment; tried again
            reason = str(error).partition("\n")[0]
            self.customers_error = f"the customers of the published version cannot be read: {reason}"
            return False
        self.customers_error = None
        self.build = build
        self._totals.add(self._tables.restate())
        self._recent = self._tables.recent()
        return True

    def shown(self, now: datetime) -> dict[str, Any]:
        """The part of a snapshot that the journal gives."""
        return {
            "seq": self.seq,
            **self._totals.figures(),
            **self.window.figures(now),
            "recent_orders": self._recent,
            "last_event_at": self.last_event_at,
            "last_received_at": self.last_received_at,
            "events": dict(sorted(self._events.items())),
            "build": {"build_id": self.build} if self.build else None,
        }

    def _apply_journal(self, up_to: int) -> Applied | None:
        source = f"from {reading.relation(self._home, after=self.seq, up_to=up_to, columns=_COLUMNS)}"
        return self._tables.apply(source, after=self.seq, since=self._since())

    def _chunk_end(self, end: int) -> int:
        """Where the next chunk ends: with a segment if it can, so that no file is read twice."""
        segments = reading.segments(self._home)
        lasts = [segment.first - 1 for segment in segments[1:]] + [end]
        found, size = self.seq, 0
        for segment, last in zip(segments, lasts, strict=True):
            if last <= self.seq:
                continue
            with contextlib.suppress(FileNotFoundError):  # compacted this moment
                size += segment.path.stat().st_size * (8 if segment.compacted else 1)
            if last > self.seq + self._chunk or (size > _CHUNK_BYTES and found > self.seq):
                break
            found = last
        return min(end, found if found > self.seq else self.seq + self._chunk)

    def _note(self, applied: Applied | None) -> None:
        if applied is None:
            return
        self.seq = applied.seq
        self._events.update(applied.counts)
        self._totals.add(applied.totals)
        self.window.add(applied.second, applied.placed, applied.lag, self._clock())
        self.last_event_at = max(filter(None, (self.last_event_at, applied.last_event_at)))
        self.last_received_at = max(filter(None, (self.last_received_at, applied.last_received_at)))
        self._recent = self._tables.recent()

    def _since(self) -> datetime:
        return self._clock() - timedelta(seconds=HOUR)
