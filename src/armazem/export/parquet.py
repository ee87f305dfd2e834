"""`export parquet`: a folder with one Parquet file per table, and `build.json`, which says what they are of."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from armazem import interrupts
from armazem.disk.causes import cause_of, first_line
from armazem.disk.durable import sync_file, sync_path
from armazem.disk.sql import sql_name
from armazem.errors import ExportError
from armazem.export.place import check_folder_of, written_aside
from armazem.export.tables import Contents, Exported, OnTable, Table, contents
from armazem.home import Home
from armazem.targets.duckdb.query import open_published

BUILD_FILE = "build.json"
_ROWS_PER_GROUP = 122_880  # DuckDB's own


def export_parquet(home: Home, out: Path, on_table: OnTable, *, force: bool = False) -> Exported:
    """Write the current version to folder `out`; `force`: in place of an earlier export.

    Raises HomeError where nothing is published, ExportError where it cannot be written.
    """
    out = out.expanduser().resolve()
    check_folder_of(out)
    _check_place(out, force)
    with open_published(home) as connection, written_aside(out) as aside:
        what = contents(connection)
        new = aside / "new"
        rows = []
        for number, table in enumerate(what.tables, 1):
            on_table(table.full_name, number, len(what.tables))
            (new / table.schema).mkdir(parents=True, exist_ok=True)
            rows.append(write_parquet(connection, table, _file(new, table)))
        sizes = [_file(new, table).stat().st_size for table in what.tables]
        with (new / BUILD_FILE).open("w", encoding="utf-8") as file:
            json.dump(_build_file(what, rows, sizes), file, indent=2)
            file.write("\n")
            sync_file(file)
        for folder in {_file(new, table).parent for table in what.tables} | {new}:
            sync_path(folder)
        _put_in_place(new, out, aside / "old")
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


def _file(folder: Path, table: Table) -> Path:
    return folder / table.schema / f"{table.name}.parquet"


def _build_file(what: Contents, rows: list[int], sizes: list[int]) -> dict[str, Any]:
    return {
        "build_id": what.build_id,
        "published_at": _moment(what.published_at.replace(tzinfo=UTC)),
        "exported_at": _moment(datetime.now(UTC)),
        "tables": [
            {"name": table.full_name, "file": f"{table.schema}/{table.name}.parquet", "rows": count, "bytes": size}
            for table, count, size in zip(what.tables, rows, sizes, strict=True)
        ],
    }


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _check_place(out: Path, force: bool) -> None:
    """What is replaced is deleted: so only an earlier export may be, and nothing else that lies with it."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise ExportError(f"{out} is a file", "name a folder that does not exist yet")
    foreign = _foreign_files(out)
    if foreign:
        raise ExportError(
            f"{out} holds files that no export wrote, such as {foreign[0].relative_to(out)}",
            "name a folder that does not exist yet",
        )
    if not force:
        raise ExportError(f"{out} holds an export already", "--force replaces it")


def _foreign_files(out: Path) -> list[Path]:
    found = sorted(path for path in out.rglob("*") if path.is_symlink() or not path.is_dir())
    try:
        listed = json.loads((out / BUILD_FILE).read_text(encoding="utf-8"))["tables"]
        known = {out / BUILD_FILE, *(out / table["file"] for table in listed)}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return found
    return [path for path in found if path not in known]


def _put_in_place(new: Path, out: Path, old: Path) -> None:
    try:
        os.replace(new, out)  # where nothing is, or an empty folder
    except OSError:
        if not out.is_dir():
            raise
        with interrupts.held():
            os.replace(out, old)
            try:
                os.replace(new, out)
            except OSError:
                os.replace(old, out)
                raise
    sync_path(out.parent)
