"""What tests of the lake do with one: land in it, look at its tables, and read them as builds and others do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from landing.data import csv, write

from armazem.config import Settings
from armazem.contract import TABLES
from armazem.contract import table as source_table
from armazem.lake.catalog import Lake, open_lake
from armazem.lake.tables import open_tables
from armazem.landing import LoadResult, load
from armazem.landing.report import OnProgress
from armazem.targets.duckdb import landed
from armazem.targets.duckdb.inputs import create_inputs
from armazem.targets.plan import Scope

NAMES = tuple(table.name for table in TABLES)


def opened(settings: Settings) -> Lake:
    lake = open_lake(settings)
    open_tables(lake)
    return lake


def land(settings: Settings, source: Path, on_progress: OnProgress | None = None, **options: Any) -> LoadResult:
    """Load as the command does, into the landing zone of the settings."""
    return load(source, settings.home_folder, zone=landed.zone(settings), on_progress=on_progress, **options)


def landed_id(settings: Settings, source: Path, **options: Any) -> str:
    load_id = land(settings, source, **options).load_id
    assert load_id is not None
    return load_id


def in_home(settings: Settings) -> Settings:
    """The same home folder, with its own landing zone."""
    return settings.model_copy(update={"landing": "home"})


def dirty(folder: Path) -> Path:
    """Nine files of which some rows are refused: bytes that are no text, a NUL, a quote without its end, no time."""
    reviews = csv("order_reviews") + b'r2,o1,4,,"no end,2018-01-12 00:00:00,2018-01-13 08:00:00\n'
    items = csv("order_items") + b"o1,2,p1,s1,2018-01-05 00:00:00,-1.00,3\no2,x,p1,s1,,1.00,1.00\n"
    orders = csv("orders") + b"o3,c3,deliv\0ered,2018-01-02 10:56:33,,,,\no4,c4,created,yesterday,,,,\n"
    customers = csv("customers") + "c3,u3,01037,São Paulo,SP\n".encode("latin-1") + b",u4,01037,x,SP\n"
    return write(folder, order_reviews=reviews, order_items=items, orders=orders, customers=customers)


@contextmanager
def raw_views(settings: Settings, loads: Iterable[str] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the views `raw.…` that a build of these loads, or of all, takes in."""
    ids = tuple(sorted({row.load_id for row in landed.loads(settings)} if loads is None else loads))
    scope = Scope(ids, ids)
    with duckdb.connect() as connection:
        create_inputs(connection, settings.home_folder, scope, landed.lake_files(settings, scope))
        yield connection


def raw(settings: Settings, loads: Iterable[str] | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Their rows, sorted by load and row."""
    found = {}
    with raw_views(settings, loads) as connection:
        for name in NAMES:
            columns = ", ".join(column.name for column in source_table(name).columns)
            found[name] = connection.execute(
                f"select _load_id, _row, {columns} from raw.{name} order by all"
            ).fetchall()
    return found
