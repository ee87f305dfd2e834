"""On BigQuery too: publishing is a step of its own, content tells what changed, and a lock outlives no machine."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from emulator import Emulator
from golden import Golden
from google.cloud import bigquery

from armazem.build.run import BuildRequest, build
from armazem.errors import CloudError
from armazem.targets.bigquery import lock
from armazem.targets.bigquery.connection import Connection

from .twins import Cloud

pytestmark = pytest.mark.xdist_group("publishing on bigquery")


@pytest.fixture(scope="module")
def published(emulator: Emulator, cloud_home: Path, golden: Golden) -> Cloud:
    cloud = Cloud.of(emulator, cloud_home, bigquery_retry_seconds=2.0).emptied()
    cloud.load(golden.first)
    cloud.build()
    return cloud


def report(cloud: Cloud, *arguments: object, code: int = 0) -> dict[str, Any]:
    answer = cloud.armazem(*arguments, "--target", "bigquery", "--format", "json")
    assert answer.code == code, answer.err
    parsed: dict[str, Any] = json.loads(answer.out)
    return parsed


def test_publishing_is_a_step_of_its_own(published: Cloud, golden: Golden) -> None:
    first = report(published, "build")["current"]
    before = published.tables()
    load = report(published, "load", golden.second)["load_id"]
    built = report(published, "build", "--no-publish", "--only-load", load)
    assert (built["status"], built["current"]) == ("built", first)
    changed = {model["model"]: model["changed"] for model in built["models"] if model["rows"] is not None}
    assert changed["marts.fact_orders"] and changed["kpis.agg_sales_trend"]
    assert published.tables() == before
    listed = {row["build_id"]: row["state"] for row in report_list(published)}
    assert (listed[first], listed[built["build_id"]]) == ("current", "built")
    assert published.armazem("rollback", built["build_id"], "--target", "bigquery").code == 1

    assert report(published, "publish", built["build_id"])["before"] == first
    assert published.tables() != before
    orders = "select count(*) from shop_{}.{}"
    [(facts,)], [(live,)] = (
        published.query(orders.format(*of)).rows for of in (("marts", "fact_orders"), ("live", "orders"))
    )
    assert facts == live
    assert report(published, "publish", built["build_id"])["before"] == built["build_id"]
    assert report(published, "build")["status"] == "unchanged"
    states = [row["state"] for row in report_list(published) if row["build_id"] == built["build_id"]]
    assert states == ["current"]

    # One that was made before another was published would take that one back.
    waiting = report(published, "build", "--select", "dims", "--no-publish")
    assert not any(model["changed"] for model in waiting["models"])
    current = report(published, "build", "--select", "agg_sales_trend")["current"]
    refused = published.armazem("publish", waiting["build_id"], "--target", "bigquery")
    assert refused.code == 1
    assert "build again" in refused.err
    assert report(published, "build")["current"] == current


def report_list(cloud: Cloud) -> list[dict[str, Any]]:
    answer = cloud.armazem("builds", "--target", "bigquery", "--format", "json")
    assert answer.code == 0, answer.err
    rows: list[dict[str, Any]] = json.loads(answer.out)
    return rows


def held_elsewhere(connection: Connection, expires: datetime) -> bigquery.Table:
    """A lock that a process of another machine made, and whose end it last put off to this time."""
    table = bigquery.Table(
        connection.table_id(connection.names.audit, lock.LOCK_TABLE), schema=[bigquery.SchemaField("held", "BOOL")]
    )
    holder = {"host": "elsewhere", "pid": 7, "since": "2026-01-01", "token": "theirs", "until": expires.isoformat()}
    table.description = json.dumps(holder)
    table.expires = expires
    return connection.client.create_table(table)


def until(connection: Connection, table_id: str) -> str:
    """The end of a lock."""
    return str(json.loads(connection.client.get_table(table_id).description)["until"])


def test_the_lock_of_a_machine_that_is_gone(published: Cloud) -> None:
    connection = Connection.of(published.settings)
    impatient = Cloud(published.settings.model_copy(update={"lock_timeout": 0.0}))
    theirs = held_elsewhere(connection, datetime.now(UTC) + timedelta(minutes=8))
    with pytest.raises(CloudError, match="process 7 on elsewhere"):
        impatient.build()
    connection.client.delete_table(theirs.reference)
    held_elsewhere(connection, datetime.now(UTC) - timedelta(minutes=6))  # BigQuery would have removed it by itself
    assert impatient.build().reason == "nothing new since"


def test_a_build_puts_the_end_of_its_lock_off(published: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.1)
    connection = Connection.of(published.settings)
    table_id = connection.table_id(connection.names.audit, lock.LOCK_TABLE)
    with lock.build_lock(connection, waiting=lambda holder: None) as held:
        first = until(connection, table_id)
        deadline = time.monotonic() + 30
        while until(connection, table_id) <= first:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        held.check()
    assert lock.LOCK_TABLE not in connection.tables(connection.names.audit)


def test_a_build_that_lost_its_lock_publishes_nothing(published: Cloud) -> None:
    """Such as one of a machine that slept while another one built."""
    connection = Connection.of(published.settings)
    before = published.tables()

    def taken_over(name: str, number: int, total: int) -> None:
        if number == 1:
            connection.client.delete_table(connection.table_id(connection.names.audit, lock.LOCK_TABLE))
            held_elsewhere(connection, datetime.now(UTC) + timedelta(minutes=8))

    try:
        with pytest.raises(CloudError, match="process 7 on elsewhere"):
            build(published.settings, BuildRequest(select="agg_sales_trend"), on_node=taken_over)
        # It is theirs still: who lost a lock does not remove it.
        assert lock.LOCK_TABLE in connection.tables(connection.names.audit)
        assert published.tables() == before
    finally:
        connection.client.delete_table(connection.table_id(connection.names.audit, lock.LOCK_TABLE))
    assert published.build().reason == "nothing new since"
