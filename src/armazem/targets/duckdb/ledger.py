"""The books of events: of what was received, what became of it, and what of that is in the published tables."""

from __future__ import annotations

import duckdb

from armazem.home import Home
from armazem.journal.ledger import read_ledger
from armazem.journal.reading import reading, relation
from armazem.targets.duckdb import versions
from armazem.targets.duckdb.query import open_published
from armazem.targets.ledger import event_books
from armazem.targets.rows import Rows


def event_ledger(home: Home) -> Rows:
    """Return the books of a home folder. `received` is counted as messages come, the next three as they end."""
    return event_books(read_ledger(home), reading(home, lambda: _in_journal(home)), _in_staging(home))


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
