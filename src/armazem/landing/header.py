"""The header of a batch file against the contract: which column of the file is which of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from armazem.contract import Table
from armazem.errors import SourceError
from armazem.landing.tokenizer import Broken, Lines, records
from armazem.landing.validation import spellings

_DELIMITERS = (b",", b";", b"\t", b"|")
_NOT_A_CSV = "export it as CSV, with a header line"
# Of the columns that the contract does not know, so many are named.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Header:
    """`positions`: contract column to its place in the file, from 0. `width`: how many columns the file has.

    `plain`: it is the first physical line, and the only one of the header. A column that a file may lack has no
    position where it does.
    """

    positions: Mapping[str, int]
    width: int
    plain: bool
    warnings: tuple[str, ...]


def read_header(lines: Lines, table: Table, name: str, delimiter: bytes) -> Header:
    """Read the header from `lines`, which then stand at the first data line. `name` is for messages.

    Raises SourceError where the file has no header, is no CSV file, has another delimiter, or lacks or
    repeats a column of the contract.
    """
    record = next(records(lines, delimiter, None), None)
    if record is None:
        raise SourceError(f"{name} is empty", "a source file has at least its header line")
    if b"\0" in record.raw:
        raise SourceError(f"{name} is not a CSV file: its header has NUL bytes", _NOT_A_CSV)
    if isinstance(record, Broken):
        _other_delimiter(record.raw, table, name, delimiter)
        raise SourceError(f"{name} is not a CSV file: its header cannot be read ({record.message})", _NOT_A_CSV)
    names = [_plain(field) for field in record.fields]
    known = spellings(table)
    if not any(spelling in known for spelling in names):
        _other_delimiter(record.raw, table, name, delimiter)
        _no_column_known(record.raw, table, name)
    positions, warnings = matched(names, table, name)
    plain = record.line == 1 and lines.number == 2
    return Header(positions, len(names), plain, tuple(warnings))


def _plain(field: bytes) -> str:
    return field.decode("utf-8", "replace").strip("\ufeff\"' \t\r\n\v\f").lower()


def matched(names: list[str], table: Table, file: str) -> tuple[dict[str, int], list[str]]:
    """Return the place of each column of the contract among these names, in lower case, and warnings.

    Raises SourceError where one comes twice, or a needed one is missing.
    """
    known = spellings(table)
    positions: dict[str, int] = {}
    others = []
    for place, spelling in enumerate(names):
        column = known.get(spelling)
        if column is None:
            others.append(_shown(spelling) if spelling else f"{place + 1}, which has no name")
        elif column in positions:
            raise SourceError(f"{file} has the column {column} twice", "remove one of them")
        else:
            positions[column] = place
    missing = [column for column in table.columns if column.name not in positions]
    needed = [column.name for column in missing if not column.optional]
    if needed:
        raise SourceError(
            f"{file} lacks {_columns(needed)}",
            f"a file of {table.name} has the columns {', '.join(c.name for c in table.columns)}",
        )
    return positions, _warnings(file, others, [column.name for column in missing])


def _warnings(file: str, others: list[str], missing: list[str]) -> list[str]:
    warnings = []
    if len(others) == 1:
        comma = "," if others[0].endswith(" no name") else ""
        warnings.append(f"{file}: column {others[0]}{comma} is not in the contract and is left out")
    elif others:
        named = ", ".join(others[:_NAMED]) + (" …" if len(others) > _NAMED else "")
        warnings.append(f"{file}: {len(others)} columns are not in the contract and are left out: {named}")
    if missing:
        warnings.append(f"{file} lacks {_columns(missing)}, which no model needs: null in every row")
    return warnings


def _columns(names: list[str]) -> str:
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _other_delimiter(raw: bytes, table: Table, file: str, delimiter: bytes) -> None:
    """Raise for a header with another delimiter, quoted or not."""
    known = spellings(table)
    found = {
        other: sum(_plain(field) in known for field in raw.split(other)) for other in _DELIMITERS if other != delimiter
    }
    likely = max(found, key=lambda other: found[other])
    if found[likely]:
        raise SourceError(
            f"{file} is not separated by {_flag(delimiter)}: it seems to be {_flag(likely)}",
            f"use --delimiter {_flag(likely)}",
        )


def _no_column_known(raw: bytes, table: Table, file: str) -> NoReturn:
    """Raise for a file that is something else."""
    shown = _shown(raw.decode("utf-8", "replace"))
    raise SourceError(
        f"{file} is not a CSV file of {table.name}: its first line is {shown!r}, with no column of the contract",
        f"its header should be {','.join(column.name for column in table.columns)}",
    )


def _flag(delimiter: bytes) -> str:
    return "'" + delimiter.decode("latin-1").replace("\t", "\\t") + "'"


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
