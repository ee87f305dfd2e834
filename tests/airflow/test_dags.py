"""The tests of the Astronomer project, by Airflow's Python, for each way in which it can be set up."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from golden import Golden

from .runner import PROJECT, PYTHON, ROOT, Airflow

pytestmark = pytest.mark.xdist_group("ranges in airflow")

GRAPH = json.loads((PROJECT / "include" / "graph.json").read_text(encoding="utf-8"))
SETTINGS = {
    "a folder": {},
    "a bucket and BigQuery": {"WAREHOUSE_INBOX": "gs://shop-exports/daily", "ARMAZEM_TARGET": "bigquery"},
    "with approval": {"WAREHOUSE_APPROVAL": "1"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_every_dag_imports_and_serialises(airflow: Airflow, settings: dict[str, str]) -> None:
    done = subprocess.run(
        [os.environ[PYTHON], "-m", "pytest", "-q", "-p", "no:cacheprovider", PROJECT / "tests"],
        env=airflow.base | settings, cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_with_cosmos_imports(airflow: Airflow, golden: Golden, tmp_path: Path) -> None:
    """Rendered from the manifest that `armazem dbt` writes: a task per model, one that runs them all."""
    home = golden.once(tmp_path / "home")
    parsed = subprocess.run(
        [airflow.base["WAREHOUSE_COMMAND"], "--home", home.path, "dbt", "compile", "--select", "stg_events"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert parsed.returncode == 0, parsed.stdout + parsed.stderr
    program = (
        "from pathlib import Path; import sys\n"
        "from airflow.dag_processing.dagbag import BundleDagBag\n"
        "from airflow.serialization.serialized_objects import DagSerialization\n"
        "folder = Path(sys.argv[1])\n"
        "bag = BundleDagBag(dag_folder=str(folder / 'cosmos.py'), bundle_path=folder, bundle_name='examples')\n"
        "assert bag.import_errors == {}, bag.import_errors\n"
        "[dag] = bag.dags.values()\n"
        "DagSerialization.to_dict(dag)\n"
        "print('\\n'.join(['tasks:', *dag.task_dict]))\n"
    )
    manifest = {
        "WAREHOUSE_DBT": str(ROOT / "dbt"),
        "WAREHOUSE_MANIFEST": str(home.path / "dbt-target" / "manifest.json"),
    }
    done = subprocess.run(
        [os.environ[PYTHON], "-c", program, PROJECT / "examples"],
        env=airflow.base | manifest, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    tasks = done.stdout.partition("tasks:\n")[2].split()
    assert "dbt.dbt_producer_watcher" in tasks
    assert {name.partition(".")[2] for name in GRAPH} <= {task.split(".")[1].removesuffix("_run") for task in tasks}


def test_the_graph_is_that_of_the_models(tmp_path: Path, airflow: Airflow) -> None:
    printed = subprocess.run(
        [airflow.base["WAREHOUSE_COMMAND"], "--home", tmp_path / "home", "graph"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert json.loads(printed) == GRAPH, "run `make docs`"


def test_what_the_image_needs_of_airflow_is_what_is_tested() -> None:
    lock = (ROOT / "requirements-airflow.lock").read_text(encoding="utf-8")
    wanted = (PROJECT / "requirements.txt").read_text(encoding="utf-8").split()
    assert wanted
    assert [line for line in wanted if f"{line} " not in lock and f"{line}\n" not in lock] == []
