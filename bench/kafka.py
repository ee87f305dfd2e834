"""`python -m bench.kafka`: events/s from a Kafka topic into the journal, committed, beside the client alone.

The broker is a real one on the same machine, as the tests have it: its processor time is part of the figures.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bench.pubsub import events


def bare(address: str, topic: str, count: int) -> float:
    """Messages per second of confluent's client that commits every batch and writes nothing."""
    from confluent_kafka import Consumer

    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": f"bare-{time.time_ns()}", "auto.offset.reset": "earliest",
         "enable.auto.commit": False}
    )  # fmt: skip
    consumer.subscribe([topic])
    started, done = 0.0, 0
    while done < count:
        found = consumer.consume(2_000, 0.1)
        if found and not started:
            started = time.perf_counter()
        done += sum(message.error() is None and len(message.value() or b"") > 0 for message in found)
        if found:
            consumer.commit(asynchronous=True)
    seconds = time.perf_counter() - started
    consumer.close()
    return count / seconds


def ours(address: str, topic: str, count: int, home: str) -> float:
    """Events per second of `subscribe`, from its saying that it reads until its end."""
    command = [str(Path(sys.executable).with_name("armazem")), "--home", home, "subscribe"]
    with subprocess.Popen(
        [*command, f"kafka:{address}/{topic}", "--max-messages", str(count)], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        started = time.perf_counter()
        process.stderr.read()
        seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"subscribe ended with {process.returncode}")
    return count / seconds


def main() -> None:
    from kafka_broker import Broker, why_not

    parser = argparse.ArgumentParser(prog="python -m bench.kafka", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each measurement")
    arguments = parser.parse_args()
    if reason := why_not():
        raise SystemExit(reason)
    count = arguments.events
    with (
        tempfile.TemporaryDirectory(prefix="armazem-bench-") as folder,
        Broker(Path(folder) / "broker") as broker,
    ):
        topic = broker.create("events", 4)
        started = time.perf_counter()
        broker.publish(topic, events(count))
        print(f"sent, acknowledged by the broker: {count / (time.perf_counter() - started):,.0f} messages/s")
        alone = [bare(broker.address, topic, count) for _ in range(arguments.pairs)]
        written = [ours(broker.address, topic, count, f"{folder}/{number}") for number in range(arguments.pairs)]
    print(f"confluent's client alone, with commits: {statistics.median(alone):,.0f} messages/s")
    print(f"`subscribe`, written, fsynced and committed: {statistics.median(written):,.0f} events/s (limit 15,000)")


if __name__ == "__main__":
    main()
