"""Features of now, for a process that answers many questions: kept in memory, and read anew as events come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

import duckdb

from armazem.disk.causes import first_line
from armazem.errors import FeatureError, HomeError
from armazem.features.changes import read_changes
from armazem.features.lookup import Lookup
from armazem.features.published import PublishedFeatures
from armazem.home import Home
from armazem.journal.reading import last_seq
from armazem.targets.duckdb.versions import current_build

_REFRESH = 1.0
_SHARE = 4  # pause so many times what a reading took: it costs a processor that others need
_OVERDUE = 5  # times the pause: whoever asks then waits


class Online:
    """What lookups are answered from. Thread-safe. Nothing is read while nobody asks.

    Who asks gets what is there, while a thread reads the journal again, at most once a second; only the first one, and
    who comes after a rest, waits for that. A version that is published meanwhile is taken up in the same way.
    """

    def __init__(self, home: Home, *, seconds: float = _REFRESH, clock: Callable[[], float] = time.monotonic) -> None:
        """`seconds`: how old what is in memory gets before the journal is looked at again, at least."""
        self._home = home
        self._seconds = seconds
        self._clock = clock
        self._pause = seconds
        self._lookup: Lookup | None = None
        self._right_at = self._begun_at = float("-inf")
        self._reading: Future[Lookup] | None = None
        self._lock = threading.Lock()

    def current(self) -> Lookup:
        """Return what lookups are answered from now.

        Raises HomeError where nothing is published, FeatureError where the version has no features or cannot be read,
        QueryError where the journal cannot.
        """
        found = self._now()
        return found.result() if isinstance(found, Future) else found

    def at_hand(self) -> Lookup | None:
        """Return the same where nobody has to wait for it."""
        found = self._now()
        return None if isinstance(found, Future) else found

    def close(self) -> None:
        """Wait for what is being read."""
        with self._lock:
            reading = self._reading
        if reading is not None:
            reading.exception()

    def _now(self) -> Lookup | Future[Lookup]:
        """What there is; where that is too old, what is being read, or has just failed."""
        now = self._clock()
        with self._lock:
            if self._reading is None or (self._reading.done() and now - self._begun_at >= self._pause):
                self._begun_at = now
                self._reading = Future()
                threading.Thread(target=self._read, args=(self._reading,), name="features", daemon=True).start()
            if self._lookup is not None and now - self._right_at < self._pause * _OVERDUE:
                return self._lookup
            return self._reading

    def _read(self, reading: Future[Lookup]) -> None:
        try:
            lookup = self._newest()
        except Exception as error:  # noqa: BLE001  whoever waits for it gets it
            reading.set_exception(error)
            return
        with self._lock:
            self._lookup, self._right_at = lookup, self._begun_at
            self._pause = max(self._seconds, _SHARE * (self._clock() - self._begun_at))
        reading.set_result(lookup)

    def _newest(self) -> Lookup:
        build = current_build(self._home)
        if build is None:
            raise HomeError("nothing is published yet", "run `armazem load PATH` and `armazem build`")
        before = self._lookup
        same = before is not None and before.published.build == build
        if before and same and before.changes.until == last_seq(self._home):
            return before
        try:
            published = before.published if before and same else PublishedFeatures(self._home, build)
            return Lookup(published, read_changes(self._home, build))
        except (duckdb.Error, OSError) as error:
            raise FeatureError(f"version {build} cannot be read: {first_line(error)}", "the log says more") from error
