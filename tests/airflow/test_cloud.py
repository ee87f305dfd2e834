"""The same day with an inbox in a bucket and the warehouse on BigQuery: a server for each, as other tests have them."""

from __future__ import annotations

import json
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from emulator import Emulator, client
from landing.bucket import Buckets
from warehouse import history
from warehouse.history import Tables

from .conftest import FIRST, days_with
from .extracts import MARKER, as_one
from .runner import Airflow
from .test_daily import GREEN

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ranges in airflow")]


def test_a_day_from_a_bucket_to_bigquery(
    airflow: Airflow, extracts: dict[date, Tables], days: dict[date, Tables], tmp_path: Path
) -> None:
    day = days_with(days)[0]
    folder = as_one([extracts[FIRST], days[day]], tmp_path / "shop-exports" / "daily" / str(day))
    with Buckets(tmp_path) as buckets, Emulator() as emulator:
        environment = {
            "WAREHOUSE_INBOX": "gs://shop-exports/daily",
            "WAREHOUSE_WAIT_SECONDS": "60",
            "STORAGE_EMULATOR_HOST": buckets.url,
            "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": json.dumps(
                {"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True, "project": emulator.project}}
            ),
            "ARMAZEM_HOME": str(tmp_path / "home"),
            "ARMAZEM_TARGET": "bigquery",
            "ARMAZEM_BIGQUERY_PROJECT": emulator.project,
            "ARMAZEM_BIGQUERY_ENDPOINT": emulator.url,
            "ARMAZEM_BIGQUERY_DATASET_PREFIX": "shop_",
        }

        def looked() -> int:
            return sum(MARKER in call for call in buckets.calls)

        def finish() -> None:
            """Write the marker once the sensor has looked for it in vain."""
            while not looked():
                time.sleep(0.1)
            time.sleep(1)
            (folder / MARKER).touch()

        threading.Thread(target=finish, daemon=True).start()
        run = airflow.dags_test("warehouse_daily", environment, day)
        assert looked() > 1

        assert (run.code, run.state) == (0, "success"), run.log
        assert run.steps() == GREEN
        assert {"marts.fact_orders", "kpis.agg_sales_trend"} <= run.tables("success")
        bigquery = client(emulator.url, emulator.project)
        sql = "select order_id from shop_marts.fact_orders where cast(order_purchase_timestamp as date) = '{}'"
        published = {row["order_id"] for row in bigquery.query(sql.format(day)).result()}
        assert published == {row["order_id"] for row in days[day][history.ORDERS]}

        again = airflow.dags_test("warehouse_daily", environment, day)
        assert (again.code, again.steps(), again.tables("success")) == (0, GREEN, set()), again.log
