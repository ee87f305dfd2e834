"""The record of an accepted event: a line of the journal, a row of `raw.events`, whichever way it came."""

from __future__ import annotations

from typing import Any

from armazem.contract.event_types import EVENT_TYPES
from armazem.contract.model import Table
from armazem.contract.render import BIGQUERY_TYPES, bigquery_schema, duckdb_columns, identifier

_PARTS = {part.name: part for event_type in EVENT_TYPES.values() for part in event_type.parts}
SINGLE_PARTS: tuple[Table, ...] = tuple(part.table for part in _PARTS.values() if not part.many)
REPEATED_PARTS: tuple[Table, ...] = tuple(part.table for part in _PARTS.values() if part.many)
PARTS: tuple[Table, ...] = (*SINGLE_PARTS, *REPEATED_PARTS)
"""The source tables whose rows come as parts of an event's `data`: an object each, or a list of objects."""

_ENVELOPE: tuple[tuple[str, str, str, str], ...] = (
    ("seq", "BIGINT", "INTEGER", "Position in the journal; null where the event did not pass through one."),
    ("received_at", "TIMESTAMPTZ", "TIMESTAMP", "When the message was accepted."),
    ("source", "VARCHAR", "STRING", "Where it came from: http, ingest, replay, or the subscription."),
    ("event_type", "VARCHAR", "STRING", "What happened."),
    ("event_id", "VARCHAR", "STRING", "Identifier of the event among those of its sender."),
    ("timestamp", "TIMESTAMPTZ", "TIMESTAMP", "When it happened, as the sender says."),
    ("sender", "VARCHAR", "STRING", "The envelope's `source`: who named the event; null where it has none."),
)
_DEAD_LETTER = (
    ("id", "STRING", "Identifier of the dead letter: of the message, where it came by Pub/Sub."),
    ("received_at", "TIMESTAMP", "When the message came."),
    ("source", "STRING", "Where it came from."),
    ("code", "STRING", "What is wrong, as a code of the contract."),
    ("path", "STRING", "Where in the message, as a JSON path."),
    ("message", "STRING", "What is wrong, in words."),
    ("event_id", "STRING", "Identifier of the event, where it could be read."),
    ("raw", "STRING", "The message; of a very long one its beginning."),
    ("raw_base64", "STRING", "The bytes of a message that is no text."),
)
_RAW = "The message as it came, where it has fields or forms that `data` does not keep."


def event_columns() -> dict[str, str]:
    """Name to DuckDB type, in the order of the record; `data` is a STRUCT of the parts."""
    parts = []
    for part in PARTS:
        fields = ", ".join(f"{name} {type_}" for name, type_ in duckdb_columns(part).items())
        parts.append(f"{part.name} STRUCT({fields}){'[]' if part in REPEATED_PARTS else ''}")
    return {
        **{name: duckdb for name, duckdb, _, _ in _ENVELOPE},
        "data": f"STRUCT({', '.join(parts)})",
        "raw": "VARCHAR",
    }


def event_schema() -> list[dict[str, Any]]:
    """Return the record as BigQuery's API has its fields; the same lines load into it as they are."""
    parts = [
        {
            "name": part.name,
            "type": "RECORD",
            "mode": "REPEATED" if part in REPEATED_PARTS else "NULLABLE",
            "description": part.description,
            "fields": bigquery_schema(part),
        }
        for part in PARTS
    ]
    envelope = [
        {"name": name, "type": type_, "mode": "NULLABLE", "description": description}
        for name, _, type_, description in _ENVELOPE
    ]
    return [
        *envelope,
        {
            "name": "data",
            "type": "RECORD",
            "mode": "NULLABLE",
            "description": "The columns it carries.",
            "fields": parts,
        },
        {"name": "raw", "type": "STRING", "mode": "NULLABLE", "description": _RAW},
    ]


def dead_letter_schema() -> list[dict[str, Any]]:
    """Return the columns of `raw.dead_letters` as BigQuery's API has its fields: those of a DeadLetter."""
    return [
        {"name": name, "type": type_, "mode": "NULLABLE", "description": description}
        for name, type_, description in _DEAD_LETTER
    ]


def event_columns_bigquery() -> dict[str, str]:
    """Name to type in BigQuery's SQL, in the order of the record."""
    parts = []
    for part in PARTS:
        fields = ", ".join(f"{column.name} {BIGQUERY_TYPES[column.type]}" for column in part.columns)
        record = f"struct<{fields}>"
        parts.append(f"{part.name} {f'array<{record}>' if part in REPEATED_PARTS else record}")
    sql = {"INTEGER": "INT64"}
    return {
        **{name: sql.get(type_, type_) for name, _, type_, _ in _ENVELOPE},
        "data": f"struct<{', '.join(parts)}>",
        "raw": "STRING",
    }


def event_columns_snowflake() -> dict[str, str]:
    """Name to Snowflake's type, in the order of the record; `data` is what the message had, without types."""
    types = {"BIGINT": "number(38, 0)", "TIMESTAMPTZ": "timestamp_tz", "VARCHAR": "varchar"}
    return {**{name: types[type_] for name, type_, _, _ in _ENVELOPE}, "data": "variant", "raw": "varchar"}


def events_source() -> dict[str, Any]:
    """Return the table `raw.events` for the dbt project's sources file."""
    described = [(name, text) for name, _, _, text in _ENVELOPE] + [("data", "The columns it carries."), ("raw", _RAW)]
    return {
        "name": "events",
        "identifier": identifier("events"),
        "description": "Accepted events, one row per line of the journal; one event may have two.",
        "columns": [{"name": name, "description": text} for name, text in described],
    }
