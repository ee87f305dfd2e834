"""Messages to a Kafka topic, by confluent's client: acknowledged once all brokers that are to have them do."""

from __future__ import annotations

import re
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
_LOOK_SECONDS = 30.0
_TICK = 0.1


class KafkaSender:
    """One message each, without a key: partitions take turns.

    What the broker finds too large, as it does what is over 1 MiB, is counted and not acknowledged; the rest goes on.
    """

    def __init__(self, to: str, acknowledged: Acknowledged, how: How) -> None:
        match = _TARGET.fullmatch(to)
        if match is None:
            raise SendError(f"{to} names no topic", "for example kafka:127.0.0.1:9092/orders")
        with extra("kafka", "Kafka"):
            from armazem.intake.kafka.client import producer
            from armazem.intake.kafka.errors import Place
        self._to = to
        self._acknowledged = acknowledged
        self._retry_seconds = how.retry_seconds
        self._place = Place(*match.groups())
        self._producer, self._watch = producer(
            self._place,
            how.kafka_properties,
            min(_LOOK_SECONDS, max(how.retry_seconds, 1.0)),
            {"message.timeout.ms": max(1_000, int(how.retry_seconds * 1000)), "message.max.bytes": _LARGEST},
        )
        self._done: list[Message] = []
        self._under_way = self._published = self._too_large = 0
        self._error: KafkaError | None = None

    def send(self, batch: Sequence[Message]) -> None:
        for message in batch:
            while True:
                try:
                    self._producer.produce(
                        self._place.topic, message.body, on_delivery=partial(self._delivered, message)
                    )
                    break
                except BufferError:  # the client's own queue is full of bytes
                    self._collect(_TICK)
            self._under_way += 1
        self._collect(0)
        while self._under_way > _UNDER_WAY:
            self._collect(_TICK)

    def finish(self) -> None:
        while self._under_way and self._error is None:
            self._collect(_TICK)
        self._producer.purge()
        self._producer.flush(1)

    def figures(self) -> dict[str, Any]:
        return {"published": self._published, "too_large": self._too_large}

    def _delivered(self, message: Message, error: KafkaError | None, _: object) -> None:
        from confluent_kafka import KafkaError

        self._under_way -= 1
        if error is None:
            self._published += 1
            self._done.append(message)
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            self._too_large += 1
        else:
            self._error = self._error or error

    def _collect(self, seconds: float) -> None:
        """Take what is acknowledged; wait so long for it. Raises SendError where a message cannot be delivered."""
        from armazem.intake.kafka.errors import broker_error

        self._producer.poll(seconds)
        done, self._done = self._done, []
        self._acknowledged(done)
        if self._error is not None:
            why = broker_error(self._error, self._place, self._watch.reason)
            raise SendError(f"cannot send to {self._to}: {why}", why.hint)
