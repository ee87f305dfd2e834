"""Other programs read the tables as a build does: pyiceberg, and DuckDB through its own extension for Iceberg."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from armazem.config import Settings, load_settings
from armazem.contract import ColumnType, Table
from armazem.contract import table as source_table
from armazem.shop.history import generate

from .worlds import NAMES, dirty, landed_id, opened, raw_views

Sums = tuple[Any, ...]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """One lake for all that only read it."""
    return load_settings(home=tmp_path_factory.mktemp("readers") / "home", landing="lake")


@pytest.fixture(scope="module")
def loads(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("extracts")
    generate(folder / "shop", orders=400, seed=5)
    return [landed_id(settings, folder / "shop"), landed_id(settings, dirty(folder / "in"))]


@contextmanager
def with_iceberg() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with DuckDB's own extension, from wheels: it is signed, and nothing is downloaded."""
    with duckdb.connect() as connection:
        for name in ("avro", "iceberg"):
            try:
                module = importlib.import_module(f"duckdb_extension_{name}")
            except ImportError:
                pytest.skip(f"duckdb-extension-{name} is not installed")
            folder = Path(str(module.__file__)).parent / "extensions" / f"v{duckdb.__version__}"
            connection.execute(f"load '{folder / f'{name}.duckdb_extension'}'")
        yield connection


def sums(connection: duckdb.DuckDBPyConnection, rows: str, table: Table) -> list[Sums]:
    """Per load the number of rows, and of each column the exact sum, or a digest of its values."""
    exact = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY)
    of = [f"sum({c.name})" if c.type in exact else f"bit_xor(hash(cast({c.name} as varchar)))" for c in table.columns]
    return connection.execute(
        f"select _load_id, count(*), {', '.join(of)} from {rows} group by all order by all"
    ).fetchall()


def of_build(settings: Settings) -> dict[str, list[Sums]]:
    with raw_views(settings) as connection:
        return {name: sums(connection, f"raw.{name}", source_table(name)) for name in NAMES}


def test_pyiceberg_has_the_sums_of_a_build(settings: Settings, loads: list[str]) -> None:
    lake, ours = opened(settings), of_build(settings)
    with duckdb.connect() as connection:
        for name in NAMES:
            assert {row[0] for row in ours[name]} == set(loads)
            connection.register("scanned", lake.table(name).scan().to_arrow())
            assert sums(connection, "scanned", source_table(name)) == ours[name], name
            some = lake.table(name).scan(row_filter=f"_load_id == '{loads[1]}'").to_arrow()
            assert set(some.column("_load_id").to_pylist()) == {loads[1]}


def test_duckdb_has_the_sums_of_a_build(settings: Settings, loads: list[str]) -> None:
    lake, ours = opened(settings), of_build(settings)
    with with_iceberg() as connection:
        for name in NAMES:
            rows = f"iceberg_scan('{lake.table(name).metadata_location}')"
            assert sums(connection, rows, source_table(name)) == ours[name], name


def test_a_load_can_be_asked_for_and_a_snapshot(settings: Settings, loads: list[str]) -> None:
    table = opened(settings).table("orders")
    first = table.metadata.snapshots[0].snapshot_id
    with with_iceberg() as connection:
        rows = f"iceberg_scan('{table.metadata_location}')"
        assert connection.execute(f"select count(*) from {rows} where _load_id = '{loads[1]}'").fetchone() == (2,)
        then = f"iceberg_scan('{table.metadata_location}', snapshot_from_id = {first})"
        assert connection.execute(f"select distinct _load_id from {then}").fetchall() == [(loads[0],)]
