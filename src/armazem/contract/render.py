"""Render the contract in the words of others: columns of DuckDB and Snowflake, BigQuery schemas, dbt sources, the data
dictionary.
"""

from __future__ import annotations

from typing import Any

from armazem.contract.model import Column, ColumnType, Table
from armazem.contract.tables import TABLES

DUCKDB_TYPES = {
    ColumnType.IDENTIFIER: "VARCHAR",
    ColumnType.TEXT: "VARCHAR",
    ColumnType.ZIP: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DECIMAL(18,3)",
    ColumnType.MONEY: "DECIMAL(18,2)",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}

BIGQUERY_TYPES = {
    ColumnType.IDENTIFIER: "STRING",
    ColumnType.TEXT: "STRING",
    ColumnType.ZIP: "STRING",
    ColumnType.INTEGER: "INT64",
    ColumnType.NUMBER: "NUMERIC",
    ColumnType.MONEY: "NUMERIC",
    ColumnType.FLOAT: "FLOAT64",
    ColumnType.TIMESTAMP: "DATETIME",
}

SNOWFLAKE_TYPES = {
    ColumnType.IDENTIFIER: "varchar",
    ColumnType.TEXT: "varchar",
    ColumnType.ZIP: "varchar",
    ColumnType.INTEGER: "number(38, 0)",
    ColumnType.NUMBER: "number(18, 3)",
    ColumnType.MONEY: "number(18, 2)",
    ColumnType.FLOAT: "float",
    ColumnType.TIMESTAMP: "timestamp_ntz",
}


def duckdb_columns(table: Table) -> dict[str, str]:
    """Name to DuckDB type, in the order of the contract."""
    return {column.name: DUCKDB_TYPES[column.type] for column in table.columns}


def snowflake_columns(table: Table) -> dict[str, str]:
    """Name to Snowflake's type, in the order of the contract."""
    return {column.name: SNOWFLAKE_TYPES[column.type] for column in table.columns}


def bigquery_schema(table: Table) -> list[dict[str, str]]:
    """Return the columns as BigQuery's API has them: name, type, mode, description.

    Every mode is NULLABLE: BigQuery refuses a Parquet file whose optional column meets a REQUIRED one, and
    DuckDB writes all of them optional. That required values are there is what `load` has checked.
    """
    return [
        {
            "name": column.name,
            "type": BIGQUERY_TYPES[column.type],
            "mode": "NULLABLE",
            "description": column.description,
        }
        for column in table.columns
    ]


def _rules(column: Column) -> str:
    rules = []
    if column.required:
        rules.append("required")
    if column.values:
        rules.append("one of " + ", ".join(column.values))
    if column.minimum is not None and column.maximum is not None:
        rules.append(f"{column.minimum} to {column.maximum}")
    elif column.minimum is not None:
        rules.append(f"at least {column.minimum}")
    if column.below_zero_where:
        rules.append("below 0 where {} is {}".format(*column.below_zero_where))
    if column.aliases:
        rules.append("also spelt " + ", ".join(column.aliases))
    if column.optional:
        rules.append("a file may lack it")
    if column.references:
        rules.append("refers to " + column.references)
    return "; ".join(rules)


def identifier(table: str) -> str:
    """Return what dbt takes for the name of a table of `raw` in the database: a template."""
    return "{{ env_var('ARMAZEM_DBT_RAW_PREFIX', '') }}" + table


def dbt_sources() -> dict[str, Any]:
    """Return the content of the dbt project's sources file, schema `raw`.

    Where a target builds everything in one schema, as on BigQuery, its build sets the environment variables that name
    this schema and the prefix of the views in it: `raw_<table>`, of the loads that it takes in.
    """
    return {
        "version": 2,
        "sources": [
            {
                "name": "raw",
                "description": "Accepted rows of every batch file, as loaded. Rendered from the contract.",
                "schema": "{{ env_var('ARMAZEM_DBT_INPUT_SCHEMA', 'raw') }}",
                "tables": [
                    {
                        "name": table.name,
                        "identifier": identifier(table.name),
                        "description": table.description,
                        "columns": [
                            {
                                "name": column.name,
                                "description": column.description,
                                "config": {"meta": {"pii": column.pii.value}},
                            }
                            for column in table.columns
                        ],
                    }
                    for table in TABLES
                ],
            }
        ],
    }


def data_dictionary() -> list[str]:
    """Return the source tables as lines of Markdown: column, type, key, rules, PII class, description."""
    lines: list[str] = []
    for table in TABLES:
        lines += ["", f"### `raw.{table.name}`", "", table.description, ""]
        lines += [f"File `{table.file}`{', optional' if table.optional else ''}.", ""]
        lines += ["| column | type | key | rules | PII | description |", "|---|---|---|---|---|---|"]
        for column in table.columns:
            key = "key" if column.name in table.key else ""
            lines.append(
                f"| `{column.name}` | {column.type.value} | {key} | {_rules(column)} | "
                f"{column.pii.value} | {column.description} |"
            )
    return lines
