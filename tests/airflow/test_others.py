"""The other DAGs: any range in any order, dimensions alone, and the files for features."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date, timedelta

import duckdb
import pytest
from golden import Golden
from warehouse import history
from warehouse.history import Tables
from warehouse.shop import Shop, differing

from .conftest import Inbox, days_with
from .extracts import as_one, send
from .runner import Airflow

pytestmark = pytest.mark.xdist_group("ranges in airflow")


def test_ranges_in_any_order_give_what_one_load_gives(
    airflow: Airflow, inbox: Inbox, days: dict[date, Tables], golden: Golden
) -> None:
    dates = list(days)[:6]
    for day in dates:
        send(inbox.folder, day, days[day], whole=day != dates[-1])  # the last one is still being written

    def backfill(start: date, end: date) -> dict[str, str]:
        run = airflow.dags_test("warehouse_backfill", inbox.environment, conf={"start": str(start), "end": str(end)})
        assert (run.code, run.state) == (0, "success"), run.log
        return run.steps()

    later = backfill(dates[2], dates[-1])
    assert sum(name.startswith("load[") for name in later) == 3
    assert set(later.values()) == {"success"}
    backfill(dates[0], dates[2])  # over the edge of what is there already

    at_once = Shop(inbox.folder.parent / "at-once")
    at_once.load(golden.first)
    at_once.load(as_one([days[day] for day in dates[:-1]], inbox.folder.parent / "one"))
    at_once.build()
    assert differing(inbox.shop.checksums(), at_once.checksums()) == []


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        ("2018-10-03", "2018-10-01", "is no range"),
        ("2018-10-01", str(date.today() + timedelta(2)), "lies ahead"),
        ("2016-10-01", "2016-10-31", "has no whole extract"),
    ],
)
def test_a_range_that_cannot_be_is_red_at_once(airflow: Airflow, inbox: Inbox, start: str, end: str, why: str) -> None:
    run = airflow.dags_test("warehouse_backfill", inbox.environment, conf={"start": start, "end": end})
    assert (run.code, run.states["find_extracts"], run.states["build"]) == (1, "failed", "upstream_failed"), run.log
    assert why in run.log


def test_dimensions_alone(airflow: Airflow, inbox: Inbox, days: dict[date, Tables]) -> None:
    day = date(2018, 11, 20)  # in summer time
    run = airflow.dags_test("warehouse_dims", inbox.environment, day)
    assert (run.code, set(run.states.values())) == (0, {"skipped"}), run.log

    # Not of the golden shop: that was loaded without --as-of, which makes it as new as its load.
    moved = deepcopy(days[days_with(days)[0]][history.SELLERS][:1])
    moved[0] |= {"seller_city": "porto velho", "seller_state": "RO", "seller_zip_code_prefix": "76801"}
    send(inbox.folder, f"dims/{day}", {history.SELLERS: moved})
    known = len(airflow.events())
    run = airflow.dags_test("warehouse_dims", inbox.environment, day)
    assert (run.code, set(run.steps().values())) == (0, {"success"}), run.log
    [seller] = [row for row in inbox.shop.rows("marts.dim_sellers") if row["seller_id"] == moved[0]["seller_id"]]
    assert seller["seller_state"] == "RO"
    changed = {table for table, _ in airflow.events()[known:]}
    assert {name for name in changed if name.startswith("marts.dim_")} == {"marts.dim_sellers"}
    assert "marts.fact_payments" not in changed


def test_the_files_for_features_are_of_what_is_published(airflow: Airflow, inbox: Inbox) -> None:
    for _ in range(2):  # it replaces what it wrote before
        run = airflow.dags_test("warehouse_features", inbox.environment)
        assert (run.code, set(run.states.values())) == (0, {"success"}), run.log
    folder = inbox.folder.parent / "exports" / "features"
    assert json.loads((folder / "build.json").read_text())["build_id"] == inbox.shop.current
    [[orders]] = duckdb.sql(f"select count(*) from '{folder}/marts/fact_orders.parquet'").fetchall()
    assert orders == len(inbox.shop.rows("marts.fact_orders"))
