"""A message of a topic, as a sink takes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

_LONG_PAST = 946_684_800_000  # of the year 2000, in milliseconds: whoever writes less has no clock


def position_of(message: Message) -> tuple[int, int]:
    """Partition and offset of a message that came from a topic: it has both."""
    return cast("int", message.partition()), cast("int", message.offset())


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
        """When it was sent, or when the broker got it, as the topic has it; but no time to come, and none long past.

        So a message that comes again gives the same row, unless its sender's clock is wrong.
        """
        kind, milliseconds = self._message.timestamp()
        now = datetime.now(UTC)
        if kind == TIMESTAMP_NOT_AVAILABLE or milliseconds < _LONG_PAST:
            return now
        return min(now, datetime.fromtimestamp(milliseconds / 1000, UTC))

    def nack(self) -> None:
        """It is given back with all of its batch, by reading that again."""
