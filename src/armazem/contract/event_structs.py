"""The events as typed structs, derived from the contract: what the fast path decodes, and what every path encodes.

A struct takes the canonical form only: no unknown field, no older spelling, times without an offset. What it
cannot express (characters of identifiers, decimals, times in the future, parts that belong together) is checked
after decoding.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache, reduce
from operator import or_
from types import GenericAlias
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from armazem.contract.event_types import (
    EVENT_TYPES,
    MAX_AMOUNT,
    MAX_EVENT_ID,
    MAX_SENDER,
    EventType,
    Part,
    maximum,
)
from armazem.contract.identifiers import MAX_IDENTIFIER
from armazem.contract.model import Column, ColumnType

ENCODER = msgspec.json.Encoder()

_OPTIONS: dict[str, Any] = {"kw_only": True, "forbid_unknown_fields": True, "omit_defaults": True, "gc": False}


def _column_type(column: Column) -> Any:
    if column.values:
        return Literal[column.values]
    match column.type:
        case ColumnType.IDENTIFIER:
            return Annotated[str, Meta(min_length=1, max_length=MAX_IDENTIFIER)]
        case ColumnType.TEXT | ColumnType.ZIP:
            return str
        case ColumnType.INTEGER:
            return Annotated[int, Meta(ge=column.minimum, le=maximum(column))]
        case ColumnType.MONEY if column.below_zero_where:
            return Annotated[float, Meta(gt=-MAX_AMOUNT, lt=MAX_AMOUNT)]
        case ColumnType.MONEY | ColumnType.NUMBER:
            return Annotated[float, Meta(ge=column.minimum, lt=MAX_AMOUNT)]
        case ColumnType.TIMESTAMP:
            return Annotated[datetime, Meta(tz=False)]
        case ColumnType.FLOAT:
            raise ValueError(f"no event carries a column of this type: {column.name}")


def _row_struct(event_type: EventType, part: Part) -> Any:
    fields = [
        (column.name, _column_type(column))
        if column.name in part.required
        else (column.name, _column_type(column) | None, None)
        for column in part.table.columns
    ]
    return msgspec.defstruct(f"{event_type.name}.{part.name}", fields, **_OPTIONS)


def _list_of(row: Any, at_least: int) -> Any:
    return Annotated[GenericAlias(list, (row,)), Meta(min_length=at_least)]


def _data_struct(event_type: EventType) -> Any:
    data = []
    for part in event_type.parts:
        row = ROW_STRUCTS[event_type.name][part.name]
        data.append((part.name, _list_of(row, part.at_least) if part.many else row))
    return msgspec.defstruct(f"{event_type.name}.data", data, **_OPTIONS)


def _event_struct(event_type: EventType) -> Any:
    envelope: list[Any] = [
        ("event_id", Annotated[str, Meta(min_length=1, max_length=MAX_EVENT_ID)]),
        ("timestamp", Annotated[datetime, Meta(tz=True)]),
        ("data", DATA_STRUCTS[event_type.name]),
        ("source", Annotated[str, Meta(min_length=1, max_length=MAX_SENDER)] | None, None),
    ]
    return msgspec.defstruct(event_type.name, envelope, tag_field="event_type", tag=event_type.name, **_OPTIONS)


# Event type to part to the struct of one row.
ROW_STRUCTS: dict[str, dict[str, Any]] = {
    event_type.name: {part.name: _row_struct(event_type, part) for part in event_type.parts}
    for event_type in EVENT_TYPES.values()
}
# Event type to the struct of its `data`, and to that of the whole message.
DATA_STRUCTS: dict[str, Any] = {name: _data_struct(event_type) for name, event_type in EVENT_TYPES.items()}
EVENT_STRUCTS: dict[str, Any] = {name: _event_struct(event_type) for name, event_type in EVENT_TYPES.items()}


@cache
def decoder() -> msgspec.json.Decoder[Any]:
    """Return what decodes bytes to one of `EVENT_STRUCTS`. Made at the first use in each process: decoders cannot be
    pickled.
    """
    return msgspec.json.Decoder(reduce(or_, EVENT_STRUCTS.values()))
