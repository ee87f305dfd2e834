"""Clients of a topic, connected: or why there is none."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from armazem.config import Settings
from armazem.errors import BrokerError
from armazem.intake.kafka.errors import Place, broker_error
from armazem.intake.kafka.properties import read_properties, wrong_property
from armazem.intake.kafka.watch import Watch
from armazem.intake.sinks import Sink

T = TypeVar("T")

MAX_KILOBYTES = 32 * 1024
_TRY = 2.0  # seconds: between two of them Ctrl-C is heard


def place_of(brokers: str, topic: str, sink: Sink, settings: Settings) -> Place:
    """Where a sink goes on reading: one group for it, one member of that for each of its writers."""
    group = settings.kafka_group or f"armazem-{sink.name}"
    return Place(brokers, topic, group, settings.kafka_instance or ("journal" if sink.alone else socket.gethostname()))


def consumer(place: Place, settings: Settings, watch: Watch, seconds: float) -> Consumer:
    """A consumer that has seen the topic, and not joined its group yet.

    Raises ConfigError where the properties are wrong, BrokerError where no broker answers within so many seconds, lets
    us in, or knows the topic.
    """
    given = read_properties(settings.kafka_properties)
    config = {**_defaults(settings), **given, **_fixed(place, watch)}
    client = _made(Consumer, config, settings.kafka_properties, given)
    try:
        _reach(client, place, watch, seconds)
    except BrokerError:
        client.close()
        raise
    return client


def producer(place: Place, properties: str, seconds: float, more: dict[str, Any]) -> tuple[Producer, Watch]:
    """A producer that has seen the topic, and what it tells. Raises as `consumer` does."""
    given = read_properties(properties)
    watch = Watch(place.brokers)
    fixed = {"bootstrap.servers": place.brokers, "acks": "all", "enable.idempotence": True, **more, **watch.config}
    config = {"client.id": "armazem", "linger.ms": 20, **given, **fixed, "allow.auto.create.topics": False}
    client = _made(Producer, config, properties, given)
    _reach(client, place, watch, seconds)
    return client, watch


def _made(make: Callable[[dict[str, Any]], T], config: dict[str, Any], path: str, given: dict[str, str]) -> T:
    try:
        return make(config)
    except KafkaException as error:
        reason = error.args[0].str()
    raise wrong_property(reason, path, given)  # not beside the client's own error: that has values in it


def _defaults(settings: Settings) -> dict[str, Any]:
    """What the file of properties may set otherwise. What is fetched and not written yet is bounded by bytes."""
    return {
        "client.id": "armazem",
        "queued.max.messages.kbytes": min(MAX_KILOBYTES, settings.queue_megabytes * 1024 // 2),
        "fetch.max.bytes": 16 * 2**20,
        "reconnect.backoff.max.ms": 5_000,
        "topic.metadata.refresh.interval.ms": 30_000,  # so soon new partitions are seen
        "session.timeout.ms": 45_000,
    }


def _fixed(place: Place, watch: Watch) -> dict[str, Any]:
    return {
        **watch.config,
        "on_commit": watch.commit_ended,
        "bootstrap.servers": place.brokers,
        "group.id": place.group,
        # A process that is started again takes its partitions up at once; without it they wait for the session's end.
        "group.instance.id": place.instance,
        "partition.assignment.strategy": "cooperative-sticky",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "allow.auto.create.topics": False,
    }


def _reach(client: Consumer | Producer, place: Place, watch: Watch, seconds: float) -> None:
    """Look whether the topic is there: otherwise the client would wait for it for ever without a word."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        try:
            found = client.list_topics(place.topic, timeout=max(0.1, min(_TRY, left))).topics.get(place.topic)
        except KafkaException as error:
            client.poll(0)  # it is here that the client tells what it has met
            if left <= 0 or watch.refused is not None:
                raise broker_error(watch.refused or error.args[0], place, watch.reason) from error
            continue
        wrong = found.error if found is not None else KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
        if wrong is not None and wrong.code() != KafkaError.LEADER_NOT_AVAILABLE:  # that was made a moment ago
            raise broker_error(wrong, place, watch.reason)
        watch.connected = True
        return
