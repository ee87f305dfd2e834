"""Read-only queries on the published datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.api_core import exceptions

from armazem.errors import QueryError
from armazem.targets.bigquery.connection import Connection
from armazem.targets.rows import Rows


def answer(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """Answer one query in GoogleSQL. Raises QueryError where BigQuery refuses it or it changes something."""
    if not sql.strip():
        raise QueryError("the query is empty", 'ask for example `armazem sql "select * from kpis.agg_sales_trend"`')
    try:
        if connection.query(sql, parameters, dry_run=True).statement_type != "SELECT":
            raise QueryError("only SELECT is allowed here", "change data with `armazem load` and `armazem build`")
        found = connection.answer(sql, parameters)
    except (exceptions.BadRequest, exceptions.NotFound) as error:
        raise QueryError(
            f"BigQuery refuses the query: {error.message}",
            "tables are published as staging.…, marts.…, kpis.… and meta.…, with your prefix before them",
        ) from error
    rows: list[tuple[Any, ...]] = []
    for row in found:
        rows.append(tuple(row.values()))
        if len(rows) > connection.settings.query_rows:
            raise QueryError(
                f"the answer has more than {connection.settings.query_rows:,} rows",
                "add a `limit`, or raise ARMAZEM_QUERY_ROWS",
            )
    return Rows(tuple(field.name for field in found.schema), tuple(rows))
