"""What a build takes in of the lake: the views `raw.<table>` on its data files, instead of the landing's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from armazem.config import Settings
from armazem.contract import Table
from armazem.disk.sql import sql_path, values
from armazem.errors import extra

if TYPE_CHECKING:  # pyiceberg is an extra
    from armazem.lake.reading import LandedFile

_OF_FILES = "control.lake_files"


def files_of(settings: Settings, loads: Sequence[str]) -> dict[str, list[LandedFile]]:
    """Return the files of these loads in the lake of these settings, by table. Raises LakeError."""
    with extra("iceberg", "a build from the lake"):
        from armazem.lake.catalog import find_lake
        from armazem.lake.reading import landed_files
    lake = find_lake(settings)
    return {} if lake is None else landed_files(lake, frozenset(loads))


def create_files(connection: duckdb.DuckDBPyConnection, files: dict[str, list[LandedFile]]) -> None:
    """Create the table that says which load a file is of: Iceberg says it in its manifests, not in the file."""
    connection.execute(f"create table {_OF_FILES} (file varchar, load_id varchar)")
    rows = [(str(file.path), file.load_id) for of_table in files.values() for file in of_table]
    if rows:
        connection.execute(f"insert into {_OF_FILES} {values(rows)}")


def lake_view(table: Table, files: Sequence[LandedFile], no_rows: str) -> str:
    """Return the statement that creates `raw.<table>` on at least one file. `no_rows`: with all its columns.

    A file that was added as it was landed has no `_row`: there the position in the file is the number.
    """
    names = ", ".join(sql_path(file.path) for file in files)
    columns = ", ".join(f"landed.{column.name}" for column in table.columns)
    return (
        f"create view raw.{table.name} as select {columns}, files.load_id as _load_id, "
        "coalesce(landed._row, landed.file_row_number) as _row from ("
        f"select * from read_parquet([{names}], filename = true, file_row_number = true, union_by_name = true, "
        f"hive_partitioning = false) union all by name {no_rows}) as landed "
        f"join {_OF_FILES} as files on files.file = landed.filename"
    )
