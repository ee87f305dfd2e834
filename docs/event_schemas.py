"""docs/events/<event_type>.json: JSON Schema (draft 2020-12) of every event type, from the contract.

A schema describes what is accepted, older forms included. What JSON Schema cannot say (times ahead of now, an item
of another order, decimals of a double) stands in the descriptions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from armazem.contract import Column, ColumnType
from armazem.contract.event_types import (
    DECIMALS,
    EVENT_TYPES,
    MAX_AMOUNT,
    MAX_EVENT_ID,
    MAX_SENDER,
    MAX_ZIP_NUMBER,
    STAGE_TIMESTAMPS,
    EventType,
    Part,
    is_promised,
    maximum,
    spellings,
)
from armazem.contract.identifiers import MAX_IDENTIFIER

Schema = dict[str, Any]

DOCS = Path(__file__).parent
_BLANK = r"\s\u0000-\u001f\u007f-\u009f"
_DATE, _TIME, _OFFSET = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?", r"([Zz]|[+-][0-9:]+)"
_TEXT = r"^[^\u0000]*$"


def pages() -> dict[str, str]:
    """Path below docs/ to content."""
    return {
        f"events/{name}.json": json.dumps(schema(event_type), indent=2, ensure_ascii=False) + "\n"
        for name, event_type in EVENT_TYPES.items()
    }


def schema(event_type: EventType) -> Schema:
    """The JSON Schema of a whole message."""
    data = {
        "type": "object",
        "properties": {part.name: _part(event_type, part) for part in event_type.parts},
        "required": [part.name for part in event_type.parts],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type.name,
        "description": f"{event_type.description} Unknown fields are kept and ignored.",
        "type": "object",
        "properties": {
            "event_id": {
                "description": "Identifier of the event; without it, the SHA-256 of the message's canonical JSON.",
                "type": ["string", "null"],
                "pattern": f"^[^{_BLANK}]{{1,{MAX_EVENT_ID}}}$",
            },
            "event_type": {"const": event_type.name},
            "timestamp": {
                "description": "When it happened: RFC 3339 with an offset, from 1970 to a day ahead.",
                "type": "string",
                "format": "date-time",
                "pattern": f"^{_DATE}[Tt ]{_TIME}{_OFFSET}$",
            },
            "data": data,
            "source": {
                "description": "Who names the event; an event_id names it together with this, where it is there.",
                "type": ["string", "null"],
                "pattern": f"^[^\\u0000-\\u001f\\u007f-\\u009f]{{1,{MAX_SENDER}}}$",
            },
        },
        "required": ["event_type", "timestamp", "data"],
    }


def _part(event_type: EventType, part: Part) -> Schema:
    row = _row(part)
    if event_type.name == "order_status_update":
        row.setdefault("allOf", []).extend(_stage(part, *stage) for stage in STAGE_TIMESTAMPS.items())
    if not part.many:
        return row
    rows = {"type": "array", "items": row, "minItems": part.at_least}
    return {"description": "A list; older senders send one object.", "anyOf": [rows, row]}


def _row(part: Part) -> Schema:
    properties: Schema = {}
    older: list[Schema] = []
    for column in part.table.columns:
        properties[column.name] = _column(column, required=column.name in part.required)
        for spelling in spellings(column)[1:]:
            text = f"Older spelling of {column.name}, which wins where both are there."
            properties[spelling] = {"description": text, "deprecated": True}
            absent = {"properties": {column.name: {"type": "null"}}}
            older.append({"if": absent, "then": {"properties": {spelling: _column(column, required=False)}}})
    row = {
        "description": part.table.description,
        "type": "object",
        "properties": properties,
        "required": list(part.required),
    }
    return {**row, "allOf": older} if older else row


def _stage(part: Part, status: str, column: str) -> Schema:
    """An update to this status carries the time of the stage, in one of its spellings."""
    names = spellings(part.table.column(column))
    given = [{"properties": {name: {"type": "string"}}, "required": [name]} for name in names]
    return {"if": {"properties": {"order_status": {"const": status}}}, "then": {"anyOf": given}}


def _column(column: Column, *, required: bool) -> Schema:
    kind, rules, note = _rules(column)
    if not required:
        if "enum" in rules:
            rules["enum"] = [*rules["enum"], None]
        kind = [*kind, "null"]
    return {
        "description": f"{column.description} {note}".strip(),
        "type": kind[0] if len(kind) == 1 else kind,
        **rules,
    }


def _rules(column: Column) -> tuple[list[str], Schema, str]:
    """JSON types, further keywords, and what only words can say."""
    if column.values:
        return ["string"], {"enum": list(column.values)}, ""
    match column.type:
        case ColumnType.IDENTIFIER:
            pattern = f"^-*([^-{_BLANK}]-*){{1,{MAX_IDENTIFIER}}}$"
            return ["string"], {"pattern": pattern}, "Dashes are dropped, letters become lower case."
        case ColumnType.TEXT:
            return ["string"], {"pattern": _TEXT}, ""
        case ColumnType.ZIP:
            limits = {"pattern": _TEXT, "minimum": 0, "maximum": MAX_ZIP_NUMBER}
            return ["string", "integer"], limits, "A number gets leading zeros."
        case ColumnType.INTEGER:
            return ["integer"], {"minimum": column.minimum, "maximum": maximum(column)}, ""
        case ColumnType.MONEY | ColumnType.NUMBER:
            limits = {"minimum": column.minimum, "exclusiveMaximum": MAX_AMOUNT}
            return ["number"], limits, f"At most {DECIMALS[column.type]} decimals."
        case ColumnType.TIMESTAMP:
            ahead = "ten years" if is_promised(column) else "a day"
            pattern = f"^{_DATE}([Tt ]{_TIME}{_OFFSET}?)?$"
            return ["string"], {"pattern": pattern}, f"Business time, or with an offset; at most {ahead} ahead."
        case ColumnType.FLOAT:
            raise ValueError(f"no event carries a column of this type: {column.name}")


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        (DOCS / path).parent.mkdir(exist_ok=True)
        (DOCS / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
