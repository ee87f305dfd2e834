"""The exact way from CSV to Parquet: record by record, with a reject for each one that is not good."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from armazem.contract import RejectCode, Table
from armazem.landing.header import Header
from armazem.landing.rejects import Reject, RejectWriter, explained
from armazem.landing.tokenizer import Broken, Lines, Record, records
from armazem.landing.validation import Written, validated

# A batch ends at whichever comes first: memory stays bounded for long records, and short ones come in bulk.
BATCH_ROWS = 50_000
BATCH_BYTES = 16 << 20
_ROW = "row"


def copy_exact(
    connection: duckdb.DuckDBPyConnection,
    lines: Lines,
    target: Path,
    table: Table,
    header: Header,
    rejects: RejectWriter,
    delimiter: bytes,
    on_rows: Callable[[int], None],
    written: Written,
) -> int:
    """Copy the good rows of `lines` to the Parquet file `target`, the others to `rejects`.

    Returns the number of good rows; `on_rows` gets it after each batch.
    """
    places = {column: str(place) for column, place in header.positions.items()}
    query = f"{validated(table, 'batch', places, keep=[_ROW], written=written)} ORDER BY {_ROW}"
    accepted = 0
    writer: pq.ParquetWriter | None = None
    try:
        for batch in _batches(records(lines, delimiter, header.width)):
            good, refused = _readable(batch)
            connection.register("batch", _arrow(good, header))
            checked = connection.execute(query).to_arrow_table()
            connection.unregister("batch")
            problems = checked.column("problem")
            rows = checked.drop_columns([_ROW, "problem"]).filter(pc.is_null(problems))
            if writer is None:
                writer = pq.ParquetWriter(target, rows.schema, compression="snappy")
            writer.write_table(rows)
            refused += _refused(good, problems.to_pylist(), table, header)
            for reject in sorted(refused, key=lambda refusal: refusal.line):
                rejects.write(reject)
            accepted += rows.num_rows
            on_rows(accepted)
    finally:
        if writer is not None:
            writer.close()
    return accepted


def _batches(source: Iterable[Record | Broken]) -> Iterator[list[Record | Broken]]:
    """The records in batches; one empty batch where there are none, so that the Parquet file is written."""
    batch: list[Record | Broken] = []
    size = 0
    emitted = False
    for record in source:
        batch.append(record)
        size += len(record.raw)
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            emitted = True
            batch, size = [], 0
    if batch or not emitted:
        yield batch


def _readable(batch: list[Record | Broken]) -> tuple[list[Record], list[Reject]]:
    """The records whose bytes are text, and the rejects for all others."""
    good: list[Record] = []
    refused: list[Reject] = []
    for record in batch:
        if isinstance(record, Broken):
            refused.append(Reject(record.line, record.raw, None, record.code, record.message))
        else:
            good.append(record)
    if not _is_text(b"\n".join([record.raw for record in good])):
        refused += [_unreadable(record) for record in good if not _is_text(record.raw)]
        good = [record for record in good if _is_text(record.raw)]
    return good, refused


def _is_text(raw: bytes) -> bool:
    if b"\0" in raw:
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(record: Record) -> Reject:
    if b"\0" in record.raw:
        return Reject(record.line, record.raw, None, RejectCode.NUL_BYTE, "the record has a NUL byte")
    return Reject(record.line, record.raw, None, RejectCode.NOT_UTF8, "the record is not valid UTF-8")


def _arrow(good: list[Record], header: Header) -> pa.Table:
    return pa.table(
        {_ROW: pa.array(range(len(good)), type=pa.int32())}
        | {
            str(place): pa.array([record.fields[place] for record in good], type=pa.string())
            for place in header.positions.values()
        }
    )


def _refused(good: list[Record], problems: list[str | None], table: Table, header: Header) -> list[Reject]:
    refused = []
    for record, problem in zip(good, problems, strict=True):
        if problem is None:
            continue
        column = problem.partition(":")[0]
        value = record.fields[header.positions[column]].decode("utf-8") if column else ""
        refused.append(explained(table, problem, value, record.line, record.raw))
    return refused
