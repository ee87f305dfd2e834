"""Read-only queries on the published datasets, and what is published, kept and loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.api_core import exceptions

from armazem.config import Settings
from armazem.errors import QueryError
from armazem.targets.bigquery import meta
from armazem.targets.bigquery.build import why_due
from armazem.targets.bigquery.client import cloud_errors
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.landing.load import read_cloud_ledger
from armazem.targets.bigquery.tables import kept_builds
from armazem.targets.duckdb.query import Rows
from armazem.targets.records import BuildRecord


def run_query(settings: Settings, sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """The answer to one query in GoogleSQL. Raises QueryError where BigQuery refuses it or it changes something."""
    if not sql.strip():
        raise QueryError("the query is empty", 'ask for example `armazem sql "select * from kpis.agg_sales_trend"`')
    with cloud_errors(settings, "the query"):
        connection = Connection.of(settings)
        try:
            if connection.query(sql, parameters, dry_run=True).statement_type != "SELECT":
                raise QueryError("only SELECT is allowed here", "change data with `armazem load` and `armazem build`")
            answer = connection.answer(sql, parameters)
        except (exceptions.BadRequest, exceptions.NotFound) as error:
            raise QueryError(
                f"BigQuery refuses the query: {error.message}",
                "tables are published as staging.…, marts.…, kpis.… and meta.…, with your prefix before them",
            ) from error
        rows: list[tuple[Any, ...]] = []
        for row in answer:
            rows.append(tuple(row.values()))
            if len(rows) > settings.query_rows:
                raise QueryError(
                    f"the answer has more than {settings.query_rows:,} rows",
                    "add a `limit`, or raise ARMAZEM_QUERY_ROWS",
                )
        return Rows(tuple(field.name for field in answer.schema), tuple(rows))


def builds(settings: Settings) -> tuple[list[BuildRecord], str | None, set[str]]:
    """Every build that ended, oldest first; the published one; those that can be restored."""
    with cloud_errors(settings, "the list of builds"):
        connection = Connection.of(settings)
        return meta.read_log(connection), meta.current_build(connection), set(kept_builds(connection))


def status(settings: Settings) -> dict[str, Any]:
    """What is loaded and published: the same names as for a home folder, with the project instead of the folder."""
    with cloud_errors(settings, "the status"):
        connection = Connection.of(settings)
        loads = read_cloud_ledger(connection.client, connection.names, connection.retry)
        current = meta.current_build(connection)
        taken_in: frozenset[str] = frozenset()
        orders: tuple[Any, ...] = (None, None, None)
        if current is not None:
            taken_in = meta.state_of_published(connection).loads
            orders = connection.rows(
                "select count(*), max(order_purchase_timestamp), "
                f"coalesce(sum(if(is_valid_sale, revenue, 0)), 0) from {connection.names.of('marts')}.fact_orders"
            )[0]
        ids = {load.load_id for load in loads}
        return {
            "project": connection.client.project,
            "loads": len(ids),
            "rows_accepted": sum(load.rows_accepted for load in loads),
            "rows_rejected": sum(load.rows_rejected for load in loads),
            "last_load": max(ids, default=None),
            "last_load_as_of": max(((load.load_id, load.as_of) for load in loads), default=("", None))[1],
            "current_build": current,
            "loads_not_built": len(ids - taken_in),
            "loads_withdrawn": len(taken_in - ids),
            "build_due": why_due(connection),
            "versions_kept": len(kept_builds(connection)),
            "orders": orders[0],
            "last_order": orders[1],
            "revenue": orders[2],
        }
