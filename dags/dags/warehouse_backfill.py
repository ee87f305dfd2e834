"""By hand, for any range of days: each extract of it that is whole is loaded, in any order; the range is built anew.

The tables are a function of which extracts are loaded, not of when: the same models build a day and a range. What is
loaded already is left alone. Red: a range without an extract, one that lies ahead, what is red in `warehouse_daily`.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowFailException
from include.days import MACROS, as_of, days_between
from include.extracts import is_whole
from include.operators import ArmazemOperator, BuildOperator, PublishOperator, has_orders
from include.settings import INBOX, RETRY_SECONDS, TIME_ZONE
from include.tables import tables_after

with DAG(
    "warehouse_backfill",
    schedule=None,
    start_date=pendulum.datetime(2016, 9, 1, tz=TIME_ZONE),
    catchup=False,
    params={
        "start": Param("2018-08-01", type="string", format="date", description="The first day."),
        "end": Param("2018-08-31", type="string", format="date", description="The last day."),
    },
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=RETRY_SECONDS),
        "execution_timeout": timedelta(hours=6),
    },
    user_defined_macros=MACROS,
    doc_md=__doc__,
    tags=["warehouse"],
) as dag:

    @task
    def find_extracts(*, params: dict, dag_run) -> list[list[str]]:
        """Return what each load is told."""
        found = [day for day in days_between(params["start"], params["end"]) if is_whole(day)]
        if not found:
            raise AirflowFailException(f"{INBOX} has no whole extract from {params['start']} to {params['end']}")
        return [["load", f"{INBOX}/{day}", "--partial", "--as-of", as_of(dag_run, day)] for day in found]

    @task
    def days_with_orders(arguments: list, reports: list) -> list[str]:
        """Return the days that have to be in what is published."""
        pairs = zip(arguments, reports, strict=True)
        return [told[1].rpartition("/")[2] for told, report in pairs if has_orders(report)]

    extracts = find_extracts()
    load = ArmazemOperator.partial(task_id="load").expand(arguments=extracts)
    build = BuildOperator(
        task_id="build", loads_of="load", arguments=["--start", "{{ params.start }}", "--end", "{{ params.end }}"]
    )
    days = days_with_orders(extracts, load.output)
    publish = PublishOperator(task_id="publish", loads_of="load", days=days)

    load >> build >> publish
    tables_after(build)
