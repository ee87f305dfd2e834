"""The tables of schema `meta` on BigQuery, and the log of all builds, failed ones too, in the audit dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from google.cloud.bigquery import SchemaField

from armazem.landing import LedgerRow
from armazem.targets.bigquery.connection import Connection
from armazem.targets.catalog import Model
from armazem.targets.duckdb.meta import model_row
from armazem.targets.plan import State
from armazem.targets.records import AuditResult, BuildRecord

LOG_TABLE = "build_log"

_BUILDS = {
    "build_id": "STRING", "status": "STRING", "base_build_id": "STRING", "full_refresh": "BOOL", "complete": "BOOL",
    "start_date": "DATE", "end_date": "DATE", "selector": "STRING", "fingerprint": "STRING", "new_loads": "INT64",
    "models": "INT64", "models_failed": "INT64", "tests": "INT64", "tests_passed": "INT64", "tests_warned": "INT64",
    "tests_failed": "INT64", "started_at": "TIMESTAMP", "finished_at": "TIMESTAMP", "seconds": "FLOAT64",
    "new_events": "INT64", "journal_seq": "INT64",
}  # fmt: skip
_TEST_RESULTS = {
    "build_id": "STRING", "test": "STRING", "model": "STRING", "severity": "STRING", "status": "STRING",
    "failures": "INT64", "failed_checks": "STRING", "seconds": "FLOAT64", "description": "STRING", "sql": "STRING",
}  # fmt: skip
_LOADS = {
    "build_id": "STRING", "load_id": "STRING", "table": "STRING", "path": "STRING", "sha256": "STRING",
    "size_bytes": "INT64", "rows_read": "INT64", "rows_accepted": "INT64", "rows_rejected": "INT64",
    "seconds": "FLOAT64", "loaded_at": "TIMESTAMP", "encoding": "STRING", "as_of": "TIMESTAMP",
}  # fmt: skip
_MODELS = {
    "name": "STRING", "layer": "STRING", "table": "STRING", "materialized": "STRING", "is_published": "BOOL",
    "step": "INT64", "description": "STRING", "columns": "STRING", "inputs": "STRING", "meta": "STRING",
}  # fmt: skip


def write_meta(
    connection: Connection,
    record: BuildRecord,
    tests: Sequence[AuditResult],
    loads: Sequence[LedgerRow],
    catalog: Sequence[Model],
) -> None:
    """Add the build, its tests, the loads it took in and its models to the audit dataset's copies of `meta`."""
    audit = connection.names.audit
    for table, columns, rows in (
        ("builds", _BUILDS, [asdict(record)]),
        ("test_results", _TEST_RESULTS, [asdict(test) for test in tests]),
        ("loads", _LOADS, [{"build_id": record.build_id, **asdict(load)} for load in loads]),
    ):
        _append(connection, connection.table_id(audit, table), columns, rows)
    # What the version consists of stands in place of what the one before did.
    models = connection.table_id(audit, "models")
    connection.client.delete_table(models, not_found_ok=True, retry=connection.retry)
    _append(connection, models, _MODELS, [model_row(model) for model in catalog])


def write_log(connection: Connection, record: BuildRecord) -> None:
    """Add a build, published or failed, to the log."""
    _append(connection, connection.table_id(connection.names.audit, LOG_TABLE), _BUILDS, [asdict(record)])


def read_log(connection: Connection) -> list[BuildRecord]:
    """Every build that ended, oldest first."""
    columns = ", ".join(_BUILDS)
    rows = connection.rows_if_there(f"select {columns} from {connection.names.audit}.{LOG_TABLE} order by build_id")
    return [BuildRecord(**{name: _as_text(value) for name, value in zip(_BUILDS, row, strict=True)}) for row in rows]


def published_ids(connection: Connection) -> set[str]:
    """Ids of all builds that were ever published: a build may be cut off before its row in the log."""
    listed = connection.rows_if_there(f"select build_id from {connection.names.meta}.builds")
    return {row[0] for row in listed} | {r.build_id for r in read_log(connection) if r.status == "published"}


def current_build(connection: Connection) -> str | None:
    """Id of the published build: the last thing that publishing writes."""
    rows = connection.rows_if_there(f"select max(build_id) from {connection.names.meta}.builds")
    return rows[0][0] if rows else None


def state_of_published(connection: Connection) -> State:
    """The loads in the published tables, and the code that made them."""
    meta = connection.names.meta
    made_by = connection.rows(
        f"select fingerprint, coalesce(journal_seq, 0) from {meta}.builds "
        "where complete and status = 'published' order by build_id desc limit 1"
    )
    # A build that was killed while it published may have left its loads there, but not its row in `builds`.
    loads = connection.rows(
        f"select distinct load_id from {meta}.loads where build_id in (select build_id from {meta}.builds)"
    )
    fingerprint, position = made_by[0] if made_by else (None, 0)
    return State(frozenset(row[0] for row in loads), fingerprint, position)


def _append(connection: Connection, table_id: str, columns: dict[str, str], rows: Sequence[dict[str, Any]]) -> None:
    schema = [SchemaField(name, kind) for name, kind in columns.items()]
    values = [{name: _as_json(row[name]) for name in columns if row[name] is not None} for row in rows]
    connection.append_json(table_id, values, schema)


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
