"""One value of an event's `data`, from what JSON holds to what the contract's column holds, with the exact problem."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from armazem.contract.amounts import PLAIN_PATTERN, rounded
from armazem.contract.event_times import time_of
from armazem.contract.event_types import (
    DECIMALS,
    MAX_AMOUNT,
    MAX_EVENT_ID,
    MAX_ZIP_NUMBER,
    MIN_PURCHASE_YEAR,
    is_promised,
    maximum,
)
from armazem.contract.identifiers import MAX_IDENTIFIER, canonical, fault
from armazem.contract.model import Column, ColumnType
from armazem.contract.nulls import is_null
from armazem.contract.rejects import RejectCode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PURCHASE = datetime(MIN_PURCHASE_YEAR, 1, 1)  # noqa: DTZ001 - business time is naive
PURCHASE = "order_purchase_timestamp"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLAIN = re.compile(PLAIN_PATTERN)
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
        """Return the horizon at `now` (with zone): a day ahead, ten years for what is promised."""
        local = now.astimezone(zone).replace(tzinfo=None, fold=0)
        return cls(zone, now + timedelta(days=1), local + timedelta(days=1), local + timedelta(days=3653))


def shown(value: Any) -> str:
    """Return the value as a short text for a message."""
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
    """Return the value as it is; Problem if it is no string."""
    if not isinstance(value, str):
        raise _wrong_type(path, "a string", value)
    return value


def says_nothing(value: Any, *, required: bool) -> bool:
    """Return whether the value of a column is null: absent, a null word, or blank where the column may be null.

    In a required column a blank is a bad value, not a missing one.
    """
    if not isinstance(value, str):
        return value is None
    return is_null(value) and (not required or bool(value.strip()))


def event_identifier(value: Any, path: str) -> str:
    """Return the identifier of an event: any text without control characters, or the digits of a whole number."""
    text = _digits(value, MAX_EVENT_ID) if _is_whole(value) else string(value, path)
    if not 1 <= len(text) <= MAX_EVENT_ID or _CONTROL.search(text):
        expected = f"1 to {MAX_EVENT_ID} characters, none of them a control character"
        raise Problem(RejectCode.BAD_IDENTIFIER, path, f"{path} must have {expected}, found {shown(value)}")
    return text


def identifier(value: Any, path: str) -> str:
    """Return it as it is compared; of a whole number its digits."""
    if _is_whole(value):
        text = _digits(value, MAX_IDENTIFIER)
    elif isinstance(value, str):
        text = canonical(value)
    else:
        raise _wrong_type(path, "a string or a whole number", value)
    if (why := fault(text)) is not None:
        raise Problem(RejectCode.BAD_IDENTIFIER, path, f"{path} is no identifier: {why}, found {shown(value)}")
    return text


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _digits(value: int, most: int) -> str:
    """The number in digits; of a very long one, which Python may refuse to print, too many of them."""
    return str(value) if abs(value) < 10**most else "9" * (most + 1)


def moment(value: Any, path: str) -> datetime:
    """Return a date and a time, with or without an offset; six digits of a second, rounded."""
    text = string(value, path)
    try:
        return time_of(text)
    except ValueError:
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
    if _is_whole(value) or (isinstance(value, float) and value.is_integer()):
        if not 0 <= value <= MAX_ZIP_NUMBER:
            raise Problem(RejectCode.BAD_VALUE, path, f"{path} must have five digits, found {shown(value)}")
        return f"{int(value):05d}"
    return _text(value, path, column, horizon)


def _number(value: Any, path: str, expected: str) -> int | float | Decimal:
    """What the value counts: a number, or a text in plain decimal notation."""
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return Decimal(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong_type(path, expected, value)
    return value


def _integer(value: Any, path: str, column: Column, _horizon: Horizon) -> int:
    number = _number(value, path, "a whole number")
    whole = int(number)
    if whole != number:
        raise _wrong_type(path, "a whole number", value)
    least, most = column.minimum, maximum(column)
    if whole > most or (least is not None and whole < least):
        raise Problem(RejectCode.BAD_VALUE, path, f"{path} must be from {least} to {most}, found {shown(value)}")
    return whole


def _decimal(value: Any, path: str, column: Column, _horizon: Horizon) -> float:
    places = DECIMALS[column.type]
    number = _number(value, path, "a number")
    if isinstance(number, Decimal) or (isinstance(number, float) and round(number, places) != number):
        found = rounded(Decimal(str(number)), places)
        if found is None:
            raise _wrong_type(path, f"a number with at most {places} decimals", value)
        number = found
    # Whether it may be below zero the other columns of the row tell: see `check_sign`.
    if column.minimum is not None and number < column.minimum and column.below_zero_where is None:
        code = RejectCode.NEGATIVE_AMOUNT if column.type is ColumnType.MONEY else RejectCode.BAD_VALUE
        raise Problem(code, path, f"{path} must be at least {column.minimum}, found {shown(value)}")
    if number >= MAX_AMOUNT:
        raise Problem(RejectCode.BAD_VALUE, path, f"{path} must be below {MAX_AMOUNT}, found {shown(value)}")
    return float(number) + 0.0  # -0.0 becomes 0.0


def check_sign(column: Column, row: Mapping[str, Any], path: str) -> None:
    """Raise Problem where an amount is below zero, or is not, against what another column of its row says."""
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
