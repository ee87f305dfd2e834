"""What happened to the tables of the lake, snapshot by snapshot, as far back as they are kept."""

from __future__ import annotations

from armazem.config import Settings
from armazem.contract import TABLES
from armazem.errors import LakeError
from armazem.lake.catalog import LOADS, REJECTS, Lake, find_lake, lake_errors
from armazem.lake.ledger import read_entries
from armazem.lake.snapshots import changes

_TABLES = (*(table.name for table in TABLES), REJECTS, LOADS)

COLUMNS = ("at", "table", "load_id", "operation", "rows_added", "rows_removed", "by", "load_is", "snapshot_id")


def history(settings: Settings, table: str | None = None) -> tuple[tuple[object, ...], ...]:
    """Return the snapshots of a table of `raw`, or of all of them, oldest first, in COLUMNS.

    `load_is`: landed, withdrawn, or not in the ledger. Raises LakeError.
    """
    lake = existing_lake(settings)
    standing = {
        entry.row.load_id: "landed" if entry.withdrawn_at is None else "withdrawn" for entry in read_entries(lake)
    }
    found = []
    with lake_errors(lake.place, "the history of the lake"):
        for name in _TABLES if table is None else (table,):
            for change in changes(lake.table(name)):
                load = None if change.load_id is None else standing.get(change.load_id, "not in the ledger")
                found.append(
                    (
                        change.at,
                        name,
                        change.load_id,
                        change.operation,
                        change.rows_added,
                        change.rows_removed,
                        change.by,
                        load,
                        str(change.snapshot_id),
                    )
                )
    return tuple(sorted(found, key=lambda row: row[0]))


def existing_lake(settings: Settings) -> Lake:
    """Return the lake of these settings. Raises LakeError where there is none yet."""
    lake = find_lake(settings)
    if lake is None:
        raise LakeError("there is no lake yet", "`armazem lake register` makes it of what is landed in the home folder")
    return lake
