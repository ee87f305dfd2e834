"""The tables `raw.events` and `raw.dead_letters` as Arrow schemas, rendered from the contract."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from armazem.contract.event_record import dead_letter_schema, event_schema

# As BigQuery's Storage Write API takes them: NUMERIC has 38 digits, 9 of them decimals.
_TYPES = {
    "STRING": pa.string(),
    "INTEGER": pa.int64(),
    "INT64": pa.int64(),
    "NUMERIC": pa.decimal128(38, 9),
    "FLOAT64": pa.float64(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "DATETIME": pa.timestamp("us"),
}


def _type(field: dict[str, Any]) -> pa.DataType:
    if field["type"] == "RECORD":
        one: pa.DataType = pa.struct([(inner["name"], _type(inner)) for inner in field["fields"]])
    else:
        one = _TYPES[field["type"]]
    return pa.list_(one) if field["mode"] == "REPEATED" else one


EVENTS = pa.schema([(field["name"], _type(field)) for field in event_schema()])
DEAD_LETTERS = pa.schema([(field["name"], _type(field)) for field in dead_letter_schema()])
SCHEMAS = {"events": EVENTS, "dead_letters": DEAD_LETTERS}
"""Table of `raw` to its columns."""
