"""The books of events on BigQuery: what became of each message, counted in `raw`."""

from __future__ import annotations

from armazem.journal.ledger import LedgerRow
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.landing.raw import DEAD_LETTERS, EVENTS
from armazem.targets.ledger import event_books
from armazem.targets.rows import Rows


def event_ledger(connection: Connection) -> Rows:
    """Return the books. Every row of `raw.events` and `raw.dead_letters` is a message that was received.

    The row of an event that came first counts as accepted, the others as duplicates; a dead letter that was delivered
    twice is a duplicate too.
    """
    names = connection.names
    rows: dict[str, LedgerRow] = {}
    accepted = connection.rows_if_there(
        "select source, count(*), countif(number = 1) from ("
        "select source, row_number() over (partition by event_id, sender order by received_at, source) as number "
        f"from `{names.raw}`.{EVENTS}) group by source"
    )
    for source, received, first in accepted:
        rows[source] = LedgerRow(source, received, first, received - first, 0)
    refused = connection.rows_if_there(
        f"select source, count(*), count(distinct id) from `{names.raw}`.{DEAD_LETTERS} group by source"
    )
    for source, received, distinct in refused:
        row = rows.setdefault(source, LedgerRow(source))
        row.received += received
        row.duplicates += received - distinct
        row.dead_letters += distinct
    built = connection.rows_if_there(f"select source, count(*) from `{names.of('staging')}`.stg_events group by source")
    return event_books(rows.values(), {row.source: row.accepted for row in rows.values()}, dict(built))
