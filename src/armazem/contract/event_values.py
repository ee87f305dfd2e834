"""One value of an event's `data`, from what JSON holds to what the contract's column holds, with the exact problem."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from armazem.contract.event_types import (
    DECIMALS,
    MAX_AMOUNT,
    MAX_ZIP_NUMBER,
    MIN_PURCHASE_YEAR,
    is_promised,
    maximum,
)
from armazem.contract.identifiers import MAX_IDENTIFIER
from armazem.contract.model import Column, ColumnType
from armazem.contract.rejects import RejectCode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PURCHASE = datetime(MIN_PURCHASE_YEAR, 1, 1)  # noqa: DTZ001 - business time is naive
PURCHASE = "order_purchase_timestamp"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# White space of Unicode, and control characters, some of which are no white space.
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_SHOWN = 40


class Problem(Exception):
    """Why an event is refused: a code, the JSON path of the culprit, a sentence."""

    def __init__(self, code: RejectCode, path: str, message: str) -> None:
        super().__init__(message)
        self.code, self.path, self.message = code, path, message


@dataclass(frozen=True, slots=True)
class Horizon:
    """Up to when times are believed: `latest` for what has happened (envelope: with zone; data: business time)."""

    zone: ZoneInfo
    latest: datetime
    latest_local: datetime
    latest_promise: datetime

    @classmethod
    def at(cls, now: datetime, zone: ZoneInfo) -> Horizon:
        """The horizon at `now` (with zone): a day ahead, ten years for what is promised."""
        local = now.astimezone(zone).replace(tzinfo=None, fold=0)
        return cls(zone, now + timedelta(days=1), local + timedelta(days=1), local + timedelta(days=3653))


def shown(value: Any) -> str:
    """The value as a short text for a message."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**_SHOWN:  # Python refuses to print numbers of thousands of digits
        return "a number of more than 40 digits"
    text = json.dumps(value[: _SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=False)
    return text if len(text) <= _SHOWN + 2 else text[:_SHOWN] + "…"


def _wrong_type(path: str, expected: str, value: Any) -> Problem:
    return Problem(RejectCode.WRONG_TYPE, path, f"{path} must be {expected}, found {shown(value)}")


def string(value: Any, path: str) -> str:
    """The value as it is; Problem if it is no string."""
    if not isinstance(value, str):
        raise _wrong_type(path, "a string", value)
    return value


def has_blank(text: str) -> bool:
    """Whether the text has white space or a control character."""
    return _BLANK.search(text) is not None


def identifier(value: Any, path: str) -> str:
    """Without dashes, lower case: UUIDs of older senders have dashes."""
    text = string(value, path).replace("-", "").lower()
    if not 1 <= len(text) <= MAX_IDENTIFIER or has_blank(text):
        expected = f"1 to {MAX_IDENTIFIER} characters without white space, dashes not counted"
        raise Problem(RejectCode.BAD_IDENTIFIER, path, f"{path} must have {expected}, found {shown(value)}")
    return text


def moment(value: Any, path: str) -> datetime:
    """A date and a time, with or without an offset; six digits of a second, rounded."""
    text = string(value, path)
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text)
        return msgspec.convert(text, datetime)
    except (msgspec.ValidationError, ValueError):
        raise Problem(
            RejectCode.BAD_TIMESTAMP,
            path,
            f"{path} must be a date and time like 2026-11-22T14:03:11, found {shown(value)}",
        ) from None


def _text(value: Any, path: str, column: Column, _horizon: Horizon) -> str:
    text = string(value, path)
    if column.values and text not in column.values:
        allowed = ", ".join(column.values)
        raise Problem(RejectCode.BAD_VALUE, path, f"{path} must be one of {allowed}, found {shown(value)}")
    if "\0" in text:
        raise Problem(RejectCode.BAD_VALUE, path, f"{path} must not contain the character NUL")
    return text


def _zip(value: Any, path: str, column: Column, horizon: Horizon) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= MAX_ZIP_NUMBER:
            raise Problem(RejectCode.BAD_VALUE, path, f"{path} must have five digits, found {shown(value)}")
        return f"{value:05d}"
    return _text(value, path, column, horizon)


def _integer(value: Any, path: str, column: Column, _horizon: Horizon) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(path, "a whole number", value)
    least, most = column.minimum, maximum(column)
    if value > most or (least is not None and value < least):
        raise Problem(RejectCode.BAD_VALUE, path, f"{path} must be from {least} to {most}, found {shown(value)}")
    return value


def _decimal(value: Any, path: str, column: Column, _horizon: Horizon) -> float:
    places = DECIMALS[column.type]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong_type(path, "a number", value)
    if isinstance(value, float) and round(value, places) != value:
        raise _wrong_type(path, f"a number with at most {places} decimals", value)
    # Whether it may be below zero the other columns of the row tell: see `check_sign`.
    if column.minimum is not None and value < column.minimum and column.below_zero_where is None:
        code = RejectCode.NEGATIVE_AMOUNT if column.type is ColumnType.MONEY else RejectCode.BAD_VALUE
        raise Problem(code, path, f"{path} must be at least {column.minimum}, found {shown(value)}")
    if value >= MAX_AMOUNT:
        raise Problem(RejectCode.BAD_VALUE, path, f"{path} must be below {MAX_AMOUNT}, found {shown(value)}")
    return float(value) + 0.0  # -0.0 becomes 0.0


def check_sign(column: Column, row: Mapping[str, Any], path: str) -> None:
    """Problem where an amount is below zero, or is not, against what another column of its row says."""
    value = row.get(column.name)
    if column.below_zero_where is None or value is None:
        return
    other, of_negative = column.below_zero_where
    if row.get(other) != of_negative:
        if value < 0:
            raise Problem(RejectCode.NEGATIVE_AMOUNT, path, f"{path} must be at least 0, found {shown(value)}")
    elif not -MAX_AMOUNT < value < 0:
        expected = f"below 0 and above -{MAX_AMOUNT}"
        text = f"{path} must be {expected} where {other} is {of_negative}, found {shown(value)}"
        raise Problem(RejectCode.BAD_VALUE, path, text)


def _timestamp(value: Any, path: str, column: Column, horizon: Horizon) -> datetime:
    time = moment(value, path)
    if time.tzinfo is not None:
        try:
            time = time.astimezone(horizon.zone).replace(tzinfo=None, fold=0)
        except OverflowError:
            raise Problem(RejectCode.BAD_TIMESTAMP, path, f"{path} is out of range: {shown(value)}") from None
    if column.name == PURCHASE and time < FIRST_PURCHASE:
        expected = f"not before {MIN_PURCHASE_YEAR}"
        raise Problem(RejectCode.BAD_TIMESTAMP, path, f"{path} must be {expected}, found {shown(value)}")
    if is_promised(column):
        if time > horizon.latest_promise:
            expected = "at most ten years ahead"
            raise Problem(RejectCode.BAD_TIMESTAMP, path, f"{path} must be {expected}, found {shown(value)}")
    elif time > horizon.latest_local:
        expected = "at most a day ahead"
        raise Problem(RejectCode.FUTURE_TIMESTAMP, path, f"{path} must be {expected}, found {shown(value)}")
    return time


def _identifier(value: Any, path: str, _column: Column, _horizon: Horizon) -> str:
    return identifier(value, path)


# What JSON holds, its path, its column -> what the column holds. All of them raise Problem.
NORMALISE: dict[ColumnType, Callable[[Any, str, Column, Horizon], Any]] = {
    ColumnType.IDENTIFIER: _identifier,
    ColumnType.TEXT: _text,
    ColumnType.ZIP: _zip,
    ColumnType.INTEGER: _integer,
    ColumnType.NUMBER: _decimal,
    ColumnType.MONEY: _decimal,
    ColumnType.TIMESTAMP: _timestamp,
}
