"""The limit of `load`: raw DuckDB turns the same files into typed Parquet. `python -m bench.raw_load SOURCE OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from armazem.contract import TABLES
from armazem.contract.render import duckdb_columns


def main(source: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    for table in TABLES:
        # Its order is the file's: the generator and the contract agree on it.
        columns = ", ".join(f"'{name}': '{type_}'" for name, type_ in duckdb_columns(table).items())
        connection.execute(
            f"copy (from read_csv('{source / table.file}', header = true, columns = {{{columns}}})) "
            f"to '{out / table.name}.parquet'"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
