"""The unit tests of the dbt models, by dbt itself, in a warehouse whose tables are all empty."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from armazem.build.project import project_folder
from armazem.home import Home
from armazem.targets.duckdb.inputs import Scope, create_inputs

pytestmark = pytest.mark.xdist_group("dbt unit tests")  # one worker, one run of dbt

AT_LEAST = 60
PASSED = "pass"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The result of each unit test by its name.

    dbt reads the columns of a fixture off the relation it stands for, so all relations have to be there.
    """
    folder = tmp_path_factory.mktemp("dbt")
    warehouse = folder / "building.duckdb"
    with closing(duckdb.connect(str(warehouse))) as connection:
        create_inputs(connection, Home(folder / "home").open(), Scope(all_loads=(), new_loads=()))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ARMAZEM_DBT_DUCKDB_PATH", str(warehouse))
        environment.setenv("DO_NOT_TRACK", "1")
        models = _dbt(folder, "run", "--empty")
        assert {str(result.status) for result in models} == {"success"}
        tests = _dbt(folder, "test", "--select", "test_type:unit")
    return {result.node.name: result for result in tests}


def test_all_unit_tests_of_the_models_pass(results: Mapping[str, Any]) -> None:
    failed = {name: result.message for name, result in results.items() if str(result.status) != PASSED}
    report = "\n\n".join(f"{name}\n{message}" for name, message in failed.items())
    assert not failed, f"{len(failed)} of {len(results)} unit tests failed\n\n{report}"


def test_unit_tests_cover_what_they_are_meant_to(results: Mapping[str, Any]) -> None:
    tested = {result.node.tested_node_unique_id.rpartition(".")[2] for result in results.values()}
    models = {path.stem for path in (project_folder() / "models").rglob("*.sql")}
    assert len(results) >= AT_LEAST
    # The first hands on the rows of audit_fact_sales as they are; the views name published tables, not inputs.
    assert models - tested == {
        "fact_sales",
        "live_orders",
        "live_order_items",
        "live_order_payments",
        "live_feature_changes",
    }


def _dbt(folder: Path, command: str, *arguments: str) -> list[Any]:
    project = str(project_folder())
    outcome = dbtRunner().invoke(
        [
            *(command, "--project-dir", project, "--profiles-dir", project),
            *("--target-path", str(folder / "target"), "--log-path", str(folder), "--log-level", "none"),
            *("--no-print", "--no-version-check", "--threads", "2", *arguments),
        ]
    )
    if outcome.result is None:
        pytest.fail(f"dbt {command} did not run: {outcome.exception}")
    return list(outcome.result)
