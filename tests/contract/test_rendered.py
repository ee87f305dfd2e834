"""What is rendered from the contract is what DuckDB, dbt and the documents get."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from armazem.build.project import project_folder
from armazem.contract import TABLES, Column, ColumnType, Table
from armazem.contract.dbt_columns import with_columns
from armazem.contract.render import data_dictionary, duckdb_columns
from armazem.home import Home
from armazem.landing import load
from armazem.shop.history import generate
from tools.dbt_sources import stale_dbt_files


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


def test_what_dbt_has_of_the_contract_is_up_to_date() -> None:
    assert stale_dbt_files() == [], "render it anew: make docs"


def test_the_data_dictionary_names_every_column_once() -> None:
    rows = [line for line in data_dictionary() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [column.name for table in TABLES for column in table.columns]


def test_a_new_column_is_in_every_list_of_its_table() -> None:
    shops = Table(
        "shops",
        "shops.csv",
        "One row per shop.",
        ("shop_id",),
        (
            Column("shop_id", ColumnType.IDENTIFIER, "The shop.", required=True),
            Column("staff", ColumnType.INTEGER, "Who works there.", staged_as="coalesce(staff, 1)"),
        ),
    )
    cleaned = "{# cleaned columns of shops, rendered by `make docs` #}\n"
    staged = "{# staged columns of shops, rendered by `make docs` #}\n"
    end = "{# end #}\n"
    model = f"select\n{cleaned}an_old_one,\n{end}version\nselect\n{staged}{end}from newest\n"
    assert with_columns(model, [shops]) == (
        f"select\n{cleaned}{{{{ identifier('shop_id') }}}} as shop_id,\nstaff,\n{end}version\n"
        f"select\n{staged}shop_id,\ncoalesce(staff, 1) as staff\n{end}from newest\n"
    )


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_staging_models_show_the_columns_of_their_table(table: Table) -> None:
    models = [project_folder() / "models" / "staging" / f"{stage}_{table.name}.sql" for stage in ("stg", "stg_batch")]
    there = [model.read_text(encoding="utf-8") for model in models if model.is_file()]
    assert there
    for sql in there:
        shown = set(re.findall(r"(\w+),?$", sql, re.MULTILINE))
        assert {column.name for column in table.columns} <= shown
