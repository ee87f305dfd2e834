"""A warehouse that other models, macros or tests have made is built anew; what only developers need changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from armazem.build.project import fingerprint, project_folder


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("macros/cleaning.sql", True),
        ("macros/contract.sql", True),
        ("macros/dialect/duckdb.sql", True),
        ("models/staging/stg_batch_orders.sql", True),
        ("models/staging/stg_orders.yml", True),
        ("tests/generic/audit.sql", True),
        ("dbt_project.yml", True),
        ("models/staging/stg_batch_orders_unit_tests.yml", False),
    ],
)
def test_what_makes_a_warehouse_anew(tmp_path: Path, file: str, changes: bool) -> None:
    folder = tmp_path / "dbt"
    shutil.copytree(project_folder(), folder)
    before = fingerprint(folder)
    with (folder / file).open("a", encoding="utf-8") as out:
        out.write("\n")
    assert (fingerprint(folder) != before) == changes
