"""What an export is of: the tables of `marts`, `kpis` and layers of users in one version, and which build that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from armazem.contract.layers import LAYERS, META
from armazem.disk.causes import cause_of
from armazem.errors import ExportError

# Called before each table with its name, its number and how many there are.
OnTable = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column with DuckDB's name of its type, such as `DECIMAL(18,2)`."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A published table and its columns, in their order."""

    schema: str
    name: str
    columns: tuple[Column, ...]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Contents:
    """The tables of one version, and the build that published it."""

    build_id: str
    published_at: datetime
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the rows of each table, and the files or the folder that hold them."""

    contents: Contents
    rows: tuple[int, ...]
    paths: tuple[Path, ...]
    bytes: int


def contents(connection: duckdb.DuckDBPyConnection) -> Contents:
    """Return the tables of the layers that are exported, in this version, but `audit_*`: only a build's tests look
    there.
    """
    kept_back = ", ".join(f"'{name}'" for name in (META, *(layer.name for layer in LAYERS if not layer.exported)))
    try:
        columns = connection.execute(
            "select table_schema, table_name, column_name, data_type "
            "from information_schema.columns join information_schema.tables "
            "using (table_catalog, table_schema, table_name) "
            f"where table_catalog = current_database() and table_schema not in ({kept_back}) "
            "and table_type = 'BASE TABLE' and not starts_with(table_name, 'audit_') "
            "order by table_schema desc, table_name, ordinal_position"
        ).fetchall()
        build = connection.execute(
            "select build_id, finished_at at time zone 'UTC' from meta.builds order by build_id desc limit 1"
        ).fetchone()
    except duckdb.Error as error:
        cause = cause_of(error, Path("meta.builds"))
        raise ExportError(f"the published version cannot be read: {cause.reason}", cause.hint) from error
    found: dict[tuple[str, str], list[Column]] = {}
    for schema, table, column, type_ in columns:
        found.setdefault((schema, table), []).append(Column(column, type_))
    if build is None or not found:
        raise ExportError("the published version has no tables to export", "run `armazem build`")
    build_id, published_at = build
    return Contents(build_id, published_at, tuple(Table(*name, tuple(parts)) for name, parts in found.items()))
