"""SQL literals and names. Pure: text in, text out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any


def quoted(text: str) -> str:
    """The text as an SQL string literal. Control characters are spelt chr(n), so a query stays printable."""
    parts: list[str] = []
    plain = ""
    for character in text:
        if character.isprintable():
            plain += character.replace("'", "''")
            continue
        parts += [f"'{plain}'"] if plain else []
        parts.append(f"chr({ord(character)})")
        plain = ""
    if plain or not parts:
        parts.append(f"'{plain}'")
    return " || ".join(parts) if len(parts) == 1 else "(" + " || ".join(parts) + ")"


def guarded(cheap: str, dear: str) -> str:
    """Whether both conditions hold; the dear one is evaluated only for rows of the cheap one.

    DuckDB tries the sides of AND and OR in changing order, and as values it evaluates both: CASE does neither.
    """
    return f"(CASE WHEN {cheap} THEN {dear} ELSE false END)"


def name(identifier: str) -> str:
    """The identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


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
    text = str(value)
    # A line break stays one: DuckDB takes no chain of a thousand `||`.
    return quoted(text) if "\0" in text else "'" + text.replace("'", "''") + "'"


def values(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows, at least one, as a VALUES clause."""
    return "values " + ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
