"""Sends many messages on, to the journal here or to a running server, and counts what became of them."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from armazem.intake.ingest import Ingest
from armazem.intake.queue import Outcome
from armazem.journal.errors import QueueFull

_IN_FLIGHT = 4  # batches: enough that reading, checking and writing overlap

Send = Callable[[list[bytes]], Future[Outcome]]
"""Sends a batch; the future is done when its messages are acknowledged. It may take its time, never refuse."""


@dataclass(slots=True)
class Tally:
    """What became of the messages sent so far. `first`: an example of each code: path and message."""

    accepted: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    @property
    def received(self) -> int:
        return self.accepted + self.duplicates + self.rejected.total()

    def add(self, outcome: Outcome) -> None:
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        for rejection in outcome.rejected:
            self.rejected[rejection.code] += 1
            self.first.setdefault(rejection.code, f"{rejection.path}: {rejection.message}")


def to_ingest(ingest: Ingest, source: str) -> Send:
    """Sends to the journal here, and waits where its queue is full."""

    return lambda messages: when_there_is_room(lambda: ingest.submit(messages, source))


def when_there_is_room(submit: Callable[[], Future[Outcome]]) -> Future[Outcome]:
    """Return what `submit` returns, after as many attempts as a full queue takes."""
    while True:
        try:
            return submit()
        except QueueFull as full:
            time.sleep(full.retry_after)


def send_all(batches: Iterable[list[bytes]], send: Send, tally: Tally, on_outcome: Callable[[], None]) -> None:
    """Send batches, some at a time, and add what became of them to `tally` in their order, then call `on_outcome`.

    Raises what a future raises; `tally` then has what was acknowledged before.
    """
    waiting: deque[Future[Outcome]] = deque()

    def settle() -> None:
        tally.add(waiting.popleft().result())
        on_outcome()

    for batch in batches:
        waiting.append(send(batch))
        if len(waiting) >= _IN_FLIGHT:
            settle()
    while waiting:
        settle()
