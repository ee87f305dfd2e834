"""The live state: what the orders that came as events add up to now, rebuilt from the journal, kept per batch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.home import Home
from armazem.journal.journal import claimed_seq
from armazem.live.figures import Figures
from armazem.live.tables import LiveTables

_logger = logging.getLogger(__name__)

_PAUSE = 0.2  # seconds between two batches at least
_LONGEST_PAUSE = 0.4
_SHARE = 6  # pause so many times what the batch took: a small batch costs nearly as much as a large one
_REFRESH = 1.0
_RETRY = 5.0


class LiveState:
    """Current state of every order known by events; `add` it lines, ask it for a `snapshot`.

    A `with` block rebuilds and starts it. Whatever the order, duplication and batches of the lines, the same events
    give the same figures. What it has read is in the folder `live`, so that a restart does not read it again.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        *,
        dead_letters: Callable[[], int] = lambda: 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        max_waiting_bytes: int = 64 * 2**20,
        make_tables: Callable[[Path], LiveTables] = LiveTables,
    ) -> None:
        self.version = 0
        self.lag_seconds = 0.0
        """From acceptance to the figures, of the newest event of the last batch."""
        self._figures = Figures(home, settings.threads, clock, make_tables)
        self._dead_letters = dead_letters
        self._clock = clock
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._overflowed = False
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._broken = True  # until it has read the journal
        self._snapshot: dict[str, Any] = {}
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
        """Read what is new in the journal, all of it the first time. Not while the thread runs.

        Raises duckdb.Error, OSError, HomeError.
        """
        self._figures.rebuild()
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
        self._figures.close()

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

    def apply_waiting(self) -> float:
        """Apply what waits, as the thread does; how long to pause then, in seconds."""
        started = time.perf_counter()
        with self._lock:
            lines, overflowed = self._waiting, self._overflowed
            self._waiting, self._waiting_bytes, self._overflowed = [], 0, False
        if self._broken:
            self.rebuild()
            return _PAUSE
        figures = self._figures
        before = figures.seq
        restated = figures.take_customers()
        # Numbers that are missing: of lines from before the first `add`, or given up by the journal.
        if overflowed or (lines and claimed_seq(lines[0]) > figures.seq + 1):
            figures.catch_up()
        if lines and claimed_seq(lines[-1]) > figures.seq:
            figures.apply(lines)
        seconds = time.perf_counter() - started
        if figures.seq != before:
            assert figures.last_received_at is not None
            self.lag_seconds = max(0.0, (self._clock() - figures.last_received_at).total_seconds())
        if figures.seq != before or restated or self._is_stale():
            self._publish()
        pause = min(max(_PAUSE, _SHARE * seconds), _LONGEST_PAUSE)
        published = time.perf_counter()
        figures.checkpoint()
        return max(0.0, pause - (time.perf_counter() - published))  # what came meanwhile has waited enough

    def snapshot(self) -> dict[str, Any]:
        """The figures; money as Decimal, times with a zone but `order_purchase_timestamp`, which is business time.

        Made once per version and shared: do not change it. `error`: why the figures are not those of now.
        """
        if self._thread and not self._thread.is_alive() and not self._stopping.is_set():  # a mistake of ours ended it
            return {**self._snapshot, "error": "the live figures have stopped; events are safe; restart the server"}
        return self._snapshot

    def latest_orders(self) -> list[dict[str, Any]]:
        """The newest 300 orders, newest first, as `recent_orders` has 20. Shared: do not change it."""
        return self._latest

    @property
    def error(self) -> str | None:
        """Why the figures are not those of now; None where they are."""
        error: str | None = self.snapshot()["error"]
        return error

    def wait(self, version: int, timeout: float) -> int:
        """The version, once it is another one, or after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, timeout)
            return self.version

    def _run(self) -> None:
        pause = _PAUSE
        while True:
            self._arrived.wait(_REFRESH)
            ending = self._stopping.is_set()
            self._arrived.clear()
            try:
                if not (ending and self._broken):
                    pause = self.apply_waiting()
            except (duckdb.Error, OSError, ArmazemError) as error:
                _logger.exception("the live figures could not be brought up to date; they are rebuilt")
                self._broken = True
                reason = str(error).partition("\n")[0]
                self._show({**self._snapshot, "error": f"the live figures are not brought up to date: {reason}"})
                pause = _RETRY
            if ending:
                return
            self._stopping.wait(pause)

    def _is_stale(self) -> bool:
        """Whether the figures that depend on the time, or on others, have to be looked at again."""
        old = self._snapshot
        now = self._clock()
        waited = (now - old["as_of"]).total_seconds()
        return (
            (self._figures.window.lively and not 0 <= waited < _REFRESH)
            or now.replace(second=0, microsecond=0) != old["as_of"].replace(second=0, microsecond=0)
            or old["dead_letters"] != self._dead_letters()
            or old["error"] != self._figures.customers_error
        )

    def _publish(self) -> None:
        now = self._clock()
        figures = self._figures.shown(now)
        self._latest = self._figures.latest
        self._show(
            {"as_of": now, **figures, "dead_letters": self._dead_letters(), "error": self._figures.customers_error}
        )

    def _show(self, snapshot: dict[str, Any]) -> None:
        with self._changed:
            self._snapshot = snapshot
            self.version += 1
            self._changed.notify_all()
