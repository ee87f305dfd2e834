"""The steps of the pipeline: messages to rows, rows into BigQuery. What a worker has to have."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.metrics import Metrics
from apache_beam.utils.timestamp import Timestamp

from armazem.contract.rejects import RejectCode
from armazem.errors import CloudError
from armazem.targets.bigquery.streaming.appender import Appender, connecting
from armazem.targets.bigquery.streaming.rows import Message, Piece, letters_of, refused_row, rows_of

EVENTS, DEAD_LETTERS = "events", "dead_letters"

_SMALL = 8 * 2**10
_ID_LENGTH = 32


def as_message(message: PubsubMessage, timestamp: Timestamp = beam.DoFn.TimestampParam) -> Message:
    """Return the message with its id and the time when it was published.

    A runner that does not tell that time has it as the time of the element. A source without ids, such as a file, gets
    the digest of the data. Raises ValueError where there is neither time.
    """
    data = message.data or b""
    at = message.publish_time
    if at is None:
        try:
            at = timestamp.to_utc_datetime(has_tz=True)
        except OverflowError:  # the beginning of Beam's time: nobody set one
            raise ValueError("a message has neither a time of publishing nor one of its element") from None
    at = at.astimezone(UTC)
    # Google's own kind of time has nanoseconds; a row has microseconds.
    published = datetime.combine(at.date(), at.time(), UTC)
    return Message(data, message.message_id or hashlib.sha256(data).hexdigest()[:_ID_LENGTH], published)


def weight(message: Message) -> int:
    """Return as how many a message counts in a batch: a thousand of 10 MB each would not fit into memory."""
    return 1 + len(message.data) // _SMALL


class Check(beam.DoFn):  # type: ignore[misc]
    """Batches of messages into pieces of rows: the main output has those of events, `dead_letters` the others."""

    def __init__(self, source: str, time_zone: str) -> None:
        self._source = source
        self._time_zone = time_zone

    def process(self, messages: Sequence[Message]) -> Iterator[Any]:
        """Yield pieces."""
        rows = rows_of(messages, self._source, ZoneInfo(self._time_zone))
        for code, count in Counter(why.code for _, why in rows.refused).items():
            _count(f"armazem_dead_letters_{code}", count)
        for piece in rows.pieces:
            yield piece if piece.table == EVENTS else beam.pvalue.TaggedOutput(DEAD_LETTERS, piece)


class Append(beam.DoFn):  # type: ignore[misc]
    """Pieces into the tables of a dataset. A bundle ends when BigQuery has each of its rows.

    An event that BigQuery does not take is a dead letter, written before the bundle ends. What fails for longer than
    `retry_seconds`, or for good, fails the bundle: the runner has it again.
    """

    def __init__(self, dataset: str, write_endpoint: str, retry_seconds: float) -> None:
        """`dataset`: PROJECT.DATASET."""
        self._dataset = dataset
        self._write_endpoint = write_endpoint
        self._retry_seconds = retry_seconds

    def setup(self) -> None:
        self._appenders: dict[str, Appender] = {}
        self._sent: Counter[str] = Counter()
        self._began = 0.0

    def start_bundle(self) -> None:
        # One that was given up may have left rows on their way.
        if self._sent:
            self.teardown()
        self._sent.clear()
        self._began = time.monotonic()

    def process(self, piece: Piece) -> Iterable[Any]:
        """Send the rows; yields nothing. Raises CloudError."""
        self._append(piece)
        return ()

    def finish_bundle(self) -> None:
        """Wait for BigQuery. Raises CloudError."""
        refused = [refused_row(*row) for row in self._appender(EVENTS).finish()] if self._sent[EVENTS] else []
        if refused:
            for piece in letters_of(refused):
                self._append(piece)
        if self._sent[DEAD_LETTERS] and (lost := self._appender(DEAD_LETTERS).finish()):
            raise CloudError(
                f"BigQuery does not take a dead letter into {self._dataset}.{DEAD_LETTERS}: {lost[0].reason}",
                "has somebody changed the table? the messages are not acknowledged, and come again",
            )
        self._note(len(refused))

    def teardown(self) -> None:
        for appender in self._appenders.values():
            appender.close()
        self._appenders.clear()

    def _append(self, piece: Piece) -> None:
        self._sent[piece.table] += len(piece.ids)
        self._appender(piece.table).append(piece)

    def _appender(self, table: str) -> Appender:
        if table not in self._appenders:
            self._appenders[table] = Appender(
                connecting(self._write_endpoint), f"{self._dataset}.{table}", retry_seconds=self._retry_seconds
            )
        return self._appenders[table]

    def _note(self, refused: int) -> None:
        """Count what is kept for good now, by the names that `/metrics` has for it."""
        _count("armazem_messages_accepted", self._sent[EVENTS] - refused)
        _count("armazem_messages_dead_letters", self._sent[DEAD_LETTERS])
        _count(f"armazem_dead_letters_{RejectCode.BAD_VALUE}", refused)
        if self._sent:
            # Beam's distributions are of whole numbers: thousandths of the seconds of `armazem_commit_seconds`.
            milliseconds = round(1000 * (time.monotonic() - self._began))
            Metrics.distribution("armazem", "armazem_commit_milliseconds").update(milliseconds)
        self._sent.clear()


def _count(name: str, count: int) -> None:
    if count:
        Metrics.counter("armazem", name).inc(count)
