"""Landing a load in the lake: its tables, its rejects, and last its rows in the ledger.

A marker in the home folder tells the next load, or `maintain`, of one that was cut off. Until the ledger has it no
reader knows of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from armazem.contract import TABLES
from armazem.disk.durable import write_whole
from armazem.errors import LakeError
from armazem.home import Home
from armazem.lake import files
from armazem.lake.catalog import REJECTS, Lake, lake_errors
from armazem.lake.ledger import read_entries, record
from armazem.lake.partitions import partitions, remove
from armazem.lake.rejects import add_rejects
from armazem.landing.ledger import LedgerRow

_PREFIX = ".lake-"
PARTITIONED = (*(table.name for table in TABLES), REJECTS)
"""The tables in which a load has a partition."""

OnTable = Callable[[LedgerRow, int, int], None]
"""Called before a table is added: its row, its number from 1, and how many there are."""


def land(lake: Lake, rows: Sequence[LedgerRow], folder: Path, rejects: Path, on_table: OnTable) -> None:
    """Land a load whose files are `folder/<table>.parquet` and whose rejects are `rejects/<table>.jsonl`.

    What is there of it already, as it was cut off, is not added again. Raises LakeError; then nothing of it is known
    to readers, and what did arrive is cleared up now or by the next load.
    """
    load_id = rows[0].load_id
    announce(lake, load_id)
    try:
        with lake_errors(lake.place, f"landing {load_id}"):
            filled = [row for row in rows if row.rows_accepted]
            for number, row in enumerate(filled, start=1):
                on_table(row, number, len(filled))
                _add(lake, row, folder / f"{row.table}.parquet")
            add_rejects(lake, load_id, rejects)
        record(lake, rows)
    except LakeError:
        # Where the ledger cannot be read the marker stays: whether the load is in it, the next one finds out.
        with suppress(LakeError):
            if any(entry.row.load_id == load_id for entry in read_entries(lake)):
                forget(lake, load_id)  # its last commit arrived, and the answer did not
                return
            undo(lake, load_id)
            forget(lake, load_id)
        raise
    forget(lake, load_id)


def _add(lake: Lake, row: LedgerRow, file: Path) -> None:
    table = lake.table(row.table)
    if row.load_id in partitions(table):
        return
    if not file.is_file():
        raise LakeError(f"{file} is missing, of which the ledger says that it was landed", "restore it")
    files.add(table, row.load_id, files.put(table, row.load_id, row.table, file), file)


def undo(lake: Lake, load_id: str) -> int:
    """Take out what is there of a load that the ledger does not have; how many rows."""
    with lake_errors(lake.place, f"clearing up {load_id}"):
        return sum(remove(lake, name, [load_id], "clear") for name in PARTITIONED)


# Markers


def announce(lake: Lake, load_id: str) -> None:
    """Write the marker, to the disk. Before anything of the load is in the lake."""
    write_whole(_marker(lake.home, load_id), json.dumps({"catalog": lake.place.shown}).encode())


def forget(lake: Lake, load_id: str) -> None:
    """Remove the marker: the load is in the ledger, or nothing of it is in the lake."""
    _marker(lake.home, load_id).unlink(missing_ok=True)


def announced(lake: Lake) -> list[str]:
    """Return the loads of this home folder that were cut off on their way to this lake."""
    found = []
    for path in sorted(lake.home.landing.glob(f"{_PREFIX}*.json")):
        if json.loads(path.read_text(encoding="utf-8"))["catalog"] == lake.place.shown:
            found.append(path.stem.removeprefix(_PREFIX))
    return found


def _marker(home: Home, load_id: str) -> Path:
    return home.landing / f"{_PREFIX}{load_id}.json"
