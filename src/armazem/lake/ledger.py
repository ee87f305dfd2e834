"""The ledger of the lake, the table `raw.loads`: a load is there from the moment its rows are here.

Nothing in it is changed: that a load is withdrawn is said by its rows, once more, with the time. So two who write at
once never undo each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from armazem import __version__
from armazem.contract import TABLES
from armazem.errors import extra
from armazem.lake.catalog import LOADS, Lake, lake_errors
from armazem.lake.tables import schema_of
from armazem.landing.ledger import LedgerRow

with extra("iceberg", "the lake"):
    from pyiceberg.io.pyarrow import schema_to_pyarrow

OF_LOAD = "armazem.load-id"
"""Property in the summary of each snapshot that armazem made: the load that it is about."""
OF_VERSION = "armazem.version"
OF_ACTION = "armazem.action"
"""What the snapshot did with it: `load`, `unload` or `clear` (what a load that never ended left behind)."""

_ORDER = {table.name: number for number, table in enumerate(TABLES)}
_TIMES = ("loaded_at", "as_of")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger, and when its load was withdrawn."""

    row: LedgerRow
    withdrawn_at: datetime | None


def summary(load_id: str, action: str) -> dict[str, str]:
    """Return what the summary of a snapshot of ours says."""
    return {OF_LOAD: load_id, OF_ACTION: action, OF_VERSION: __version__}


def record(lake: Lake, rows: Sequence[LedgerRow]) -> None:
    """Write the rows of a load, in one snapshot: it is there then. They are the last that is written of it."""
    _append(lake, [_values(row, None) for row in rows], summary(rows[0].load_id, "load"))


def record_withdrawn(lake: Lake, rows: Sequence[LedgerRow]) -> None:
    """Write that a load is withdrawn, in one snapshot: no reader takes it for a load any more. `rows`: all of it."""
    now = datetime.now(UTC)
    _append(lake, [_values(row, now) for row in rows], summary(rows[0].load_id, "unload"))


def _append(lake: Lake, rows: list[dict[str, Any]], properties: dict[str, str]) -> None:
    with lake_errors(lake.place, "writing the ledger of the lake"):
        table = lake.table(LOADS)
        schema = schema_to_pyarrow(schema_of(LOADS), include_field_ids=False)
        table.append(pa.Table.from_pylist(rows, schema=schema), snapshot_properties=properties)


def _values(row: LedgerRow, withdrawn_at: datetime | None) -> dict[str, Any]:
    values = asdict(row)
    del values["status"]
    for name in _TIMES:
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return values | {"withdrawn_at": withdrawn_at}


def read_entries(lake: Lake) -> list[Entry]:
    """Return every file ever landed, in load order, withdrawn or not."""
    with lake_errors(lake.place, "reading the ledger of the lake"):
        rows = lake.table(LOADS).scan().to_arrow().to_pylist()
    withdrawn = {row["load_id"]: row["withdrawn_at"] for row in rows if row["withdrawn_at"] is not None}
    # A load whose row was written twice, by one that was not sure whether the first had arrived, is one load.
    landed = {(row["load_id"], row["table"]): row for row in rows if row["withdrawn_at"] is None}
    entries = [Entry(_row(row), withdrawn.get(row["load_id"])) for row in landed.values()]
    return sorted(entries, key=lambda entry: (entry.row.load_id, _ORDER.get(entry.row.table, len(_ORDER))))


def live(entries: Sequence[Entry]) -> list[LedgerRow]:
    """Return those that are not withdrawn."""
    return [entry.row for entry in entries if entry.withdrawn_at is None]


def _row(values: dict[str, Any]) -> LedgerRow:
    known = {field.name for field in fields(LedgerRow)}
    row = {key: value for key, value in values.items() if key in known} | {"status": "loaded"}
    row["loaded_at"] = row["loaded_at"].astimezone(UTC).isoformat(timespec="milliseconds")
    if row.get("as_of"):
        row["as_of"] = row["as_of"].astimezone(UTC).isoformat()
    return LedgerRow(**row)
