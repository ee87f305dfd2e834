"""The files that load jobs read: Parquet for rows, lines of JSON for rejects and ledger."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import duckdb

from armazem.contract import Table
from armazem.disk.sql import sql_name, sql_text
from armazem.landing.ledger import LedgerRow


def write_rows(connection: duckdb.DuckDBPyConnection, table: Table, landed: Path, load_id: str, target: Path) -> None:
    """Copy the Parquet file of a table, with the three columns that every row has on BigQuery.

    DECIMAL(18,2) and naive TIMESTAMP in microseconds are what BigQuery takes for NUMERIC and DATETIME columns.
    """
    columns = ", ".join(sql_name(column.name) for column in table.columns)
    connection.execute(
        f"COPY (SELECT {columns}, {sql_text(load_id)} AS _load_id, file_row_number AS _row, "
        f"DATE {sql_text(load_date(load_id))} AS _load_date "
        f"FROM read_parquet({sql_text(landed)}, file_row_number = true)) "
        f"TO {sql_text(target)} (FORMAT parquet, COMPRESSION snappy)"
    )


def load_date(load_id: str) -> str:
    """The UTC day of a load, ISO 8601."""
    return f"{load_id[:4]}-{load_id[4:6]}-{load_id[6:8]}"


def write_rejects(folder: Path, load_id: str, target: Path) -> None:
    """Join the rejects of all tables, `<table>.jsonl`, in one file, each line with its load and table."""
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for path in sorted(folder.glob("*.jsonl")):
            with path.open(encoding="utf-8", newline="\n") as lines:
                for line in lines:
                    reject = json.loads(line)
                    if "\0" in reject.get("raw", ""):
                        # Not every reader of JSON takes a NUL character for text.
                        reject["raw_base64"] = base64.b64encode(reject.pop("raw").encode()).decode("ascii")
                    json.dump({"load_id": load_id, "table": path.stem, **reject}, out, ensure_ascii=False)
                    out.write("\n")


def write_ledger(rows: Sequence[LedgerRow], target: Path) -> None:
    """The rows of the ledger, without `status`: what it says is in the ledger of the load that it names."""
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            values = asdict(row)
            del values["status"]
            json.dump(values, out, ensure_ascii=False)
            out.write("\n")
