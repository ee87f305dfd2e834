"""Data files of the lake: put under the warehouse as they were landed, added to their table, found again, taken out.

A file is not written anew. On one file system it gets a second name, a hard link: the landing zone may move or delete
its own, and older snapshots of the table can still be read.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq

from armazem.disk.durable import sync_path
from armazem.errors import extra
from armazem.lake.ledger import summary
from armazem.lake.place import local_path

with extra("iceberg", "the lake"):
    from pyiceberg.io.pyarrow import (
        compute_statistics_plan,
        data_file_statistics_from_parquet_metadata,
        parquet_path_to_id_mapping,
    )
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.typedef import Record

_CHUNK = 8 * 1024 * 1024  # bytes that are uploaded at a time


def folder_of(table: IcebergTable, load_id: str) -> str:
    """Return the URI of the folder in which the files of a load of ours lie."""
    return f"{table.location().rstrip('/')}/data/{load_id}"


def put(table: IcebergTable, load_id: str, name: str, file: Path) -> str:
    """Put a landed file of the table `name` under the warehouse; its URI. One that is there already is left alone.

    Raises OSError, or what the store of the warehouse raises.
    """
    uri = f"{folder_of(table, load_id)}/{name}.parquet"
    target = local_path(uri)
    if target is None:
        _upload(table, file, uri)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(file, target)
        sync_path(target.parent)
    return uri


def _link(file: Path, target: Path) -> None:
    """A second name for a file, or on another file system a copy of it."""
    if target.exists():
        if target.stat().st_size == file.stat().st_size:
            return
        target.unlink()  # a copy that was cut off
    try:
        os.link(file, target)
    except OSError:
        aside = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(file, aside)
        sync_path(aside)
        os.replace(aside, target)


def _upload(table: IcebergTable, file: Path, uri: str) -> None:
    with file.open("rb") as source, table.io.new_output(uri).create(overwrite=True) as out:
        while chunk := source.read(_CHUNK):
            out.write(chunk)


def add(table: IcebergTable, load_id: str, uri: str, file: Path) -> None:
    """Add a file that lies at `uri`, and here as `file`, to its table, in one snapshot: all its rows are of the load.

    The file has no column for that: the value of its partition says it, in the manifest.
    """
    metadata = pq.read_metadata(file)
    schema = table.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=metadata,
        stats_columns=compute_statistics_plan(schema, table.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    data_file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=uri,
        file_format=FileFormat.PARQUET,
        partition=Record(load_id),
        file_size_in_bytes=file.stat().st_size,
        sort_order_id=None,
        spec_id=table.metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=summary(load_id, "load")).merge_append() as append,
    ):
        append.append_data_file(data_file)
