"""An answer as a table for people, or as CSV or JSON for programs."""

from __future__ import annotations

import csv
import io
import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armazem.errors import QueryError
from armazem.kpis.csv_cells import neutral
from armazem.targets.rows import Rows

Format = Literal["table", "csv", "json"]


def to_json(rows: Rows) -> str:
    """A list of row objects: dates ISO 8601, decimals as numbers with all their digits, null for null."""
    if len(set(rows.columns)) < len(rows.columns):
        raise QueryError("two columns of the answer have the same name", "name them apart with `as`")
    objects = [{name: _json_value(value) for name, value in zip(rows.columns, row, strict=True)} for row in rows.rows]
    encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
    return "[" + ",\n ".join(encoder.encode(row).decode() for row in objects) + "]\n"


class _Lines(io.StringIO):
    """Takes rows that end with CR LF, keeps them with LF: the writer quotes only those breaks that end its rows."""

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")


def to_csv(rows: Rows, *, exact: bool = False) -> str:
    """RFC 4180 with a header; null is empty.

    It may be opened in a spreadsheet, where a text that begins like a formula would be computed: it gets an apostrophe
    in front. `exact`: not so, for programs. Numbers are as they are either way.
    """
    text = _Lines()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows.columns if exact else map(neutral, rows.columns))
    writer.writerows([[csv_value(v) if exact else neutral(csv_value(v)) for v in row] for row in rows.rows])
    return text.getvalue()


def print_table(console: Console, rows: Rows, title: str | None = None) -> None:
    """A table for reading; numbers to the right."""
    table = Table(title=Text(title) if title else None, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for index, name in enumerate(rows.columns):
        numeric = all(isinstance(row[index], int | float | Decimal | None) for row in rows.rows)
        table.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows.rows:
        table.add_row(*(Text(_cell(value)) for value in row))  # data, not markup
    console.print(table)


def _json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def csv_value(value: Any) -> Any:
    """As a CSV file has it: null is empty, dates ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime | date) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    # A line break inside a comment would break the row.
    return " ".join(str(value).split("\n"))
