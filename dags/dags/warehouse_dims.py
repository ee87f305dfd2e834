"""Every morning: an extract of reference data alone (sellers, products, customers, places), where there is one.

It lies in the folder `dims` of the inbox, by day. Only what depends on it is computed. Skipped where there is none.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable
from include.days import DAY, MACROS
from include.extracts import look_for
from include.operators import ArmazemOperator, BuildOperator, PublishOperator
from include.settings import INBOX, RETRY_SECONDS, TIME_ZONE
from include.tables import tables_after

with DAG(
    "warehouse_dims",
    schedule=CronTriggerTimetable("0 6 * * *", timezone=TIME_ZONE),
    start_date=pendulum.datetime(2016, 9, 1, tz=TIME_ZONE),
    catchup=False,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=RETRY_SECONDS),
        "execution_timeout": timedelta(hours=6),
    },
    user_defined_macros=MACROS,
    doc_md=__doc__,
    tags=["warehouse"],
) as dag:
    extract = f"{INBOX}/dims/{DAY}"
    load = ArmazemOperator(task_id="load", arguments=["load", extract, "--partial", "--as-of", "{{ as_of(dag_run) }}"])
    build = BuildOperator(task_id="build", loads_of="load")

    look_for(extract) >> load >> build >> PublishOperator(task_id="publish", loads_of="load")
    tables_after(build)
