"""`armazem subscribe --target bigquery`: the same events give the same tables as by the journal, and none is lost."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from emulator import Emulator, client
from google.cloud import bigquery
from pubsub_server import PROJECT, PubSubServer
from soak import LONG, NUMBERS, SHORT
from stream.shop_events import message, messages
from warehouse.shop import OF_ONE_BUILD, Answer, Shop, ended, start
from write_server import WriteServer, row_errors

from armazem.shop.history import generate
from armazem.targets.bigquery import sink
from armazem.targets.bigquery.columns import misfits
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.landing.raw import fields
from armazem.targets.bigquery.streaming.rows import Message, rows_of
from armazem.targets.bigquery.tables import drop_tables, kept_name
from armazem.targets.bigquery.target import BigQueryTarget
from armazem.targets.plan import Plan

from .twins import Cloud, differences, environment, tables_of

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = pytest.mark.xdist_group("bigquery")
SOURCE = f"pubsub:{PROJECT}/shop"
OF_THE_WAY = ("received_at", "source")  # columns of an event that say how it came
ROOT = Path(__file__).parents[2]
_QUIET = 10.0  # seconds
BEAM = ROOT / ".venv-beam" / "bin" / "python"
EVENTS = 20_000 if NUMBERS is LONG else 1_500


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubServer]:
    with PubSubServer(scale=getattr(request, "param", 0.05)) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "shop")
        yield server


@pytest.fixture
def cloud(emulator: Emulator, cloud_home: Path) -> Cloud:
    return Cloud.of(emulator, cloud_home, bigquery_write_endpoint=emulator.grpc, bigquery_retry_seconds=2.0).emptied()


def process(cloud: Cloud, *options: str, **settings: object) -> subprocess.Popen[str]:
    """`armazem subscribe`, as a process of its own."""
    with environment(cloud.settings.model_copy(update=settings)):
        env = {name: value for name, value in os.environ.items() if name.startswith("ARMAZEM_")}
    return start("--home", cloud.settings.home, "subscribe", SOURCE, "--target", "bigquery", *options, env=env)


def subscribe(cloud: Cloud, *options: object) -> Answer:
    """The same in this process, to its end."""
    return cloud.armazem("subscribe", SOURCE, "--target", "bigquery", *options)


def reads(running: subprocess.Popen[str]) -> None:
    assert running.stderr is not None
    line = running.stderr.readline()
    assert line.startswith(f"reading {SOURCE} into "), line + running.stderr.read()


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
    return found | {"staging.stg_events": [tuple(row[place] for place in kept) for row in (names, *sorted(rows))]}


def letters(answer: Answer) -> Counter[str]:
    return Counter(row["code"] for row in json.loads(answer.out))


def books(warehouse: Shop | Cloud, *options: str) -> dict[str, dict[str, Any]]:
    answer = warehouse.armazem("status", "--ledger", *options, "--format", "json")
    assert answer.code == 0, answer.err
    rows = {row["source"]: row for row in json.loads(answer.out)}
    for row in rows.values():
        assert row["received"] == row["accepted"] + row["duplicates"] + row["dead_letters"], row
    return rows


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


def test_builds_read_the_days_that_have_something_new(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late message lies in an old partition: that one is read, with today's, and no other."""
    generate(tmp_path / "shop", orders=60, seed=3)
    cloud.load(tmp_path / "shop")
    today = date(2026, 11, 20)
    append(cloud, [(today - timedelta(days=number), number) for number in range(5)])
    assert "first build" in cloud.build().reason
    asked: list[str] = []
    query = Connection.query

    def noted(self: Connection, sql: str, *arguments: Any, **options: Any) -> Any:
        asked.append(sql)
        return query(self, sql, *arguments, **options)

    monkeypatch.setattr(Connection, "query", noted)

    def read() -> set[str]:
        view = [sql for sql in asked if sql.startswith("create or replace view shop_audit.raw_events")][-1]
        return set(re.findall(r"timestamp '([\d-]+)'", view))

    append(cloud, [(today, 10), (today - timedelta(days=3), 11), (today - timedelta(days=3), 3)])
    prepare = BigQueryTarget.prepare

    def meanwhile(self: BigQueryTarget, plan: Plan) -> None:
        """An event of a type whose models this build leaves alone comes when it has been planned."""
        canceled = json.dumps(
            {
                "event_id": "late", "event_type": "order_status_update", "timestamp": "2018-08-30T10:00:00Z",
                "data": {"orders": {"order_id": "order0", "order_status": "canceled"}},
            }
        )  # fmt: skip
        append_messages(cloud, [(today, canceled.encode())])
        prepare(self, plan)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BigQueryTarget, "prepare", meanwhile)
        assert "new events" in cloud.build().reason
    assert read() == {"2026-11-17", "2026-11-18", "2026-11-20", "2026-11-21"}
    assert cloud.query("select count(*) from shop_staging.stg_events").rows == ((7,),)
    state = "select order_status, (select count(*) from shop_staging.stg_events) from shop_staging.stg_orders "
    of_late = f"{state} where order_id = 'order0'"
    assert cloud.query(of_late).rows == (("created", 7),)
    assert "new events" in cloud.build().reason
    assert cloud.query(of_late).rows == (("canceled", 8),)
    append(cloud, [(today - timedelta(days=4), 4)])
    assert cloud.build().record is None  # the same event again
    # Of a version that does not know of days, as an older armazem left it, every day is read.
    target = BigQueryTarget(cloud.settings)
    current, known = target.published()
    assert known is not None and known.event_days and current is not None
    drop_tables(target.connection, target.connection.names.kept, [kept_name("event_days", current)])
    _, known = target.published()
    assert known is not None and known.event_days == {}

    # Events that came after the version are not in what a selection builds, also from nothing.
    append(cloud, [(today, 12)])
    for options in ((), ("--full-refresh",)) if NUMBERS is LONG else (("--full-refresh",),):
        answer = cloud.armazem("build", "--target", "bigquery", "--select", "stg_events", *options)
        assert answer.code == 0, answer.err
        assert cloud.query("select count(*) from shop_staging.stg_events").rows == ((8,),)
    assert "new events" in cloud.build().reason
    assert cloud.query("select count(*) from shop_staging.stg_events").rows == ((9,),)
    assert cloud.query("select count(*) from shop_staging.stg_orders where order_id like 'order%'").rows == ((8,),)


def append(cloud: Cloud, arrived: list[tuple[date, int]]) -> None:
    """Events, each with the day of its arrival."""
    append_messages(cloud, [(day, message(number)) for day, number in arrived])


def append_messages(cloud: Cloud, arrived: list[tuple[date, bytes]]) -> None:
    """As the subscriber writes them."""
    with sink.opened(cloud.settings) as opened:
        found = [
            Message(data, f"m{place}", datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
            for place, (day, data) in enumerate(arrived)
        ]
        opened._append(rows_of(found, SOURCE, ZoneInfo("America/Sao_Paulo")).pieces)
        assert opened._appenders["events"].finish() == []


@pytest.mark.slow
def test_killed_between_append_and_acknowledgement(
    cloud: Cloud, server: PubSubServer, numbers: Numbers, report: Any
) -> None:
    """Nothing is lost, and what was written twice counts once."""
    server.faults.acknowledge_delay = 0.2
    sending, published = threading.Event(), 0

    def publish() -> None:
        nonlocal published
        while not sending.wait(0.02):
            server.publish("orders", [*messages(published, 20), b"no event %d" % published])
            published += 20

    google = client(cloud.settings.bigquery_endpoint, cloud.settings.bigquery_project)

    def rows() -> int:
        return next(iter(google.query("select count(*) from shop_raw.events").result()))[0]

    sender = threading.Thread(target=publish)
    sender.start()
    try:
        for _ in range(numbers.cloud_kills):
            running = process(cloud)
            try:
                reads(running)
                before = rows()
                deadline = time.monotonic() + 60
                while rows() == before:  # appended; its acknowledgement takes its time
                    assert time.monotonic() < deadline
            finally:
                running.kill()
                running.communicate()
    finally:
        sending.set()
        sender.join()
    server.faults.acknowledge_delay = 0
    answer = subscribe(cloud, "--stop-when-idle", "3")
    assert answer.code == 0, answer.err
    assert (server.waiting("shop"), server.outstanding("shop")) == (0, 0)
    assert server.acknowledged("shop") == published + published // 20
    row = books(cloud, "--target", "bigquery")["all"]
    assert (row["accepted"], row["dead_letters"]) == (published, published // 20)
    assert row["duplicates"] > 0
    assert cloud.build().record is not None
    assert cloud.query("select count(*), count(distinct event_id) from shop_staging.stg_events").rows == (
        (published, published),
    )
    report(
        "killed subscribers to BigQuery", kills=numbers.cloud_kills, events=published, again=row["duplicates"], lost=0
    )


@pytest.mark.parametrize("server", [1], indirect=True)  # the client extends deadlines during the pause
def test_bigquery_is_away(cloud: Cloud, server: PubSubServer) -> None:
    """Nothing is acknowledged, it is said why, and goes on by itself."""
    away = [True]
    with WriteServer(lambda number, rows: grpc.StatusCode.UNAVAILABLE if away[0] else None) as storage:
        server.publish("orders", [*messages(0, 50), b"no event"])
        running = process(cloud, "--max-messages", "51", bigquery_write_endpoint=storage.address)
        assert running.stderr is not None
        try:
            reads(running)
            said = [running.stderr.readline() for _ in range(3)]
            assert said[0].startswith("error: BigQuery did not take rows into armazem-test.shop_raw."), said
            assert re.fullmatch(r"\d+ messages given back; trying again in 1 s\n", said[2]), said
            assert server.acknowledged("shop") == 0
            away[0] = False
            done = ended(running)
        finally:
            running.kill()
        assert done.code == 0, done.err
        assert (server.waiting("shop"), server.outstanding("shop")) == (0, 0)
        assert {row["event_id"] for row in storage.rows("events")} == {f"event-{number}" for number in range(50)}
        assert [row["raw"] for row in storage.rows("dead_letters")][-1] == "no event"


def test_no_permission(cloud: Cloud, server: PubSubServer) -> None:
    with WriteServer(lambda number, rows: grpc.StatusCode.PERMISSION_DENIED) as storage:
        server.publish("orders", messages(0, 5))
        running = process(cloud, bigquery_write_endpoint=storage.address)
        assert running.stderr is not None
        try:
            reads(running)
            assert "no permission to write into armazem-test.shop_raw.events" in running.stderr.readline()
            assert "Data Editor" in running.stderr.readline()
            assert server.acknowledged("shop") == 0
        finally:
            running.kill()
            running.communicate()


def test_a_poison_message_in_a_hundred(cloud: Cloud, server: PubSubServer) -> None:
    """A row that BigQuery refuses is a dead letter with its reason; the others of its request are events."""

    def says(number: int, rows: list[dict[str, Any]]) -> Any:
        bad = [(at, "too odd") for at, row in enumerate(rows) if "data" in row and row["event_id"] == "event-57"]
        return row_errors(*bad) if bad else None

    with WriteServer(says) as storage:
        server.publish("orders", messages(0, 100))
        cloud.settings = cloud.settings.model_copy(update={"bigquery_write_endpoint": storage.address})
        answer = subscribe(cloud, "--max-messages", "100")
        assert answer.code == 0, answer.err
        assert "received 100: 99 accepted, 0 duplicates, 1 refused" in answer.err
        assert {row["event_id"] for row in storage.rows("events")} == {f"event-{n}" for n in range(100) if n != 57}
        [letter] = storage.rows("dead_letters")
        assert (letter["code"], letter["event_id"]) == ("bad_value", "event-57")
        assert letter["message"] == "BigQuery did not take it: too odd"


def test_a_table_that_does_not_fit(cloud: Cloud, server: PubSubServer) -> None:
    """It is said before anything is pulled."""
    server.publish("orders", messages(0, 5))
    connection = Connection.of(cloud.settings)
    connection.create_datasets()
    theirs = [
        bigquery.SchemaField("event_id", "INT64"), bigquery.SchemaField("ours", "STRING", mode="REQUIRED"),
        bigquery.SchemaField("data", "RECORD", fields=[bigquery.SchemaField("orders", "STRING")]),
    ]  # fmt: skip
    connection.client.create_table(bigquery.Table(connection.table_id("shop_raw", "events"), schema=theirs))
    answer = subscribe(cloud, "--max-messages", "5")
    assert answer.code == 1
    assert "the table armazem-test.shop_raw.events does not fit" in answer.err
    assert "event_id is INTEGER in place of STRING" in answer.err and "ours is required" in answer.err
    assert "data.orders is STRING in place of RECORD" in answer.err
    assert len(connection.fields("shop_raw", "events")) == 3  # it was not touched
    wanted = fields("events")
    strict = [bigquery.SchemaField.from_api_repr({**one.to_api_repr(), "mode": "REQUIRED"}) for one in wanted[:4]]
    assert misfits(strict, wanted) == ["seq is required, and rows may lack it"]
    assert server.deliveries("shop").total() == 0


def test_odd_messages(cloud: Cloud, server: PubSubServer) -> None:
    """One of 3 MB, as Google's client takes no more from a server that is not Google's; tests/bigquery/test_rows.py and
    test_appender.py have those of 9 MB.
    """
    big = b'{"event_id": "big", "note": "' + b"x" * 3_000_000 + b'"}'
    server.publish("orders", [message(1), big, b"", b"\xff" * 1000])
    answer = subscribe(cloud, "--max-messages", "4")
    assert answer.code == 0, answer.err
    assert "received 4: 1 accepted, 0 duplicates, 3 refused" in answer.err
    found = cloud.armazem("dead-letters", "list", "--target", "bigquery", "--format", "json")
    assert {row["code"] for row in json.loads(found.out)} == {"too_large", "not_json", "not_utf8"}
    missing = cloud.armazem("subscribe", f"pubsub:{PROJECT}/nowhere", "--target", "bigquery")
    assert (missing.code, "there is no subscription nowhere" in missing.err) == (1, True)


def test_dead_letters_are_shown_and_replayed(cloud: Cloud, server: PubSubServer, tmp_path: Path) -> None:
    cheap = message(2).replace(b'"price": 10.5', b'"price": -10.5')
    assert cheap != message(2)
    server.publish("orders", [message(1), cheap, b"\xff\xfe"])
    assert subscribe(cloud, "--max-messages", "3").code == 0
    to = ("--target", "bigquery")
    listed = json.loads(cloud.armazem("dead-letters", "list", *to, "--format", "json").out)
    by_code = {row["code"]: row["id"] for row in listed}
    assert set(by_code) == {"negative_amount", "not_utf8"}
    shown = cloud.armazem("dead-letters", "show", by_code["negative_amount"], *to)
    assert "negative_amount" in shown.out and "replayed:    no" in shown.out
    assert cloud.armazem("dead-letters", "show", "nobody", *to).code == 1

    still = cloud.armazem("dead-letters", "replay", *to)
    assert (still.code, "2 stay, as they would be refused again" in still.err) == (0, True)
    mended = tmp_path / "mended.json"
    mended.write_bytes(message(2))
    dry = cloud.armazem("dead-letters", "replay", by_code["negative_amount"], "--with", mended, "--dry-run", *to)
    assert "1 would be accepted" in dry.err
    done = cloud.armazem("dead-letters", "replay", by_code["negative_amount"], "--with", mended, *to)
    assert (done.code, "1 accepted" in done.err) == (0, True), done.err
    left = json.loads(cloud.armazem("dead-letters", "list", *to, "--format", "json").out)
    assert [row["code"] for row in left] == ["not_utf8"]
    assert "replayed:    yes" in cloud.armazem("dead-letters", "show", by_code["negative_amount"], *to).out
    found = cloud.query("select source, event_id from shop_raw.events order by event_id").rows
    assert found == ((SOURCE, "event-1"), ("replay", "event-2"))
    row = books(cloud, *to)
    assert (row["replay"]["accepted"], row[SOURCE]["accepted"], row[SOURCE]["dead_letters"]) == (1, 1, 2)
