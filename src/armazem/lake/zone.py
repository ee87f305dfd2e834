"""The lake as a landing zone. A load exists from the moment its rows are in the ledger, `raw.loads`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from armazem.config import Settings
from armazem.disk.durable import sync_path
from armazem.errors import LakeError
from armazem.lake.catalog import Lake, lake_errors, open_lake
from armazem.lake.clearing import clear_own
from armazem.lake.landing import PARTITIONED, land
from armazem.lake.ledger import Entry, live, read_entries, record_withdrawn
from armazem.lake.partitions import remove
from armazem.lake.snapshots import check_ledger
from armazem.lake.tables import open_tables
from armazem.landing.ledger import LedgerRow, new_load_id
from armazem.landing.report import OnProgress, Progress
from armazem.landing.staging import Staging


class LakeZone:
    """A Zone. The home folder is only where files are prepared, and where the rejects are left too."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lake: Lake | None = None
        self._entries: list[Entry] = []

    @property
    def lake(self) -> Lake:
        """Raises LakeError where it cannot be opened."""
        if self._lake is None:
            self._lake = open_lake(self._settings)
            open_tables(self._lake)
        return self._lake

    def begin(self) -> str:
        # Now, not when all files are read: a catalog that is gone should show at once.
        clear_own(self.lake)
        self._entries = read_entries(self.lake)
        # What is added to a ledger that lost rows would be lost itself on the way back.
        check_ledger(self.lake, self._entries)
        return new_load_id(self._settings.home_folder, (entry.row.load_id for entry in self._entries))

    def ledger(self) -> list[LedgerRow]:
        return live(self._entries)

    def publish(self, staging: Staging, rows: Sequence[LedgerRow], notify: OnProgress) -> Path | None:
        def adding(row: LedgerRow, number: int, total: int) -> None:
            notify(Progress("adding", row.path, row.table, number, total, row.rows_accepted))

        for file in staging.ready.glob("*.parquet"):
            sync_path(file)  # what the lake gets may be a second name of it
        rejects = staging.place_rejects()
        land(self.lake, rows, staging.ready, rejects or staging.rejects, adding)
        staging.landed()
        return rejects


def withdraw(lake: Lake, load_id: str) -> None:
    """Withdraw a load: it is out at once, by its rows in the ledger; then its rows are taken out of the tables.

    Older snapshots still have them. Withdrawing twice finishes what was cut off. Raises LakeError for an unknown load.
    Only for the holder of the landing lock.
    """
    entries = read_entries(lake)
    check_ledger(lake, entries)
    of_load = [entry for entry in entries if entry.row.load_id == load_id]
    if not of_load:
        known = sorted({entry.row.load_id for entry in entries if entry.withdrawn_at is None})
        raise LakeError(
            f"there is no load {load_id} in the lake",
            f"the newest are {', '.join(known[-5:]) or 'none'}; `armazem lake history` lists all",
        )
    if all(entry.withdrawn_at is None for entry in of_load):
        record_withdrawn(lake, [entry.row for entry in of_load])
    with lake_errors(lake.place, f"withdrawing {load_id}"):
        for name in PARTITIONED[:-1]:  # its rejects stay: they say what was in the files
            remove(lake, name, [load_id], "unload")
