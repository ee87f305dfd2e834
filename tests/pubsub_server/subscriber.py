"""google.pubsub.v1.Subscriber, over a broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from .broker import Broker, Refused, Status
from .rpc import Context, service
from .subscription import MAX_RESPONSE_MESSAGES, Flow, Subscription

PULL_SECONDS = 1.0  # how long Pull waits for a message; Google's waits longer, and may answer with none as well
TICK = 0.05  # how soon a stream notices that it was broken or that its caller has left


class Subscriber:
    """Deliveries. `break_streams` ends every open stream as a lost connection would."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._generation = 0

    def break_streams(self) -> None:
        self._generation += 1

    def handlers(self) -> grpc.GenericRpcHandler:
        methods = {
            "CreateSubscription": (self._create, types.Subscription),
            "GetSubscription": (self._get, types.GetSubscriptionRequest),
            "DeleteSubscription": (self._delete, types.DeleteSubscriptionRequest),
            "Pull": (self._pull, types.PullRequest),
            "Acknowledge": (self._acknowledge, types.AcknowledgeRequest),
            "ModifyAckDeadline": (self._modify, types.ModifyAckDeadlineRequest),
        }
        stream = {"StreamingPull": (self._streaming_pull, types.StreamingPullRequest)}
        return service("google.pubsub.v1.Subscriber", self._broker, methods, stream)

    def _create(self, request: Any) -> Any:
        self._broker.create_subscription(request)
        return request

    def _get(self, request: Any) -> Any:
        return self._broker.subscription(request.subscription).request

    def _delete(self, request: Any) -> Any:
        self._broker.delete_subscription(request.subscription)
        return Empty()

    def _pull(self, request: Any) -> Any:
        if request.max_messages < 1:
            raise Refused(Status.INVALID_ARGUMENT, "max_messages must be positive")
        until = time.monotonic() + PULL_SECONDS
        with self._broker.changed:
            while True:
                subscription = self._broker.subscription(request.subscription)
                seconds = subscription.request.ack_deadline_seconds
                most = min(request.max_messages, MAX_RESPONSE_MESSAGES)
                received = subscription.take(seconds, Flow(), most)
                if received or request.return_immediately or time.monotonic() > until:
                    return types.PullResponse.pb()(received_messages=received)
                self._broker.changed.wait(TICK)

    def _acknowledge(self, request: Any) -> Any:
        faults, late = self._broker.faults, self._broker.faults.late_acknowledgements
        time.sleep(faults.acknowledge_delay)
        with self._broker.changed:
            # Google's client moves deadlines at random moments, also of what it is acknowledging: a delay of so many
            # seconds may come in time.
            subscription = self._broker.subscription(request.subscription)
            while late and subscription.holds(request.ack_ids):
                self._broker.changed.wait(TICK)
            if faults.lose_acknowledgements > 0:
                faults.lose_acknowledgements -= 1
                return Empty()
            subscription.acknowledge(request.ack_ids)
            self._broker.changed.notify_all()  # a stream may have room again
        return Empty()

    def _modify(self, request: Any) -> Any:
        if not 0 <= request.ack_deadline_seconds <= 600:
            raise Refused(Status.INVALID_ARGUMENT, f"Invalid ack deadline: {request.ack_deadline_seconds}")
        with self._broker.changed:
            subscription = self._broker.subscription(request.subscription)
            for ack_id in request.ack_ids:
                subscription.modify(ack_id, request.ack_deadline_seconds)
            self._broker.changed.notify_all()
        return Empty()

    def _streaming_pull(self, requests: Iterator[Any], context: Context) -> Iterator[Any]:
        first = next(requests)
        seconds = [first.stream_ack_deadline_seconds]
        if not 10 <= seconds[0] <= 600:
            raise Refused(Status.INVALID_ARGUMENT, f"Invalid stream_ack_deadline_seconds: {seconds[0]}")
        with self._broker.changed:
            self._heed(self._broker.subscription(first.subscription), first, seconds)
        generation = self._generation
        flow = Flow(max(first.max_outstanding_messages, 0), max(first.max_outstanding_bytes, 0))
        listening = (requests, first.subscription, seconds)
        threading.Thread(target=self._listen, args=listening, daemon=True).start()
        while context.is_active():
            if generation != self._generation:
                raise Refused(Status.UNAVAILABLE, "The service was unable to fulfill your request.")
            with self._broker.changed:
                received = self._broker.subscription(first.subscription).take(seconds[0], flow)
                if not received:
                    self._broker.changed.wait(TICK)
            if received:
                yield types.StreamingPullResponse.pb()(received_messages=received)

    def _listen(self, requests: Iterator[Any], name: str, seconds: list[int]) -> None:
        """Heed what comes up the stream until it ends."""
        try:
            for request in requests:
                with self._broker.changed:
                    self._heed(self._broker.subscription(name), request, seconds)
                    self._broker.changed.notify_all()
        except (grpc.RpcError, Refused):  # the other half of the stream tells the caller
            return

    def _heed(self, subscription: Subscription, request: Any, seconds: list[int]) -> None:
        subscription.acknowledge(request.ack_ids)
        for ack_id, new in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=True):
            subscription.modify(ack_id, new)
        if request.stream_ack_deadline_seconds:
            seconds[0] = request.stream_ack_deadline_seconds
