"""A topic into the journal: each event once, committed after the fsync, whatever Kafka and the disk do."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka_broker import Broker
from small_disk import fill, small_disk
from stream.shop_events import assert_conserved, event_ids, ledger, letters, message, messages

from armazem.config import Settings
from armazem.errors import ArmazemError, BrokerError
from armazem.home import Home
from armazem.intake.batches import Counts
from armazem.intake.ingest import Ingest, Outcome
from armazem.intake.kafka.receiver import TopicReader, start_reading
from armazem.intake.sinks import Delivery, JournalSink
from armazem.journal.errors import DiskFull, JournalError

pytestmark = pytest.mark.xdist_group("kafka")


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def reading(
    broker: Broker, topic: str, sink: JournalSink, settings: Settings, **options: object
) -> Iterator[TopicReader]:
    """A reader that ends without an error, and leaves nothing open."""
    running = start_reading(sink, settings, broker.address, topic, **options)
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


def test_every_event_once_and_all_committed(
    broker: Broker, topic: str, ingest: Ingest, settings: Settings, home: Home
) -> None:
    """With keys and headers that nobody looks at, duplicates, tombstones, and messages that are no events."""
    sink = JournalSink(ingest)
    bad: list[bytes | None] = [b"\xff\xfe", b"{", None, b"", b'{"event_type": "order_cooked"}', message(1, data={})]
    sent = [*messages(0, 300), *messages(100, 50), *bad, *messages(280, 60)]
    broker.publish(topic, sent, key=b"not looked at", headers={"event_id": "nor this"})
    broker.publish(topic, messages(0, 340))
    with reading(broker, topic, sink, settings) as running:
        until(lambda: running.idle_seconds > 0)
        assert running.counts() == Counts(756, 340, 410, 6, 0)
        assert broker.lag(group(sink), topic) == 0
    assert running.source == f"kafka:{broker.address}/{topic}"
    assert sorted(event_ids(home)) == expected(340)
    assert sorted(letter.content for letter in letters(home)) == sorted(value or b"" for value in bad)
    ingest.__exit__(None, None, None)
    assert ledger(home) == {f"kafka:{topic}": (756, 340, 410, 6)}
    assert_conserved(home)
