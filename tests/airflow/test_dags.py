"""The tests of the Astronomer project, by Airflow's Python, for each way in which it can be set up."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .runner import PROJECT, PYTHON, ROOT, Airflow

SETTINGS = {
    "a folder": {},
    "a bucket and BigQuery": {"WAREHOUSE_INBOX": "gs://shop-exports/daily", "ARMAZEM_TARGET": "bigquery"},
    "with approval": {"WAREHOUSE_APPROVAL": "1"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_every_dag_imports_and_serialises(airflow: Airflow, settings: dict[str, str]) -> None:
    done = subprocess.run(
        [os.environ[PYTHON], "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", PROJECT, PROJECT / "tests"],
        env=airflow.base | settings, cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_graph_is_that_of_the_models(tmp_path: Path, airflow: Airflow) -> None:
    printed = subprocess.run(
        [airflow.base["WAREHOUSE_COMMAND"], "--home", tmp_path / "home", "graph"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert json.loads((PROJECT / "include" / "graph.json").read_text(encoding="utf-8")) == json.loads(printed), "make docs"


def test_what_the_image_needs_of_airflow_is_what_is_tested() -> None:
    lock = (ROOT / "requirements-airflow.lock").read_text(encoding="utf-8")
    wanted = (PROJECT / "requirements.txt").read_text(encoding="utf-8").split()
    assert wanted
    assert [line for line in wanted if f"{line} " not in lock and f"{line}\n" not in lock] == []
