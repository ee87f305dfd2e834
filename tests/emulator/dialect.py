"""Where the SQL that bqemulator makes for DuckDB means something else than in BigQuery, or is missing."""

from __future__ import annotations

import re
from typing import Any

import sqlglot
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.domain.result import Err, Result
from bqemulator.sql.translator import SQLTranslator
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.generator import Generator

Type = exp.DataType.Type
WITH_PARAMETERS = re.compile(r"\b(numeric|decimal|bignumeric|bigdecimal|string|bytes)\s*\(\s*\d", re.IGNORECASE)
TIMES = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND")
DUCKDB = DuckDB.Generator.TRANSFORMS  # how each kind of expression is written
data_type_as_it_was = DUCKDB[exp.DataType]


def apply() -> None:
    DUCKDB[exp.DataType] = data_type
    DUCKDB[exp.DateTrunc] = date_trunc
    DUCKDB[exp.IntDiv] = div
    DUCKDB[exp.CurrentDatetime] = current_datetime
    casts_without_parameters()


def data_type(self: Generator, expression: exp.DataType) -> str:
    """NUMERIC has nine decimals; `decimal` has three in DuckDB, and rounded values silently."""
    bare = expression.this == Type.DECIMAL and not expression.expressions
    return "DECIMAL(38, 9)" if bare else data_type_as_it_was(self, expression)


def date_trunc(self: Generator, expression: exp.DateTrunc) -> str:
    """A date remains a date; DuckDB makes it a timestamp, and a table made of it got a DATETIME column."""
    sql = self.datetrunc_sql(expression)
    return sql if expression.text("unit").upper() in TIMES else f"CAST({sql} AS DATE)"


def div(self: Generator, expression: exp.IntDiv) -> str:
    """Whole decimals are divided exactly; DuckDB's `//` makes 3.5 of 7 and 2, a float.

    They are known by a cast or a literal within `div(…)`: the type of a column is not known here.
    """
    if not (is_decimal(expression.this) or is_decimal(expression.expression)):
        return self.binary(expression, "//")
    a, b = self.sql(expression, "this"), self.sql(expression, "expression")
    return (
        f"CASE WHEN {b} = 0 THEN ERROR('division by zero') "
        f"WHEN {a} <> TRUNC({a}) OR {b} <> TRUNC({b}) THEN ERROR('the emulator has DIV for whole numbers only') "
        f"ELSE CAST(CAST({a} AS HUGEINT) // CAST({b} AS HUGEINT) AS DECIMAL(38, 0)) END"
    )


def is_decimal(operand: exp.Expression) -> bool:
    if operand.is_type(Type.INT128):  # ours, met again
        return False
    return any(
        node.to.this in (Type.DECIMAL, Type.BIGDECIMAL) if isinstance(node, exp.Cast) else is_bignumeric(node)
        for node in operand.find_all(exp.Cast, exp.Anonymous)
    )


def is_bignumeric(call: exp.Anonymous) -> bool:
    return call.name == "bqemu_to_bignumeric"  # the emulator's form of a literal


def current_datetime(self: Generator, expression: exp.CurrentDatetime) -> str:
    return self.func("TIMEZONE", expression.this or exp.Literal.string("UTC"), exp.Anonymous(this="NOW"))


def casts_without_parameters() -> None:
    """BigQuery has NUMERIC(18, 2) for columns only, and refuses to cast to it."""
    translate = SQLTranslator.translate

    def strict(self: SQLTranslator, bq_sql: str, **options: Any) -> Result[str, Any]:
        if WITH_PARAMETERS.search(bq_sql) and any(map(has_parameters, statements(bq_sql))):
            return Err(InvalidQueryError("Parameterized types are not allowed in CAST expressions."))
        return translate(self, bq_sql, **options)

    SQLTranslator.translate = strict


def statements(sql: str) -> list[exp.Expression]:
    try:
        return [statement for statement in sqlglot.parse(sql, read="bigquery") if statement is not None]
    except sqlglot.errors.ParseError:
        return []  # its own error is better


def has_parameters(statement: exp.Expression) -> bool:
    return any(cast.to.find(exp.DataTypeParam) for cast in statement.find_all(exp.Cast))
