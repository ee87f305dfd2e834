"""Whether a table holds the same in two datasets."""

from __future__ import annotations

from typing import Any

from armazem.targets.bigquery.connection import Connection


def content_of(connection: Connection, dataset: str, table: str) -> tuple[Any, ...] | None:
    """Return what is the same for the same rows and columns, in whatever order the rows lie; None without the table.

    Scans the table.
    """
    fields = connection.fields(dataset, table)
    if not fields:
        return None
    # The sum tells rows that are there twice, which cancel each other out in the exclusive or; in NUMERIC it has room.
    hashed = "farm_fingerprint(to_json_string(t))"
    rows = connection.rows(
        f"select count(*), bit_xor({hashed}), sum(cast({hashed} as numeric)) from `{dataset}`.`{table}` as t"
    )
    return (*((field.name, field.field_type) for field in fields), *rows)
