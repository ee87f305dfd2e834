"""The live state: what the orders that came as events add up to now, rebuilt from the journal, kept per batch."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import duckdb

from armazem.config import Settings
from armazem.errors import ArmazemError, HomeError
from armazem.home import Home
from armazem.serve.live_tables import Applied, LiveTables
from armazem.serve.live_totals import Totals
from armazem.serve.live_window import HOUR, Window
from armazem.stream import reading
from armazem.warehouse import versions

_logger = logging.getLogger(__name__)

_COLUMNS = ("seq", "received_at", "event_type", "event_id", "timestamp", "data")
_CHUNK = 250_000  # events of the journal that are applied together
_PAUSE = 0.2  # seconds between two batches at least
_LONGEST_PAUSE = 0.4
_SHARE = 6  # pause so many times what the batch took: a small batch costs nearly as much as a large one
_REFRESH = 1.0
_RETRY = 5.0


class LiveState:
    """Current state of every order known by events; `add` it lines, ask it for a `snapshot`.

    A `with` block rebuilds and starts it. Whatever the order, duplication and batches of the lines, the same events
    give the same figures. It keeps nothing on disk but what spills to a scratch folder.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        *,
        dead_letters: Callable[[], int] = lambda: 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        max_waiting_bytes: int = 64 * 2**20,
        make_tables: Callable[[], LiveTables] = LiveTables,
    ) -> None:
        self._home = home
        self._threads = settings.threads
        self._dead_letters = dead_letters
        self._clock = clock
        self._make_tables = make_tables
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._overflowed = False
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._broken = False
        self._customers_error: str | None = None
        self.version = 0
        self.lag_seconds = 0.0
        """From acceptance to the figures, of the newest event of the last batch."""
        self._clear()
        self._publish()

    def __enter__(self) -> LiveState:
        self.rebuild()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rebuild(self) -> None:
        """Read the whole journal. Raises duckdb.Error, OSError, HomeError; not while the thread runs."""
        self._tables.close()
        self._clear()
        self._take_customers()
        self._catch_up()
        self._broken = False
        self._publish()

    def start(self) -> None:
        """Apply from now on, in a thread, what `add` brings."""
        self._thread = threading.Thread(target=self._run, name="live-state", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Apply what waits, and end."""
        if self._thread:
            self._stopping.set()
            self._arrived.set()
            self._thread.join()
            self._thread = None
        self._tables.close()

    def add(self, lines: Sequence[bytes]) -> None:
        """Take lines that are in the journal, in its order. Never waits for the figures.

        Where too many wait they are forgotten and read from the journal later.
        """
        with self._lock:
            if not self._overflowed:
                self._waiting += lines
                self._waiting_bytes += sum(map(len, lines))
                if self._waiting_bytes > self._max_waiting_bytes:
                    self._overflowed = True
                    self._waiting, self._waiting_bytes = [], 0
        self._arrived.set()

    def snapshot(self) -> dict[str, Any]:
        """The figures; money as Decimal, times with a zone but `order_purchase_timestamp`, which is business time.

        Made once per version and shared: do not change it. `error`: why the figures are not those of now.
        """
        return self._snapshot

    @property
    def error(self) -> str | None:
        """Why the figures are not those of now; None where they are."""
        error: str | None = self._snapshot["error"]
        return error

    def wait(self, version: int, timeout: float) -> int:
        """The version, once it is another one, or after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, timeout)
            return self.version

    def _clear(self) -> None:
        self._tables = self._make_tables()
        self._totals = Totals()
        self._window = Window()
        self._events: Counter[str] = Counter()
        self._recent: list[dict[str, Any]] = []
        self._build: str | None = None
        self._seq = 0
        self._last_event_at: datetime | None = None
        self._last_received_at: datetime | None = None

    def _run(self) -> None:
        pause = _PAUSE
        while True:
            self._arrived.wait(_REFRESH)
            ending = self._stopping.is_set()
            self._arrived.clear()
            try:
                pause = self.apply_waiting()
            except (duckdb.Error, OSError, ArmazemError) as error:
                _logger.exception("the live figures could not be brought up to date; they are rebuilt")
                self._broken = True
                self._publish(f"the live figures are of {self._snapshot['as_of']}: {error}")
                pause = _RETRY
            if ending:
                return
            self._stopping.wait(pause)

    def apply_waiting(self) -> float:
        """Apply what waits, or rebuild; how long to pause then, in seconds."""
        started = time.perf_counter()
        with self._lock:
            lines, overflowed = self._waiting, self._overflowed
            self._waiting, self._waiting_bytes, self._overflowed = [], 0, False
        if self._broken:
            self.rebuild()
            return _PAUSE
        before = self._seq
        restated = self._take_customers()
        # Numbers that are missing: of lines from before the first `add`, or given up by the journal.
        if overflowed or (lines and _seq(lines[0]) > self._seq + 1):
            self._catch_up()
        if lines and _seq(lines[-1]) > self._seq:
            self._applied(self._tables.apply_lines(lines, after=self._seq, since=self._since()))
        seconds = time.perf_counter() - started
        if self._seq != before or restated or self._is_stale():
            self._publish()
        return min(max(_PAUSE, _SHARE * seconds), _LONGEST_PAUSE)

    def _catch_up(self) -> None:
        """Read on in the journal, to its end."""
        end = reading.last_seq(self._home)
        self._tables.set_threads(self._threads)
        try:
            while self._seq < end:
                after, up_to = self._seq, self._chunk_end(end)
                self._applied(reading.reading(self._home, lambda: self._apply_journal(after, up_to)))  # noqa: B023
                self._seq = up_to  # whatever of these numbers is not there will not come
        finally:
            self._tables.set_threads(1)

    def _apply_journal(self, after: int, up_to: int) -> Applied | None:
        source = f"from {reading.relation(self._home, after=after, up_to=up_to, columns=_COLUMNS)}"
        return self._tables.apply(source, after=after, since=self._since())

    def _since(self) -> datetime:
        return self._clock() - timedelta(seconds=HOUR)

    def _chunk_end(self, end: int) -> int:
        """Where the next chunk ends: with a segment if it can, so that no file is read twice."""
        ends = [s.first - 1 for s in reading.segments(self._home) if self._seq < s.first - 1 <= self._seq + _CHUNK]
        return min(end, max(ends, default=self._seq + _CHUNK))

    def _applied(self, applied: Applied | None) -> None:
        if applied is None:
            return
        now = self._clock()
        self._seq = applied.seq
        self._events.update(applied.counts)
        self._totals.add(applied.totals)
        self._window.add(applied.second, applied.placed, applied.lag, now)
        self._last_event_at = max(filter(None, (self._last_event_at, applied.last_event_at)))
        self._last_received_at = max(filter(None, (self._last_received_at, applied.last_received_at)))
        self._recent = self._tables.recent()
        self.lag_seconds = max(0.0, (now - applied.last_received_at).total_seconds())

    def _take_customers(self) -> bool:
        """Give the orders the states of a newly published version's customers; whether there was one."""
        try:
            build = versions.current_build(self._home)
            if build == self._build:
                return False
            self._tables.load_customers(self._home, build)
        except (duckdb.Error, HomeError) as error:  # such as a version that was deleted this moment; tried again
            self._customers_error = f"the customers of the published version cannot be read: {error}"
            return False
        self._customers_error = None
        self._build = build
        self._totals.add(self._tables.restate())
        self._recent = self._tables.recent()
        return True

    def _is_stale(self) -> bool:
        """Whether the figures that depend on the time, or on others, have to be looked at again."""
        old = self._snapshot
        now = self._clock()
        waited = (now - old["as_of"]).total_seconds()
        return (
            (self._window.lively and not 0 <= waited < _REFRESH)
            or now.replace(second=0, microsecond=0) != old["as_of"].replace(second=0, microsecond=0)
            or old["dead_letters"] != self._dead_letters()
            or old["error"] != self._customers_error
        )

    def _publish(self, error: str | None = None) -> None:
        now = self._clock()
        snapshot = {
            "as_of": now,
            "seq": self._seq,
            **self._totals.figures(),
            **self._window.figures(now),
            "recent_orders": self._recent,
            "last_event_at": self._last_event_at,
            "last_received_at": self._last_received_at,
            "events": dict(sorted(self._events.items())),
            "dead_letters": self._dead_letters(),
            "build": {"build_id": self._build} if self._build else None,
            "error": error or self._customers_error,
        }
        with self._changed:
            self._snapshot = snapshot
            self.version += 1
            self._changed.notify_all()


def _seq(line: bytes) -> int:
    """The number of a line, with which every line begins: `{"seq":N,`."""
    return int(line[7 : line.index(b",", 7)])
