"""`armazem subscribe kafka:…` and `simulate --to kafka:…` as processes: killed, refused, without a broker."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from golden import Golden
from kafka_broker import Broker
from stream.shop_events import assert_conserved, event_ids, letters, messages
from warehouse import shop
from warehouse.shop import Answer, armazem, ended

from armazem.errors import SendError
from armazem.home import Home
from armazem.journal.identity import journal_id
from armazem.senders.addresses import How, open_sender
from armazem.shop.life.messages import Message, Role

from .running import expected, until

pytestmark = pytest.mark.xdist_group("kafka")


def start(broker: Broker, topic: str, home: Home, *options: str, **env: str) -> subprocess.Popen[str]:
    """`armazem subscribe`, as a process of its own that says it reads."""
    process = shop.start("--home", home.root, "subscribe", f"kafka:{broker.address}/{topic}", *options, env=env)
    assert process.stderr is not None
    assert process.stderr.readline() == f"reading kafka:{broker.address}/{topic} into the journal; Ctrl-C stops\n"
    return process


def run(broker: Broker, topic: str, home: Home, *options: str) -> Answer:
    """The same in this process, to its end."""
    return armazem("subscribe", f"kafka:{broker.address}/{topic}", *options, home=home.root)


def group(home: Home) -> str:
    return f"armazem-{journal_id(home)}"


def test_killed_in_the_middle_of_twenty_thousand_events(
    broker: Broker, topic: str, golden: Golden, tmp_path: Path
) -> None:
    """Sent by the simulator, with duplicates, disorder and malformed ones: every event is in the tables, once."""
    mine = golden.once(tmp_path / "shop")
    faults = ("--duplicates", "3", "--disorder", "10", "--malformed", "1", "--seed", "11")
    process = start(broker, topic, mine.home)
    sending = shop.start(
        "--home", mine.path, "simulate", "--rate", "4000", "--events", "20000", *faults, "--quiet", "--format", "json",
        "--to", f"kafka:{broker.address}/{topic}",
    )  # fmt: skip
    try:
        until(lambda: sum(broker.committed(group(mine.home), topic).values()) > 2_000)
        assert sending.poll() is None  # it takes five seconds at the least
        process.kill()
        process.communicate()
        sent = ended(sending)
    finally:
        process.kill()
        sending.kill()
    assert sent.code == 0, sent.err
    [figures] = json.loads(sent.out)
    assert sum(broker.ends(topic).values()) == figures["published"] == figures["messages"]
    assert figures["unacknowledged"] == figures["too_large"]
    assert 2_000 < sum(broker.committed(group(mine.home), topic).values()) < figures["published"]
    done = run(broker, topic, mine.home, "--stop-when-idle", "0.5")
    assert done.code == 0, done.err
    assert broker.lag(group(mine.home), topic) == 0
    assert len(event_ids(mine.home)) == len(set(event_ids(mine.home))) == 20_000
    refused = {letter.content for letter in letters(mine.home) if letter.source == f"kafka:{topic}"}
    assert len(refused) == figures["malformed"]
    assert_conserved(mine.home)
    assert mine.build().record is not None
    assert Counter(row["event_id"] for row in mine.rows("staging.stg_events")) == Counter(event_ids(mine.home))


def test_a_broker_that_is_away_for_a_while(own_broker: Broker, home: Home) -> None:
    """Stopped, and killed: the reader says so once, and goes on by itself."""
    topic = own_broker.create("away")
    own_broker.publish(topic, messages(0, 100))
    process = start(own_broker, topic, home)
    assert process.stderr is not None
    said: list[str] = []
    listening = threading.Thread(target=lambda: said.extend(iter(process.stderr.readline, "")), daemon=True)
    listening.start()
    try:
        for number, leave in enumerate((own_broker.stop, own_broker.kill), start=1):
            until(lambda number=number: len(event_ids(home)) == 100 * number)
            leave()
            until(lambda number=number: sum("does not answer" in line for line in said) == number)
            own_broker.start()
            own_broker.publish(topic, messages(100 * number, 100))
            until(lambda number=number: sum("answers again" in line for line in said) == number)
        until(lambda: len(event_ids(home)) == 300)
        until(lambda: own_broker.lag(group(home), topic) == 0)
        process.terminate()
        assert process.wait(120) == 0
        listening.join()
    finally:
        process.kill()
    assert said[-1].startswith("received 300: 300 accepted, 0 duplicates, 0 refused, 0 not acknowledged")
    assert len([line for line in said if not line.startswith("received")]) <= 6, said
    assert sorted(event_ids(home)) == expected(300)


def test_a_topic_full_of_garbage(broker: Broker, topic: str, home: Home) -> None:
    broker.publish(topic, [bytes([number % 256]) * number for number in range(500)])
    done = run(broker, topic, home, "--max-messages", "500")
    assert done.code == 0
    assert "received 500: 0 accepted, 0 duplicates, 500 refused" in done.err
    assert "armazem dead-letters list" in done.err
    listed = armazem("dead-letters", "list", "--source", f"kafka:{topic}", "--all", "--format", "json", home=home.root)
    assert len(json.loads(listed.out)) == 500


def test_the_same_name_twice(broker: Broker, topic: str, home: Home, tmp_path: Path) -> None:
    broker.publish(topic, messages(0, 5))
    same = {"ARMAZEM_KAFKA_GROUP": f"shop-{topic}", "ARMAZEM_KAFKA_INSTANCE": "one"}
    first = start(broker, topic, home, **same)
    try:
        until(lambda: len(event_ids(home)) == 5)
        second = start(broker, topic, Home(tmp_path / "second"), **same)
        try:
            told = ended(first)
        finally:
            second.kill()
            second.communicate()
    finally:
        first.kill()
    assert told.code == 1
    assert f"error: another process reads {topic} as one of the group shop-{topic}" in told.err


def test_wrong_use_and_the_library_is_missing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in ("kafka:", "kafka:b:9092", "kafka:/orders", "kafka:b:9092/a/b", "kafka:b:9092/a b"):
        answer = armazem("subscribe", source, home=home.root)
        assert (answer.code, "kafka:BROKERS/TOPIC" in answer.err) == (2, True), source
    for module in [name for name in sys.modules if name.startswith("armazem.intake.kafka")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    missing = armazem("subscribe", "kafka:b:9092/orders", home=home.root)
    assert (missing.code, 'pip install "armazem[kafka]"' in missing.err) == (1, True)


def message_of(size: int) -> Message:
    return Message(b"x" * size, "order_initiated", Role.EVENT, 0)


def test_what_the_broker_finds_too_large(broker: Broker, topic: str) -> None:
    done: list[Message] = []
    sender = open_sender(f"kafka:{broker.address}/{topic}", done.extend, How())
    sender.send([message_of(100), message_of(2 * 2**20), message_of(200)])
    sender.finish()
    assert sender.figures() == {"published": 2, "too_large": 1}
    assert sorted(len(message.body) for message in done) == [100, 200]
    assert sum(broker.ends(topic).values()) == 2


def test_what_cannot_be_sent(broker: Broker, own_broker: Broker, topic: str) -> None:
    for to, says in (
        (f"kafka:{broker.address}/typo", "there is no topic typo"),
        ("kafka:127.0.0.1:9/orders", "no Kafka broker answers at 127.0.0.1:9"),
    ):
        with pytest.raises(Exception, match=says):
            open_sender(to, lambda _: None, How(retry_seconds=1))
    assert "typo" not in broker.topics()
    with pytest.raises(SendError, match="names no topic"):
        open_sender("kafka:nothing", lambda _: None, How())
    sender = open_sender(
        f"kafka:{own_broker.address}/{own_broker.create('cannot')}", lambda _: None, How(retry_seconds=2)
    )
    own_broker.kill()
    sender.send([message_of(100)])
    with pytest.raises(SendError, match=r"cannot send to kafka:.*: no Kafka broker answers at") as raised:
        sender.finish()
    assert "nothing is lost" not in raised.value.hint


def test_told_to_end_while_no_broker_answers(own_broker: Broker) -> None:
    """It does not wait for as long as a message is tried, here a day, but for a moment."""
    how = How(retry_seconds=86_400)
    done: list[Message] = []
    sender = open_sender(f"kafka:{own_broker.address}/{own_broker.create('to-end')}", done.extend, how)
    sender.send([message_of(100)])
    until(lambda: sender.send([]) is None and len(done) == 1)
    own_broker.kill()
    sender.send([message_of(100)])
    how.stop.set()
    with pytest.raises(SendError, match=r"1 messages to kafka:.*/to-end were not acknowledged in 5 s"):
        sender.finish()
    assert sender.figures() == {"published": 1, "too_large": 0}


def test_a_topic_that_takes_less_than_a_batch(broker: Broker, tmp_path: Path) -> None:
    """The broker refuses a batch whole, so that none of its messages is known to be too large."""
    to = f"kafka:{broker.address}/{broker.create('small', 1, max_message_bytes='50000')}"
    sender = open_sender(to, lambda _: None, How())
    with pytest.raises(SendError, match="takes no batches of 1,000,000 bytes") as raised:
        sender.send([message_of(900)] * 200)
        sender.finish()
    assert "batch.size" in raised.value.hint
    path = tmp_path / "client.properties"
    path.write_text("batch.size=40000")
    sender = open_sender(to, lambda _: None, How(kafka_properties=str(path)))
    sender.send([message_of(900)] * 200 + [message_of(60_000)])
    sender.finish()
    assert sender.figures() == {"published": 200, "too_large": 1}


def test_help() -> None:
    answer = armazem("subscribe", "--help")
    assert "kafka:BROKERS/TOPIC" in answer.out and "armazem subscribe kafka:" in answer.out
    assert "kafka:BROKERS/TOPIC" in armazem("simulate", "--help").out
