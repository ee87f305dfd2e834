"""Making good what was cut off: loads that never ended, and withdrawals whose rows are still in the tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from armazem.errors import extra
from armazem.lake.catalog import REJECTS, Lake, lake_errors
from armazem.lake.landing import PARTITIONED, announced, forget, undo
from armazem.lake.ledger import read_entries
from armazem.lake.partitions import came_in, partitions, remove
from armazem.lake.snapshots import check_ledger
from armazem.landing.ledger import began

with extra("iceberg", "the lake"):
    from pyiceberg.table import Table as IcebergTable

ABANDONED_HOURS = 24
"""A load of another home folder, or of Spark, that is not in the ledger may still be under way for so long after its
newest file came in."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What there was to do. `withdrawn`, `unfinished`: loads whose rows were taken out, and how many rows that were.

    `perhaps_running`: loads that are in no ledger and too young to be given up. `foreign`: what stands in `_load_id` of
    rows that somebody else wrote, and is the id of no load.
    """

    withdrawn: dict[str, int]
    unfinished: dict[str, int]
    perhaps_running: tuple[str, ...]
    foreign: tuple[str, ...]


def clear_own(lake: Lake) -> None:
    """Undo the loads of this home folder that were cut off. Only for the holder of its landing lock."""
    left = announced(lake)
    if not left:
        return
    known = {entry.row.load_id for entry in read_entries(lake)}
    for load_id in left:
        if load_id not in known:
            undo(lake, load_id)
        forget(lake, load_id)


def clear(lake: Lake, *, dry_run: bool = False) -> Cleared:
    """Finish the withdrawals that were cut off, and undo loads that never ended. Only for the holder of the lock."""
    own = announced(lake)
    found = _found(lake, set(own))
    if not dry_run:
        with lake_errors(lake.place, "clearing up"):
            for load_id, tables in found.withdrawn.items():
                for table in tables:
                    remove(lake, table, [load_id], "unload")
            for load_id, tables in found.unfinished.items():
                for table in tables:
                    remove(lake, table, [load_id], "clear")
        for load_id in own:
            forget(lake, load_id)
    return Cleared(
        {load_id: sum(tables.values()) for load_id, tables in found.withdrawn.items()},
        {load_id: sum(tables.values()) for load_id, tables in found.unfinished.items()},
        tuple(sorted(found.running)),
        tuple(sorted(found.foreign)),
    )


@dataclass(slots=True)
class _Found:
    """Load to table to rows, and the loads that are left alone."""

    withdrawn: dict[str, dict[str, int]] = field(default_factory=dict)
    unfinished: dict[str, dict[str, int]] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)


def _found(lake: Lake, own: set[str]) -> _Found:
    entries = read_entries(lake)
    check_ledger(lake, entries)  # a load that it lost would be taken for one that never ended
    known = {entry.row.load_id: entry.withdrawn_at is not None for entry in entries}
    oldest = datetime.now(UTC) - timedelta(hours=ABANDONED_HOURS)
    found = _Found()
    with lake_errors(lake.place, "looking for what was cut off"):
        tables = {name: lake.table(name) for name in PARTITIONED}
        young = _young(tables.values(), {*known, *own}, oldest)
        for name, table in tables.items():
            for load_id, partition in partitions(table).items():
                time = began(load_id)
                if load_id in known:
                    if known[load_id] and name != REJECTS:
                        found.withdrawn.setdefault(load_id, {})[name] = partition.rows
                elif load_id in own or (time is not None and time < oldest and load_id not in young):
                    found.unfinished.setdefault(load_id, {})[name] = partition.rows
                elif time is None:
                    found.foreign.add(load_id)
                else:
                    found.running.add(load_id)
    return found


def _young(tables: Iterable[IcebergTable], others: Collection[str], oldest: datetime) -> set[str]:
    """The loads besides others of which a file came in later than `oldest`, in whichever table."""
    young: set[str] = set()
    for table in tables:
        if partitions(table).keys() - others:  # else no manifest has to be read
            young |= {load_id for load_id, time in came_in(table).items() if time >= oldest}
    return young - set(others)
