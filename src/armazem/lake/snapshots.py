"""Snapshots of a table in words: when, what, by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from armazem.errors import extra
from armazem.lake.ledger import OF_ACTION, OF_LOAD, OF_VERSION

with extra("iceberg", "the lake"):
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table.snapshots import Snapshot

_ADDED, _REMOVED = "added-records", "deleted-records"


@dataclass(frozen=True, slots=True)
class Change:
    """A snapshot of a table. `load_id`: of whom armazem says that it is about it. `by`: armazem, or another program."""

    snapshot_id: int
    at: datetime
    operation: str
    load_id: str | None
    rows_added: int
    rows_removed: int
    by: str
    parent_id: int | None

    @property
    def is_ours(self) -> bool:
        return self.by == "armazem"


def changes(table: IcebergTable) -> list[Change]:
    """Return the snapshots that led to what the table is now, oldest first, as far back as they are kept."""
    known = {snapshot.snapshot_id: snapshot for snapshot in table.metadata.snapshots}
    found = []
    snapshot = table.current_snapshot()
    while snapshot is not None:
        found.append(change_of(snapshot))
        snapshot = known.get(snapshot.parent_snapshot_id or 0)
    return found[::-1]


def change_of(snapshot: Snapshot) -> Change:
    """Return what a snapshot says of itself."""
    summary = snapshot.summary
    told = {} if summary is None else summary.additional_properties
    ours = OF_VERSION in told
    operation = "" if summary is None else summary.operation.value
    return Change(
        snapshot.snapshot_id,
        datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        told.get(OF_ACTION, operation) if ours else operation,
        told.get(OF_LOAD),
        int(told.get(_ADDED, 0)),
        int(told.get(_REMOVED, 0)),
        "armazem" if ours else told.get("engine-name", "another program"),
        snapshot.parent_snapshot_id,
    )
