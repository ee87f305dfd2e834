"""The books of events: of what was received, what became of it, and what of that is in the published tables."""

from __future__ import annotations

import duckdb

from armazem.home import Home
from armazem.journal.ledger import LedgerRow, read_ledger
from armazem.journal.reading import reading, relation
from armazem.targets.duckdb import versions
from armazem.targets.duckdb.query import open_published
from armazem.targets.rows import Rows

COLUMNS = (
    "source", "received", "accepted", "duplicates", "dead_letters", "difference", "in_journal", "in_staging",
)  # fmt: skip


def event_ledger(home: Home) -> Rows:
    """One row per source, and `all`.

    `received` is counted as messages come, the next three as they end: `difference` is what is left, and is 0.
    `in_journal` counts the distinct events on disk, `in_staging` those that the published build has.
    """
    counted = {row.source: row for row in read_ledger(home)}
    on_disk = reading(home, lambda: _in_journal(home))
    built = _in_staging(home)
    rows = [
        _row(counted.get(source, LedgerRow(source)), on_disk.get(source, 0), built.get(source, 0))
        for source in sorted({*counted, *on_disk, *built})
    ]
    totals = [sum(int(row[place]) for row in rows) for place in range(1, len(COLUMNS))]
    return Rows(COLUMNS, (*rows, ("all", *totals)))


def _row(row: LedgerRow, in_journal: int, in_staging: int) -> tuple[str | int, ...]:
    difference = row.received - row.accepted - row.duplicates - row.dead_letters
    counts = (row.received, row.accepted, row.duplicates, row.dead_letters)
    return (row.source, *counts, difference, in_journal, in_staging)


def _in_journal(home: Home) -> dict[str, int]:
    with duckdb.connect() as connection:
        events = relation(home, columns=("source", "event_id", "sender"))
        rows = connection.execute(
            f"select source, count(distinct (event_id, sender)) from {events} group by source"
        ).fetchall()
    return {str(source): int(events) for source, events in rows}


def _in_staging(home: Home) -> dict[str, int]:
    if versions.current_build(home) is None:
        return {}
    with open_published(home) as connection:
        rows = connection.execute("select source, count(*) from staging.stg_events group by source").fetchall()
    return {str(source): int(events) for source, events in rows}
