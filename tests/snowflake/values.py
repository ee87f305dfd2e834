"""Values of rows as text, the same whichever database and driver they come from. For both environments: no packages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

VARIANT = "data"
# In a document times are texts, with a T or a blank, with a fraction or without.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?")


def row_of(columns: Sequence[str], row: Sequence[Any]) -> list[str]:
    """The values of a row as text. Of a document, the column `data`, without what is null or empty in it."""
    return [document(value) if name == VARIANT else text(value) for name, value in zip(columns, row, strict=True)]


def text(value: Any) -> str:
    """Numbers are exact, with as many digits as they need; a float has its shortest; a time with a zone is in UTC."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | Decimal():
            digits = f"{value:f}" if isinstance(value, Decimal) else str(value)
            return digits.rstrip("0").rstrip(".") if "." in digits else digits
        case float():
            return f"float {value!r}"
        case datetime():
            return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat(" ")
        case date():
            return value.isoformat()
        case str():
            return f"'{value}'"
    raise TypeError(f"{type(value)} has no text")


def document(value: Any) -> str:
    if isinstance(value, str):
        value = json.loads(value, parse_float=Decimal)
    return json.dumps(_without_nulls(value), ensure_ascii=False, sort_keys=True)


def _without_nulls(value: Any) -> Any:
    match value:
        case Mapping():
            parts = {name: _without_nulls(part) for name, part in value.items()}
            return {name: part for name, part in parts.items() if part not in (None, {}, [])}
        case list():
            return [_without_nulls(part) for part in value]
        case None:
            return None
        case str():
            return datetime.fromisoformat(value).isoformat() if _TIME.fullmatch(value) else value
        case datetime():
            return value.isoformat()
    return text(value)
