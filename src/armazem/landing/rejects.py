"""Rejected rows: one JSON object per line, with the bytes, the place and the reason."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import IO, NamedTuple

from armazem.contract import Column, ColumnType, RejectCode
from armazem.landing.durable import sync_file

_SHOWN = 60

_EXPECTED = {
    ColumnType.INTEGER: "an integer",
    ColumnType.NUMBER: "a number with at most 3 decimals",
    ColumnType.MONEY: "an amount with at most 2 decimals",
    ColumnType.FLOAT: "a finite number",
}


class Reject(NamedTuple):
    """A refused record: the physical line where it begins, its bytes, and what is wrong with it."""

    line: int
    raw: bytes
    column: str | None
    code: RejectCode
    message: str


class RejectWriter:
    """Writes the rejects of one file to `path`, which exists only if there are any.

    `file` is the display name of the source. `count` and `first` tell how many there are and why the
    first was refused.
    """

    def __init__(self, path: Path, file: str) -> None:
        self.count = 0
        self.first = ""
        self._path = path
        self._file = file
        self._out: IO[str] | None = None

    def write(self, reject: Reject) -> None:
        if self._out is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._out = self._path.open("w", encoding="utf-8", newline="\n")
            self.first = f"line {reject.line}: {reject.message}"
        self.count += 1
        json.dump(self._as_json(reject), self._out, ensure_ascii=False)
        self._out.write("\n")

    def close(self) -> None:
        """Bring what was written to the disk."""
        if self._out is not None and not self._out.closed:
            sync_file(self._out)
            self._out.close()

    def discard(self) -> None:
        """Forget what was written."""
        if self._out is not None:
            self._out.close()
            os.unlink(self._path)
            self._out = None
        self.count, self.first = 0, ""

    def _as_json(self, reject: Reject) -> dict[str, str | int | None]:
        row: dict[str, str | int | None] = {
            "file": self._file,
            "line": reject.line,
            "column": reject.column,
            "code": reject.code.value,
            "message": reject.message,
        }
        try:
            row["raw"] = reject.raw.decode("utf-8")
        except UnicodeDecodeError:
            row["raw_base64"] = base64.b64encode(reject.raw).decode("ascii")
        return row


def describe(column: Column, code: RejectCode, value: str) -> str:
    """Why the value of a column is refused, in words, with the value shortened."""
    shown = json.dumps(value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…", ensure_ascii=False)
    match code:
        case RejectCode.MISSING_FIELD:
            return f"{column.name} is empty"
        case RejectCode.BAD_IDENTIFIER:
            return f"{column.name}: {shown} is no identifier (at most 64 characters, no spaces)"
        case RejectCode.BAD_TIMESTAMP:
            return f"{column.name}: {shown} is not a time like 2017-11-24 18:30:00"
        case RejectCode.NEGATIVE_AMOUNT:
            return f"{column.name}: {shown} is negative"
        case RejectCode.BAD_VALUE:
            return f"{column.name}: {shown} is not {_allowed(column)}"
        case _:
            return f"{column.name}: {shown} is not {_EXPECTED[column.type]}"


def _allowed(column: Column) -> str:
    if column.below_zero_where:
        return "below 0, as where {} is {}".format(*column.below_zero_where)
    if column.values:
        return "one of " + ", ".join(column.values)
    if column.maximum is None:
        return f"{column.minimum} or more"
    return f"between {column.minimum} and {column.maximum}"
