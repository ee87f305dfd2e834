"""Each dbt model says what one row is and has a test of its key, as dbt itself reads the project."""

from __future__ import annotations

from typing import Any

import pytest
from dbt.cli.main import dbtRunner

from armazem.build.project import project_folder
from armazem.kpis.catalogue import KPIS

pytestmark = pytest.mark.xdist_group("manifest")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Any:
    work = tmp_path_factory.mktemp("dbt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMAZEM_DBT_DUCKDB_PATH", str(work / "none.duckdb"))
        patch.setenv("DO_NOT_TRACK", "1")
        folder = str(project_folder())
        places = [
            "--project-dir",
            folder,
            "--profiles-dir",
            folder,
            "--target-path",
            str(work),
            "--log-path",
            str(work),
        ]
        outcome = dbtRunner().invoke(["parse", *places, "--quiet", "--no-version-check"])
    assert outcome.success, outcome.exception
    return outcome.result


def models(manifest: Any) -> list[Any]:
    return [node for node in manifest.nodes.values() if node.resource_type == "model"]


def keys_tested(manifest: Any, model: Any) -> list[list[str]]:
    """Of the tests `audit` on this model that stop a build: the key that each one tests."""
    found = []
    for node in manifest.nodes.values():
        if getattr(node, "attached_node", None) != model.unique_id or node.config.severity.lower() == "warn":
            continue
        if node.test_metadata.name == "audit" and node.test_metadata.kwargs.get("key"):
            found.append(node.test_metadata.kwargs["key"])
    return found


def test_every_model_says_what_a_row_is(manifest: Any) -> None:
    wordless = [model.name for model in models(manifest) if not model.description.startswith("One row per ")]
    assert (wordless, len(models(manifest)) >= 29) == ([], True)


def test_every_published_model_has_a_test_of_its_key(manifest: Any) -> None:
    published = [model for model in models(manifest) if model.schema in ("staging", "marts", "kpis")]
    assert [model.name for model in published if not keys_tested(manifest, model)] == []
    for model in published:
        for key in keys_tested(manifest, model):
            assert set(key) <= set(model.columns), model.name


def test_every_model_is_described_column_by_column(manifest: Any) -> None:
    for model in models(manifest):
        assert model.columns, model.name
        assert [name for name, column in model.columns.items() if not column.description] == [], model.name


def test_every_kpi_that_the_command_shows_is_a_model(manifest: Any) -> None:
    assert {model.name for model in models(manifest) if model.schema == "kpis"} == {kpi.name for kpi in KPIS}
