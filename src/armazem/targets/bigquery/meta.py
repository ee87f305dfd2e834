"""The tables of schema `meta` on BigQuery, and the log of all builds, failed ones too, in the audit dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from google.cloud.bigquery import SchemaField

from armazem.targets.bigquery.connection import Connection
from armazem.targets.catalog import Model
from armazem.targets.meta import BUILDS, EVENT_DAYS, META, MODELS, MetaRows
from armazem.targets.plan import State
from armazem.targets.records import BUILT, BuildRecord

LOG_TABLE = "build_log"
LIVE_SQL = "live_sql"
"""Kept with a build: what its views on later events are made of, once its tables are published."""

_TYPES = {
    "varchar": "STRING", "boolean": "BOOL", "integer": "INT64", "bigint": "INT64", "double": "FLOAT64",
    "date": "DATE", "timestamptz": "TIMESTAMP",
}  # fmt: skip


def write_meta(connection: Connection, rows: MetaRows, models: Sequence[Model]) -> None:
    """Add rows, by table, and its models to the audit dataset's copies of `meta`."""
    audit = connection.names.audit
    for table, values in rows.items():
        _append(connection, connection.table_id(audit, table), table, values)
    # What the version consists of stands in place of what the one before did.
    table_id = connection.table_id(audit, MODELS)
    connection.client.delete_table(table_id, not_found_ok=True, retry=connection.retry)
    _append(connection, table_id, MODELS, [model.row() for model in models])


def write_event_days(connection: Connection, days: Mapping[date, int]) -> None:
    """Write down the rows of `raw.events` by day of arrival that a build takes in, in the audit dataset."""
    table_id = connection.table_id(connection.names.audit, EVENT_DAYS)
    connection.client.delete_table(table_id, not_found_ok=True, retry=connection.retry)
    rows = [{"day": day.isoformat(), "rows": count} for day, count in sorted(days.items())]
    _append(connection, table_id, EVENT_DAYS, rows)


def write_live_sql(connection: Connection, views: Mapping[str, str]) -> None:
    """Write down the views of this build, name to SQL, in the audit dataset."""
    table_id = connection.table_id(connection.names.audit, LIVE_SQL)
    connection.client.delete_table(table_id, not_found_ok=True, retry=connection.retry)
    schema = [SchemaField("view", "STRING"), SchemaField("sql", "STRING")]
    connection.append_json(table_id, [{"view": view, "sql": sql} for view, sql in views.items()], schema)


def write_log(connection: Connection, record: BuildRecord) -> None:
    """Add a build to the log: published, failed, or built; once more when one that waited is published."""
    _append(connection, connection.table_id(connection.names.audit, LOG_TABLE), BUILDS, [asdict(record)])


def read_log(connection: Connection) -> list[BuildRecord]:
    """Every build that ended, oldest first."""
    columns = ", ".join(META[BUILDS])
    rows = connection.rows_if_there(f"select {columns} from {connection.names.audit}.{LOG_TABLE} order by build_id")
    records = [
        BuildRecord(**{name: _as_text(value) for name, value in zip(META[BUILDS], row, strict=True)}) for row in rows
    ]
    # One that waited is there twice: what came of it comes last.
    in_turn = sorted(records, key=lambda record: (record.build_id, record.status != BUILT))
    return list({record.build_id: record for record in in_turn}.values())


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
    days = connection.rows_if_there(f"select day, `rows` from {meta}.{EVENT_DAYS}")  # not of an older armazem
    return State(frozenset(row[0] for row in loads), fingerprint, position, event_days=dict(days))


def _append(connection: Connection, table_id: str, table: str, rows: Sequence[dict[str, Any]]) -> None:
    columns = META[table]
    schema = [SchemaField(name, _TYPES[type_]) for name, type_ in columns.items()]
    values = [{name: _as_json(row[name]) for name in columns if row[name] is not None} for row in rows]
    connection.append_json(table_id, values, schema)


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
