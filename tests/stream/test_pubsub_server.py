"""The Pub/Sub server of the tests, as Google's own client finds it: at least as strict as the real one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from queue import Queue

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.subscriber.message import Message
from google.cloud.pubsub_v1.types import FlowControl
from google.pubsub_v1 import PublisherClient as GeneratedClient
from pubsub_server import PROJECT, PubSubServer

SCALE = 0.05  # the deadline of 10 s passes after 0.5 s
DEADLINE = 10 * SCALE
TOPIC, SUBSCRIPTION = f"projects/{PROJECT}/topics/orders", f"projects/{PROJECT}/subscriptions/shop"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubServer]:
    with PubSubServer(scale=SCALE) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "shop")
        yield server


@pytest.fixture
def client(server: PubSubServer) -> Iterator[SubscriberClient]:
    with SubscriberClient() as client:
        yield client


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pull(client: SubscriberClient, subscription: str = SUBSCRIPTION, most: int = 100) -> dict[str, tuple[bytes, int]]:
    """Of each message received its ack id, data and delivery attempt."""
    answer = client.pull(subscription=subscription, max_messages=most)
    return {one.ack_id: (one.message.data, one.delivery_attempt) for one in answer.received_messages}


def test_published_and_acknowledged_once(server: PubSubServer, client: SubscriberClient) -> None:
    publisher = PublisherClient()
    sent = [publisher.publish(TOPIC, f"{number}".encode(), shop="A") for number in range(50)]
    ids = {future.result(timeout=10) for future in sent}
    publisher.stop()
    received = client.pull(subscription=SUBSCRIPTION, max_messages=100).received_messages
    assert {one.message.message_id for one in received} == ids
    assert {one.message.data for one in received} == {f"{number}".encode() for number in range(50)}
    assert all(one.message.attributes == {"shop": "A"} and one.delivery_attempt == 0 for one in received)
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=[one.ack_id for one in received])
    time.sleep(DEADLINE * 1.2)
    assert pull(client) == {}
    assert sorted(server.acked("shop")) == sorted(f"{number}".encode() for number in range(50))
    assert set(server.deliveries("shop").values()) == {1}


def test_redelivered_after_the_deadline_and_a_late_acknowledgement_is_void(
    server: PubSubServer, client: SubscriberClient
) -> None:
    server.publish("orders", [b"one"])
    [first] = pull(client)
    started = time.monotonic()
    assert server.outstanding("shop") == 1
    until(lambda: server.waiting("shop") == 1)
    assert time.monotonic() - started > 0.8 * DEADLINE
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=[first])
    assert server.acked("shop") == []
    [second] = pull(client)
    assert second != first
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=[second])
    assert server.acked("shop") == [b"one"]
    assert list(server.deliveries("shop").values()) == [2]


def test_deadlines_are_moved(server: PubSubServer, client: SubscriberClient) -> None:
    server.publish("orders", [b"kept", b"given back"])
    received = {data: ack_id for ack_id, (data, _) in pull(client).items()}
    client.modify_ack_deadline(subscription=SUBSCRIPTION, ack_ids=[received[b"kept"]], ack_deadline_seconds=60)
    client.modify_ack_deadline(subscription=SUBSCRIPTION, ack_ids=[received[b"given back"]], ack_deadline_seconds=0)
    assert [data for data, _ in pull(client).values()] == [b"given back"]
    time.sleep(DEADLINE * 1.5)
    assert (server.waiting("shop"), server.outstanding("shop")) == (1, 1)
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=[received[b"kept"]])
    assert server.acked("shop") == [b"kept"]


def test_given_up_into_the_dead_letter_topic(server: PubSubServer, client: SubscriberClient) -> None:
    server.create("graveyard", "buried")
    policy = {"dead_letter_topic": server.topic("graveyard"), "max_delivery_attempts": 5}
    server.create("orders", "strict", dead_letter_policy=policy)
    server.publish("orders", [b"poison"])
    strict = server.subscription("strict")
    for attempt in range(1, 6):
        [(ack_id, (data, counted))] = pull(client, strict).items()
        assert (data, counted) == (b"poison", attempt)
        if attempt % 2:  # whether it is given back or runs out makes no difference
            client.modify_ack_deadline(subscription=strict, ack_ids=[ack_id], ack_deadline_seconds=0)
    assert pull(client, strict) == {}
    [buried] = client.pull(subscription=server.subscription("buried"), max_messages=9).received_messages
    assert buried.message.data == b"poison"
    assert buried.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"


@pytest.mark.parametrize("limit", [FlowControl(max_messages=7), FlowControl(max_bytes=7 * 1000)])
def test_a_stream_gets_no_more_than_it_wants(
    server: PubSubServer, client: SubscriberClient, limit: FlowControl
) -> None:
    server.publish("orders", [b"x" * 1000] * 40)
    received: Queue[Message] = Queue()
    stream = client.subscribe(SUBSCRIPTION, received.put, flow_control=limit)
    until(lambda: received.qsize() >= 7)
    time.sleep(0.2)
    assert server.outstanding("shop") == received.qsize() == 7
    for _ in range(40):
        assert server.outstanding("shop") <= 7
        received.get(timeout=10).ack()
    until(lambda: len(server.acked("shop")) >= 40)
    stream.cancel()
    stream.result(timeout=20)


def test_a_broken_stream_is_opened_again(server: PubSubServer, client: SubscriberClient) -> None:
    received: Queue[Message] = Queue()
    stream = client.subscribe(SUBSCRIPTION, lambda message: (received.put(message), message.ack()))
    for number in range(3):
        server.publish("orders", [f"{number}".encode()])
        assert received.get(timeout=10).data == f"{number}".encode()
        server.break_streams()
    server.publish("orders", [b"last"])
    until(lambda: b"last" in server.acked("shop"))
    assert not stream.done()
    stream.cancel()
    stream.result(timeout=20)


def test_acknowledgements_that_are_late_or_lost(server: PubSubServer, client: SubscriberClient) -> None:
    server.publish("orders", [b"one"])
    server.faults.lose_acknowledgements = 1
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=list(pull(client)))
    assert server.acked("shop") == []
    until(lambda: server.waiting("shop") == 1)
    server.faults.late_acknowledgements = True
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=list(pull(client)))
    assert server.acked("shop") == []
    server.faults.late_acknowledgements = False
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=list(pull(client)))
    assert server.acked("shop") == [b"one"]


def test_delivered_twice_acknowledged_once(server: PubSubServer, client: SubscriberClient) -> None:
    server.faults.duplicate_every = 2
    server.publish("orders", [b"one", b"two", b"three", b"four"])
    received = pull(client)
    assert [data for data, _ in received.values()] == [b"one", b"two", b"two", b"three", b"four", b"four"]
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=list(received)[:2])  # of "two" the first delivery only
    client.modify_ack_deadline(subscription=SUBSCRIPTION, ack_ids=list(received)[2:], ack_deadline_seconds=0)
    server.faults.duplicate_every = 0
    again = pull(client)
    assert {data for data, _ in again.values()} == {b"three", b"four"}
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=list(again))
    assert sorted(server.acked("shop")) == [b"four", b"one", b"three", b"two"]


def test_wrong_requests(server: PubSubServer, client: SubscriberClient) -> None:
    nowhere = f"projects/{PROJECT}/subscriptions/nowhere"
    asked: dict[str, Callable[[], object]] = {
        "get": lambda: client.get_subscription(subscription=nowhere),
        "pull": lambda: client.pull(subscription=nowhere, max_messages=1),
        "acknowledge": lambda: client.acknowledge(subscription=nowhere, ack_ids=["x"]),
        "stream": lambda: client.subscribe(nowhere, print).result(timeout=10),
        "no topic": lambda: client.create_subscription(name=nowhere, topic=server.topic("none")),
    }
    for name, ask in asked.items():
        with pytest.raises(exceptions.NotFound):
            pytest.fail(f"{name} answered {ask()}")
    with pytest.raises(exceptions.AlreadyExists):
        client.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
    with pytest.raises(exceptions.InvalidArgument, match="10 to 600"):
        client.create_subscription(request={"name": nowhere, "topic": TOPIC, "ack_deadline_seconds": 5})
    client.acknowledge(subscription=SUBSCRIPTION, ack_ids=["unknown"])  # no error, as with Google's
    publisher = PublisherClient()
    with pytest.raises(exceptions.InvalidArgument):
        GeneratedClient.publish(publisher, topic=TOPIC, messages=[{"data": b""}])
    with pytest.raises(exceptions.NotFound):
        publisher.publish(server.topic("none"), b"x").result(timeout=10)
    publisher.stop()


def test_refused_by_a_test(server: PubSubServer, client: SubscriberClient) -> None:
    server.faults.refuse["StreamingPull"] = grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(exceptions.PermissionDenied):
        client.subscribe(SUBSCRIPTION, print).result(timeout=10)


def test_topics(server: PubSubServer) -> None:
    publisher = PublisherClient()
    for name in ("one", "two"):
        publisher.create_topic(name=server.topic(name))
    listed = [topic.name for topic in publisher.list_topics(project=f"projects/{PROJECT}")]
    assert listed == [server.topic(name) for name in ("orders", "one", "two")]
    publisher.delete_topic(topic=server.topic("one"))
    with pytest.raises(exceptions.NotFound):
        publisher.get_topic(topic=server.topic("one"))
    assert publisher.get_topic(topic=server.topic("two")).name == server.topic("two")


def test_every_subscription_gets_every_message(server: PubSubServer, client: SubscriberClient) -> None:
    server.create("orders", "second", ack_deadline_seconds=600)
    server.publish("orders", [b"one", b"two"])
    for name in ("shop", "second"):
        assert [data for data, _ in pull(client, server.subscription(name)).values()] == [b"one", b"two"]
    until(lambda: server.waiting("shop") == 2)
    assert server.waiting("second") == 0
    server.delete("second")
    with pytest.raises(exceptions.NotFound):
        pull(client, server.subscription("second"))


def test_a_stream_sends_again_what_it_did_not_acknowledge(server: PubSubServer, client: SubscriberClient) -> None:
    """The client moves deadlines to 10 s as messages arrive; here they pass before it extends them."""
    numbers = itertools.count(1)
    received: Queue[bytes] = Queue()

    def every_second_time(message: Message) -> None:
        received.put(message.data)
        if next(numbers) % 2 == 0:
            message.ack()

    stream = client.subscribe(SUBSCRIPTION, every_second_time)
    server.publish("orders", [b"one"])
    until(lambda: server.acked("shop") == [b"one"])
    assert [received.get_nowait() for _ in range(received.qsize())] == [b"one", b"one"]
    stream.cancel()
    stream.result(timeout=20)
