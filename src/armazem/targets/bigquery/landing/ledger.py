"""The ledger on BigQuery, the table `raw.loads`: read, and marked where a load is withdrawn."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud import bigquery

from armazem.contract import TABLES
from armazem.landing.ledger import LedgerRow
from armazem.targets.bigquery.client import REQUEST_SECONDS
from armazem.targets.bigquery.landing.raw import LOADS, Raw

_ORDER = {table.name: number for number, table in enumerate(TABLES)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger, and whether its load was withdrawn."""

    row: LedgerRow
    withdrawn: bool


def read_entries(client: bigquery.Client, dataset: str, retry: Retry) -> list[Entry]:
    """Every row, in load order; none where the dataset or the table is missing. Raises google's errors."""
    try:
        # Listed, not queried: that costs nothing, and sees what was loaded a moment ago.
        listed = list(client.list_rows(f"{client.project}.{dataset}.{LOADS}", retry=retry, timeout=REQUEST_SECONDS))
    except exceptions.NotFound:
        return []
    entries = [_entry(dict(row.items())) for row in listed]
    return sorted(entries, key=lambda entry: (entry.row.load_id, _ORDER.get(entry.row.table, len(_ORDER))))


def _entry(values: dict[str, Any]) -> Entry:
    loaded_at: datetime = values["loaded_at"]
    known = {field.name for field in fields(LedgerRow)}
    row = {key: value for key, value in values.items() if key in known}
    row |= {"loaded_at": loaded_at.isoformat(timespec="milliseconds"), "status": "loaded"}
    if as_of := values.get("as_of"):
        row["as_of"] = as_of.isoformat()
    return Entry(LedgerRow(**row), values["withdrawn_at"] is not None)


def mark_withdrawn(raw: Raw, load_id: str) -> None:
    """Note that a load is withdrawn. Its rows stay in the tables, where builds no longer read them."""
    raw.query(
        f"update `{raw.table(LOADS)}` set withdrawn_at = current_timestamp() "
        "where load_id = @load_id and withdrawn_at is null",
        load_id=("STRING", load_id),
    )
