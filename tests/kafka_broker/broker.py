"""One node of Kafka that is broker and controller, from the jars that `make kafka` fetches."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

JARS = Path(__file__).parents[2] / ".kafka"
USERS = {"reader": "reader-secret", "stranger": "stranger-secret"}
_START_SECONDS = 300  # the machine may be ten times slower
_PASSING = (
    KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._WAIT_COORD,
)  # fmt: skip
_JAVA = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")


def why_not() -> str:
    """Why there can be no broker here; empty where there can."""
    if shutil.which("java") is None:
        return "there is no Java"
    if not any(JARS.glob("kafka_*.jar")):
        return "Kafka's jars are not there: `make kafka` fetches them"
    return ""


class Broker:
    """A broker, until the end of the `with` block. It keeps its ports and what it has when it is stopped or killed.

    Two listeners: `address` for anybody, and `guarded` for who knows a password of USERS, of whom `reader` may read all
    and `stranger` nothing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        plain, guarded, controller = _free_ports(3)
        self.address = f"127.0.0.1:{plain}"
        self.guarded = f"127.0.0.1:{guarded}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        self._config = folder / "server.properties"
        self._config.write_text(_properties(folder, plain, guarded, controller), encoding="utf-8")
        subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", str(uuid4()), "-c", str(self._config)),
            check=True, capture_output=True, timeout=_START_SECONDS,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self._folder / "broker.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._config)), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._admin().list_topics(timeout=5)
            except KafkaException:
                assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            else:
                return

    def stop(self) -> None:
        """As an operator does: it tells its clients."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_START_SECONDS)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(_START_SECONDS)

    def log(self) -> str:
        """What it has said, of errors."""
        return (self._folder / "broker.log").read_text(encoding="utf-8", errors="replace")

    def create(self, topic: str, partitions: int = 3, **config: str) -> str:
        """Make a topic; a name of a setting has _ for its dots."""
        settings = {name.replace("_", "."): value for name, value in config.items()}
        admin = self._admin()  # with it what it was asked would go
        admin.create_topics([NewTopic(topic, partitions, 1, config=settings)])[topic].result(timeout=120)
        return topic

    def delete(self, topic: str) -> None:
        admin = self._admin()
        admin.delete_topics([topic])[topic].result(timeout=120)

    def extend(self, topic: str, partitions: int) -> None:
        """Give it more partitions."""
        admin = self._admin()
        admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(timeout=120)

    def allow_reading(self, topic: str, user: str) -> None:
        """The topic, and no group."""
        rule = AclBinding(
            ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{user}", "*",
            AclOperation.READ, AclPermissionType.ALLOW,
        )  # fmt: skip
        admin = self._admin()
        admin.create_acls([rule])[rule].result(timeout=120)

    def topics(self) -> set[str]:
        return set(self._admin().list_topics(timeout=60).topics)

    def publish(self, topic: str, values: Sequence[bytes | None], **options: object) -> None:
        """Send messages, and wait until the broker has them. `options`: of each, such as key, headers, partition."""
        producer = Producer(
            {"bootstrap.servers": self.address, "linger.ms": 5, "message.max.bytes": 64 * 2**20, "acks": "all",
             "logger": _Silent()}
        )  # fmt: skip
        failed: list[object] = []
        for value in values:
            while True:
                try:
                    producer.produce(
                        topic, value, on_delivery=lambda error, _: failed.append(error) if error else None, **options
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(120) == 0 and not failed, failed[:3]

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """What the group has committed, by partition; without those of which it has nothing."""
        with_ = self._reader(group)
        try:
            parts = [TopicPartition(topic, number) for number in self._partitions(topic)]
            deadline = time.monotonic() + _START_SECONDS
            while True:
                try:
                    found = with_.committed(parts, timeout=60)
                except KafkaException as error:
                    # The first group of a broker, and every one after its start: it has to find its books.
                    assert error.args[0].retriable() or error.args[0].code() in _PASSING, error
                    assert time.monotonic() < deadline, error
                    time.sleep(0.1)
                else:
                    return {one.partition: one.offset for one in found if one.offset >= 0}
        finally:
            with_.close()

    def members(self, group: str) -> set[str]:
        """The instances of the group that have partitions now."""
        admin = self._admin()
        found = admin.describe_consumer_groups([group])[group].result(timeout=120)
        return {one.group_instance_id for one in found.members if one.assignment.topic_partitions}

    def ends(self, topic: str) -> dict[int, int]:
        """The offset after the last message, by partition."""
        reader = self._reader("ends")
        try:
            return {
                number: reader.get_watermark_offsets(TopicPartition(topic, number), timeout=60)[1]
                for number in self._partitions(topic)
            }
        finally:
            reader.close()

    def lag(self, group: str, topic: str) -> int:
        """How many offsets the group has to go."""
        committed = self.committed(group, topic)
        return sum(end - committed.get(number, 0) for number, end in self.ends(topic).items())

    def _partitions(self, topic: str) -> Mapping[int, object]:
        found: Mapping[int, object] = self._admin().list_topics(topic, timeout=60).topics[topic].partitions
        return found

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address, "logger": _Silent()})

    def _reader(self, group: str) -> Consumer:
        return Consumer(
            {"bootstrap.servers": self.address, "group.id": group, "enable.auto.commit": False, "logger": _Silent()}
        )

    def _java(self, main: str, *arguments: str) -> list[str]:
        return ["java", *_JAVA, "-cp", str(JARS / "*"), main, *arguments]


class _Silent:
    """Takes what librdkafka logs."""

    def log(self, *_: object) -> None:
        return


def _properties(folder: Path, plain: int, guarded: int, controller: int) -> str:
    users = " ".join(f'user_{name}="{secret}"' for name, secret in USERS.items())
    jaas = f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},GUARDED://127.0.0.1:{guarded},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},GUARDED://127.0.0.1:{guarded}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
        "listener.name.guarded.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": jaas,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:reader",
        "log.dirs": str(folder / "logs"),
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "broker.session.timeout.ms": "2000",  # so long it waits after a kill
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.enable": "false",  # its buffers alone are 128 MB
        "num.network.threads": "2",
        "num.io.threads": "2",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
