"""The rows of each load in a table of the lake, as its newest snapshot has them: found, and taken out."""

from __future__ import annotations

import random
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from armazem.errors import extra
from armazem.lake.catalog import Lake
from armazem.lake.ledger import summary

with extra("iceberg", "the lake"):
    from pyiceberg.exceptions import CommitFailedException, ValidationException
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

_TRIES = 20
_WAIT = 0.2  # seconds, at most, before the next try


@dataclass(slots=True)
class Partition:
    """The files of one load in one table. `rows`: without those that a file of deletes takes away."""

    tasks: list[FileScanTask] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(task.file.record_count for task in self.tasks)

    @property
    def has_deletes(self) -> bool:
        """Whether somebody deleted single rows."""
        return any(task.delete_files for task in self.tasks)


def partitions(table: IcebergTable) -> dict[str, Partition]:
    """Return what the newest snapshot has of each load. `table` is partitioned by the load."""
    found: dict[str, Partition] = {}
    for task in table.scan().plan_files():
        found.setdefault(str(task.file.partition[0]), Partition()).tasks.append(task)
    return found


def came_in(table: IcebergTable) -> dict[str, datetime]:
    """Return when the newest files of each load came into the table; the beginning of time where nobody knows any more.

    The id of a load does not say that: `register` puts loads of long ago in the lake.
    """
    snapshot = table.current_snapshot()
    known = {one.snapshot_id: one.timestamp_ms for one in table.metadata.snapshots}
    newest: dict[str, int] = {}
    for manifest in [] if snapshot is None else snapshot.manifests(table.io):
        for entry in manifest.fetch_manifest_entry(table.io):
            load_id = str(entry.data_file.partition[0])
            newest[load_id] = max(newest.get(load_id, 0), known.get(entry.snapshot_id or 0, 0))
    return {load_id: datetime.fromtimestamp(at / 1000, UTC) for load_id, at in newest.items()}


def remove(lake: Lake, name: str, load_ids: Collection[str], action: str) -> int:
    """Take the rows of these loads out of a table, a snapshot for each load; how many rows. The files stay.

    Raises what pyiceberg raises where others change the table all the time.
    """
    removed = 0
    for load_id in load_ids:
        for attempt in range(_TRIES):
            table = lake.table(name)
            partition = partitions(table).get(load_id)
            if partition is None:
                break
            try:
                _delete(table, partition, load_id, action)
            except (CommitFailedException, ValidationException):
                # Somebody else committed meanwhile, and this plan was made without it.
                if attempt == _TRIES - 1:
                    raise
                time.sleep(random.uniform(0, _WAIT))
            else:
                removed += partition.rows
                break
    return removed


def _delete(table: IcebergTable, partition: Partition, load_id: str, action: str) -> None:
    with (
        table.transaction() as transaction,
        transaction.update_snapshot(snapshot_properties=summary(load_id, action)).overwrite() as change,
    ):
        for task in partition.tasks:
            change.delete_data_file(task.file)
