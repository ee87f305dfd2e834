"""From a Parquet file of anybody to one of the contract: its values as text, through the validation of all files.

A value becomes the text that a CSV file would have: exact decimals as they are, doubles in their shortest form, times
with a zone in UTC. So a row is good or bad as it would be in CSV, and a zip prefix that was a number is one here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from armazem.contract import Column, Table
from armazem.disk.causes import first_line
from armazem.disk.sql import sql_name, sql_text
from armazem.errors import SourceError
from armazem.landing.exact import BATCH_ROWS
from armazem.landing.fast import readable
from armazem.landing.header import matched
from armazem.landing.rejects import Reject, RejectWriter, explained
from armazem.landing.validation import Written, validated
from armazem.landing.values import DECIMALS, swapped
from armazem.sources.files import SourceFile

if TYPE_CHECKING:
    import pyarrow as pa

    from armazem.landing.convert import Paths

_ROW = "row"
_TEXT = ("VARCHAR", "BLOB")


def copy_parquet(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    paths: Paths,
    rejects: RejectWriter,
    written: Written,
    on_rows: Callable[[int], None],
) -> tuple[int, list[str]]:
    """Copy the good rows of a Parquet file, the others to `rejects` with their row (from 1) and as JSON.

    Returns the number of good rows, and warnings. Raises SourceError where the file cannot be read, or lacks or repeats
    a column of the contract.
    """
    rejects.place = "row"
    source = f"read_parquet({sql_text(readable(file.path, paths.work))}, binary_as_string = true)"
    try:
        return _copy(connection, file, source, paths, rejects, written, on_rows)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        reason = first_line(error)
        raise SourceError(
            f"{file.name} cannot be read as Parquet: {reason}", "is it complete? copy it again"
        ) from error


def _copy(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    source: str,
    paths: Paths,
    rejects: RejectWriter,
    written: Written,
    on_rows: Callable[[int], None],
) -> tuple[int, list[str]]:
    connection.execute("SET TimeZone = 'UTC'")
    types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    places, warnings = matched([column.strip().lower() for column in types], file.table, file.name)
    given = list(types)
    columns = {column: given[place] for column, place in places.items()}
    texts = [_as_text(file.table.column(c), given[p], types[given[p]], written) for c, p in places.items()]
    raw = f"to_json(struct_pack({', '.join(f'{sql_name(column)} := {sql_name(column)}' for column in given)}))"
    numbered = f"(SELECT file_row_number + 1 AS {_ROW}, {', '.join(texts)} FROM {_with_rows(source)})"
    query = validated(file.table, numbered, {c: c for c in columns}, keep=[_ROW], written=written)
    accepted = 0
    with pq.ParquetWriter(paths.target, _schema(connection, query), compression="snappy") as writer:
        for batch in connection.execute(query).to_arrow_reader(BATCH_ROWS):
            problems = batch.column("problem")
            bad = batch.filter(pc.is_valid(problems))
            writer.write_batch(batch.drop_columns([_ROW, "problem"]).filter(pc.is_null(problems)))
            if bad.num_rows:
                for reject in _refused(connection.cursor(), file.table, source, raw, columns, bad):
                    rejects.write(reject)
            accepted += batch.num_rows - bad.num_rows
            on_rows(accepted)
    return accepted, warnings


def _with_rows(source: str) -> str:
    return source.removesuffix(")") + ", file_row_number = true)"


def _schema(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Schema:
    empty = connection.execute(f"SELECT * EXCLUDE ({_ROW}, problem) FROM ({query}) LIMIT 0")
    return empty.to_arrow_table().schema


def _as_text(column: Column, given: str, kind: str, written: Written) -> str:
    text = f"CAST({sql_name(given)} AS VARCHAR)"
    if written.decimal == "," and column.type in DECIMALS and kind not in _TEXT:
        text = swapped(text)  # a number has no decimal comma, whatever the texts of the load have
    return f"{text} AS {sql_name(column.name)}"


def _refused(
    cursor: duckdb.DuckDBPyConnection, table: Table, source: str, raw: str, columns: dict[str, str], bad: pa.RecordBatch
) -> list[Reject]:
    """The rejects of one batch. Their rows are read again: most files have none, and to keep all would be dear."""
    cursor.execute("SET TimeZone = 'UTC'")
    numbers = bad.column(_ROW).to_pylist()
    values = [f"CAST({sql_name(given)} AS VARCHAR)" for given in columns.values()]
    rows = cursor.execute(
        f"SELECT file_row_number + 1, CAST({raw} AS VARCHAR), {', '.join(values)} FROM {_with_rows(source)} "
        f"WHERE file_row_number + 1 BETWEEN ? AND ? AND list_contains(?, file_row_number + 1)",
        [numbers[0], numbers[-1], numbers],
    ).fetchall()
    found = {row[0]: (row[1], dict(zip(columns, row[2:], strict=True))) for row in rows}
    refused = []
    for number, problem in zip(numbers, bad.column("problem").to_pylist(), strict=True):
        text, of = found[number]
        value = of.get(problem.partition(":")[0]) or ""
        refused.append(explained(table, problem, value, number, text.encode()))
    return refused
