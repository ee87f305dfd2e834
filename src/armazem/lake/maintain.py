"""Keeping the lake in order: what was cut off is made good, old snapshots are forgotten, files of no load deleted.

No file of a load is deleted, withdrawn or not: it may be the only copy of what was delivered.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from armazem.config import Settings
from armazem.disk.lock import landing_lock
from armazem.errors import extra
from armazem.lake.cache import Cache
from armazem.lake.catalog import Lake, lake_errors
from armazem.lake.clearing import ABANDONED_HOURS, Cleared, clear
from armazem.lake.history import existing_lake
from armazem.lake.landing import PARTITIONED
from armazem.lake.ledger import read_entries
from armazem.lake.partitions import partitions
from armazem.lake.tables import ALL
from armazem.landing.ledger import began

with extra("iceberg", "the lake"):
    from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.io.pyarrow import PyArrowFileIO
    from pyiceberg.table import Table as IcebergTable

_TRIES = 10


@dataclass(frozen=True, slots=True)
class Maintained:
    """What was done, or with a dry run would be. `expired`: table to how many snapshots of it are forgotten.

    `deleted`: files of loads that never ended; `copies`: of files elsewhere that no load has any more.
    """

    cleared: Cleared
    expired: dict[str, int]
    deleted: tuple[str, ...]
    copies: int


def maintain(settings: Settings, *, older_than: timedelta, keep: int, dry_run: bool, on_wait: Any) -> Maintained:
    """Bring the lake in order. `keep`: so many of the newest snapshots of each table stay, however old they are.

    Waits for a load of this home folder. Raises LakeError.
    """
    home = settings.home_folder.open(create=False)
    with landing_lock(home, on_wait):
        lake = existing_lake(settings)
        cleared = clear(lake, dry_run=dry_run)
        before = datetime.now(UTC) - older_than
        with lake_errors(lake.place, "forgetting old snapshots"):
            expired = {name: _expire(lake, name, before, keep, dry_run) for name in ALL}
        with lake_errors(lake.place, "deleting files of no load"):
            deleted = _delete_strays(lake, set(cleared.unfinished), dry_run)
            copies = 0 if dry_run else Cache(lake).keep_only(_uris(lake))
    return Maintained(cleared, {name: count for name, count in expired.items() if count}, tuple(deleted), copies)


def _expire(lake: Lake, name: str, before: datetime, keep: int, dry_run: bool) -> int:
    for attempt in range(_TRIES):
        table = lake.table(name)
        kept = {ref.snapshot_id for ref in table.metadata.refs.values()}
        newest = sorted(table.metadata.snapshots, key=lambda one: one.sequence_number or 0)[-keep:]
        kept |= {snapshot.snapshot_id for snapshot in newest}
        old = [
            snapshot.snapshot_id
            for snapshot in table.metadata.snapshots
            if snapshot.snapshot_id not in kept and snapshot.timestamp_ms < before.timestamp() * 1000
        ]
        if not old or dry_run:
            return len(old)
        try:
            table.maintenance.expire_snapshots().by_ids(old).commit()
        except CommitFailedException:
            if attempt == _TRIES - 1:
                raise
        else:
            return len(old)
    return 0


def _delete_strays(lake: Lake, cleared: set[str], dry_run: bool) -> list[str]:
    """Files that lie where a load that never ended put them, and that no snapshot has."""
    known = {entry.row.load_id for entry in read_entries(lake)}
    oldest = datetime.now(UTC) - timedelta(hours=ABANDONED_HOURS)
    deleted = []
    for name in PARTITIONED:
        table = lake.table(name)
        fs, root = _files_of(table)
        found = fs.get_file_info(FileSelector(f"{root}/data", allow_not_found=True))
        folders = [(one.path, one.base_name.rpartition("=")[2]) for one in found if one.type == FileType.Directory]
        stray = [
            path
            for path, load_id in folders
            if load_id not in known and (load_id in cleared or ((time := began(load_id)) is not None and time < oldest))
        ]
        if stray:
            used = _all_files(lake.table(name))
            for path in stray:
                listed = [fs.get_file_info(path), *fs.get_file_info(FileSelector(path))]
                inside = [one.path for one in listed if one.type == FileType.File]
                if path.rpartition("/")[2].rpartition("=")[2] not in cleared and any(_is_young(one) for one in listed):
                    continue  # put there to be added next
                free = [file for file in inside if not any(uri.endswith(file) for uri in used)]
                deleted += free
                for file in free if not dry_run else ():
                    fs.delete_file(file)
                if len(free) == len(inside) and not dry_run:
                    fs.delete_dir(path)
    return deleted


def _is_young(found: FileInfo) -> bool:
    """Whether it was made within the last day; of a hard link its folder tells. In a bucket folders have no time."""
    return found.mtime is not None and found.mtime > datetime.now(UTC) - timedelta(hours=ABANDONED_HOURS)


def _files_of(table: IcebergTable) -> tuple[FileSystem, str]:
    """The file system of a table, and the path of its folder there."""
    io = table.io if isinstance(table.io, PyArrowFileIO) else PyArrowFileIO(table.io.properties)
    scheme, netloc, path = PyArrowFileIO.parse_location(table.location(), io.properties)
    return io.fs_by_scheme(scheme, netloc), path.rstrip("/")


def _all_files(table: IcebergTable) -> set[str]:
    """The data files of every snapshot that is kept."""
    return set(table.inspect.all_files().column("file_path").to_pylist())


def _uris(lake: Lake) -> Collection[str]:
    uris = set()
    for name in PARTITIONED[:-1]:
        for partition in partitions(lake.table(name)).values():
            uris |= {task.file.file_path for task in partition.tasks}
    return uris
