"""Any message to its event, or to the first problem with its path: slow, complete, the definition of what is accepted.

The steps are those of the contract: bytes, JSON, envelope, columns of each part, parts that belong together.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

import msgspec

from armazem.contract import event_surrogates
from armazem.contract.event_structs import DATA_STRUCTS, EVENT_STRUCTS, ROW_STRUCTS
from armazem.contract.event_types import (
    EVENT_TYPES,
    MAX_MESSAGE,
    STAGE_TIMESTAMPS,
    EventType,
    Part,
    spellings,
)
from armazem.contract.event_values import (
    EPOCH,
    NORMALISE,
    Horizon,
    Problem,
    check_sign,
    event_identifier,
    moment,
    says_nothing,
    shown,
    string,
)
from armazem.contract.rejects import RejectCode

_BOM = b"\xef\xbb\xbf"
_ENVELOPE = {"event_type", "event_id", "timestamp", "data", "source"}
# Part to its columns: what normalises them, and their older spellings.
_COLUMNS = {
    part.name: [(column, NORMALISE[column.type], spellings(column)[1:]) for column in part.table.columns]
    for event_type in EVENT_TYPES.values()
    for part in event_type.parts
}
# Part to those of its columns whose sign another column tells.
_SIGNED = {
    part.name: [column for column in part.table.columns if column.below_zero_where]
    for event_type in EVENT_TYPES.values()
    for part in event_type.parts
}


def parse(message: bytes) -> dict[str, Any]:
    """Return the JSON object of the message; Problem with path `$` if it is none.

    A byte order mark in front is no part of it: files that begin with one are put one after another.
    """
    if len(message) > MAX_MESSAGE:
        text = f"the message must have at most {MAX_MESSAGE} bytes, it has {len(message)}"
        raise Problem(RejectCode.TOO_LARGE, "$", text)
    try:
        message.decode()
        value = msgspec.json.decode(message.removeprefix(_BOM))
    except UnicodeDecodeError as error:
        raise Problem(RejectCode.NOT_UTF8, "$", _not_utf8(message, error.start)) from None
    except msgspec.ValidationError:  # the only one without a type to validate: a number like 1e999
        raise Problem(RejectCode.BAD_VALUE, "$", "the message holds a number that is too large") from None
    except msgspec.DecodeError as error:
        raise _not_json(message, error) from None
    if not isinstance(value, dict):
        raise Problem(RejectCode.WRONG_TYPE, "$", f"the message must be an object, found {shown(value)}")
    return value


def _not_utf8(message: bytes, at: int) -> str:
    name = event_surrogates.encoded(message, at)
    if name is None:
        return f"byte {at} of the message is not UTF-8"
    return f"byte {at} of the message begins the lone surrogate {name}, which is no character and not UTF-8"


def _not_json(message: bytes, error: msgspec.DecodeError) -> Problem:
    if found := event_surrogates.escaped(message):
        path, name = found
        return Problem(RejectCode.NOT_JSON, path, f"{path} has the lone surrogate {name}, which is no character")
    return Problem(RejectCode.NOT_JSON, "$", f"the message is not JSON: {error}")


def digest(fields: dict[str, Any]) -> str:
    """Return the identifier of an event that has none: SHA-256 of its canonical JSON, in hexadecimal."""
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class Exact:
    """Normalises one parsed message; `kept` tells whether the event keeps all that the message had."""

    def __init__(self, fields: dict[str, Any], horizon: Horizon) -> None:
        self.fields = fields
        self.horizon = horizon
        self.kept = True

    def event(self) -> Any:
        """Return the event as a struct of `EVENT_STRUCTS`; Problem if it is refused."""
        fields = self.fields
        event_type = self._event_type()
        event_id = self._event_id()
        sender = self._sender()
        timestamp = self._envelope_timestamp()
        data = _object(_required(fields, "data", "$.data"), "$.data")
        parts = {part.name: self._part(event_type, part, data) for part in event_type.parts}
        self.kept = self.kept and len(data) == len(parts) and fields.keys() <= _ENVELOPE
        if event_type.name == "order_status_update":
            _check_stage(parts["orders"])
        _check_consistent(data, parts)
        content = DATA_STRUCTS[event_type.name](**parts)
        return EVENT_STRUCTS[event_type.name](event_id=event_id, timestamp=timestamp, data=content, source=sender)

    def _event_type(self) -> EventType:
        name = string(_required(self.fields, "event_type", "$.event_type"), "$.event_type")
        if name not in EVENT_TYPES:
            known = ", ".join(EVENT_TYPES)
            text = f"$.event_type must be one of {known}, found {shown(name)}"
            raise Problem(RejectCode.UNKNOWN_EVENT_TYPE, "$.event_type", text)
        return EVENT_TYPES[name]

    def _event_id(self) -> str:
        value = self.fields.get("event_id")
        if value is None or value == "":
            self.kept = False
            return digest(self.fields)
        text = event_identifier(value, "$.event_id")
        self.kept = self.kept and text == value
        return text

    def _sender(self) -> str | None:
        """Who named the event: CloudEvents' `source`."""
        value = self.fields.get("source")
        if not isinstance(value, str) or not value:  # what older senders put there is no name
            self.kept = self.kept and value is None
            return None
        return event_identifier(value, "$.source")

    def _envelope_timestamp(self) -> Any:
        path = "$.timestamp"
        value = _required(self.fields, "timestamp", path)
        time = moment(value, path)
        if time.tzinfo is None:
            text = f"{path} must have an offset, like 2026-11-22T14:03:11-03:00, found {shown(value)}"
            raise Problem(RejectCode.BAD_TIMESTAMP, path, text)
        if time < EPOCH:
            raise Problem(RejectCode.BAD_TIMESTAMP, path, f"{path} must not be before 1970, found {shown(value)}")
        if time > self.horizon.latest:
            text = f"{path} must be at most a day ahead, found {shown(value)}"
            raise Problem(RejectCode.FUTURE_TIMESTAMP, path, text)
        return time

    def _part(self, event_type: EventType, part: Part, data: dict[str, Any]) -> Any:
        path = f"$.data.{part.name}"
        value = _required(data, part.name, path)
        struct = ROW_STRUCTS[event_type.name][part.name]
        if not part.many:
            return struct(**self._row(part, _object(value, path), path))
        if isinstance(value, dict):  # older senders: one object instead of a list of one
            self.kept = False
            return [struct(**self._row(part, value, path))]
        if not isinstance(value, list):
            raise Problem(RejectCode.WRONG_TYPE, path, f"{path} must be a list, found {shown(value)}")
        if len(value) < part.at_least:
            raise Problem(RejectCode.MISSING_FIELD, path, f"{path} must have at least {part.at_least}, it is empty")
        paths = [f"{path}[{index}]" for index in range(len(value))]
        return [struct(**self._row(part, _object(row, at), at)) for row, at in zip(value, paths, strict=True)]

    def _row(self, part: Part, row: dict[str, Any], path: str) -> dict[str, Any]:
        """The columns that the row carries, normalised."""
        columns: dict[str, Any] = {}
        nulls = 0
        for column, normalise, older in _COLUMNS[part.name]:
            name = column.name
            required = name in part.required
            found = row.get(name)
            if says_nothing(found, required=required):
                nulls += name in row
                self.kept = self.kept and found is None
                given = [spelling for spelling in older if not says_nothing(row.get(spelling), required=required)]
                if not given:
                    if required:
                        raise _missing(f"{path}.{name}", found)
                    continue
                self.kept = False
                name = given[0]
                found = row[name]
            value = columns[column.name] = normalise(found, f"{path}.{name}", column, self.horizon)
            # Most stays as it is, but for UUIDs, numbers as texts and remainders; times are kept as what they mean.
            if value != found and not isinstance(value, datetime):
                self.kept = False
        for column in _SIGNED[part.name]:
            check_sign(column, columns, f"{path}.{column.name}")
        self.kept = self.kept and len(row) == len(columns) + nulls
        return columns


def _missing(path: str, found: Any = None) -> Problem:
    what = "absent or null" if found is None else f"{shown(found)} means null"
    return Problem(RejectCode.MISSING_FIELD, path, f"{path} is required, but {what}")


def _required(fields: dict[str, Any], name: str, path: str) -> Any:
    value = fields.get(name)
    if value is None:
        raise _missing(path)
    return value


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Problem(RejectCode.WRONG_TYPE, path, f"{path} must be an object, found {shown(value)}")
    return value


def _check_stage(order: Any) -> None:
    column = STAGE_TIMESTAMPS.get(order.order_status)
    if column is not None and getattr(order, column) is None:
        path = f"$.data.orders.{column}"
        text = f"{path} is required with the status {order.order_status}, but absent or null"
        raise Problem(RejectCode.MISSING_FIELD, path, text)


def _check_consistent(data: dict[str, Any], parts: dict[str, Any]) -> None:
    """Items and payments are of one order, and their numbers are told once."""
    order = parts["orders"].order_id if "orders" in parts else None
    for name, number in (("order_items", "order_item_id"), ("order_payments", "payment_sequential")):
        seen = set()
        for index, row in enumerate(parts.get(name, ())):
            path = f"$.data.{name}[{index}]" if isinstance(data[name], list) else f"$.data.{name}"
            order = order or row.order_id
            if row.order_id != order:
                text = f"{path}.order_id must be that of the order, {shown(order)}, found {shown(row.order_id)}"
                raise Problem(RejectCode.INCONSISTENT, f"{path}.order_id", text)
            if getattr(row, number) in seen:
                text = f"{path}.{number} must be there once in the event, {getattr(row, number)} is there twice"
                raise Problem(RejectCode.INCONSISTENT, f"{path}.{number}", text)
            seen.add(getattr(row, number))
