"""An example for those who have Cosmos: every model and audit as a task, rehearsed on a copy of what is published.

`armazem dbt build` does on a copy what a build does, and the copy is gone afterwards. So this shows, with Cosmos'
lineage and logs per model, whether the models still pass; it loads and publishes nothing. `warehouse_daily` does
that. Its limits are in docs/airflow.md. To use it, copy it with `armazem-dbt` into `dags/`, add
`astronomer-cosmos==1.15.1` to requirements.txt and set

    WAREHOUSE_DBT       the project of dbt: the folder `dbt` of a checkout
    WAREHOUSE_MANIFEST  manifest.json of `armazem dbt compile`, in the folder dbt-target of the home folder
"""

from __future__ import annotations

import os
from pathlib import Path

import pendulum
from airflow.sdk import DAG
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior
from include.settings import POOL, TIME_ZONE

PROJECT = Path(os.environ.get("WAREHOUSE_DBT", "/usr/local/airflow/dbt"))
MANIFEST = Path(os.environ.get("WAREHOUSE_MANIFEST", "/usr/local/airflow/data/home/dbt-target/manifest.json"))
# Cosmos wants one executable that takes dbt's arguments.
EXECUTABLE = str(Path(__file__).with_name("armazem-dbt"))

with DAG(
    "warehouse_rehearsal",
    schedule=None,
    start_date=pendulum.datetime(2016, 9, 1, tz=TIME_ZONE),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["warehouse", "example"],
) as dag:
    DbtTaskGroup(
        group_id="dbt",
        project_config=ProjectConfig(dbt_project_path=PROJECT, manifest_path=MANIFEST, install_dbt_deps=False),
        profile_config=ProfileConfig("armazem", "duckdb", profiles_yml_filepath=PROJECT / "profiles.yml"),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.WATCHER,
            invocation_mode=InvocationMode.SUBPROCESS,
            dbt_executable_path=EXECUTABLE,
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST, test_behavior=TestBehavior.AFTER_EACH, emit_datasets=False
        ),
        operator_args={"pool": POOL, "install_deps": False, "partial_parse": False, "append_env": True},
    )
