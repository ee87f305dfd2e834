"""docs/events/<event_type>.json: JSON Schema (draft 2020-12) of every event type, from the contract.

A schema describes what is accepted, older forms included. What JSON Schema cannot say (times ahead of now, an item
of another order, decimals of a double) stands in the descriptions.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from armazem.contract import Column, ColumnType
from armazem.contract.amounts import PLAIN_PATTERN
from armazem.contract.event_times import DATE_PATTERN, OFFSET_PATTERN, TIME_PATTERN
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
from armazem.contract.identifiers import FLOAT_PATTERN, INVISIBLE, MAX_IDENTIFIER
from armazem.contract.nulls import NULL_WORDS

Schema = dict[str, Any]

DOCS = Path(__file__).parents[1] / "docs"
# Of the basic plane only: the dialects of regular expressions write the others in different ways.
_INVISIBLE = "".join(rf"\u{first:04x}-\u{last:04x}" for first, last in INVISIBLE if last <= 0xFFFF)
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_TEXT = r"^[^\u0000]*$"
_NOTHING = {"$ref": "#/$defs/nothing"}


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
                "type": ["string", "integer", "null"],
                "pattern": f"^[^{_CONTROL}]{{0,{MAX_EVENT_ID}}}$",
                "exclusiveMaximum": 10**MAX_EVENT_ID,
            },
            "event_type": {"const": event_type.name},
            "timestamp": {
                "description": "When it happened: RFC 3339 with an offset, from 1970 to a day ahead.",
                "type": "string",
                "pattern": f"^{DATE_PATTERN}[Tt ]{TIME_PATTERN}{OFFSET_PATTERN}$",
            },
            "data": data,
            "source": {
                "description": "Who names the event; an event_id names it together with this, where it is there.",
                "pattern": f"^[^\\u0000-\\u001f\\u007f-\\u009f]{{0,{MAX_SENDER}}}$",
            },
        },
        "required": ["event_type", "timestamp", "data"],
        "$defs": {"nothing": _nothing()},
    }


def _nothing() -> Schema:
    words = "|".join("".join(_either_case(character) for character in word) for word in sorted(NULL_WORDS))
    return {
        "description": "Null, a word that means null, or blank.",
        "type": ["string", "null"],
        "pattern": rf"^\s*({words})?\s*$",
    }


def _either_case(character: str) -> str:
    return f"[{character}{character.upper()}]" if character.isalpha() else re.sub(r"([\\/])", r"\\\1", character)


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
            absent = {"properties": {column.name: _NOTHING}}
            older.append({"if": absent, "then": {"properties": {spelling: _column(column, required=False)}}})
    row = {
        "description": part.table.description,
        "type": "object",
        "properties": properties,
        "required": list(part.required),
    }
    older += [_sign(column) for column in part.table.columns if column.below_zero_where]
    return {**row, "allOf": older} if older else row


def _sign(column: Column) -> Schema:
    """An amount is below zero where another column says so, and nowhere else."""
    assert column.below_zero_where is not None
    other, of_negative = column.below_zero_where
    return {
        "if": {"properties": {other: {"const": of_negative}}, "required": [other]},
        "then": {"properties": {column.name: {"exclusiveMaximum": 0}}},
        "else": {"properties": {column.name: {"minimum": column.minimum}}},
    }


def _stage(part: Part, status: str, column: str) -> Schema:
    """An update to this status carries the time of the stage, in one of its spellings."""
    names = spellings(part.table.column(column))
    given = [{"properties": {name: {"not": _NOTHING}}, "required": [name]} for name in names]
    return {"if": {"properties": {"order_status": {"const": status}}}, "then": {"anyOf": given}}


def _column(column: Column, *, required: bool) -> Schema:
    kind, rules, note = _rules(column)
    value = {"type": kind[0] if len(kind) == 1 else kind, **rules}
    if not required:
        value = {"anyOf": [value, _NOTHING]}
    elif "pattern" in rules:
        value["not"] = _NOTHING
    return {"description": f"{column.description} {note}".strip(), **value}


def _rules(column: Column) -> tuple[list[str], Schema, str]:
    """JSON types, further keywords, and what only words can say."""
    if column.values:
        return ["string"], {"enum": list(column.values)}, ""
    match column.type:
        case ColumnType.IDENTIFIER:
            pattern = f"^(?!{FLOAT_PATTERN}$)[^{_INVISIBLE}]{{1,{MAX_IDENTIFIER}}}$"
            limits = {"pattern": pattern, "exclusiveMaximum": 10**MAX_IDENTIFIER}
            return ["string", "integer"], limits, "A UUID loses its dashes and capitals."
        case ColumnType.TEXT:
            return ["string"], {"pattern": _TEXT}, ""
        case ColumnType.ZIP:
            limits = {"pattern": _TEXT, "minimum": 0, "maximum": MAX_ZIP_NUMBER}
            return ["string", "integer"], limits, "A number gets leading zeros."
        case ColumnType.INTEGER:
            limits = {"pattern": r"^-?[0-9]{1,40}(\.0{1,40})?$", "minimum": column.minimum, "maximum": maximum(column)}
            return ["integer", "string"], limits, ""
        case ColumnType.MONEY | ColumnType.NUMBER:
            limits = {"pattern": f"^{PLAIN_PATTERN}$", "minimum": column.minimum, "exclusiveMaximum": MAX_AMOUNT}
            if column.below_zero_where:
                del limits["minimum"]
                limits["exclusiveMinimum"] = -MAX_AMOUNT
            note = f"At most {DECIMALS[column.type]} decimals, but for the remainders of binary arithmetic."
            return ["number", "string"], limits, note
        case ColumnType.TIMESTAMP:
            ahead = "ten years" if is_promised(column) else "a day"
            pattern = f"^{DATE_PATTERN}([Tt ]{TIME_PATTERN}{OFFSET_PATTERN}?)?$"
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
