"""The fast way from CSV to Parquet: one DuckDB statement, which stops at the first row that is not good."""

from __future__ import annotations

from pathlib import Path

import duckdb

from armazem.contract import Table
from armazem.disk.sql import sql_name, sql_text
from armazem.landing.header import Header
from armazem.landing.prescan import Scan
from armazem.landing.tokenizer import MAX_RECORD
from armazem.landing.validation import Written, validated

_GLOB = "*?[]{}"
# A bad row or record, a value that a cast refuses, quoted line breaks on which DuckDB's threads cannot agree,
# a record for which the memory is too small.
_DECLINED = (
    duckdb.InvalidInputException,
    duckdb.ConversionException,
    duckdb.NotImplementedException,
    duckdb.OutOfMemoryException,
)


class NotPlain(Exception):
    """The file needs the exact way: a row is bad, or DuckDB does not read it as the tokenizer does."""


def copy_fast(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    target: Path,
    table: Table,
    header: Header,
    scan: Scan,
    delimiter: bytes,
    work: Path,
    written: Written,
) -> int:
    """Copy the rows of `source` to the Parquet file `target`, typed; returns their number.

    `scan` is that of the file before transcoding. Raises NotPlain where a row is bad or the structure is in
    doubt, duckdb.IOException where the disk is the reason.
    """
    if scan.has_nul or scan.odd_quotes or not header.plain:
        raise NotPlain
    sql = _statement(readable(source, work), target, table, header, delimiter, written)
    try:
        result = connection.execute(sql).fetchone()
    except _DECLINED as error:
        raise NotPlain from error
    rows = int(result[0]) if result else 0
    # Without quotes every line is a record, so that the count proves that no line was skipped or joined.
    if not scan.has_quotes and rows + 1 != scan.lines:
        raise NotPlain
    return rows


def readable(source: Path, work: Path) -> Path:
    """A path that DuckDB does not take for a pattern."""
    if not any(character in _GLOB for character in str(source)):
        return source
    link = work / "input.csv"
    link.unlink(missing_ok=True)
    link.symlink_to(source.absolute())
    return link


def _statement(source: Path, target: Path, table: Table, header: Header, delimiter: bytes, written: Written) -> str:
    columns = {f"c{place}": "VARCHAR" for place in range(header.width)}
    reader = (
        f"read_csv({sql_text(source)}, columns = {columns}, auto_detect = false, header = true, "
        f"delim = {sql_text(delimiter.decode('ascii'))}, quote = '\"', escape = '\"', strict_mode = true, "
        f"max_line_size = {MAX_RECORD})"
    )
    places = {column: f"c{place}" for column, place in header.positions.items()}
    first, *others = (sql_name(column.name) for column in table.columns)
    # The check sits in a column and not in WHERE: a filter would be pushed down, with a copy of every cast.
    checked = f"CASE WHEN problem IS NULL THEN {first} ELSE error(problem) END AS {first}"
    query = f"SELECT {', '.join([checked, *others])} FROM ({validated(table, reader, places, written=written)})"
    return f"COPY ({query}) TO {sql_text(target)} (FORMAT parquet, COMPRESSION snappy)"
