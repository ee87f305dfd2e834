"""`export parquet`: a folder with one Parquet file per table, and `build.json`, which says what they are of."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from armazem.disk.causes import cause_of, first_line
from armazem.disk.durable import sync_path
from armazem.disk.sql import sql_name
from armazem.errors import ExportError
from armazem.export.folder import write_build_file, written_folder
from armazem.export.tables import Exported, OnTable, Table, contents
from armazem.home import Home
from armazem.targets.duckdb.query import open_published

_ROWS_PER_GROUP = 122_880  # DuckDB's own


def export_parquet(home: Home, out: Path, on_table: OnTable, *, force: bool = False) -> Exported:
    """Write the current version to folder `out`; `force`: in place of an earlier export.

    Raises HomeError where nothing is published, ExportError where it cannot be written.
    """
    out = out.expanduser().resolve()
    with open_published(home) as connection, written_folder(out, force=force) as new:
        what = contents(connection)
        rows = []
        for number, table in enumerate(what.tables, 1):
            on_table(table.full_name, number, len(what.tables))
            (new / table.schema).mkdir(exist_ok=True)
            rows.append(write_parquet(connection, table, new / _file(table)))
        sizes = [(new / _file(table)).stat().st_size for table in what.tables]
        tables = [
            {"name": table.full_name, "file": _file(table), "rows": count, "bytes": size}
            for table, count, size in zip(what.tables, rows, sizes, strict=True)
        ]
        write_build_file(new, what.build_id, what.published_at.replace(tzinfo=UTC), {"tables": tables})
    return Exported(what, tuple(rows), (out,), sum(sizes))


def write_parquet(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> int:
    """Write a table to a new file, by batches; how many rows it has."""
    columns = ", ".join(sql_name(column.name) for column in table.columns)
    rows = 0
    try:
        reader = connection.execute(f'select {columns} from "{table.schema}"."{table.name}"').to_arrow_reader(
            _ROWS_PER_GROUP
        )
        with (
            path.open("wb") as file,
            pq.ParquetWriter(file, reader.schema, compression="zstd", store_decimal_as_integer=True) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
        sync_path(path)
    except duckdb.Error as error:
        cause = cause_of(error, path)
        raise ExportError(f"{table.full_name} cannot be read: {cause.reason}", cause.hint) from error
    except pa.ArrowException as error:
        raise ExportError(f"{table.full_name} cannot be written as Parquet: {first_line(error)}") from error
    return rows


def _file(table: Table) -> str:
    return f"{table.schema}/{table.name}.parquet"
