"""The warehouse's tables in Airflow: an asset for each, and a task for each that needs no worker."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Asset, BaseOperator, TaskGroup

# Rendered by `make docs` from `armazem graph`: table to the tables that it is computed from.
GRAPH: dict[str, list[str]] = json.loads(Path(__file__).with_name("graph.json").read_text(encoding="utf-8"))
GROUP = "tables"
DIMENSIONS = tuple(name for name in GRAPH if name.startswith("marts.dim_"))


def asset_of(table: str) -> Asset:
    """Return the asset of a published table, such as `marts.dim_dates`. It has an event when its content changed."""
    return Asset(name=f"armazem.{table}", uri=f"x-armazem://warehouse/{table.replace('.', '/')}")


def tables_after(build: BaseOperator) -> TaskGroup:
    """Return a task per table, in dbt's order: green where a build changed it, skipped where it did not.

    The scheduler marks them by itself, so that they cost nothing. `build` skips those whose content is the same; where
    it failed they are all `upstream_failed`, and its log names the tests.
    """
    tasks: dict[str, EmptyOperator] = {}
    with TaskGroup(GROUP, tooltip="What the build changed") as group:
        for layer in dict.fromkeys(name.partition(".")[0] for name in GRAPH):
            with TaskGroup(layer):
                for name in GRAPH:
                    if name.startswith(f"{layer}."):
                        tasks[name] = EmptyOperator(
                            task_id=name.partition(".")[2],
                            task_display_name=name,
                            # The one that always succeeded is the build.
                            trigger_rule="none_failed_min_one_success",
                        )
    for name, inputs in GRAPH.items():
        for source in inputs:
            tasks[source] >> tasks[name]
        build >> tasks[name]
    return group


def unchanged_tasks(task: BaseOperator, changed: Iterable[str]) -> list[Any]:
    """Return the tasks of `tables_after` whose tables a build left as they were."""
    shown = [other for other in task.downstream_list if other.task_id.startswith(f"{GROUP}.")]
    names = set(changed)
    return [other for other in shown if other.task_display_name not in names]


def changed_tables(report: Mapping[str, Any]) -> list[str]:
    """Return the tables of the graph that a build gave other content; those too of which that is not known.

    On BigQuery a build names the dataset that it was made in, so the names of the tables have to do.
    """
    by_name = {name.partition(".")[2]: name for name in GRAPH}
    return sorted(
        by_name[name]
        for model in report["models"]
        if (name := model["model"].partition(".")[2]) in by_name
        and model["status"] == "success"
        and model["changed"] in (True, None)
    )
