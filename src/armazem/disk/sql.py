"""SQL literals and names. Pure: text in, text out."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any


def sql_text(value: object) -> str:
    """A text literal. DuckDB's parser ends at a NUL, so that one is an expression."""
    literal = "'" + str(value).replace("'", "''") + "'"
    return f"({literal})".replace("\0", "' || chr(0) || '") if "\0" in literal else literal


def sql_path(path: Path) -> str:
    """A literal for the path of a file to be read; DuckDB would take `*`, `?` and `[` in it for a pattern."""
    return sql_text(glob.escape(str(path)))


def sql_name(identifier: str) -> str:
    """The identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def guarded(cheap: str, dear: str) -> str:
    """Whether both conditions hold; the dear one is evaluated only for rows of the cheap one.

    DuckDB tries the sides of AND and OR in changing order, and as values it evaluates both: CASE does neither.
    """
    return f"(CASE WHEN {cheap} THEN {dear} ELSE false END)"


def literal(value: Any) -> str:
    """Return a value of Python as an SQL literal: None, bool, int, float, str, date, or datetime with its zone.

    For the parameters of a first statement DuckDB imports pandas where that is installed, which takes half a second.
    """
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return repr(value).lower()
        case datetime():
            return f"timestamptz '{value.isoformat()}'"
        case date():
            return f"date '{value.isoformat()}'"
    return sql_text(value)


def values(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows, at least one, as a VALUES clause."""
    return "values " + ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
