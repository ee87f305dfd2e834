"""Two processes of one group: they share a topic, and one takes over where the other is killed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from bigquery.twins import Cloud, environment
from emulator import client
from golden import Golden
from kafka_broker import Broker
from stream.shop_events import event_ids, messages
from warehouse import shop
from write_server import WriteServer

from armazem.journal.identity import journal_id

from .running import until

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = pytest.mark.xdist_group("kafka")
FAILING = Path(__file__).parents[1] / "stream" / "failing_disk.c"


class Reader:
    """`armazem subscribe kafka:…` as a process, which may be killed and started again."""

    def __init__(self, name: str, url: str, home: Path, *options: str, **env: str) -> None:
        self.name = name
        self.kills = 0
        self._command = ("--home", home, "subscribe", url, *options)
        self._env = env
        self.start()

    def start(self) -> None:
        self.said: list[str] = []
        self._process = shop.start(*self._command, env=self._env)
        self._listening = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listening.start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self.said.extend(iter(process.stderr.readline, ""))

    def reads(self) -> None:
        """Wait until it says so."""
        until(lambda: any(line.startswith("reading ") for line in self.said), 300)

    def kill(self) -> None:
        self.kills += 1
        self._process.kill()
        self._process.wait(120)

    def end(self) -> str:
        """Told to end; the line with its totals."""
        self._process.terminate()
        assert self._process.wait(300) == 0, "".join(self.said)
        self._listening.join(60)
        return next(line for line in reversed(self.said) if line.startswith("received "))


def cloud_reader(
    cloud: Cloud, name: str, url: str, tmp_path: Path, *, session: int = 6000, **settings: object
) -> Reader:
    """`session`: after so many milliseconds without a sign of it, a reader is no member any more."""
    path = tmp_path / "client.properties"
    path.write_text(f"session.timeout.ms={session}\nheartbeat.interval.ms=500\n")
    with environment(
        cloud.settings.model_copy(update={**settings, "kafka_instance": name, "kafka_properties": str(path)})
    ):
        env = {name: value for name, value in os.environ.items() if name.startswith("ARMAZEM_")}
    return Reader(name, url, cloud.settings.home, "--target", "bigquery", **env)


def test_two_share_a_topic_on_bigquery(broker: Broker, cloud: Cloud, tmp_path: Path) -> None:
    topic = broker.create("shared", 4)
    url = f"kafka:{broker.address}/{topic}"
    google = client(cloud.settings.bigquery_endpoint, cloud.settings.bigquery_project)
    group = f"armazem-{cloud.settings.bigquery_project}.shop_raw"

    def rows() -> Counter[str]:
        found = google.query("select event_id, count(*) from shop_raw.events group by 1").result()
        return Counter({row[0]: row[1] for row in found})

    sent = 0

    def publish(count: int) -> None:
        nonlocal sent
        broker.publish(topic, messages(sent, count))
        sent += count

    publish(300)
    one = cloud_reader(cloud, "one", url, tmp_path)
    readers = [one]
    try:
        until(lambda: broker.lag(group, topic) == 0)
        two = cloud_reader(cloud, "two", url, tmp_path)
        readers.append(two)
        two.reads()

        def both() -> bool:  # the new member has a part of it once it gets something
            publish(40)
            until(lambda: broker.lag(group, topic) == 0)
            return broker.members(group) == {"one", "two"}

        until(both)
        one.kill()
        publish(100)
        until(lambda: broker.lag(group, topic) == 0)
        publish(100)
        until(lambda: broker.lag(group, topic) == 0)
        totals = two.end()
    finally:
        for reader in readers:
            reader.kill()
    assert int(totals.split()[1].rstrip(":").replace(",", "")) >= 100
    assert set(rows()) == {f"event-{number}" for number in range(sent)}
    assert rows().total() <= sent + 200  # what the killed one had written and not committed


@pytest.mark.slow
def test_everything_at_once(
    own_broker: Broker, cloud: Cloud, golden: Golden, tmp_path: Path, numbers: Numbers, report: Callable[..., None]
) -> None:
    """One topic, read into a journal whose every seventh write fails, and by two into BigQuery that refuses every
    seventh request; readers are killed at any moment, and so is the broker. Nothing is lost, nothing twice in tables.
    """
    count, started = numbers.kafka_events, time.monotonic()
    topic = own_broker.create("at-once", 4)
    url = f"kafka:{own_broker.address}/{topic}"
    mine = golden.once(tmp_path / "shop")
    control = tmp_path / "fails"
    control.write_text("seventh")
    disk = {"LD_PRELOAD": str(failing_library(tmp_path)), "FAILING_DISK": str(control)}
    rng = random.Random()
    published = threading.Event()

    def publish() -> None:
        step = max(1, count // 100)
        for first in range(0, count, step):
            own_broker.publish(topic, messages(first, min(step, count - first)))
            time.sleep(numbers.kafka_kills * 0.03)  # so that it lasts as long as the kills do
        published.set()

    def refuses(number: int, _: list[dict[str, Any]]) -> grpc.StatusCode | None:
        return grpc.StatusCode.UNAVAILABLE if number % 7 == 0 else None

    sender = threading.Thread(target=publish, daemon=True)
    with WriteServer(refuses) as storage:
        to = {"bigquery_write_endpoint": storage.address}
        journal = Reader("journal", url, mine.path, **disk)
        # A busy machine keeps a reader silent for seconds. Once it is no member any more and comes back under its
        # name, the broker may take it for another process of this name, which it is told, and ends.
        two = [cloud_reader(cloud, name, url, tmp_path, session=45_000, **to) for name in ("one", "two")]
        readers = [journal, *two]
        groups = [f"armazem-{cloud.settings.bigquery_project}.shop_raw"]
        try:
            for reader in readers:
                reader.reads()
            groups.append(f"armazem-{journal_id(mine.home)}")
            sender.start()
            for kill in range(numbers.kafka_kills):
                victim = readers[kill % len(readers)]
                victim.reads()
                time.sleep(rng.uniform(0.1, 3))
                victim.kill()
                if kill == numbers.kafka_kills // 2:
                    own_broker.kill()
                    own_broker.start()
                victim.start()
            assert published.wait(1_200)
            until(lambda: all(own_broker.lag(group, topic) == 0 for group in groups), 1_200)
            totals = {reader.name: reader.end() for reader in readers}
        finally:
            for reader in readers:
                reader.kill()
        expected = {f"event-{number}" for number in range(count)}
        rows = Counter(row["event_id"] for row in storage.rows("events"))
        assert set(rows) == expected
    assert Counter(event_ids(mine.home)) == dict.fromkeys(expected, 1)
    assert mine.build().record is not None
    assert Counter(row["event_id"] for row in mine.rows("staging.stg_events")) == dict.fromkeys(expected, 1)
    report(
        "killed readers of Kafka",
        events=count, kills=numbers.kafka_kills, lost=0, twice=0, rows_again=rows.total() - count,
        seconds=round(time.monotonic() - started), last_totals=totals,
    )  # fmt: skip


def failing_library(folder: Path) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("there is no C compiler to make the library that fails, or no LD_PRELOAD")
    library = folder / "failing_disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, FAILING, "-ldl"], check=True)
    return library
