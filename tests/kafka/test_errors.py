"""What cannot be read ends with one line that says why; and what the file of properties holds is not in it."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka_broker import Broker
from kafka_broker.broker import USERS
from stream.shop_events import event_ids, messages

from armazem.config import ConfigError, Settings
from armazem.errors import ArmazemError, BrokerError
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.intake.kafka.properties import parsed, read_properties
from armazem.intake.kafka.receiver import start_reading
from armazem.intake.kafka.watch import Watch
from armazem.intake.sinks import JournalSink

from .running import expected, group, reading, until

pytestmark = pytest.mark.xdist_group("kafka")


def properties(tmp_path: Path, user: str, secret: str) -> str:
    path = tmp_path / "client.properties"
    path.write_text(
        f"# of the shop\nsecurity.protocol = SASL_PLAINTEXT\nsasl.mechanism: PLAIN\n"
        f"sasl.username={user}\nsasl.password={secret}\n"
    )
    return str(path)


def test_no_such_topic_is_no_reason_to_make_one(broker: Broker, ingest: Ingest, settings: Settings) -> None:
    """The broker would make a topic that a client asks for."""
    with pytest.raises(BrokerError, match=f"there is no topic typo at {broker.address}") as raised:
        start_reading(JournalSink(ingest), settings, broker.address, "typo")
    assert "create it" in raised.value.hint
    assert "typo" not in broker.topics()


def test_nobody_answers(ingest: Ingest, settings: Settings) -> None:
    with pytest.raises(BrokerError, match=r"no Kafka broker answers at 127\.0\.0\.1:9: .*Connection refused"):
        start_reading(JournalSink(ingest), settings, "127.0.0.1:9", "orders", connect_seconds=0.5)


def test_with_a_password(broker: Broker, topic: str, ingest: Ingest, home: Home, tmp_path: Path) -> None:
    broker.publish(topic, messages(0, 20))
    path = properties(tmp_path, "reader", USERS["reader"])
    settings = Settings(home=home.root, kafka_properties=path)
    with reading(broker, topic, JournalSink(ingest), settings, address=broker.guarded) as running:
        until(lambda: running.idle_seconds > 0)
    assert sorted(event_ids(home)) == expected(20)


def test_with_a_wrong_password(
    broker: Broker, topic: str, ingest: Ingest, home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(home=home.root, kafka_properties=properties(tmp_path, "reader", "hunter2"))
    with pytest.raises(BrokerError, match=f"{broker.guarded} does not let us in: ") as raised:
        start_reading(JournalSink(ingest), settings, broker.guarded, topic)
    assert "sasl.*" in raised.value.hint
    assert "hunter2" not in f"{raised.value} {raised.value.hint} {caplog.text}"


def test_without_the_permission(broker: Broker, topic: str, ingest: Ingest, home: Home, tmp_path: Path) -> None:
    path = properties(tmp_path, "stranger", USERS["stranger"])
    settings = Settings(home=home.root, kafka_properties=path)
    with pytest.raises(BrokerError, match=f"no permission for the topic {topic}") as raised:
        start_reading(JournalSink(ingest), settings, broker.guarded, topic)
    assert "Read on topic and group" in raised.value.hint


def test_without_the_permission_for_the_group(
    broker: Broker, topic: str, ingest: Ingest, home: Home, tmp_path: Path
) -> None:
    broker.allow_reading(topic, "stranger")
    settings = Settings(home=home.root, kafka_properties=properties(tmp_path, "stranger", USERS["stranger"]))
    sink = JournalSink(ingest)
    running = start_reading(sink, settings, broker.guarded, topic)
    until(lambda: _ended(running))
    with pytest.raises(BrokerError, match=f"no permission for the group {group(sink)}"):
        running.check()
    assert running.stop().received == 0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sasl.jaas.config=secret-77", "there is no property sasl.jaas.config of librdkafka"),
        ("security.protocol=secret-77", "security.protocol has a value that it cannot have"),
        ("socket.timeout.ms=secret-77", "socket.timeout.ms has a value that it cannot have"),
        ("security.protocol=ssl\nssl.ca.location=/secret-77.pem", "ssl.ca.location has a value that it cannot have"),
        ("enable.auto.commit=true", "enable.auto.commit is not yours to set"),
        ("group.id=secret-77", "group.id is not yours to set"),
        ("secret-77", "is not of the form key=value"),
        ("error_cb=secret-77", "is not of the form key=value"),
    ],
)
def test_wrong_properties(
    broker: Broker, topic: str, ingest: Ingest, home: Home, tmp_path: Path, line: str, says: str
) -> None:
    path = tmp_path / "client.properties"
    path.write_text(line)
    settings = Settings(home=home.root, kafka_properties=str(path))
    with pytest.raises(ConfigError, match=f"^kafka_properties: .*{says}") as raised:
        start_reading(JournalSink(ingest), settings, broker.address, topic)
    assert "secret-77" not in f"{raised.value} {raised.value.hint} {raised.value.__context__}".replace(str(path), "")


def test_properties_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere cannot be read"):
        read_properties(str(tmp_path / "nowhere"))
    (tmp_path / "binary").write_bytes(b"a.b=\xff")
    with pytest.raises(ConfigError, match="is no text in UTF-8"):
        read_properties(str(tmp_path / "binary"))


def test_properties_are_read_as_java_does() -> None:
    text = "\n! a comment\n# another\n a.b = c d \\\n   e\nk.1:v\\=1\\u00e9\r\nk.2   w\nk.3=\nk\\:4=\\\\x\nk.1=last\n"
    assert parsed(text) == {"a.b": "c d e", "k.1": "last", "k.2": "w", "k.3": "", "k:4": "\\x"}


@given(st.text(max_size=60))
def test_any_text_is_properties_or_none(text: str) -> None:
    parsed(text)


def test_two_that_say_they_are_the_same(
    broker: Broker, topic: str, ingest: Ingest, home: Home, settings: Settings, tmp_path: Path
) -> None:
    """A copy of a home folder, or two of one name on BigQuery: the first is told, and the second goes on."""
    copy = Home(tmp_path / "copy").open()
    (copy.journal / "id").write_bytes(f"{JournalSink(ingest).name}\n".encode())
    broker.publish(topic, messages(0, 20))
    first = start_reading(JournalSink(ingest), settings, broker.address, topic)
    until(lambda: first.idle_seconds > 0)
    with (
        Ingest(copy, Settings(home=copy.root)) as other,
        reading(broker, topic, JournalSink(other), Settings(home=copy.root)) as second,
    ):
        until(lambda: _ended(first))
        with pytest.raises(BrokerError, match=f"another process reads {topic} as journal of the group") as raised:
            first.check()
        assert "ARMAZEM_KAFKA_INSTANCE" in raised.value.hint
        assert first.stop().accepted == 20
        broker.publish(topic, messages(20, 20))
        until(lambda: second.counts().accepted == 20)
    assert broker.lag(group(JournalSink(ingest)), topic) == 0


def _ended(reader: object) -> bool:
    try:
        reader.check()  # type: ignore[attr-defined]
    except ArmazemError:
        return True
    return False


def test_a_topic_that_is_deleted_meanwhile(broker: Broker, ingest: Ingest, home: Home, tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text("topic.metadata.refresh.interval.ms=2000")
    settings = Settings(home=home.root, kafka_properties=str(path))
    topic = broker.create(f"short-lived-{uuid4().hex[:6]}", 1)
    broker.publish(topic, messages(0, 5))
    running = start_reading(JournalSink(ingest), settings, broker.address, topic)
    until(lambda: running.idle_seconds > 0)
    broker.delete(topic)
    until(lambda: _ended(running))
    with pytest.raises(BrokerError, match=f"there is no topic {topic}"):
        running.check()
    assert running.stop().accepted == 5


def test_what_is_said_of_a_broker_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """One line when it goes and one when it is back, however often the client tries; of other remarks one a minute."""
    now = [0.0]
    watch = Watch("b:9092", clock=lambda: now[0])
    up, down = '{"brokers": {"x": {"state": "UP"}}}', '{"brokers": {"x": {"state": "TRY_CONNECT"}}}'
    with caplog.at_level(logging.WARNING):
        for statistics in (down, down, down):
            watch.statistics(statistics)
        watch.connected = True
        for statistics in (up, down, up, *[down] * 50, up, up):
            watch.log(
                logging.ERROR, "%s [%s] %s", "FAIL", "me", "[thrd:b]: b:9092: Connection refused (after 3ms in …)"
            )
            watch.statistics(statistics)
        for _ in range(100):
            now[0] += 1
            watch.log(logging.WARNING, "%s [%s] %s", "OFFSET", "me", "reset")
            watch.log(logging.INFO, "%s [%s] %s", "REBALANCE", "me", "done")
    assert caplog.messages == [
        "Kafka at b:9092 does not answer: b:9092: Connection refused. It goes on by itself when it does",
        "Kafka at b:9092 answers again",
        "reset",
        "reset",
    ]
