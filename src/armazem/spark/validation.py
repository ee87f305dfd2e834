"""The validation of a batch row as Spark SQL, rendered from the contract. Pure: text in, text out.

The sibling of `landing.validation`. A row is accepted here only if it is there, with the same values; one of which that
is not sure ends the job, and the file is read by the landing's own reader, which tells rejects from good rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from armazem.contract import Column, Table
from armazem.landing.validation import Written
from armazem.landing.values import DECIMALS
from armazem.spark.lines import fields, in_doubt
from armazem.spark.sql import among, name, text
from armazem.spark.values import swapped, trimmed, unsure, value


def validated(
    table: Table,
    source: str,
    positions: Mapping[str, int],
    width: int,
    *,
    delimiter: str,
    written: Written,
    keep: tuple[str, ...] = (),
) -> str:
    """Return a query over the records of `source` (`raw`) that yields `keep` and the contract columns, typed.

    `positions`: contract column to its place in a record, which has `width` fields; a column without one is null in
    every row. The query fails with DOUBT at a row that is not good for sure.
    """
    first, *others = (name(column.name) for column in table.columns)
    rows = considered(table, source, positions, width, delimiter=delimiter, written=written, keep=keep)
    checked = f"IF(doubt, {in_doubt(f'a row of {table.name}')}, {first}) AS {first}"
    return f"SELECT {', '.join([*keep, checked, *others])} FROM ({rows})"


def considered(
    table: Table,
    source: str,
    positions: Mapping[str, int],
    width: int,
    *,
    delimiter: str,
    written: Written,
    keep: tuple[str, ...] = (),
) -> str:
    """Return the same query with a column `doubt` more: whether a row is not good for sure. It does not fail."""
    kept = "".join(f"{column}, " for column in keep)
    numbered = list(enumerate(table.columns))
    texts = [f"{_text(column, positions, written)} AS x{i}" for i, column in numbered]
    values = [f"{value(column.type, f'x{i}', written.zone)} AS v{i}" for i, column in numbered]
    carried = ", ".join(f"x{i}" for i, _ in numbered)
    result = ", ".join(f"v{i} AS {name(column.name)}" for i, column in numbered)
    return (
        f"WITH taken AS (SELECT {kept}{fields('raw', delimiter)} AS f FROM {source}),\n"
        f"trimmed AS (SELECT {kept}coalesce(size(f), -1) AS fields, {', '.join(texts)} FROM taken),\n"
        f"typed AS (SELECT {kept}fields, {carried}, {', '.join(values)} FROM trimmed)\n"
        f"SELECT {kept}{result}, {_doubts(table, positions, width)} AS doubt FROM typed"
    )


def _text(column: Column, positions: Mapping[str, int], written: Written) -> str:
    if column.name not in positions:
        return "CAST(NULL AS STRING)"
    source = trimmed(f"get(f, {positions[column.name]})")
    return swapped(source) if written.decimal == "," and column.type in DECIMALS else source


def _doubts(table: Table, positions: Mapping[str, int], width: int) -> str:
    """Whether a row is not good for sure."""
    doubts = [f"fields <> {width}", _again(table, positions)]
    for i, column in enumerate(table.columns):
        doubts += unsure(column.type, f"x{i}", f"v{i}", required=column.required)
        doubts += _out_of_bounds(table, column, f"v{i}")
    return " OR ".join(f"coalesce({doubt}, false)" for doubt in doubts)


def _again(table: Table, positions: Mapping[str, int]) -> str:
    """Whether a row may be the header line once more."""
    place, column = next((i, column) for i, column in enumerate(table.columns) if column.name in positions)
    named = [f"contains(lower(x{place}), {text(spelling.lower())})" for spelling in (column.name, *column.aliases)]
    return f"({' OR '.join(named)})"


def _out_of_bounds(table: Table, column: Column, value: str) -> list[str]:
    conditions = []
    if column.values:
        conditions.append(f"NOT {among(value, column.values)}")
    if column.minimum is not None and column.below_zero_where is None:
        conditions.append(f"{value} < {column.minimum}")
    if column.maximum is not None:
        conditions.append(f"{value} > {column.maximum}")
    if column.below_zero_where is not None:
        other, of_negative = column.below_zero_where
        told = f"v{[each.name for each in table.columns].index(other)} <=> {text(of_negative)}"
        conditions.append(f"({value} < 0) <> ({told})")
    return conditions
