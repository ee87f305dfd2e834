"""The books of events, the same on every target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from armazem.journal.ledger import LedgerRow
from armazem.targets.rows import Rows

COLUMNS = (
    "source", "received", "accepted", "duplicates", "dead_letters", "difference", "in_journal", "in_staging",
)  # fmt: skip


def event_books(counted: Iterable[LedgerRow], kept: Mapping[str, int], built: Mapping[str, int]) -> Rows:
    """Return one row per source, and `all`.

    `difference` is what is left of the messages received without those accepted, known already, and refused: 0.
    `in_journal` counts the distinct events that are `kept`, in the journal or in `raw.events`, `in_staging` those that
    the published build has.
    """
    rows_of = {row.source: row for row in counted}
    rows = [
        _row(rows_of.get(source, LedgerRow(source)), kept.get(source, 0), built.get(source, 0))
        for source in sorted({*rows_of, *kept, *built})
    ]
    totals = [sum(int(row[place]) for row in rows) for place in range(1, len(COLUMNS))]
    return Rows(COLUMNS, (*rows, ("all", *totals)))


def _row(row: LedgerRow, in_journal: int, in_staging: int) -> tuple[str | int, ...]:
    difference = row.received - row.accepted - row.duplicates - row.dead_letters
    counts = (row.received, row.accepted, row.duplicates, row.dead_letters)
    return (row.source, *counts, difference, in_journal, in_staging)
