"""Builds on BigQuery take events in by the day of their arrival."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from soak import LONG, NUMBERS
from stream.shop_events import message

from armazem.shop.history import generate
from armazem.targets.bigquery import sink
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.streaming.rows import Message, rows_of
from armazem.targets.bigquery.tables import drop_tables, kept_name
from armazem.targets.bigquery.target import BigQueryTarget
from armazem.targets.plan import Plan

from .subscribing import SOURCE
from .twins import Cloud

pytestmark = pytest.mark.xdist_group("bigquery")


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
