"""`export tableau`: an extract by Tableau's own library, and the data source that opens it.

Each table goes through a Parquet file of its own, which Hyper reads with the types declared here: money stays decimal.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from tableauhyperapi import (
    Connection,
    HyperException,
    HyperProcess,
    SchemaName,
    SqlType,
    TableDefinition,
    TableName,
    Telemetry,
    escape_string_literal,
)

from armazem import interrupts
from armazem.disk.durable import sync_path
from armazem.errors import ExportError
from armazem.export.datasource import data_source
from armazem.export.parquet import write_parquet
from armazem.export.place import check_folder_of, written_aside
from armazem.export.tables import Column, Contents, Exported, OnTable, Table, contents
from armazem.home import Home
from armazem.targets.duckdb.query import open_published

_TYPES = {
    "VARCHAR": SqlType.text,
    "BIGINT": SqlType.big_int,
    "INTEGER": SqlType.int,
    "DOUBLE": SqlType.double,
    "BOOLEAN": SqlType.bool,
    "DATE": SqlType.date,
    "TIMESTAMP": SqlType.timestamp,
    "TIMESTAMP WITH TIME ZONE": SqlType.timestamp_tz,
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
# Files of version 2 open in every Tableau that is supported; decimals of more than 18 digits need version 3.
_VERSION, _WIDE_VERSION = "2", "3"
_ALIAS = "extract"


def export_tableau(home: Home, out: Path, on_table: OnTable, *, force: bool = False) -> Exported:
    """Write the current version to the extract `out` and, beside it, the data source of the same name.

    Raises HomeError where nothing is published, ExportError where it cannot be written.
    """
    out = out.expanduser().resolve()
    check_folder_of(out)
    source = out.with_suffix(".tds")
    for path in (out, source):
        if path.is_dir():
            raise ExportError(f"{path} is a folder", "name a file that ends in .hyper")
        if path.exists() and not force:
            raise ExportError(f"{path} exists already", "--force replaces it")
    with open_published(home) as connection, written_aside(out) as aside:
        what = contents(connection)
        rows = _write_extract(connection, what, aside / out.name, on_table)
        (aside / source.name).write_bytes(data_source(what.tables, out.name))
        shutil.copymode(aside / source.name, aside / out.name)  # Hyper leaves others out
        for path in (out, source):
            sync_path(aside / path.name)
        with interrupts.held():
            for path in (out, source):
                os.replace(aside / path.name, path)
        sync_path(out.parent)
    return Exported(what, tuple(rows), (out, source), out.stat().st_size + source.stat().st_size)


def hyper_type(table: Table, column: Column) -> SqlType:
    """Hyper's type of a column. Raises ExportError where there is none."""
    if decimal := _DECIMAL.fullmatch(column.type):
        return SqlType.numeric(int(decimal[1]), int(decimal[2]))
    if column.type not in _TYPES:
        hint = "cast it in its model, such as a sum of whole numbers: cast(sum(units) as bigint)"
        raise ExportError(f"{table.full_name}: Tableau has no type for {column.name}, {column.type}", hint)
    return _TYPES[column.type]()


def _write_extract(connection: duckdb.DuckDBPyConnection, what: Contents, path: Path, on_table: OnTable) -> list[int]:
    """Write all tables to a new extract; how many rows each has."""
    types = [[hyper_type(table, column) for column in table.columns] for table in what.tables]
    wide = any((type_.precision or 0) > 18 for columns in types for type_ in columns)
    rows = []
    with _hyper(_WIDE_VERSION if wide else _VERSION) as hyper:
        hyper.catalog.create_database(path)
        hyper.catalog.attach_database(path, _ALIAS)
        for schema in sorted({table.schema for table in what.tables}):
            hyper.catalog.create_schema(SchemaName(_ALIAS, schema))
        for number, (table, columns) in enumerate(zip(what.tables, types, strict=True), 1):
            on_table(table.full_name, number, len(what.tables))
            named = zip(table.columns, columns, strict=True)
            hyper.catalog.create_table(
                TableDefinition(_name(table), [TableDefinition.Column(column.name, type_) for column, type_ in named])
            )
            parquet = path.with_name(f"{table.name}.parquet")
            rows.append(write_parquet(connection, table, parquet))
            hyper.execute_command(
                f"COPY {_name(table)} FROM {escape_string_literal(str(parquet))} WITH (FORMAT => 'parquet')"
            )
            parquet.unlink()
        # Hyper writes what it holds in memory here. Where it only closes, it keeps a full disk to itself.
        hyper.catalog.detach_database(_ALIAS)
        hyper.catalog.attach_database(path, _ALIAS)
        for table, count in zip(what.tables, rows, strict=True):
            found = hyper.execute_scalar_query(f"SELECT count(*) FROM {_name(table)}")
            if found != count:
                raise ExportError(f"{table.full_name} has {count:,} rows, in the extract it has {found:,}")
        hyper.catalog.detach_database(_ALIAS)
    return rows


def _name(table: Table) -> TableName:
    return TableName(_ALIAS, table.schema, table.name)


@contextmanager
def _hyper(version: str) -> Iterator[Connection]:
    """A Hyper server of our own; nothing is sent to Tableau, and no log is written."""
    parameters = {"log_config": "", "default_database_version": version}
    try:
        with (
            HyperProcess(Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU, parameters=parameters) as process,
            Connection(process.endpoint) as connection,
        ):
            yield connection
    except HyperException as error:
        message = str(error).partition("\nContext:")[0]
        raise ExportError(f"Hyper could not write the extract: {message}", "check the free space there") from error
