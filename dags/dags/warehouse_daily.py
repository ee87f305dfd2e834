"""Every day at 23:00: the day's extract is loaded, built, audited and published.

Red: no whole extract in time, a day that lies ahead, a failed audit (readers keep what they have), a day that is not in
what is published. Skipped: a day without orders. What was loaded then goes into the next build.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, task
from include.days import DAY, MACROS
from include.extracts import wait_for
from include.operators import ArmazemOperator, BuildOperator, PublishOperator, has_orders
from include.settings import APPROVAL, INBOX, RETRY_SECONDS, TIME_ZONE
from include.tables import tables_after

with DAG(
    "warehouse_daily",
    schedule=CronTriggerTimetable("0 23 * * *", timezone=TIME_ZONE),
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

    @task.short_circuit
    def day_has_orders(report: dict) -> bool:
        """Skip what follows where there are none."""
        return has_orders(report)

    extract = f"{INBOX}/{DAY}"
    load = ArmazemOperator(task_id="load", arguments=["load", extract, "--partial", "--as-of", "{{ as_of(dag_run) }}"])
    build = BuildOperator(task_id="build", loads_of="load")
    publish = PublishOperator(task_id="publish", loads_of="load", days=[DAY], approved=APPROVAL)

    wait_for(extract) >> load
    day_has_orders(load.output) >> build
    tables_after(build)
    if APPROVAL:
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        build >> ApprovalOperator(task_id="approve", subject=f"Publish {DAY}?") >> publish
    else:
        build >> publish
