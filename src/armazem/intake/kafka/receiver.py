"""A Kafka topic into a sink, by confluent's client: offsets are committed after the commit, what failed is read again.

An event says all about itself: the key and the headers of its message are not looked at.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent import futures
from concurrent.futures import Future
from typing import NamedTuple

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.intake.batches import Counts
from armazem.intake.kafka.client import consumer, place_of
from armazem.intake.kafka.commits import Commits
from armazem.intake.kafka.errors import Place, broker_error, ends_for_good
from armazem.intake.kafka.offsets import Offsets, Taken
from armazem.intake.kafka.records import Record, position_of
from armazem.intake.kafka.watch import Watch
from armazem.intake.queue import Outcome
from armazem.intake.receivers import OnFailure
from armazem.intake.sinks import Sink
from armazem.journal.errors import JournalError, QueueFull

CONNECT_SECONDS = 30.0
FINISH_SECONDS = 30.0
_POLL = 0.1  # seconds in which a batch gathers: at a low rate that makes ten commits a second
_AT_ONCE = 2_000
_UNDER_WAY = 2  # batches: one is written while the next one gathers
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_LAST_COMMIT_SECONDS = 10.0

_logger = logging.getLogger(__name__)


def start_reading(
    sink: Sink,
    settings: Settings,
    brokers: str,
    topic: str,
    *,
    limit: int | None = None,
    on_failure: OnFailure | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> TopicReader:
    """Read this topic into a sink until `stop`, in a thread of its own.

    `limit`: how many messages to take. Raises ConfigError where the properties are wrong, BrokerError where there is no
    such topic, or no broker answers within `connect_seconds`; once one did, it is waited for as long as it takes.
    """
    place = place_of(brokers, topic, sink, settings)
    watch = Watch(brokers)
    return TopicReader(consumer(place, settings, watch, connect_seconds), place, watch, sink, limit, on_failure)


class _Batch(NamedTuple):
    taken: Taken
    messages: int
    kept: Future[Outcome]


class TopicReader:
    """A topic that is read. One thread polls, hands over and commits; `counts` and the rest are asked from any."""

    def __init__(
        self,
        consumer: Consumer,
        place: Place,
        watch: Watch,
        sink: Sink,
        limit: int | None,
        on_failure: OnFailure | None,
    ) -> None:
        self.source = place.url
        self._counted_as = f"kafka:{place.topic}"
        self._consumer = consumer
        self._place = place
        self._watch = watch
        self._sink = sink
        self._limit = limit
        self._on_failure = on_failure
        self._offsets = Offsets()
        self._commits = Commits(consumer, place.topic, self._offsets, watch)
        self._under_way: deque[_Batch] = deque()
        self._counts = Counts()
        self._failure: ArmazemError | None = None
        self._joined = self._held = self._complete = False
        self._pause = self._resume_at = 0.0
        self._idle_since: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka", daemon=True)
        self._thread.start()

    def counts(self) -> Counts:
        return self._counts

    @property
    def idle_seconds(self) -> float:
        """How long all partitions that are ours have been read to their ends and committed, with a broker there."""
        since = self._idle_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def complete(self) -> bool:
        """Whether `limit` messages are written and committed."""
        return self._complete

    def check(self) -> None:
        """Raises BrokerError where Kafka ended it for good, JournalError where nothing is kept any more."""
        if self._failure is not None:
            raise self._failure
        if self._sink.failed or not (self._stopping.is_set() or self._thread.is_alive()):
            raise JournalError(
                f"{self._sink.kept_in} is not written any more", "look at the messages above, then start it again"
            )

    def stop(self) -> Counts:
        """Read no more; write and commit what is here. Takes at most about 50 s."""
        self._stopping.set()
        self._thread.join(FINISH_SECONDS + 2 * _LAST_COMMIT_SECONDS)
        return self._counts

    def _run(self) -> None:
        try:
            self._consumer.subscribe(
                [self._place.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            while not self._stopping.is_set():
                self._turn()
            self._end()
        except KafkaException as error:
            self._failure = broker_error(error.args[0], self._place, self._watch.reason)
        finally:
            # Closing it would wait for brokers that may be away; a member with a name does not leave its group anyway.
            self._commits.close()
            del self._consumer

    def _turn(self) -> None:
        """Take what is there, enter what is written, commit what is due."""
        if not self._held and (self._offsets.back or not (self._room or self._under_way)):
            self._hold()
        elif self._held and self._room and time.monotonic() >= self._resume_at:
            self._go_on()
        read = 0
        if self._room or self._held:
            read = self._take(self._consumer.consume(self._room or 1, _POLL))
        self._settle(wait=len(self._under_way) >= _UNDER_WAY or not self._room)
        self._commits.send()
        self._complete = self._limit is not None and self._counts.written >= self._limit and not self._offsets.due
        if read or self._held or self._watch.away or not (self._joined and self._offsets.all_done):
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = time.monotonic()

    @property
    def _room(self) -> int:
        """How many messages may be taken now."""
        if self._limit is None:
            return _AT_ONCE
        return min(_AT_ONCE, self._limit - self._counts.written - self._counts.unacknowledged)

    def _take(self, found: Sequence[Message]) -> int:
        """Hand messages over to the sink, and return how many; raises KafkaException where Kafka ends it for good."""
        messages: list[Message] = []
        read: list[tuple[int, int]] = []
        ends: set[int] = set()
        for message in found:
            error = message.error()
            partition, offset = position_of(message)
            if error is None:
                if self._held:
                    self._offsets.passed_over(partition, offset)
                elif self._offsets.wants(partition):
                    messages.append(message)
                    read.append((partition, offset))
                ends.discard(partition)
            elif error.code() == KafkaError._PARTITION_EOF:
                ends.add(partition)
            elif ends_for_good(error):
                raise KafkaException(error)
            else:
                self._watch.remark(error.name(), "%s", error.str())
        if messages:
            self._count(received=len(messages))
            self._under_way.append(
                _Batch(self._offsets.take(read), len(messages), self._put([Record(one) for one in messages]))
            )
        for partition in ends:
            self._offsets.reached_end(partition)
        return len(messages)

    def _put(self, records: Sequence[Record]) -> Future[Outcome]:
        """Waits where the queue is full: meanwhile the client fetches no more than its own bound."""
        while True:
            kept: Future[Outcome] = Future()
            try:
                return self._sink.put(records, self._counted_as)
            except QueueFull as full:
                if not self._stopping.wait(full.retry_after):
                    continue
                kept.set_exception(full)
            except ArmazemError as error:
                kept.set_exception(error)
            return kept

    def _settle(self, *, wait: bool) -> None:
        """Enter the batches that have ended, in order; `wait` for the first one."""
        while self._under_way:
            kept = self._under_way[0].kept
            while wait and not kept.done() and not self._stopping.is_set():
                futures.wait([kept], _POLL)
            if not kept.done():
                return
            wait = False
            self._enter(self._under_way.popleft())

    def _enter(self, batch: _Batch) -> None:
        error = batch.kept.exception()
        if error is None:
            outcome = batch.kept.result()
            self._offsets.wrote(batch.taken)
            self._count(accepted=outcome.accepted, duplicates=outcome.duplicates, refused=len(outcome.rejected))
            self._pause = 0.0
            return
        if not isinstance(error, ArmazemError):
            raise error
        self._offsets.failed(batch.taken)
        self._count(returned=batch.messages)
        self._hold()
        if time.monotonic() < self._resume_at:  # one that was under way with another that has failed
            return
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause or _FIRST_PAUSE)
        self._resume_at = time.monotonic() + self._pause
        if self._on_failure:
            self._on_failure(error, batch.messages, self._pause)

    def _finish(self) -> None:
        """Write what is here, for some time; what is not written by then is given back."""
        futures.wait([batch.kept for batch in self._under_way], FINISH_SECONDS)
        self._settle(wait=False)
        while self._under_way:
            batch = self._under_way.popleft()
            self._offsets.failed(batch.taken)
            self._count(returned=batch.messages)

    def _end(self) -> None:
        """Write and commit what is here; what is not committed in time comes again, as duplicates."""
        self._finish()
        self._hold()
        self._commits.soon()
        deadline = time.monotonic() + _LAST_COMMIT_SECONDS
        while self._offsets.due and not self._watch.away and time.monotonic() < deadline:
            self._commits.send()
            self._consumer.consume(1, _POLL)
        if self._offsets.due:
            _logger.warning("%s: what was written last is not committed: it comes again, as duplicates", self.source)

    def _hold(self) -> None:
        self._consumer.pause(self._consumer.assignment())
        self._held = True

    def _go_on(self) -> None:
        """Read on, from where it failed."""
        for partition, offset in self._offsets.back.items():
            try:
                self._consumer.seek(TopicPartition(self._place.topic, partition, offset))
            except KafkaException as error:
                self._watch.remark("seek", "%s cannot be read again yet: %s", self.source, error.args[0].str())
                self._resume_at = time.monotonic() + _FIRST_PAUSE
                return
            self._offsets.sought(partition)
        self._consumer.resume(self._consumer.assignment())
        self._held = False

    def _assigned(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._joined = True
        self._offsets.assign(one.partition for one in partitions)
        consumer.incremental_assign(list(partitions))
        if self._held:
            consumer.pause(list(partitions))

    def _revoked(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """They go to another member: it begins at what is committed now."""
        self._joined = False  # until it is told what it has then, be it nothing new
        self._finish()
        self._commits.send_and_wait()
        self._offsets.forget(one.partition for one in partitions)

    def _lost(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        """They are another's already: what we would commit might be less than what that one did."""
        self._joined = False
        self._offsets.forget(one.partition for one in partitions)

    def _count(self, **more: int) -> None:
        counts = self._counts
        changed = {name: getattr(counts, name) + number for name, number in more.items()}
        self._counts = msgspec.structs.replace(counts, **changed)
