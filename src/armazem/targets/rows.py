"""Answers of a warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns and rows of an answer; money as Decimal, times as datetime, identifiers as str."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
