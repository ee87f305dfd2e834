"""What a build reads of the lake: the data files of its loads, after a check that they are what was landed.

The ledger says how many rows a load has in each table. Where a table has others, somebody changed it, and a build of
it would be wrong without anybody seeing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from armazem.contract import TABLES
from armazem.errors import LakeError, extra
from armazem.lake.cache import Cache
from armazem.lake.catalog import Lake, lake_errors
from armazem.lake.ledger import Entry, read_entries
from armazem.lake.partitions import Partition, partitions
from armazem.lake.place import NAMESPACE
from armazem.lake.snapshots import changes, check_ledger, said
from armazem.lake.tables import ROW, check_columns
from armazem.landing.ledger import LedgerRow

with extra("iceberg", "the lake"):
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as IcebergTable

_GOING_BACK = "`armazem unload {load}` and load its files again, or go back to the snapshot before"


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A Parquet file with rows of one load, on this machine. Where it has `_row`, that numbers them."""

    path: Path
    load_id: str


def landed_files(lake: Lake, loads: Collection[str]) -> dict[str, list[LandedFile]]:
    """Return the files of these loads, by table, in load order.

    Raises LakeError where a table is not what the ledger says, a file is gone, or a load was withdrawn meanwhile.
    """
    cache = Cache(lake)
    every = read_entries(lake)
    _check_landed(every, loads)
    rows = [entry.row for entry in every if entry.row.load_id in loads]
    found: dict[str, list[LandedFile]] = {}
    with lake_errors(lake.place, "reading the lake"):
        check_ledger(lake, every)
        for table in (table.name for table in TABLES):
            of_table = [row for row in rows if row.table == table and row.rows_accepted]
            try:
                found[table] = list(_files(lake.table(table), table, of_table, cache)) if of_table else []
            except LakeError:
                _check_landed(read_entries(lake), loads)  # whoever withdraws a load writes that first
                raise
    return found


def _check_landed(entries: Sequence[Entry], loads: Collection[str]) -> None:
    withdrawn = {entry.row.load_id for entry in entries if entry.withdrawn_at is not None} & set(loads)
    if withdrawn:
        raise LakeError(f"load {', '.join(sorted(withdrawn))} was withdrawn while the build began", "build again")


def _files(table: IcebergTable, name: str, rows: Sequence[LedgerRow], cache: Cache) -> list[LandedFile]:
    check_columns(table, name)
    there = partitions(table)
    row_id = table.schema().find_field(ROW).field_id
    files = []
    for row in rows:
        partition = there.get(row.load_id, Partition())
        _check(table, name, row, partition)
        for file in sorted((task.file for task in partition.tasks), key=lambda file: file.file_path):
            _check_numbered(table, name, row, file, row_id)
            files.append(LandedFile(cache.local(table, file), row.load_id))
    return files


def _check(table: IcebergTable, name: str, row: LedgerRow, partition: Partition) -> None:
    if partition.has_deletes:
        what = f"somebody deleted single rows of load {row.load_id} in {NAMESPACE}.{name}"
    elif partition.rows != row.rows_accepted:
        what = f"{NAMESPACE}.{name} has {partition.rows:,} rows of load {row.load_id} instead of {row.rows_accepted:,}"
    else:
        return
    raise LakeError(f"{what}; {_suspect(table)}", _GOING_BACK.format(load=row.load_id))


def _check_numbered(table: IcebergTable, name: str, row: LedgerRow, file: DataFile, row_id: int) -> None:
    """A file has `_row`, or is one that was added as it was landed. Written anew without it, its order is lost."""
    numbered = (file.null_value_counts or {}).get(row_id) == 0
    if numbered or file.file_path.endswith(f"/{row.load_id}/{name}.parquet"):
        return
    raise LakeError(
        f"somebody wrote the rows of load {row.load_id} in {NAMESPACE}.{name} anew, without the numbers in {ROW}; "
        f"{_suspect(table)}",
        _GOING_BACK.format(load=row.load_id),
    )


def _suspect(table: IcebergTable) -> str:
    """Which snapshot it may have been: the newest that is not ours."""
    others = [change for change in changes(table) if not change.is_ours]
    return said(others[-1]) if others else "no snapshot that is kept says who did it"
