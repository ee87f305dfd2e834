"""A topic into the journal: each event once, committed after the fsync, whatever Kafka and the disk do."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Message, Producer
from kafka_broker import Broker
from small_disk import fill, small_disk
from stream.shop_events import assert_conserved, event_ids, ledger, letters, message, messages

from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.home import Home
from armazem.intake.batches import Counts
from armazem.intake.ingest import Ingest
from armazem.intake.kafka import receiver
from armazem.intake.kafka.receiver import start_reading
from armazem.intake.kafka.records import Record
from armazem.intake.queue import Outcome
from armazem.intake.sinks import Delivery, JournalSink
from armazem.journal.errors import DiskFull

from .running import expected, group, reading, until

pytestmark = pytest.mark.xdist_group("kafka")


class Clock:
    """The committer asks for the time before each commit: while `going` is not set it waits, as a slow disk would."""

    def __init__(self) -> None:
        self.going = threading.Event()
        self.going.set()

    def __call__(self) -> datetime:
        assert self.going.wait(120)
        return datetime.now(UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class SeventhFails(JournalSink):
    """Every seventh batch is said to have failed; of every other one of those the journal has it all the same."""

    tries = 0

    def put(self, deliveries: Sequence[Delivery], source: str) -> Future[Outcome]:
        self.tries += 1
        if self.tries % 7:
            return super().put(deliveries, source)
        if self.tries % 2:
            super().put(deliveries, source)
        failed: Future[Outcome] = Future()
        failed.set_exception(DiskFull("no space left", "wait"))
        return failed


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


def test_every_seventh_write_fails(
    broker: Broker, topic: str, ingest: Ingest, settings: Settings, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed is read again from where it began, and never is more committed than is kept."""
    monkeypatch.setattr(receiver, "_AT_ONCE", 50)
    monkeypatch.setattr(receiver, "_FIRST_PAUSE", 0.01)
    failures: list[tuple[ArmazemError, int, float]] = []
    sink = SeventhFails(ingest)
    broker.publish(topic, messages(0, 1500))
    with reading(broker, topic, sink, settings, on_failure=lambda *failure: failures.append(failure)) as running:
        until(lambda: running.idle_seconds > 0)
        counts = running.counts()
    assert len(failures) >= 4 and {pause for _, _, pause in failures} == {0.01}
    assert counts.returned >= sum(messages for _, messages, _ in failures)
    assert counts.written == counts.received - counts.returned >= 1500
    assert sorted(event_ids(home)) == expected(1500)
    assert broker.lag(group(sink), topic) == 0
    assert_conserved(home)


def test_a_full_disk(broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "_FIRST_PAUSE", 0.25)
    failures: list[tuple[ArmazemError, int, float]] = []
    with small_disk(tmp_path / "disk", "2m") as disk:
        home = Home(disk / "home").open()
        settings = Settings(home=home.root)
        with Ingest(home, settings) as ingest:
            sink = JournalSink(ingest)
            with reading(
                broker, topic, sink, settings, on_failure=lambda *failure: failures.append(failure)
            ) as running:
                broker.publish(topic, messages(0, 50))
                until(lambda: running.idle_seconds > 0 and running.counts().accepted == 50)
                before = broker.committed(group(sink), topic)
                ballast = fill(disk)
                broker.publish(topic, [message(number, note="x" * 20_000) for number in range(50, 70)])
                until(lambda: len(failures) >= 2)
                assert all(type(error) is DiskFull for error, _, _ in failures)
                assert [pause for _, _, pause in failures[:2]] == [0.25, 0.5]
                assert broker.committed(group(sink), topic) == before and running.idle_seconds == 0
                ballast.unlink()
                until(lambda: running.counts().accepted == 70)
            assert broker.lag(group(sink), topic) == 0
            assert sorted(event_ids(home)) == expected(70)
        assert_conserved(home)


def test_no_more_than_asked_for(broker: Broker, topic: str, ingest: Ingest, settings: Settings, home: Home) -> None:
    sink = JournalSink(ingest)
    broker.publish(topic, messages(0, 300))
    with reading(broker, topic, sink, settings, limit=120) as running:
        until(lambda: running.complete)
        assert running.counts() == Counts(120, 120)
    assert sum(broker.committed(group(sink), topic).values()) == 120
    with reading(broker, topic, sink, settings) as running:
        until(lambda: running.idle_seconds > 0)
        assert running.counts() == Counts(180, 180)
    assert sorted(event_ids(home)) == expected(300)


def test_a_full_queue_slows_it_down(broker: Broker, topic: str, home: Home, clock: Clock) -> None:
    settings = Settings(home=home.root, queue_megabytes=1)
    with Ingest(home, settings, clock=clock) as ingest:
        clock.going.clear()
        other = ingest.submit([b" " * 2**20], "http")
        sink = JournalSink(ingest)
        broker.publish(topic, messages(0, 20))
        with reading(broker, topic, sink, settings) as running:
            until(lambda: running.counts().received > 0)
            assert (running.counts().accepted, running.idle_seconds) == (0, 0)
            clock.going.set()
            other.result(timeout=120)
            until(lambda: running.idle_seconds > 0)
            assert running.counts() == Counts(20, 20)


def test_a_write_that_takes_longer_than_a_member_may_be_silent(
    broker: Broker, topic: str, home: Home, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group gives its partitions up; it joins again, and what it had under way counts for nothing."""
    monkeypatch.setattr(receiver, "_AT_ONCE", 5)
    path = tmp_path / "client.properties"
    path.write_text("max.poll.interval.ms=2000\nsession.timeout.ms=2000\nheartbeat.interval.ms=200")
    settings = Settings(home=home.root, kafka_properties=str(path))
    broker.publish(topic, messages(0, 40))
    with Ingest(home, settings, clock=clock) as ingest:
        sink = JournalSink(ingest)
        clock.going.clear()
        with reading(broker, topic, sink, settings) as running:
            until(lambda: running.counts().received > 0)
            until(lambda: broker.members(group(sink)) == set())
            assert broker.committed(group(sink), topic) == {}
            clock.going.set()
            until(lambda: running.idle_seconds > 0)
            assert broker.lag(group(sink), topic) == 0
            counts = running.counts()
    assert (counts.accepted, counts.duplicates) == (40, counts.received - 40)
    assert counts.duplicates > 0
    assert sorted(event_ids(home)) == expected(40)


def test_stop_gives_back_what_cannot_be_written_in_time(
    broker: Broker, topic: str, home: Home, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "FINISH_SECONDS", 0.2)
    broker.publish(topic, messages(0, 10))
    with Ingest(home, settings, clock=clock) as ingest:
        clock.going.clear()
        sink = JournalSink(ingest)
        running = start_reading(sink, settings, broker.address, topic)
        until(lambda: running.counts().received == 10)
        assert running.stop() == Counts(10, 0, 0, 0, 10)
        assert broker.committed(group(sink), topic) == {}
        clock.going.set()
        with reading(broker, topic, sink, settings) as again:  # it was written after all
            until(lambda: again.idle_seconds > 0)
            assert again.counts() == Counts(10, 0, 10, 0, 0)


def test_what_was_not_committed_by_its_sender_is_not_read(
    broker: Broker, topic: str, ingest: Ingest, settings: Settings, home: Home
) -> None:
    """And the marks of transactions, which take offsets, end nothing before its time."""
    sender = Producer({"bootstrap.servers": broker.address, "transactional.id": topic})
    sender.init_transactions(120)
    for first, end in ((0, sender.commit_transaction), (10, sender.abort_transaction), (20, sender.commit_transaction)):
        sender.begin_transaction()
        for one in messages(first, 10):
            sender.produce(topic, one)
        sender.flush(120)
        end(120)
    with reading(broker, topic, JournalSink(ingest), settings) as running:
        until(lambda: running.idle_seconds > 0)
    assert sorted(event_ids(home)) == sorted(f"event-{number}" for number in (*range(10), *range(20, 30)))


def test_when_a_message_was_sent() -> None:
    """As it says, so that it gives the same row when it comes again; but no clock that cannot be right is believed."""
    sent = datetime(2026, 11, 1, 12, tzinfo=UTC)
    before = datetime.now(UTC)
    for milliseconds, expected_ in ((sent.timestamp() * 1000, sent), (0, None), (4e12, None)):
        message_ = Message("orders", 3, 17, value=b"x", timestamp=(1, int(milliseconds)))
        record = Record(message_)
        assert record.message_id == "orders:3:17"
        assert record.publish_time == expected_ if expected_ else before <= record.publish_time <= datetime.now(UTC)
    assert Record(Message("orders", 3, 17)).data == b""


def test_messages_over_the_limit(broker: Broker, ingest: Ingest, settings: Settings, home: Home) -> None:
    """Where a topic takes them; each is larger than the bound of what is fetched at once."""
    topic = broker.create("large-ones", 1, max_message_bytes=str(40 * 2**20))
    large = message(1, note="x" * 18 * 2**20)
    broker.publish(topic, [message(0), large, large, message(2)])
    with reading(broker, topic, JournalSink(ingest), settings) as running:
        until(lambda: running.idle_seconds > 0)
        assert running.counts() == Counts(4, 2, 0, 2, 0)
    assert sorted(event_ids(home)) == ["event-0", "event-2"]
    assert [(one.code, one.content == large, one.source) for one in letters(home)] == [
        ("too_large", True, "kafka:large-ones")
    ] * 2


def test_beside_other_senders_of_a_server(
    broker: Broker, topic: str, ingest: Ingest, settings: Settings, home: Home
) -> None:
    broker.publish(topic, messages(0, 100))
    with reading(broker, topic, JournalSink(ingest), settings) as running:
        for number in range(50, 150, 10):
            ingest.submit(messages(number, 10), "http").result(timeout=120)
        until(lambda: running.idle_seconds > 0)
        assert running.counts().written == 100
    assert sorted(event_ids(home)) == expected(150)
    assert_conserved(home)


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Ingest]:
    home = Home(tmp_path / "other").open()
    with Ingest(home, Settings(home=home.root)) as ingest:
        yield ingest


def test_a_home_that_has_moved_goes_on_where_it_was(
    broker: Broker, topic: str, tmp_path: Path, other_home: Ingest
) -> None:
    """Its group is that of its journal; another home reads the topic for itself."""
    first = Home(tmp_path / "first").open()
    broker.publish(topic, messages(0, 30))
    with (
        Ingest(first, Settings(home=first.root)) as ingest,
        reading(broker, topic, JournalSink(ingest), Settings(home=first.root)) as running,
    ):
        until(lambda: running.idle_seconds > 0)
    moved = Home(first.root.rename(tmp_path / "moved")).open()
    broker.publish(topic, messages(30, 10))
    with (
        Ingest(moved, Settings(home=moved.root)) as ingest,
        reading(broker, topic, JournalSink(ingest), Settings(home=moved.root)) as running,
    ):
        until(lambda: running.idle_seconds > 0)
        assert running.counts() == Counts(10, 10)
    with reading(broker, topic, JournalSink(other_home), Settings(home=other_home.home.root)) as running:
        until(lambda: running.idle_seconds > 0)
        assert running.counts() == Counts(40, 40)
