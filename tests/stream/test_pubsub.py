"""A subscription into the journal: each event once, acknowledged after the commit, whatever Pub/Sub and the disk do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
from google.cloud.pubsub_v1 import PublisherClient
from pubsub_server import PROJECT, PubSubServer
from small_disk import fill, small_disk

from armazem.config import Settings
from armazem.errors import ArmazemError, CloudError
from armazem.home import Home
from armazem.intake import pubsub
from armazem.intake.batches import Counts
from armazem.intake.ingest import Ingest
from armazem.intake.pubsub import Subscription, start_subscription
from armazem.intake.sinks import JournalSink
from armazem.journal.errors import DiskFull

from .shop_events import assert_conserved, event_ids, ledger, letters, message, messages

SCALE = 0.05  # the deadline of 10 s passes after 0.5 s
SOURCE = f"pubsub:{PROJECT}/shop"


class Clock:
    """The committer asks for the time before each commit: `held` keeps it waiting, as a slow disk would."""

    def __init__(self) -> None:
        self.going = threading.Event()
        self.going.set()

    def __call__(self) -> datetime:
        assert self.going.wait(60)
        return datetime.now(UTC)

    @contextmanager
    def held(self) -> Iterator[None]:
        self.going.clear()
        try:
            yield
        finally:
            self.going.set()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubServer]:
    with PubSubServer(scale=SCALE) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "shop")
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ingest(home: Home, settings: Settings, clock: Clock) -> Iterator[Ingest]:
    with Ingest(home, settings, clock=clock) as ingest:
        yield ingest


@contextmanager
def reading(ingest: Ingest, settings: Settings, **options: object) -> Iterator[Subscription]:
    """A running subscription that ends without error."""
    running = start_subscription(JournalSink(ingest), settings, PROJECT, "shop", **options)
    try:
        yield running
        running.check()
    finally:
        counts = running.stop()
    assert counts.unacknowledged == 0


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def expected(first: int, count: int) -> list[str]:
    return [f"event-{number}" for number in range(first, first + count)]


def test_every_event_once_and_all_acknowledged(
    server: PubSubServer, ingest: Ingest, settings: Settings, home: Home
) -> None:
    """Sent by the official client, with attributes, duplicates and messages that are no events."""
    bad = [b"\xff\xfe", b"{", b"", b'{"event_type": "order_cooked"}', message(1, data={}), b" " * 2**21]
    sent = [*messages(0, 300), *messages(100, 50), *bad, *messages(280, 60)]
    server.faults.duplicate_every = 7
    with reading(ingest, settings) as running:
        publisher = PublisherClient()
        for future in [publisher.publish(server.topic("orders"), data, event_id="not looked at") for data in sent]:
            future.result(timeout=20)
        publisher.stop()
        until(lambda: server.acknowledged("shop") == len(sent) and server.outstanding("shop") == 0)
        counts = running.stop()
    delivered = server.deliveries("shop").total()
    assert delivered > len(sent)
    assert sorted(server.acked("shop")) == sorted(sent)
    assert sorted(event_ids(home)) == sorted(expected(0, 340))
    assert {letter.content for letter in letters(home)} == set(bad)
    assert {letter.source for letter in letters(home)} == {SOURCE}
    refused = len(letters(home))
    assert counts == Counts(delivered, 340, delivered - 340 - refused, refused, 0)
    ingest.__exit__(None, None, None)
    assert ledger(home) == {SOURCE: (delivered, 340, delivered - 340 - refused, refused)}
    assert_conserved(home)


def test_redelivered_while_it_was_written_counts_once(
    server: PubSubServer, ingest: Ingest, settings: Settings, home: Home, clock: Clock
) -> None:
    with reading(ingest, settings) as running:
        with clock.held():  # the deadline passes before the commit
            server.publish("orders", messages(0, 20))
            until(lambda: min(server.deliveries("shop").values(), default=0) >= 2)
            assert server.acked("shop") == [] and event_ids(home) == []
        until(lambda: server.acknowledged("shop") == 20 and server.waiting("shop") == 0)
        until(lambda: running.counts().unacknowledged == 0)
        counts = running.counts()
    assert counts.accepted == 20 and counts.duplicates >= 20 and counts.refused == counts.returned == 0
    assert sorted(event_ids(home)) == sorted(expected(0, 20))
    assert_conserved(home)


@pytest.mark.parametrize("fault", ["late", "lost", "refused"])
def test_written_but_not_acknowledged_in_time(
    server: PubSubServer, ingest: Ingest, settings: Settings, home: Home, fault: str
) -> None:
    server.faults.late_acknowledgements = fault == "late"
    server.faults.lose_acknowledgements = 1_000 if fault == "lost" else 0
    if fault == "refused":
        server.faults.refuse["Acknowledge"] = grpc.StatusCode.INTERNAL
    with reading(ingest, settings) as running:
        server.publish("orders", messages(0, 20))
        until(lambda: running.counts().duplicates >= 20)
        assert (running.counts().accepted, server.acked("shop")) == (20, [])
        server.faults.late_acknowledgements, server.faults.lose_acknowledgements = False, 0
        server.faults.refuse.clear()
        until(lambda: server.acknowledged("shop") == 20)
    assert sorted(event_ids(home)) == sorted(expected(0, 20))
    assert_conserved(home)


def test_streams_that_break(server: PubSubServer, ingest: Ingest, settings: Settings, home: Home) -> None:
    with reading(ingest, settings):
        for number in range(4):  # the client opens 5 streams in 10 s at most
            server.publish("orders", messages(100 * number, 100))
            server.break_streams()
            time.sleep(0.2)
        until(lambda: server.acknowledged("shop") == 400)
    assert sorted(event_ids(home)) == sorted(expected(0, 400))
    assert_conserved(home)


def test_a_full_disk(server: PubSubServer, tmp_path: Path) -> None:
    failures: list[tuple[ArmazemError, int, float]] = []
    with small_disk(tmp_path / "disk", "2m") as disk:
        home = Home(disk / "home").open()
        settings = Settings(home=home.root)
        with Ingest(home, settings) as ingest:
            with reading(ingest, settings, on_failure=lambda *failure: failures.append(failure)) as running:
                server.publish("orders", messages(0, 50))
                until(lambda: server.acknowledged("shop") == 50)
                ballast = fill(disk)
                large = [message(number, note="x" * 20_000) for number in range(50, 70)]
                server.publish("orders", large)
                until(lambda: len(failures) >= 2)
                assert all(type(error) is DiskFull for error, _, _ in failures)
                assert [pause for _, _, pause in failures[:2]] == [1, 2]
                assert server.acknowledged("shop") == 50 and running.counts().accepted == 50
                assert running.counts().returned >= 40 and max(server.deliveries("shop").values()) >= 2
                ballast.unlink()
                until(lambda: server.acknowledged("shop") == 70)
            assert sorted(event_ids(home)) == sorted(expected(0, 70))
        assert_conserved(home)


def test_no_more_than_asked_for(server: PubSubServer, ingest: Ingest, settings: Settings, home: Home) -> None:
    server.publish("orders", messages(0, 300))
    with reading(ingest, settings, limit=120) as running:
        until(lambda: running.complete)
    assert server.acknowledged("shop") == len(event_ids(home)) == 120
    until(lambda: (server.waiting("shop"), server.outstanding("shop")) == (180, 0))  # the last answers are on their way


def test_a_full_queue_slows_pubsub_down(server: PubSubServer, home: Home, clock: Clock) -> None:
    settings = Settings(home=home.root, queue_megabytes=1)
    with Ingest(home, settings, clock=clock) as ingest, reading(ingest, settings) as running:
        with clock.held():
            other = ingest.submit([b" " * 2**20], "http")
            server.publish("orders", messages(0, 20))
            until(lambda: running.counts().received >= 20)
            time.sleep(0.3)
            assert (running.counts().returned, server.waiting("shop")) == (0, 0)
        other.result(timeout=20)
        until(lambda: server.acknowledged("shop") == 20)
        assert running.counts().returned == 0


def test_stop_writes_and_acknowledges_what_is_here(
    server: PubSubServer, ingest: Ingest, settings: Settings, home: Home, clock: Clock
) -> None:
    running = start_subscription(JournalSink(ingest), settings, PROJECT, "shop")
    with clock.held():
        server.publish("orders", messages(0, 10))
        until(lambda: running.counts().received >= 10)
        stopping = threading.Thread(target=running.stop)
        stopping.start()
        time.sleep(0.2)
        assert stopping.is_alive() and server.acked("shop") == []
    stopping.join(20)
    assert running.counts() == Counts(10, 10, 0, 0, 0)
    assert server.acknowledged("shop") == len(event_ids(home)) == 10
    server.publish("orders", messages(10, 1))
    time.sleep(0.3)
    assert (server.waiting("shop"), running.counts().received) == (1, 10)


def test_stop_gives_back_what_cannot_be_written_in_time(
    server: PubSubServer, ingest: Ingest, settings: Settings, home: Home, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "FINISH_SECONDS", 0.2)
    running = start_subscription(JournalSink(ingest), settings, PROJECT, "shop")
    with clock.held():
        server.publish("orders", messages(0, 10))
        until(lambda: running.counts().received == 10)
        assert running.stop() == Counts(10, 0, 0, 0, 10)
        assert (server.acked("shop"), server.waiting("shop"), server.outstanding("shop")) == ([], 10, 0)
    with reading(ingest, settings) as again:  # it was written after all
        until(lambda: server.acknowledged("shop") == 10)
    assert again.counts() == Counts(10, 0, 10, 0, 0)
    assert len(event_ids(home)) == 10


def test_who_may_consume_need_not_be_allowed_to_look(server: PubSubServer, ingest: Ingest, settings: Settings) -> None:
    server.faults.refuse["GetSubscription"] = grpc.StatusCode.PERMISSION_DENIED
    with reading(ingest, settings):
        server.publish("orders", messages(0, 3))
        until(lambda: server.acknowledged("shop") == 3)


def test_errors_before_the_first_message(
    server: PubSubServer, ingest: Ingest, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CloudError, match="there is no subscription nowhere in project demo-project") as raised:
        start_subscription(JournalSink(ingest), settings, PROJECT, "nowhere")
    assert "gcloud pubsub subscriptions create nowhere --project demo-project" in raised.value.hint
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(CloudError, match=r"Pub/Sub cannot be reached: .*127\.0\.0\.1:9") as raised:
        start_subscription(JournalSink(ingest), settings, PROJECT, "shop", connect_seconds=0.5)
    assert "PUBSUB_EMULATOR_HOST is 127.0.0.1:9" in raised.value.hint
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST")
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(CloudError, match="no Google credentials") as raised:
        start_subscription(JournalSink(ingest), settings, PROJECT, "shop")
    assert "gcloud auth application-default login" in raised.value.hint


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "no permission to read projects/demo-project/subscriptions/shop"),
        (grpc.StatusCode.UNAUTHENTICATED, "authentication failed"),
        (grpc.StatusCode.NOT_FOUND, "there is no subscription shop"),
        (grpc.StatusCode.FAILED_PRECONDITION, "ended the stream"),
    ],
)
def test_a_stream_that_ends_for_good(
    server: PubSubServer, ingest: Ingest, settings: Settings, status: grpc.StatusCode, words: str
) -> None:
    running = start_subscription(JournalSink(ingest), settings, PROJECT, "shop")
    server.publish("orders", messages(0, 5))
    until(lambda: server.acknowledged("shop") == 5)
    running.check()
    server.faults.refuse["StreamingPull"] = status
    server.break_streams()
    with pytest.raises(CloudError, match=words):
        for _ in range(1000):
            running.check()
            time.sleep(0.01)
    assert running.stop() == Counts(5, 5, 0, 0, 0)


def test_a_subscription_that_is_deleted(server: PubSubServer, ingest: Ingest, settings: Settings) -> None:
    running = start_subscription(JournalSink(ingest), settings, PROJECT, "shop")
    server.delete("shop")
    with pytest.raises(CloudError, match="there is no subscription shop"):
        for _ in range(1000):
            running.check()
            time.sleep(0.01)
    running.stop()


def test_beside_other_senders_of_a_server(server: PubSubServer, ingest: Ingest, settings: Settings, home: Home) -> None:
    with reading(ingest, settings) as running:
        server.publish("orders", messages(0, 100))
        for number in range(50, 150, 10):
            ingest.submit(messages(number, 10), "http").result(timeout=20)
        until(lambda: server.acknowledged("shop") == 100)
    assert sorted(event_ids(home)) == sorted(expected(0, 150))
    assert running.counts().written == 100
    assert_conserved(home)
