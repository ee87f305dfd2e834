"""Rejected rows: one JSON object per line, with the bytes, the place and the reason."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from pathlib import Path
from typing import IO, NamedTuple

from armazem.contract import Column, ColumnType, RejectCode, Table
from armazem.contract.identifiers import canonical, fault
from armazem.disk.durable import sync_file
from armazem.landing.values import WHITESPACE

_SHOWN = 60
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]{1,3}")

DECIMAL_COMMA = "the numbers have a decimal comma: use --decimal ','"
"""What to do about a file for whose rejects `RejectWriter.decimal_commas` is true."""

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
    decimal_comma: bool = False


class RejectWriter:
    """Writes the rejects of one file to `path`, which exists only if there are any.

    `file` is the display name of the source. `count` and `first` tell how many there are and why the
    first was refused; `place`: what its number counts.
    """

    def __init__(self, path: Path, file: str, place: str = "line") -> None:
        self.count = 0
        self.first = ""
        self.place = place
        self._codes: Counter[str] = Counter()
        self._commas = 0
        self._path = path
        self._file = file
        self._out: IO[str] | None = None

    def write(self, reject: Reject) -> None:
        if self._out is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._out = self._path.open("w", encoding="utf-8", newline="\n")
            self.first = f"{self.place} {reject.line}: {reject.message}"
        self.count += 1
        self._codes[reject.code.value] += 1
        self._commas += reject.decimal_comma
        json.dump(self._as_json(reject), self._out, ensure_ascii=False)
        self._out.write("\n")

    @property
    def commonest(self) -> str:
        """The code of most rejects; only where there are any."""
        return self._codes.most_common(1)[0][0]

    @property
    def decimal_commas(self) -> bool:
        """Whether most rejects are numbers with a decimal comma."""
        return 2 * self._commas > self.count

    def close(self) -> None:
        """Bring what was written to the disk."""
        if self._out is not None and not self._out.closed:
            sync_file(self._out)
            self._out.close()

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


def explained(table: Table, problem: str, value: str, line: int, raw: bytes) -> Reject:
    """Return the reject for a problem that the validation found. `value`: as the file has it, if a column has the
    problem.
    """
    name, _, code_text = problem.partition(":")
    code = RejectCode(code_text)
    if not name:
        return Reject(line, raw, None, code, "the header line comes again")
    value = value.strip(WHITESPACE)
    comma = code is RejectCode.WRONG_TYPE and _DECIMAL_COMMA.fullmatch(value) is not None
    return Reject(line, raw, name, code, describe(table.column(name), code, value), comma)


def describe(column: Column, code: RejectCode, value: str) -> str:
    """Return why the value of a column is refused, in words, with the value shortened."""
    shown = json.dumps(value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…", ensure_ascii=False)
    match code:
        case RejectCode.MISSING_FIELD:
            return f"{column.name}: {shown} means null" if value else f"{column.name} is empty"
        case RejectCode.BAD_IDENTIFIER:
            return f"{column.name}: {shown} is no identifier: {fault(canonical(value))}"
        case RejectCode.BAD_TIMESTAMP:
            return f"{column.name}: {shown} is not a time like 2017-11-24 18:30:00 or 2017-11-24T18:30:00-03:00"
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
