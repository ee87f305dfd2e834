"""The server: started and stopped, filled and asked by tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self

import grpc
from google.pubsub_v1 import types

from .broker import Broker
from .faults import Faults
from .publisher import Publisher
from .subscriber import Subscriber
from .subscription import PubsubMessage, Subscription

PROJECT = "demo-project"
EXPIRY_SECONDS = 0.02


class PubSubServer:
    """A Pub/Sub of its own on a free port (or `port`).

    `scale`: real seconds that one second of an acknowledgement deadline lasts. The shortest deadline of Pub/Sub is
    10 s; with a scale of 0.05 a test waits 0.5 s for it.
    """

    def __init__(self, port: int = 0, *, scale: float = 1.0, project: str = PROJECT) -> None:
        self.project = project
        self._broker = Broker(scale)
        self._subscriber = Subscriber(self._broker)
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=32, thread_name_prefix="pubsub-server"),
            handlers=(Publisher(self._broker).handlers(), self._subscriber.handlers()),
            options=[("grpc.max_receive_message_length", 16 * 2**20), ("grpc.so_reuseport", 0)],
        )
        self._port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self._stopping = threading.Event()
        self._expiry = threading.Thread(target=self._expire, daemon=True)

    @property
    def address(self) -> str:
        """For PUBSUB_EMULATOR_HOST."""
        return f"127.0.0.1:{self._port}"

    @property
    def faults(self) -> Faults:
        return self._broker.faults

    def __enter__(self) -> Self:
        self._server.start()
        self._expiry.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.stop(grace=None).wait()
        self._expiry.join()

    def wait(self) -> None:
        """Serve until the process ends."""
        self._server.wait_for_termination()

    def topic(self, name: str) -> str:
        return f"projects/{self.project}/topics/{name}"

    def subscription(self, name: str) -> str:
        return f"projects/{self.project}/subscriptions/{name}"

    def create(self, topic: str, subscription: str, **options: Any) -> None:
        """Make a subscription, and its topic where there is none. `options`: fields of its resource."""
        if self.topic(topic) not in self._broker.topics:
            self._broker.create_topic(types.Topic.pb()(name=self.topic(topic)))
        names = {"name": self.subscription(subscription), "topic": self.topic(topic)}
        self._broker.create_subscription(types.Subscription.pb(types.Subscription(**names, **options)))

    def delete(self, subscription: str) -> None:
        self._broker.delete_subscription(self.subscription(subscription))

    def publish(self, topic: str, messages: Sequence[bytes]) -> None:
        self._broker.publish(self.topic(topic), [PubsubMessage(data=data) for data in messages])

    def break_streams(self) -> None:
        """End every open StreamingPull with UNAVAILABLE. What they have leased stays leased."""
        self._subscriber.break_streams()

    def acked(self, subscription: str) -> list[bytes]:
        """The data of what was acknowledged, in that order."""
        with self._of(subscription) as found:
            return [message.data for message in found.acked]

    def acknowledged(self, subscription: str) -> int:
        """How many messages were acknowledged."""
        with self._of(subscription) as found:
            return len(found.acked)

    def waiting(self, subscription: str) -> int:
        """How many messages nobody has leased."""
        with self._of(subscription) as found:
            return found.waiting

    def outstanding(self, subscription: str) -> int:
        """How many deliveries are neither acknowledged nor given back."""
        with self._of(subscription) as found:
            return found.leased

    def deliveries(self, subscription: str) -> Counter[str]:
        """How often each message was delivered, by message id."""
        with self._of(subscription) as found:
            return Counter(found.deliveries)

    @contextmanager
    def _of(self, subscription: str) -> Iterator[Subscription]:
        with self._broker.changed:
            found = self._broker.subscription(self.subscription(subscription))
            found.expire()
            yield found

    def _expire(self) -> None:
        while not self._stopping.wait(EXPIRY_SECONDS):
            self._broker.expire()
