"""Where messages that are received one at a time go: into the journal of a home folder, or somewhere else."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from uuid import uuid4

from armazem.intake.ingest import Ingest
from armazem.intake.queue import Outcome
from armazem.intake.sending import Send, when_there_is_room
from armazem.journal.identity import journal_id


class Delivery(Protocol):
    """A received message, as Google's client has it. `nack` gives it back, and does not wait."""

    @property
    def data(self) -> bytes: ...
    @property
    def message_id(self) -> str: ...
    @property
    def publish_time(self) -> datetime: ...
    def nack(self) -> None: ...


class Sink(Protocol):
    """Takes messages in; one thread calls it."""

    @property
    def kept_in(self) -> str:
        """What has them then, for people."""

    @property
    def name(self) -> str:
        """What tells it from others, also after a move: consumers for the same one share what they read."""

    @property
    def alone(self) -> bool:
        """Whether one process at most writes into it."""

    @property
    def failed(self) -> BaseException | None:
        """Why nothing is taken in any more."""

    def put(self, deliveries: Sequence[Delivery], source: str) -> Future[Outcome]:
        """Take messages of one source in; the future is done when all of them are kept for good.

        It fails with an ArmazemError where they could not be: they may come again. Raises QueueFull at once where too
        much waits.
        """


class Given(NamedTuple):
    """A message that no subscription delivered. Nobody waits for it to come again."""

    data: bytes
    message_id: str
    publish_time: datetime

    def nack(self) -> None:
        """Leave it to the caller."""


def to_sink(sink: Sink, source: str) -> Send:
    """Send messages of one source into a sink, each under a new id, and wait where its queue is full."""

    def send(messages: list[bytes]) -> Future[Outcome]:
        now = datetime.now(UTC)
        given = [Given(message, f"{source}-{uuid4()}", now) for message in messages]
        return when_there_is_room(lambda: sink.put(given, source))

    return send


class JournalSink:
    """The journal: a message is known by its event alone."""

    kept_in = "the journal"
    alone = True

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest

    @property
    def name(self) -> str:
        return journal_id(self._ingest.home)

    @property
    def failed(self) -> BaseException | None:
        return self._ingest.failed

    def put(self, deliveries: Sequence[Delivery], source: str) -> Future[Outcome]:
        return self._ingest.submit([delivery.data for delivery in deliveries], source)
