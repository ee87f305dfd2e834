"""Training sets as files, which are whole or not there."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from armazem.disk.causes import cause_of
from armazem.disk.durable import write_whole
from armazem.errors import FeatureError

SUFFIXES = (".csv", ".parquet")


def check_place(out: Path) -> Path:
    """Return the path in full. Raises FeatureError where no training set can be written there."""
    out = out.expanduser().absolute()
    if out.suffix.lower() not in SUFFIXES:
        raise FeatureError(f"{out} says not what to write by its ending", f"end it in {' or '.join(SUFFIXES)}")
    if out.is_dir():
        raise FeatureError(f"{out} is a folder", "name a file in it, such as training.parquet")
    if not out.parent.is_dir():
        raise FeatureError(f"there is no folder {out.parent}", "make it first, or name another one")
    return out


def write(out: Path, table: pa.Table) -> Path:
    """Write a file, by the ending of its name, or replace it by one rename; return its path.

    Raises FeatureError where that cannot be; then the old one stays.
    """
    out = check_place(out)
    try:
        write_whole(out, csv_of(table) if out.suffix.lower() == ".csv" else parquet_of(table))
    except OSError as error:
        cause = cause_of(error, out)
        raise FeatureError(f"cannot write {out}: {cause.reason}", cause.hint) from error
    return out


def csv_of(table: pa.Table) -> bytes:
    """Return RFC 4180 with a header, in UTF-8; null is empty, texts are in quotes."""
    header = StringIO()
    csv.writer(header, lineterminator="\n").writerow(table.column_names)
    content = BytesIO(header.getvalue().encode())
    content.seek(0, 2)
    try:
        pacsv.write_csv(table, content, pacsv.WriteOptions(include_header=False))
    except pa.ArrowException as error:
        raise FeatureError(f"a column cannot be written as CSV: {error}", "write it as .parquet") from error
    return content.getvalue()


def parquet_of(table: pa.Table) -> bytes:
    """Return a Parquet file, compressed with zstd."""
    content = BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()
