"""What the live state knows: the tables of its orders, their totals, and how far in the journal that is.

A restart begins with what the last checkpoint has saved, and reads only what came to the journal after it.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from armazem.errors import HomeError
from armazem.home import Home
from armazem.journal import reading
from armazem.live import sql as sql
from armazem.live.tables import Applied, LiveTables
from armazem.live.totals import Change, Totals
from armazem.live.window import HOUR, Window
from armazem.targets.duckdb import versions

_CHUNK = 150_000  # events of the journal that are applied together
_CHUNK_BYTES = 160 * 2**20  # of their files as lines; Parquet has an eighth of it
_CHUNK_MEMORY = "512MB"
_SHOWN_ORDERS = 20
_CHECKPOINT_SECONDS = 10.0
_CHECKPOINT_EVENTS = 200_000  # fewer to read again after a kill than a start reads in 2 s


class _Progress(msgspec.Struct):
    """What is saved with the tables. `event_key`: of event `event_seq` of the journal that they were made of."""

    seq: int = 0
    event_seq: int = 0
    event_key: str = ""
    build: str | None = None
    last_event_at: datetime | None = None
    last_received_at: datetime | None = None
    events: dict[str, int] = msgspec.field(default_factory=dict)
    totals: list[Change] = msgspec.field(default_factory=list)
    orders_by_second: dict[int, int] = msgspec.field(default_factory=dict)


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
        self._folder = home.root / "live"
        self._tables: LiveTables | None = None
        self._suspect = False  # whether what is saved was read, and none of it written since
        self._begin(_Progress())

    def _begin(self, progress: _Progress) -> None:
        self._progress = progress
        self._totals = Totals(progress.totals)
        self._events = Counter(progress.events)
        self.window = Window(progress.orders_by_second)
        self.latest: list[dict[str, Any]] = []
        """The newest orders, more than are shown."""
        self._checkpoint_at, self._checkpoint_seq = time.monotonic(), progress.seq

    @property
    def seq(self) -> int:
        return self._progress.seq

    @property
    def build(self) -> str | None:
        return self._progress.build

    @property
    def last_received_at(self) -> datetime | None:
        return self._progress.last_received_at

    def close(self) -> None:
        """Save all of it; where that fails, the next start reads the journal from the last checkpoint on."""
        if self._tables:
            with contextlib.suppress(duckdb.Error):
                self._tables.checkpoint()
        self._close()

    def _close(self) -> None:
        if self._tables:
            self._tables.close()
            self._tables = None

    def rebuild(self) -> None:
        """Begin with what was saved, or, where that is of another journal or cannot be used, with the whole journal."""
        self._close()
        try:
            if self._suspect:
                raise duckdb.IOException("what was saved has led to an error before")
            self._open()
            self.take_customers()
            self.catch_up()
        except duckdb.Error:
            self._begin_anew()
        self._suspect = True

    def _open(self) -> None:
        self._tables = self._make_tables(self._folder)
        saved = self._tables.saved()
        try:
            progress = msgspec.json.decode(saved, type=_Progress) if saved else _Progress()
        except msgspec.DecodeError as error:
            raise duckdb.InvalidInputException(f"the progress saved in {self._folder} is none") from error
        if progress.seq and reading.event_key_at(self._home, progress.event_seq) != progress.event_key:
            self._close()
            self._remove()
            self._tables, progress = self._make_tables(self._folder), _Progress()
        self._begin(progress)
        self.latest = self._tables.recent()

    def _begin_anew(self) -> None:
        while True:
            self._close()
            self._remove()
            try:
                self._open()
                self.take_customers()
                self.catch_up()
            except duckdb.OutOfMemoryException:
                if self._chunk < 1000:
                    raise
                self._chunk //= 8  # orders of a thousand items, say
            else:
                return

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def catch_up(self) -> None:
        """Read on in the journal, to its end, in chunks that fit into memory."""
        assert self._tables
        end = reading.last_seq(self._home)
        self._tables.set_limits(self._threads, _CHUNK_MEMORY)
        try:
            while self.seq < end:
                up_to = self._chunk_end(end)
                reading.reading(self._home, lambda: self._apply_journal(up_to))  # noqa: B023
                self._progress.seq = up_to  # whatever of these numbers is not there will not come
                self.checkpoint()
        finally:
            self._tables.set_limits(1)

    def apply(self, lines: Sequence[bytes]) -> None:
        """Apply lines of the journal; those that it has already are passed over."""
        assert self._tables
        with self._tables.transaction():
            self._note(self._tables.apply_lines(lines, after=self.seq, since=self._since()))

    def checkpoint(self) -> None:
        """Put it on the disk, if something is new and it is time to."""
        assert self._tables
        new = self.seq - self._checkpoint_seq
        if new >= _CHECKPOINT_EVENTS or (new and time.monotonic() - self._checkpoint_at >= _CHECKPOINT_SECONDS):
            self._tables.checkpoint()
            self._suspect = False
            self._checkpoint_at, self._checkpoint_seq = time.monotonic(), self.seq

    def take_customers(self) -> bool:
        """Give the orders the states of a newly published version's customers; whether there was one."""
        assert self._tables
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
        with self._tables.transaction():
            while (changes := self._tables.restate()) is not None:
                self._totals.add(changes)
            self._progress.build = build
            self._save()
        self.latest = self._tables.recent()
        return True

    def shown(self, now: datetime) -> dict[str, Any]:
        """Return the part of a snapshot that the journal gives."""
        return {
            "seq": self.seq,
            **self._totals.figures(),
            **self.window.figures(now),
            "recent_orders": self.latest[:_SHOWN_ORDERS],
            "last_event_at": self._progress.last_event_at,
            "last_received_at": self.last_received_at,
            "events": dict(sorted(self._events.items())),
            "build": {"build_id": self.build} if self.build else None,
        }

    def _apply_journal(self, up_to: int) -> None:
        assert self._tables
        source = f"from {reading.relation(self._home, after=self.seq, up_to=up_to, columns=sql.COLUMNS)}"
        with self._tables.transaction():
            self._note(self._tables.apply(source, after=self.seq, since=self._since()))

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
        assert self._tables
        progress = self._progress
        progress.seq, progress.event_seq, progress.event_key = applied.seq, applied.seq, applied.event_key
        progress.last_event_at = max(filter(None, (progress.last_event_at, applied.last_event_at)))
        progress.last_received_at = max(filter(None, (progress.last_received_at, applied.last_received_at)))
        self._events.update(applied.counts)
        self._totals.add(applied.totals)
        self.window.add(applied.second, applied.placed, applied.lag, self._clock())
        self.latest = self._tables.recent()
        self._save()

    def _save(self) -> None:
        assert self._tables
        progress = self._progress
        progress.events, progress.totals = dict(self._events), self._totals.changes()
        progress.orders_by_second = self.window.orders
        self._tables.save(msgspec.json.encode(progress).decode())

    def _since(self) -> datetime:
        return self._clock() - timedelta(seconds=HOUR)
