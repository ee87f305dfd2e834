"""Messages to a Kafka topic, by confluent's client: acknowledged once all brokers that are to have them do."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from armazem.errors import SendError, extra
from armazem.senders.addresses import Acknowledged, How
from armazem.shop.life.messages import Message

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

_UNDER_WAY = 20_000  # messages sent and not acknowledged yet
_TARGET = re.compile(r"kafka:([^/\s]+)/([A-Za-z0-9._-]{1,249})")
_LARGEST = 64 * 2**20  # of a message: what is too large is for the broker to say
_BATCH = 1_000_000  # bytes: librdkafka's own `batch.size`. What is larger goes alone
_LOOK_SECONDS = 30.0
_MOMENT = 5.0  # how long what is under way is waited for after `stop`
_TICK = 0.1


class KafkaSender:
    """One message each, without a key: partitions take turns.

    What the broker finds too large, as it does what is over 1 MiB, is counted and not acknowledged; the rest goes on.
    That is said of a batch, though: of what did not go alone it is an error.
    """

    def __init__(self, to: str, acknowledged: Acknowledged, how: How) -> None:
        match = _TARGET.fullmatch(to)
        if match is None:
            raise SendError(f"{to} names no topic", "for example kafka:127.0.0.1:9092/orders")
        with extra("kafka", "Kafka"):
            from armazem.intake.kafka.client import producer
            from armazem.intake.kafka.errors import Place
            from armazem.intake.kafka.properties import read_properties
        self._to = to
        self._acknowledged = acknowledged
        self._stop = how.stop
        self._moment = min(how.retry_seconds, _MOMENT)
        self._place = Place(*match.groups())
        self._producer, self._watch = producer(
            self._place,
            how.kafka_properties,
            min(_LOOK_SECONDS, max(how.retry_seconds, 1.0)),
            {"message.timeout.ms": max(1_000, int(how.retry_seconds * 1000)), "message.max.bytes": _LARGEST},
        )
        self._batch = int(read_properties(how.kafka_properties).get("batch.size", _BATCH))
        self._done: list[Message] = []
        self._under_way = self._published = self._too_large = 0
        self._error: KafkaError | None = None
        self._give_up_at: float | None = None

    def send(self, batch: Sequence[Message]) -> None:
        for message in batch:
            while True:
                try:
                    self._producer.produce(
                        self._place.topic, message.body, on_delivery=partial(self._delivered, message)
                    )
                    break
                except BufferError:  # the client's own queue is full of bytes
                    self._wait()
            self._under_way += 1
        self._collect(0)
        while self._under_way > _UNDER_WAY:
            self._wait()

    def finish(self) -> None:
        try:
            while self._under_way and self._error is None:
                self._wait()
        finally:
            self._producer.purge()
            self._producer.flush(1)
            self._hand_on()

    def figures(self) -> dict[str, Any]:
        return {"published": self._published, "too_large": self._too_large}

    def _delivered(self, message: Message, error: KafkaError | None, _: object) -> None:
        from confluent_kafka import KafkaError

        self._under_way -= 1
        if error is None:
            self._published += 1
            self._done.append(message)
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE and len(message.body) > self._batch:
            self._too_large += 1
        else:
            self._error = self._error or error

    def _wait(self) -> None:
        """Take what is acknowledged meanwhile. Raises SendError also where nothing was for a moment after `stop`."""
        before = self._under_way
        self._collect(_TICK)
        now = time.monotonic()
        if not self._stop.is_set() or self._under_way < before:
            self._give_up_at = None
        elif self._give_up_at is None:
            self._give_up_at = now + self._moment
        elif now >= self._give_up_at:
            raise SendError(
                f"{self._under_way:,} messages to {self._to} were not acknowledged in {self._moment:.0f} s at the end",
                "the broker may have them all the same",
            )

    def _collect(self, seconds: float) -> None:
        """Take what is acknowledged; wait so long for it. Raises SendError where a message cannot be delivered."""
        from confluent_kafka import KafkaError

        from armazem.intake.kafka.errors import broker_error

        self._producer.poll(seconds)
        self._hand_on()
        if self._error is None:
            return
        if self._error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            raise SendError(
                f"the topic of {self._to} takes no batches of {self._batch:,} bytes",
                "set batch.size below its max.message.bytes, in the file that ARMAZEM_KAFKA_PROPERTIES names",
            )
        why = broker_error(self._error, self._place, self._watch.reason)
        raise SendError(f"cannot send to {self._to}: {why}", why.hint)

    def _hand_on(self) -> None:
        done, self._done = self._done, []
        self._acknowledged(done)
