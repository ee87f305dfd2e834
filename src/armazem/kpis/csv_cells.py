"""Cells of CSV files as a spreadsheet takes them."""

from __future__ import annotations

from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_PASSED_OVER = " \n\ufeff\u200b"  # in front of a formula, by one program or another


def neutral(value: Any) -> Any:
    """Return a text that a spreadsheet would run as a formula, with an apostrophe before it; all else as it is."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(_PASSED_OVER).startswith(_FORMULA) else value
