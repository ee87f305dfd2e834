"""What is rendered from the contract is what DuckDB, dbt and the documents get."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from armazem.contract import TABLES, Table
from armazem.contract.dbt_macros import dbt_macros
from armazem.contract.render import data_dictionary, duckdb_columns
from armazem.home import Home
from armazem.landing import load
from armazem.shop.history import generate
from tools.dbt_sources import MACROS, SOURCES, sources_file


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("contract")
    generate(folder / "data", orders=20, seed=1)
    home = Home(folder / "home")
    load(folder / "data", home)
    return next(home.loads.iterdir())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_landed_files_have_the_rendered_columns(loaded: Path, table: Table) -> None:
    described = duckdb.execute(f"describe from '{loaded / table.name}.parquet'").fetchall()
    assert {row[0]: row[1] for row in described} == duckdb_columns(table)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_keys_and_references_are_columns(table: Table) -> None:
    for name in table.key:
        assert table.column(name).required
    for column in table.columns:
        if column.references is not None:
            parent, _, field = column.references.partition(".")
            [other] = [candidate for candidate in TABLES if candidate.name == parent]
            assert other.column(field).type is column.type


def test_the_sources_of_dbt_are_up_to_date() -> None:
    assert SOURCES.read_text(encoding="utf-8") == sources_file(), "render it anew: make docs"


def test_the_constants_of_dbt_are_up_to_date() -> None:
    assert MACROS.read_text(encoding="utf-8") == dbt_macros(), "render it anew: make docs"


def test_the_data_dictionary_names_every_column_once() -> None:
    rows = [line for line in data_dictionary() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [column.name for table in TABLES for column in table.columns]
