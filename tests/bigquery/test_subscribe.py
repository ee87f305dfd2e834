"""`armazem subscribe --target bigquery`: the same events give the same tables as by the journal, and none is lost."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from emulator import client
from google.cloud import bigquery
from pubsub_server import PROJECT, PubSubServer
from stream.shop_events import message, messages
from warehouse.shop import ended
from write_server import WriteServer, row_errors

from armazem.targets.bigquery.columns import misfits
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.landing.raw import fields

from .subscribing import SOURCE, books, process, reads, subscribe
from .twins import Cloud

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = pytest.mark.xdist_group("bigquery")


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
