"""Messages that come one at a time, kept many at a time; each is acknowledged once its batch is kept for good."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from armazem.errors import ArmazemError
from armazem.intake.queue import Outcome
from armazem.intake.sinks import Delivery, Sink
from armazem.journal.errors import QueueFull

_GATHER = 0.005  # seconds a batch waits for company: at a few thousand messages a second it saves most of the fsyncs
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


D = TypeVar("D", bound=Delivery)


class Counts(msgspec.Struct, frozen=True):
    """Deliveries so far. received = accepted + duplicates + refused + returned + unacknowledged.

    `refused` ones lie in the dead letters; `returned` ones were not written, and the sender delivers them again.
    """

    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    returned: int = 0

    @property
    def written(self) -> int:
        return self.accepted + self.duplicates + self.refused

    @property
    def unacknowledged(self) -> int:
        return self.received - self.written - self.returned


class Batches(Generic[D]):
    """Between a client that delivers messages and what keeps them.

    While one batch is written the next one gathers. `acknowledge` is called with each batch that is kept, in the
    thread that writes. At most `limit` messages are written and acknowledged.
    A batch that could not be written is returned, and `on_failure(error, messages, pause)` says why; then nothing is
    written for `pause` seconds, 1 at first and 30 in the end, so that a full disk does not send messages in circles.
    """

    def __init__(
        self,
        sink: Sink,
        source: str,
        acknowledge: Callable[[Sequence[D]], None],
        *,
        limit: int | None = None,
        on_failure: Callable[[ArmazemError, int, float], None] | None = None,
    ) -> None:
        self._sink = sink
        self._source = source
        self._send = acknowledge
        self._limit = limit
        self._on_failure = on_failure
        self._changed = threading.Condition()
        self._gathered: list[D] = []
        self._writing: list[D] = []
        self._received = self._accepted = self._duplicates = self._refused = self._returned = 0
        self._pause = 0.0
        self._closing = self._closed = False
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    def put(self, delivery: D) -> None:
        """Take a message; from any thread."""
        with self._changed:
            self._received += 1
            self._last = time.monotonic()
            if not self._closed:
                self._gathered.append(delivery)
                self._changed.notify()
                return
            self._returned += 1
        delivery.nack()

    def counts(self) -> Counts:
        with self._changed:
            return Counts(self._received, self._accepted, self._duplicates, self._refused, self._returned)

    @property
    def idle_seconds(self) -> float:
        """How long nothing happened; 0 while something is not acknowledged."""
        with self._changed:
            return 0.0 if self._gathered or self._writing else time.monotonic() - self._last

    @property
    def complete(self) -> bool:
        """Whether as many messages are written as were asked for."""
        return self._limit is not None and self._accepted + self._duplicates + self._refused >= self._limit

    @property
    def broken(self) -> bool:
        """Whether the thread that writes has died; its traceback is on stderr."""
        return not self._closing and not self._thread.is_alive()

    def finish(self, seconds: float) -> list[D]:
        """Write what has gathered, for at most so many seconds; the rest, which the caller has to return."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)
        with self._changed:
            self._closed = True
            rest = self._writing + self._gathered
            self._writing, self._gathered = [], []
            self._returned += len(rest)
        return rest

    def _run(self) -> None:
        while batch := self._next():
            try:
                outcome = self._write(batch)
            except ArmazemError as error:
                self._return(batch, error)
            else:
                self._acknowledge(batch, outcome)

    def _next(self) -> list[D]:
        """The next batch; an empty one at the end."""
        with self._changed:
            if not self._closing and self._pause:
                self._changed.wait_for(lambda: self._closing, self._pause)
            self._changed.wait_for(lambda: self._closing or (bool(self._gathered) and not self.complete))
            if self._closing and self._pause:  # it has just failed: it would fail again
                return []
        if not self._closing:
            time.sleep(_GATHER)
        with self._changed:
            room = len(self._gathered)
            if self._limit is not None:
                room = min(room, self._limit - self._accepted - self._duplicates - self._refused)
            self._writing, self._gathered = self._gathered[:room], self._gathered[room:]
            return list(self._writing)

    def _write(self, batch: Sequence[D]) -> Outcome:
        """Raises ArmazemError; QueueFull only at the end: until then the messages stay here, which slows the sender."""
        while True:
            try:
                return self._sink.put(batch, self._source).result()
            except QueueFull as full:
                with self._changed:
                    if self._changed.wait_for(lambda: self._closing, full.retry_after):
                        raise

    def _acknowledge(self, batch: list[D], outcome: Outcome) -> None:
        if not self._settled():
            return
        self._send(batch)
        with self._changed:
            self._pause = 0.0
            self._accepted += outcome.accepted
            self._duplicates += outcome.duplicates
            self._refused += len(outcome.rejected)

    def _return(self, batch: list[D], error: ArmazemError) -> None:
        if not self._settled():
            return
        for delivery in batch:
            delivery.nack()
        with self._changed:
            self._returned += len(batch)
            self._pause = min(_LONGEST_PAUSE, 2 * self._pause or _FIRST_PAUSE)
        if self._on_failure:
            self._on_failure(error, len(batch), self._pause)

    def _settled(self) -> bool:
        """Take over what was being written; False where `finish` has given up on it."""
        with self._changed:
            mine = bool(self._writing)
            self._writing = []
            self._last = time.monotonic()
            return mine
