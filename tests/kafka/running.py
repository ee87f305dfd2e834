"""A reader of a topic in this process, and what the tests ask of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kafka_broker import Broker

from armazem.config import Settings
from armazem.intake.kafka.receiver import TopicReader, start_reading
from armazem.intake.sinks import JournalSink


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def reading(
    broker: Broker, topic: str, sink: JournalSink, settings: Settings, address: str = "", **options: object
) -> Iterator[TopicReader]:
    """A reader that ends without an error, and leaves nothing open."""
    running = start_reading(sink, settings, address or broker.address, topic, **options)
    try:
        yield running
        running.check()
    finally:
        counts = running.stop()
    assert counts.unacknowledged == 0
    running.check()


def expected(count: int) -> list[str]:
    return sorted(f"event-{number}" for number in range(count))


def group(sink: JournalSink) -> str:
    return f"armazem-{sink.name}"
