"""Messages of a subscription into `raw.events` and `raw.dead_letters` of BigQuery, without Dataflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from google.api_core import exceptions

from armazem.config import Settings
from armazem.errors import ArmazemError, CloudError, extra
from armazem.intake.queue import Outcome, Rejection
from armazem.intake.sinks import Delivery
from armazem.targets.bigquery.client import cloud_errors
from armazem.targets.bigquery.columns import add_columns, misfits
from armazem.targets.bigquery.landing.raw import DEAD_LETTERS, EVENTS, Raw, fields

with extra("bigquery", "writing to BigQuery"):
    from armazem.targets.bigquery.streaming.appender import Appender, connecting
    from armazem.targets.bigquery.streaming.rows import Message, Piece, letters_of, refused_row, rows_of

_AT_ONCE = 1_000  # messages whose rows are sent while those of the next are made
_BYTES_AT_ONCE = 8 * 2**20  # of them: rows take several times as much memory while they are made
_RETRY_SECONDS = 30.0  # then it is said, and the messages are given back: they come again


class BigQuerySink:
    """Appends rows; a batch is kept when BigQuery has acknowledged each of them.

    A message that was appended and not acknowledged to the sender comes again, and is a second row: builds take it for
    what it is. `failed` stays None: what fails is given back, and tried again.
    """

    failed: BaseException | None = None
    alone = False

    def __init__(self, raw: Raw) -> None:
        settings = raw.settings
        self.kept_in = self.name = f"{raw.project}.{raw.dataset}"
        self._zone = ZoneInfo(settings.time_zone)
        connect = connecting(settings.bigquery_write_endpoint)
        self._appenders = {
            table: Appender(
                connect, raw.table(table), retry_seconds=min(settings.bigquery_retry_seconds, _RETRY_SECONDS)
            )
            for table in (EVENTS, DEAD_LETTERS)
        }

    def put(self, deliveries: Sequence[Delivery], source: str) -> Future[Outcome]:
        """Append the rows of these messages, and wait for BigQuery. See `Sink`."""
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(self._write(deliveries, source))
        except ArmazemError as error:
            for appender in self._appenders.values():
                appender.drop()
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Give the connections up."""
        for appender in self._appenders.values():
            appender.close()

    def _write(self, deliveries: Sequence[Delivery], source: str) -> Outcome:
        rejected: list[Rejection] = []
        for start, messages in _slices(deliveries):
            rows = rows_of(messages, source, self._zone)
            self._append(rows.pieces)
            rejected += [Rejection(start + at, why.code, why.path, why.message) for at, why in rows.refused]
        refused = [refused_row(*row) for row in self._appenders[EVENTS].finish()]
        if refused:
            self._append(letters_of(refused))
            places = {delivery.message_id: place for place, delivery in enumerate(deliveries)}
            rejected += [
                Rejection(places[message.message_id], why.code, why.path, why.message) for message, why in refused
            ]
        if lost := self._appenders[DEAD_LETTERS].finish():
            raise CloudError(
                f"BigQuery does not take a dead letter into {self.kept_in}.{DEAD_LETTERS}: {lost[0].reason}",
                "has somebody changed the table? the message is not acknowledged, and comes again",
            )
        return Outcome(len(deliveries) - len(rejected), 0, rejected)

    def _append(self, pieces: Iterator[Piece] | list[Piece]) -> None:
        for piece in pieces:
            self._appenders[piece.table].append(piece)


@contextmanager
def opened(settings: Settings) -> Iterator[BigQuerySink]:
    """A sink into tables that are as they have to be: made, or given the columns that an older armazem did not know.

    Raises CloudError where they are otherwise, before anything is received.
    """
    raw = Raw(settings)
    with cloud_errors(settings, "preparing the tables of events"):
        raw.open_dataset()
        for name in (EVENTS, DEAD_LETTERS):
            try:
                table = raw.client.get_table(raw.table(name), retry=raw.retry)
            except exceptions.NotFound:
                continue
            if wrong := misfits(table.schema, fields(name)):
                raise CloudError(
                    f"the table {raw.table(name)} does not fit: {'; '.join(wrong)}",
                    "it is somebody else's, or was changed: mend it, or use another ARMAZEM_BIGQUERY_DATASET_PREFIX",
                )
        raw.create_tables(())
        add_columns(raw.client, settings, raw.table(DEAD_LETTERS), fields(DEAD_LETTERS))
    sink = BigQuerySink(raw)
    try:
        yield sink
    finally:
        sink.close()


def _slices(deliveries: Sequence[Delivery]) -> Iterator[tuple[int, list[Message]]]:
    """The messages some at a time, with the position of the first of them."""
    start, size = 0, 0
    messages: list[Message] = []
    for place, delivery in enumerate(deliveries):
        if messages and (len(messages) >= _AT_ONCE or size + len(delivery.data) > _BYTES_AT_ONCE):
            yield start, messages
            start, size, messages = place, 0, []
        messages.append(_message(delivery))
        size += len(delivery.data)
    if messages:
        yield start, messages


def _message(delivery: Delivery) -> Message:
    published = delivery.publish_time
    # Google's own kind of time has nanoseconds; a row has microseconds.
    at = published.astimezone(UTC)
    return Message(delivery.data, delivery.message_id, datetime.combine(at.date(), at.time(), UTC))
