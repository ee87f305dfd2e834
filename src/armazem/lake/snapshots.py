"""Snapshots of a table in words: when, what, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from armazem.errors import LakeError, extra
from armazem.lake.catalog import LOADS, Lake, lake_errors
from armazem.lake.ledger import OF_ACTION, OF_LOAD, OF_VERSION, Entry
from armazem.lake.place import CATALOG, NAMESPACE

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


def said(change: Change) -> str:
    """Return which snapshot it was, by whom, when, and the one before it."""
    before = "" if change.parent_id is None else f"; before it: {change.parent_id}"
    at = f"{change.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"snapshot {change.snapshot_id} ({change.operation}) by {change.by} of {at}{before}"


def check_ledger(lake: Lake, entries: Sequence[Entry]) -> None:
    """Raise LakeError where somebody took rows out of the ledger, or went back in it.

    What it lost would seem never to have been loaded. `entries`: what was read of it.
    """
    with lake_errors(lake.place, "reading the ledger of the lake"):
        table = lake.table(LOADS)
    led_here = changes(table)
    if others := [change for change in led_here if change.operation in ("delete", "overwrite")]:
        raise LakeError(
            f"somebody changed the ledger {NAMESPACE}.{LOADS}, to which rows are only added: {said(others[-1])}",
            "go back to the snapshot before it",
        )
    known = {entry.row.load_id: entry.withdrawn_at is not None for entry in entries}
    led = {change.snapshot_id for change in led_here}
    for change in map(change_of, table.metadata.snapshots):
        if change.snapshot_id in led or not change.is_ours or change.load_id is None:
            continue
        if change.load_id not in known or (change.operation == "unload" and not known[change.load_id]):
            raise LakeError(
                f"somebody went back in the ledger {NAMESPACE}.{LOADS}, which lost the {change.operation} of "
                f"{change.load_id}: {said(change)}",
                f"in Spark: call {CATALOG}.system.set_current_snapshot('{NAMESPACE}.{LOADS}', {change.snapshot_id})",
            )
