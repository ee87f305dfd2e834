"""Beam's own STORAGE_WRITE_API, in place of ours. The rows for it are tested; the rest is Java, and never ran here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam.utils.timestamp import Timestamp

from armazem.contract.event_record import dead_letter_schema, event_schema
from armazem.errors import CloudError
from armazem.targets.bigquery.streaming.rows import Piece, batch_of

SCHEMAS = {"events": {"fields": event_schema()}, "dead_letters": {"fields": dead_letter_schema()}}
# Beam has no type for DATETIME; BigQuery takes its text.
OVERRIDES = {"DATETIME": str}


class StorageWrite(beam.PTransform):  # type: ignore[misc]
    """Pieces into a table, at least once. `table_id`: PROJECT.DATASET.TABLE.

    Beam hands the rows that BigQuery refuses back, and forgets them where nobody takes them: here they fail the bundle.
    """

    def __init__(self, table_id: str, table: str) -> None:
        super().__init__()
        self._table_id = table_id
        self._table = table

    def expand(self, pieces: Any) -> Any:
        """Return the refused rows, of which there are none where it goes on."""
        project, dataset, table = self._table_id.rsplit(".", 2)
        written = (
            pieces
            | "Rows" >> beam.FlatMap(records).with_output_types(dict[str, Any])
            | "Write"
            >> beam.io.WriteToBigQuery(
                f"{project}:{dataset}.{table}",
                schema=SCHEMAS[self._table],
                method=beam.io.WriteToBigQuery.Method.STORAGE_WRITE_API,
                create_disposition=beam.io.BigQueryDisposition.CREATE_NEVER,
                use_at_least_once=True,
                type_overrides=OVERRIDES,
            )
        )
        return written.failed_rows_with_errors | "Refused" >> beam.Map(refuse, self._table_id)


def refuse(row: Any, table_id: str) -> None:
    """Raises CloudError: a row that BigQuery refused must not be lost."""
    raise CloudError(
        f"BigQuery does not take a row into {table_id}: {row['error_message']}",
        "with --writer=own such a row becomes a dead letter",
    )


def records(piece: Piece) -> Iterator[dict[str, Any]]:
    """Yield the rows of a piece as Beam's transform takes them: dicts, times as Beam's or, without a zone, as text."""
    for row in batch_of(piece).to_pylist():
        yield _record(row, SCHEMAS[piece.table]["fields"])


def _record(row: dict[str, Any], fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {field["name"]: _value(row[field["name"]], field) for field in fields}


def _value(value: Any, field: dict[str, Any]) -> Any:
    if field["mode"] == "REPEATED":  # which Beam does not take null for
        return [_one(one, field) for one in value or ()]
    return None if value is None else _one(value, field)


def _one(value: Any, field: dict[str, Any]) -> Any:
    if field["type"] == "RECORD":
        return _record(value, field["fields"])
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is None else Timestamp.from_utc_datetime(value.astimezone(UTC))
    return value
