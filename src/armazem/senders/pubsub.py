"""Messages to a Pub/Sub topic, with Google's client; PUBSUB_EMULATOR_HOST names another server."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from armazem.errors import SendError, extra
from armazem.senders.addresses import Acknowledged, How
from armazem.shop.life.messages import Message

if TYPE_CHECKING:
    from concurrent.futures import Future

_UNDER_WAY = 20_000  # messages published and not acknowledged yet
_TARGET = re.compile(r"pubsub:([^/]+)/([^/]+)")


class PubSubSender:
    """One message each; it counts as acknowledged once the topic has given it a message id."""

    def __init__(self, to: str, acknowledged: Acknowledged, how: How) -> None:
        match = _TARGET.fullmatch(to)
        if match is None:
            raise SendError(f"{to} names no topic", "for example pubsub:my-project/olist_orders_topic")
        with extra("pubsub", "Pub/Sub"):
            from google.cloud import pubsub_v1
        self._to = to
        self._acknowledged = acknowledged
        self._retry_seconds = how.retry_seconds
        self._publisher = pubsub_v1.PublisherClient(
            pubsub_v1.types.BatchSettings(max_messages=1000, max_bytes=4 * 2**20, max_latency=0.02)
        )
        self._topic = self._publisher.topic_path(*match.groups())
        self._under_way: deque[tuple[Message, Future[str]]] = deque()
        self._published = 0

    def send(self, batch: Sequence[Message]) -> None:
        for message in batch:
            self._under_way.append((message, self._publisher.publish(self._topic, message.body)))
        self._collect(_UNDER_WAY)

    def finish(self) -> None:
        self._collect(0)

    def figures(self) -> dict[str, Any]:
        return {"published": self._published}

    def _collect(self, leave: int) -> None:
        """Take what is acknowledged; wait for it while more than `leave` are under way."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError

        done = []
        try:
            while self._under_way and (len(self._under_way) > leave or self._under_way[0][1].done()):
                message, future = self._under_way[0]
                future.result(timeout=self._retry_seconds)
                self._under_way.popleft()
                done.append(message)
        except (GoogleAPICallError, RetryError, TimeoutError) as error:
            self._under_way.clear()
            reason = getattr(error, "message", "") or f"no answer for {self._retry_seconds:.0f} s"
            raise SendError(f"cannot publish to {self._to}: {reason}", "does the topic exist, and may you?") from error
        finally:
            self._published += len(done)
            self._acknowledged(done)
