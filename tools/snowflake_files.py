"""The tables that dbt reads on Snowflake, and how files come into them, as SQL: examples/snowflake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from armazem.contract import TABLES, Table
from armazem.contract.event_record import event_columns_snowflake
from armazem.contract.render import snowflake_columns

FOLDER = Path(__file__).parents[1] / "examples" / "snowflake"
_MARK = "-- Rendered from the contract by `make docs`. Change it there, not here.\n"
# Where the load and the row stand that a row of a file came with: a load is a folder, a table is a file in it.
_PLACE = {"_load_id": "split_part(metadata$filename, '/', -2)", "_row": "metadata$file_row_number"}


def snowflake_files() -> Mapping[Path, str]:
    """Return the rendered files, each with its content as it should be."""
    return {FOLDER / "tables.sql": _tables(), FOLDER / "load.sql": _load()}


def _tables() -> str:
    statements = ["create schema if not exists raw", "create schema if not exists control"]
    statements += [_create(f"raw.{table.name}", _raw_columns(table)) for table in TABLES]
    statements += [_create("raw.event_lines", {"line": "variant"}), _events()]
    return _MARK + "".join(f"\n{statement};\n" for statement in statements)


def _load() -> str:
    statements = [
        "create file format if not exists raw.landed type = parquet use_logical_type = true",
        "create file format if not exists raw.lines type = json",
        "create stage if not exists raw.loads",
        "create stage if not exists raw.journal",
        *(_copy_table(table) for table in TABLES),
        _copied("raw.event_lines", "@raw.journal", "lines", ".*[.]jsonl"),
    ]
    return _MARK + "".join(f"\n{statement};\n" for statement in statements)


def _copy_table(table: Table) -> str:
    values = [*_paths("$1", snowflake_columns(table)), *_PLACE.values()]
    return _copied(
        f"raw.{table.name}", f"(\n{_select(values)}\n    from @raw.loads\n)", "landed", f".*/{table.name}[.]parquet"
    )


def _copied(table: str, source: str, file_format: str, pattern: str) -> str:
    return f"copy into {table} from {source}\npattern = '{pattern}'\nfile_format = (format_name = 'raw.{file_format}')"


def _events() -> str:
    columns = event_columns_snowflake()
    values = [f"{path} as {name}" for path, name in zip(_paths("line", columns), columns, strict=True)]
    return f"create or replace view raw.events as (\n{_select(values)}\n    from raw.event_lines\n)"


def _select(values: Sequence[str]) -> str:
    return "    select\n" + ",\n".join(f"        {value}" for value in values)


def _paths(record: str, columns: Mapping[str, str]) -> list[str]:
    return [
        f"{record}:{name}" if type_ == "variant" else f"{record}:{name}::{type_}" for name, type_ in columns.items()
    ]


def _raw_columns(table: Table) -> dict[str, str]:
    return snowflake_columns(table) | {"_load_id": "varchar", "_row": "number(38, 0)"}


def _create(table: str, columns: Mapping[str, str]) -> str:
    listed = ",\n".join(f"    {name} {type_}" for name, type_ in columns.items())
    return f"create table if not exists {table} (\n{listed}\n)"
