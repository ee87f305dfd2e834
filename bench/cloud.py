"""`python -m bench.cloud`: events/s from Pub/Sub into BigQuery, by the subscriber, the pipeline, and the plain core.

Beside them the usual shape: json, one message at a time, a streaming insert each. Pub/Sub is the server of the tests,
in this process; BigQuery is the emulator, whose CPU time is part of the figures. The pipeline needs `make beam`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bench.pubsub import SUBSCRIPTION, events

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

if TYPE_CHECKING:
    from bigquery.twins import Cloud
    from pubsub_server import PubSubServer

LIMIT = 10_000
BEAM = ROOT / ".venv-beam" / "bin" / "python"
ZONE = ZoneInfo("America/Sao_Paulo")
BATCH = 1_000
WHAT = {
    "core": "plain core, batches of 1,000",
    "rows": "core and Arrow",
    "subscriber": "`subscribe --target bigquery`, written and acknowledged",
    "pipeline": "pipeline, DirectRunner, which pulls 10 messages at a time",
    "usual": "json, one message, a streaming insert each",
}


def per_second(count: int, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return count / (time.perf_counter() - begun)


def core(messages: list[bytes]) -> None:
    """The decisions alone."""
    from armazem.contract.events import process_batch

    for start in range(0, len(messages), BATCH):
        process_batch(messages[start : start + BATCH], datetime.now(UTC), ZONE)


def rows(messages: list[bytes]) -> None:
    """Decisions and Arrow."""
    from armazem.targets.bigquery.streaming.rows import Message, rows_of

    now = datetime.now(UTC)
    for start in range(0, len(messages), BATCH):
        rows_of([Message(data, "m", now) for data in messages[start : start + BATCH]], "bench", ZONE)


def usual(cloud: Cloud, server: PubSubServer, count: int) -> float:
    """Pull, and for each message json, a row, and a streaming insert; then acknowledge it."""
    from emulator import client
    from google.cloud.pubsub_v1 import SubscriberClient

    google = client(cloud.settings.bigquery_endpoint, cloud.settings.bigquery_project)
    google.create_dataset("usual", exists_ok=True)
    google.query("create or replace table usual.events (event_id string, event_type string, data string)").result()
    subscriber = SubscriberClient()
    path = server.subscription(SUBSCRIPTION)

    def work() -> None:
        done = 0
        while done < count:
            for received in subscriber.pull(subscription=path, max_messages=100).received_messages:
                event = json.loads(received.message.data)
                row = {
                    "event_id": event["event_id"],
                    "event_type": event["event_type"],
                    "data": json.dumps(event["data"]),
                }
                assert google.insert_rows_json("usual.events", [row]) == []
                subscriber.acknowledge(subscription=path, ack_ids=[received.ack_id])
                done += 1

    return per_second(count, work)


def command(cloud: Cloud, server: PubSubServer, count: int, arguments: list[str]) -> float:
    """A command on Pub/Sub: from the first delivery until BigQuery has every event."""
    given = cloud.settings.model_dump(exclude={"home"}, exclude_unset=True)
    environment = {f"ARMAZEM_{name.upper()}": str(value) for name, value in given.items()}
    environment |= {**os.environ, "PUBSUB_EMULATOR_HOST": server.address, "PYTHONPATH": str(ROOT / "src")}
    before = kept(cloud)
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(arguments, env=environment, stderr=log, stdout=log) as process,
    ):
        started = 0.0
        while server.acknowledged(SUBSCRIPTION) < count or kept(cloud) < before + count:
            if process.poll() is not None and process.returncode:
                log.seek(0)
                raise SystemExit(log.read().decode())
            if not started and server.outstanding(SUBSCRIPTION):
                started = time.perf_counter()
            time.sleep(0.02)
        seconds = time.perf_counter() - started
        process.terminate()
        process.wait()
    return count / seconds


def kept(cloud: Cloud) -> int:
    """Rows of raw.events."""
    from armazem.targets.bigquery.connection import Connection

    return int((Connection.of(cloud.settings).rows_if_there("select count(*) from shop_raw.events") or [(0,)])[0][0])


def main() -> None:
    from bigquery.twins import Cloud
    from emulator import Emulator
    from pubsub_server import PROJECT, PubSubServer

    parser = argparse.ArgumentParser(prog="python -m bench.cloud", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each measurement")
    arguments = parser.parse_args()
    messages = events(arguments.events)
    few, some = max(200, arguments.events // 100), max(1_000, arguments.events // 10)
    found: dict[str, list[float]] = {name: [] for name in WHAT}
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as folder, Emulator("armazem-bench") as emulator:
        cloud = Cloud.of(emulator, Path(folder) / "home", bigquery_write_endpoint=emulator.grpc)
        armazem = [sys.executable, "-m", "armazem"]
        subscribe = [*armazem, "subscribe", f"pubsub:{PROJECT}/{SUBSCRIPTION}", "--target", "bigquery"]
        beam = [str(BEAM), "-m", "armazem", "dataflow", "run", "--runner=DirectRunner"]
        for _ in range(arguments.pairs):
            found["core"].append(per_second(len(messages), lambda: core(messages)))
            found["rows"].append(per_second(len(messages), lambda: rows(messages)))
            for name, sent in (("subscriber", messages), ("pipeline", messages[:some]), ("usual", messages[:few])):
                if name == "pipeline" and not BEAM.exists():
                    continue
                with PubSubServer() as server:
                    os.environ["PUBSUB_EMULATOR_HOST"] = server.address
                    server.create("events", SUBSCRIPTION)
                    server.publish("events", sent)
                    if name == "usual":
                        found[name].append(usual(cloud, server, len(sent)))
                    elif name == "pipeline":
                        of = [*beam, f"--subscription={server.subscription(SUBSCRIPTION)}"]
                        found[name].append(command(cloud, server, len(sent), of))
                    else:
                        of = [*subscribe, "--max-messages", str(len(sent))]
                        found[name].append(command(cloud, server, len(sent), of))
    figures = {name: statistics.median(rates) for name, rates in found.items() if rates}
    times = figures["subscriber"] / figures["usual"]
    for name, what in WHAT.items():
        print(f"{what}: {figures[name]:,.0f} events/s" if name in figures else f"{what}: not measured, see `make beam`")
    print(f"subscriber: limit {LIMIT:,} events/s; {times:.0f} times the usual shape (limit 10)")


if __name__ == "__main__":
    main()
