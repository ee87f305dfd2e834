"""All topics and subscriptions behind one lock. Errors are raised as `Refused` with their gRPC status."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable

import grpc
from google.pubsub_v1 import types

from .faults import Faults
from .subscription import PubsubMessage, Subscription

Status = grpc.StatusCode


class Refused(Exception):
    """What a caller is told instead of an answer."""

    def __init__(self, status: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.status = status


class Broker:
    """`changed` is the lock, notified when something may be delivered."""

    def __init__(self, scale: float) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.faults = Faults()
        self.topics: dict[str, types.Topic.pb()] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self._scale = scale
        self._numbers = itertools.count(1)

    def create_topic(self, topic: types.Topic.pb()) -> None:
        with self.changed:
            if topic.name in self.topics:
                raise Refused(Status.ALREADY_EXISTS, f"Resource already exists in the project (resource={topic.name}).")
            self.topics[topic.name] = topic

    def topic(self, name: str) -> types.Topic.pb():
        if name not in self.topics:
            raise Refused(Status.NOT_FOUND, f"Resource not found (resource={name}).")
        return self.topics[name]

    def create_subscription(self, request: types.Subscription.pb()) -> None:
        seconds = request.ack_deadline_seconds
        with self.changed:
            if request.name in self.subscriptions:
                raise Refused(
                    Status.ALREADY_EXISTS, f"Resource already exists in the project (resource={request.name})."
                )
            self.topic(request.topic)
            if request.dead_letter_policy.dead_letter_topic:
                self.topic(request.dead_letter_policy.dead_letter_topic)
            if seconds and not 10 <= seconds <= 600:
                raise Refused(Status.INVALID_ARGUMENT, f"Invalid ack deadline given: {seconds}. It must be 10 to 600.")
            request.ack_deadline_seconds = seconds or 10
            self.subscriptions[request.name] = Subscription(request, self._scale, self.faults, self._dead_letter)

    def subscription(self, name: str) -> Subscription:
        if name not in self.subscriptions:
            raise Refused(Status.NOT_FOUND, f"Resource not found (resource={name.rsplit('/')[-1]}).")
        return self.subscriptions[name]

    def delete_subscription(self, name: str) -> None:
        with self.changed:
            self.subscription(name)
            del self.subscriptions[name]
            self.changed.notify_all()

    def publish(self, topic: str, messages: Iterable[PubsubMessage]) -> list[str]:
        """The ids given to the messages. Where nobody subscribes they are gone, as with Google's."""
        ids = []
        with self.changed:
            self.topic(topic)
            subscribers = [one for one in self.subscriptions.values() if one.request.topic == topic]
            for message in messages:
                message.message_id = str(next(self._numbers))
                # In milliseconds, as Google's: of finer ones its own client makes other microseconds than Beam does.
                message.publish_time.FromMilliseconds(time.time_ns() // 10**6)
                ids.append(message.message_id)
                for subscription in subscribers:
                    subscription.add(message)
            self.changed.notify_all()
        return ids

    def expire(self) -> None:
        with self.changed:
            for subscription in self.subscriptions.values():
                subscription.expire()
            self.changed.notify_all()

    def _dead_letter(self, source: types.Subscription.pb(), message: PubsubMessage, attempts: int) -> None:
        moved = PubsubMessage(data=message.data, attributes=message.attributes, ordering_key=message.ordering_key)
        moved.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] = str(attempts)
        moved.attributes["CloudPubSubDeadLetterSourceSubscription"] = source.name.rsplit("/")[-1]
        self.publish(source.dead_letter_policy.dead_letter_topic, [moved])
