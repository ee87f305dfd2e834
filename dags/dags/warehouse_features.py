"""When the content of a dimension has changed: marts and KPIs as Parquet, for whoever computes features or trains.

On BigQuery they read the tables where they are, so there it is skipped.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pendulum
from airflow.sdk import DAG, AssetAny, task
from include.operators import ArmazemOperator
from include.settings import EXPORTS, RETRY_SECONDS, TARGET, TIME_ZONE
from include.tables import DIMENSIONS, asset_of

log = logging.getLogger(__name__)
DIMS = [asset_of(table) for table in DIMENSIONS]

with DAG(
    "warehouse_features",
    schedule=AssetAny(*DIMS),
    start_date=pendulum.datetime(2016, 9, 1, tz=TIME_ZONE),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=RETRY_SECONDS)},
    doc_md=__doc__,
    tags=["warehouse"],
) as dag:

    @task.short_circuit(inlets=DIMS)
    def wanted(*, triggering_asset_events: dict) -> bool:
        """Say which dimensions changed, and whether files are of use here."""
        for asset, events in triggering_asset_events.items():
            log.info("%s: %s", asset, [event.extra for event in events])
        Path(EXPORTS).mkdir(parents=True, exist_ok=True)
        return TARGET == "duckdb"

    wanted() >> ArmazemOperator(
        task_id="export", arguments=["export", "parquet", f"{EXPORTS}/features", "--force"], with_report=False
    )
