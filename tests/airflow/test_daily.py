"""The day's run: a day with orders, one without, a poisoned one, and what comes half written, again or too early."""

from __future__ import annotations

import threading
import time
from copy import deepcopy
from datetime import date, timedelta

import pytest
from warehouse import history
from warehouse.history import Tables

from armazem.targets.duckdb.versions import version_file

from .conftest import Inbox, days_with, days_without
from .extracts import MARKER, send
from .runner import Airflow

# One worker has the home folder of a module, and what came before.
pytestmark = pytest.mark.xdist_group("days in airflow")

GREEN = {
    "wait_for_files": "success",
    "load": "success",
    "day_has_orders": "success",
    "build": "success",
    "publish": "success",
}


def orders_of(inbox: Inbox, day: date) -> list[object]:
    return sorted(
        row["order_id"]
        for row in inbox.shop.rows("marts.fact_orders")
        if str(row["order_purchase_timestamp"]).startswith(str(day))
    )


def loads(inbox: Inbox) -> set[str]:
    return {path.name for path in inbox.shop.home.loads.iterdir()}


def versions(inbox: Inbox) -> set[str]:
    return {path.name for path in inbox.shop.home.builds.glob("*.duckdb")}


def test_a_day_with_orders_is_published_with_events_of_what_changed(
    airflow: Airflow, inbox: Inbox, days: dict[date, Tables]
) -> None:
    day = days_with(days)[0]
    before, known = inbox.shop.checksums(), len(airflow.events())
    assert orders_of(inbox, day) == []
    # Half written when the run begins: it waits, without a worker, until the marker is there.
    folder = send(inbox.folder, day, days[day], whole=False)
    rest = threading.Thread(target=airflow.when_logged, args=("waiting for", (folder / MARKER).touch))
    rest.start()

    run = airflow.dags_test("warehouse_daily", inbox.environment | {"WAREHOUSE_WAIT_SECONDS": "60"}, day)

    rest.join()
    assert (run.code, run.state) == (0, "success"), run.log
    assert run.steps() == GREEN
    assert "waiting for" in run.log
    assert orders_of(inbox, day) == sorted(row["order_id"] for row in days[day][history.ORDERS])
    # Of marts and KPIs those changed whose rows are others; the tasks and the events say the same.
    after = inbox.shop.checksums()
    changed = {table for table in after if after[table] != before[table]}
    layers = ("marts.", "kpis.")
    assert {t for t in run.tables("success") if t.startswith(layers)} - {"marts.audit_fact_sales"} == changed
    assert {t for t in run.tables("skipped") if t.startswith(layers)} - {
        "marts.audit_fact_sales"
    } == after.keys() - changed
    assert changed
    assert after.keys() - changed
    assert set(airflow.events()[known:]) == {(table, inbox.shop.current) for table in run.tables("success")}

    # The file comes again, and the run too: nothing is new, so nothing is published, and no event is sent.
    seen = (loads(inbox), versions(inbox), inbox.shop.current, airflow.events())
    again = airflow.dags_test("warehouse_daily", inbox.environment, day)
    assert (again.code, again.steps()) == (0, GREEN), again.log
    assert again.tables("success") == set()
    assert (loads(inbox), versions(inbox), inbox.shop.current, airflow.events()) == seen


def test_a_day_without_orders_is_skipped_and_nothing_of_it_is_lost(
    airflow: Airflow, inbox: Inbox, days: dict[date, Tables]
) -> None:
    day = days_without(days)[0]
    seller = deepcopy(days[days_with(days)[0]][history.SELLERS][0]) | {"seller_id": f"{7:032x}"}
    send(inbox.folder, day, days[day] | {history.SELLERS: [seller]})
    current = inbox.shop.current

    run = airflow.dags_test("warehouse_daily", inbox.environment, day)

    assert (run.code, run.state) == (0, "success"), run.log
    skipped = dict.fromkeys(("build", "publish"), "skipped")
    assert run.steps() == GREEN | skipped
    assert set(run.states.values()) == {"success", "skipped"}
    assert inbox.shop.current == current

    later = days_with(days)[1]
    send(inbox.folder, later, days[later])
    run = airflow.dags_test("warehouse_daily", inbox.environment, later)
    assert run.steps() == GREEN, run.log
    assert seller["seller_id"] in {row["seller_id"] for row in inbox.shop.rows("marts.dim_sellers")}


def test_a_poisoned_day_is_red_and_stops_no_other(airflow: Airflow, inbox: Inbox, days: dict[date, Tables]) -> None:
    day, later = days_with(days)[2:4]
    poisoned = deepcopy(days[day])
    poisoned[history.ORDERS][0]["order_purchase_timestamp"] = "2099-01-01 00:00:00"
    send(inbox.folder, day, poisoned)
    before, events, kept = (inbox.shop.current, inbox.shop.checksums()), airflow.events(), loads(inbox)

    run = airflow.dags_test("warehouse_daily", inbox.environment, day)

    assert (run.code, run.state) == (1, "failed")
    assert run.steps() == GREEN | {"build": "failed", "publish": "upstream_failed"}
    assert "the audit failed: stg_orders_audit (not_bought_in_the_future 1" in run.log
    assert (inbox.shop.current, inbox.shop.checksums()) == before
    assert airflow.events() == events
    assert loads(inbox) == kept, "the poisoned load is withdrawn"

    send(inbox.folder, later, days[later])
    run = airflow.dags_test("warehouse_daily", inbox.environment, later)
    assert run.steps() == GREEN, run.log
    assert orders_of(inbox, later)
    assert orders_of(inbox, day) == []

    send(inbox.folder, day, days[day])  # mended
    run = airflow.dags_test("warehouse_daily", inbox.environment, day)
    assert run.steps() == GREEN, run.log
    assert orders_of(inbox, day)


def test_the_extract_of_another_day_is_red(airflow: Airflow, inbox: Inbox, days: dict[date, Tables]) -> None:
    day, other = days_without(days)[1], days_with(days)[4]
    send(inbox.folder, day, days[other])
    run = airflow.dags_test("warehouse_daily", inbox.environment, day)
    assert run.steps() == GREEN | {"publish": "failed"}, run.log
    assert f"no order bought on {day} is published" in run.log


def test_what_is_not_whole_is_red_and_not_loaded(airflow: Airflow, inbox: Inbox, days: dict[date, Tables]) -> None:
    day = days_with(days)[5]
    send(inbox.folder, day, days[day], whole=False)
    before = loads(inbox)
    run = airflow.dags_test("warehouse_daily", inbox.environment, day)
    assert (run.code, run.states["wait_for_files"], run.states["load"]) == (1, "failed", "upstream_failed"), run.log
    assert loads(inbox) == before


@pytest.mark.parametrize("told", [str(date.today() + timedelta(2)), "2018-02-31", "yesterday"])
def test_a_day_that_lies_ahead_or_is_none_is_refused_at_once(airflow: Airflow, inbox: Inbox, told: str) -> None:
    (inbox.folder / told).mkdir(parents=True)
    (inbox.folder / told / MARKER).touch()
    before, begun = loads(inbox), time.monotonic()
    run = airflow.dags_test("warehouse_daily", inbox.environment, conf={"day": told})
    assert (run.code, run.states["wait_for_files"], run.states["load"]) == (1, "failed", "upstream_failed"), run.log
    assert ("lies ahead" if told > "2020" and told != "yesterday" else "is no day") in run.log
    assert loads(inbox) == before
    assert time.monotonic() - begun < 60, "it is not tried again"


def test_somebody_else_publishes_between_build_and_publication(
    airflow: Airflow, inbox: Inbox, days: dict[date, Tables]
) -> None:
    day, theirs = days_with(days)[5:7]
    send(inbox.folder, day, days[day])
    other = send(inbox.folder.parent / "other", theirs, days[theirs])
    # The command, but somebody loads and builds just before a build is published.
    meddled = inbox.folder.parent / "armazem"
    command = airflow.base["WAREHOUSE_COMMAND"]
    meddled.write_text(
        f'#!/bin/sh\nif [ "$1" = publish ]; then {command} load {other} --partial >&2 && {command} build >&2; fi\n'
        f'exec {command} "$@"\n',
        encoding="utf-8",
    )
    meddled.chmod(0o755)

    run = airflow.dags_test("warehouse_daily", inbox.environment | {"WAREHOUSE_COMMAND": str(meddled)}, day)

    assert run.steps() == GREEN, run.log
    assert "building again on what is published now" in run.log
    assert orders_of(inbox, day)
    assert orders_of(inbox, theirs), "theirs is not taken back"
    assert version_file(inbox.shop.home, inbox.shop.current).exists()
