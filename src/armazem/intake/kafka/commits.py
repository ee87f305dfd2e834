"""Commits of a consumer's offsets: one time after the other, and what failed again."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from armazem.intake.kafka.errors import ends_for_good
from armazem.intake.kafka.offsets import Offsets
from armazem.intake.kafka.watch import Watch

_AGAIN = 1.0
_ANSWER_SECONDS = 90.0  # longer than the client waits for an answer


class Commits:
    """Tells the group what of `offsets` is due. Raises KafkaException where that would fail for ever."""

    def __init__(self, consumer: Consumer, topic: str, offsets: Offsets, watch: Watch) -> None:
        self._consumer = consumer
        self._topic = topic
        self._offsets = offsets
        self._watch = watch
        self._at = 0.0

    def send(self) -> None:
        """Send what is due, where the answer to what was sent before is there: it comes while the client is polled."""
        self._note()
        if self._offsets.due and time.monotonic() >= self._at:
            try:
                self._consumer.commit(offsets=self._all(), asynchronous=True)
            except KafkaException as error:
                self._watch.commit_ended(error.args[0], [])
            else:
                self._at = time.monotonic() + _ANSWER_SECONDS

    def send_and_wait(self) -> None:
        """The same, and wait for the answer: where no broker is left that may be for ever."""
        self._note()
        if not self._offsets.due:
            return
        try:
            self._watch.commit_ended(None, self._consumer.commit(offsets=self._all(), asynchronous=False))
        except KafkaException as error:
            self._watch.commit_ended(error.args[0], [])
        self._note()

    def soon(self) -> None:
        """Wait no longer for an answer."""
        self._at = 0.0

    def close(self) -> None:
        """Let the consumer go."""
        del self._consumer

    def _all(self) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition, offset) for partition, offset in self._offsets.due.items()]

    def _note(self) -> None:
        while self._watch.commits:
            error, partitions = self._watch.commits.popleft()
            errors = [one.error for one in partitions if one.error is not None] + ([error] if error is not None else [])
            self._at = time.monotonic() + _AGAIN if errors else 0.0
            if error is None:
                self._offsets.committed({one.partition: one.offset for one in partitions if one.error is None})
            for why in errors:
                if ends_for_good(why):
                    raise KafkaException(why)
                if not self._watch.away:
                    self._watch.remark("commit", "offsets of %s could not be committed yet: %s", self._topic, why.str())
