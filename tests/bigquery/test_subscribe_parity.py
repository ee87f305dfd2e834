"""The same messages by the journal, by the subscriber and by the pipeline of Beam give the same tables."""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

import pytest
from pubsub_server import PubSubServer
from soak import LONG, NUMBERS, SHORT
from warehouse.shop import OF_ONE_BUILD, Shop

from armazem.shop.history import generate
from armazem.targets.bigquery.connection import Connection

from .subscribing import books, letters, subscribe
from .twins import Cloud, differences, environment, tables_of

pytestmark = pytest.mark.xdist_group("bigquery")
OF_THE_WAY = ("received_at", "source", "recorded_at")  # columns that say how and when an event came
ROOT = Path(__file__).parents[2]
_QUIET = 10.0  # seconds
BEAM = ROOT / ".venv-beam" / "bin" / "python"
EVENTS = 20_000 if NUMBERS is LONG else 1_500


class Pipeline:
    """The pipeline of Beam, in the environment of Beam, into another warehouse."""

    def __init__(self, cloud: Cloud, server: PubSubServer) -> None:
        server.create("orders", "beam")
        self.cloud = Cloud(cloud.settings.model_copy(update={"bigquery_dataset_prefix": "beam_"})).emptied()
        with environment(self.cloud.settings):
            env = {**os.environ, "ARMAZEM_HOME": str(self.cloud.settings.home), "PYTHONPATH": str(ROOT / "src")}
        arguments = ["dataflow", "run", "--runner=DirectRunner", f"--subscription={server.subscription('beam')}"]
        self._process = subprocess.Popen([BEAM, "-m", "armazem", *arguments], env=env)

    def wait(self, published: int) -> None:
        """Until BigQuery has a row of each message, and none has come for a while: some are delivered twice."""
        deadline = time.monotonic() + 120 + published / 20
        rows = "select (select count(*) from beam_raw.events) + (select count(*) from beam_raw.dead_letters)"
        connection = Connection.of(self.cloud.settings)
        count, since = 0, time.monotonic()
        while count < published or time.monotonic() < since + _QUIET:
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.5)
            now = (connection.rows_if_there(rows) or [(0,)])[0][0]
            if now != count:
                count, since = now, time.monotonic()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


def simulated(shop: Shop, folder: Path, count: int) -> list[bytes]:
    """Messages of a shop: in disorder, some twice, some broken, in whatever order."""
    file = folder / "events.jsonl"
    answer = shop.armazem(
        "simulate", "--rate", 0, "--events", count, "--duplicates", 5, "--disorder", 20, "--malformed", 3,
        "--seed", 16, "--to", file,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    lines = file.read_bytes().splitlines()
    random.Random(16).shuffle(lines)
    return lines


def tables(found: dict[str, list[tuple[str, ...]]]) -> dict[str, list[tuple[str, ...]]]:
    """Without what says of an event how it came."""
    names, *rows = found["staging.stg_events"]
    kept = [place for place, name in enumerate(names) if name not in OF_THE_WAY]
    left, *others = (tuple(row[place] for place in kept) for row in (names, *rows))
    return found | {"staging.stg_events": [left, *sorted(others)]}


@pytest.mark.slow
def test_the_same_tables_as_by_the_journal(shop: Shop, cloud: Cloud, server: PubSubServer, tmp_path: Path) -> None:
    """Half of the events, a build, more of them and some of the first again, another build; the live views show the
    rest. In the soak by the pipeline of Beam too: `make test` compares its rows, in tests/beam/test_command.py.
    """
    generate(tmp_path / "shop", orders=200, seed=16)
    shop.reset()
    shop.load(tmp_path / "shop")
    shop.build()  # the simulator knows its shop by it
    sent = simulated(shop, tmp_path, EVENTS)
    pipeline = Pipeline(cloud, server) if NUMBERS is LONG and BEAM.exists() else None
    clouds = [cloud, *([pipeline.cloud] if pipeline else [])]
    server.faults.duplicate_every = 40
    half, most = len(sent) // 2, len(sent) * 9 // 10
    parts = (sent[:half], [*sent[half:most], *sent[: half // 2]], sent[most:])
    published = 0
    try:
        for one in clouds:
            one.load(tmp_path / "shop")
        for number, part in enumerate(parts):
            file = tmp_path / f"part-{number}.jsonl"
            file.write_bytes(b"\n".join(part) + b"\n")
            assert shop.armazem("ingest", file).code == 0
            server.publish("orders", part)
            published += len(part)
            answer = subscribe(cloud, "--stop-when-idle", "2")
            assert answer.code == 0, answer.err
            assert (server.waiting("shop"), server.outstanding("shop")) == (0, 0)
            if pipeline:
                pipeline.wait(published)
            if number < 2:
                assert "new events" in shop.build().reason
                assert all(("new events" if number else "first build") in one.build().reason for one in clouds)
    finally:
        if pipeline:
            pipeline.stop()
    ours = tables(tables_of(shop))
    of_home = letters(shop.armazem("dead-letters", "list", "--all", "--format", "json"))
    books_of_home = books(shop)["all"]
    for one in clouds:
        assert differences(ours, tables(one.tables())) == []
        listed = one.armazem("dead-letters", "list", "--all", "--target", "bigquery", "--format", "json")
        assert letters(listed) == of_home and of_home.total() > EVENTS // 50
        theirs = books(one, "--target", "bigquery")["all"]
        for name in ("accepted", "dead_letters", "in_journal", "in_staging"):
            assert books_of_home[name] == theirs[name], name
    assert books(cloud, "--target", "bigquery")["all"]["received"] > published  # some came twice
    if NUMBERS is SHORT:
        return

    # What was built by and by is what is built at once; after that, nothing but duplicates is nothing new.
    assert cloud.build().record is not None
    by_and_by = tables(cloud.tables())
    answer = cloud.armazem("build", "--full-refresh", "--target", "bigquery")
    assert answer.code == 0, answer.err
    server.publish("orders", sent[:100])
    assert subscribe(cloud, "--stop-when-idle", "1").code == 0
    assert cloud.build().reason == "nothing new since"
    at_once = tables(cloud.tables())
    for of_one_build in OF_ONE_BUILD:
        del at_once[of_one_build], by_and_by[of_one_build]
    assert differences(at_once, by_and_by) == []
