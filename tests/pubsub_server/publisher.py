"""google.pubsub.v1.Publisher, over a broker."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from .broker import Broker, Refused, Status
from .rpc import service

MAX_PUBLISH_MESSAGES = 1000


class Publisher:
    """Topics, and what is published to them."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handlers(self) -> grpc.GenericRpcHandler:
        methods = {
            "CreateTopic": (self._create_topic, types.Topic),
            "GetTopic": (self._get_topic, types.GetTopicRequest),
            "ListTopics": (self._list_topics, types.ListTopicsRequest),
            "DeleteTopic": (self._delete_topic, types.DeleteTopicRequest),
            "Publish": (self._publish, types.PublishRequest),
        }
        return service("google.pubsub.v1.Publisher", self._broker, methods)

    def _create_topic(self, request: Any) -> Any:
        self._broker.create_topic(request)
        return request

    def _get_topic(self, request: Any) -> Any:
        return self._broker.topic(request.topic)

    def _list_topics(self, request: Any) -> Any:
        of_project = [topic for name, topic in self._broker.topics.items() if name.startswith(f"{request.project}/")]
        return types.ListTopicsResponse.pb()(topics=of_project)

    def _delete_topic(self, request: Any) -> Any:
        self._broker.topic(request.topic)
        del self._broker.topics[request.topic]
        return Empty()

    def _publish(self, request: Any) -> Any:
        if not 1 <= len(request.messages) <= MAX_PUBLISH_MESSAGES:
            raise Refused(Status.INVALID_ARGUMENT, f"{len(request.messages)} messages; allowed are 1 to 1,000")
        if not all(message.data or message.attributes for message in request.messages):
            raise Refused(Status.INVALID_ARGUMENT, "One or more messages in the publish request is empty.")
        return types.PublishResponse.pb()(message_ids=self._broker.publish(request.topic, request.messages))
