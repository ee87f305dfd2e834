"""A message of a topic, as a sink takes it."""

from __future__ import annotations

from datetime import UTC, datetime

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message


class Record:
    """A message of a topic, as a sink takes it."""

    __slots__ = ("_message", "data")

    def __init__(self, message: Message) -> None:
        self._message = message
        self.data: bytes = message.value() or b""  # one without a value deletes a key, and is no event

    @property
    def message_id(self) -> str:
        """Where it is: no other message has been there, or will be."""
        return f"{self._message.topic()}:{self._message.partition()}:{self._message.offset()}"

    @property
    def publish_time(self) -> datetime:
        """When the broker got it, where topics note that. A sender's own clock may show anything: then it is now."""
        kind, milliseconds = self._message.timestamp()
        if kind == TIMESTAMP_LOG_APPEND_TIME:
            return datetime.fromtimestamp(milliseconds / 1000, UTC)
        return datetime.now(UTC)

    def nack(self) -> None:
        """It is given back with all of its batch, by reading that again."""
