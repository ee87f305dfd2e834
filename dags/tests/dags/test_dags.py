"""What `astro dev pytest` runs: every DAG imports, and the scheduler can read it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization
from include.settings import POOL
from include.tables import GRAPH

DAGS = Path(__file__).parents[2] / "dags"
NAMES = sorted(path.stem for path in DAGS.glob("*.py"))


@pytest.fixture(scope="session")
def bag() -> BundleDagBag:
    return BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")


def test_every_file_is_a_dag(bag: BundleDagBag) -> None:
    assert bag.import_errors == {}
    assert sorted(bag.dags) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_read_back(bag: BundleDagBag, name: str) -> None:
    dag = bag.dags[name]
    read = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert sorted(read.task_dict) == sorted(dag.task_dict)


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_no_run_by_itself_for_the_past(bag: BundleDagBag, name: str) -> None:
    assert bag.dags[name].catchup is False
    assert bag.dags[name].doc_md


def test_builds_and_publications_take_turns(bag: BundleDagBag) -> None:
    pools = {task.task_type: set() for dag in bag.dags.values() for task in dag.tasks}
    for dag in bag.dags.values():
        for task in dag.tasks:
            pools[task.task_type].add(task.pool)
    assert pools["BuildOperator"] == pools["PublishOperator"] == {POOL}


@pytest.mark.parametrize("name", ["warehouse_daily", "warehouse_dims", "warehouse_backfill"])
def test_there_is_a_task_per_table(bag: BundleDagBag, name: str) -> None:
    tasks = bag.dags[name].task_dict
    for table, inputs in GRAPH.items():
        assert {f"tables.{source}" for source in inputs} | {"build"} == tasks[f"tables.{table}"].upstream_task_ids
