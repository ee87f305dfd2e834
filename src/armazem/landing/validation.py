"""The validation of a batch row as SQL, rendered from the contract. Pure: text in, text out.

Every way of reading a file (`fast`, `exact`, `parquet`) runs the query rendered here, so a row is good or bad in one
place. What one value becomes, and when it is none, is in `values` and `times`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from armazem.contract import Column, ColumnType, RejectCode, Table
from armazem.disk.sql import guarded, sql_name, sql_text
from armazem.landing.times import parts, time
from armazem.landing.values import DECIMALS, TEXTS, malformed, missing, suspect, swapped, trimmed, value

AGAIN = f":{RejectCode.BAD_VALUE}"
"""The problem of a row that is the header once more: no column has it."""

_AROUND_A_NAME = "\ufeff\"' \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Written:
    """How values are written: the decimal separator, and the zone of times without an offset (business time)."""

    decimal: str = "."
    zone: str = "America/Sao_Paulo"


def spellings(table: Table) -> dict[str, str]:
    """Every spelling of a column in a header, in lower case, to the column."""
    return {spelling.lower(): column.name for column in table.columns for spelling in (column.name, *column.aliases)}


def validated(
    table: Table, source: str, columns: Mapping[str, str], *, keep: Sequence[str] = (), written: Written | None = None
) -> str:
    """A query over the rows of `source`, each with its contract columns typed and its first problem.

    `columns` names the VARCHAR column of `source` for each contract column; one without is null in every row. The
    query yields `keep`, the contract columns under their names and types, and `problem`: null for a good row, else
    `column:code` of the first bad column in the order of the contract, or `AGAIN`. It is made of projections only, so
    that DuckDB keeps the order of the rows.
    """
    written = written or Written()
    kept = "".join(f"{sql_name(column)}, " for column in keep)
    numbered = list(enumerate(table.columns))
    times = [i for i, column in numbered if column.type is ColumnType.TIMESTAMP]
    texts = [f"{_text(column, columns, written)} AS x{i}" for i, column in numbered]
    casts = [f"{value(column.type, f'x{i}')} AS {'t' if i in times else 'v'}{i}" for i, column in numbered]
    identifiers = [f"x{i}" for i, column in numbered if column.type is ColumnType.IDENTIFIER]
    casts.append(f"{suspect(identifiers)} AS suspect")
    carried = [f"x{i}" for i, _ in numbered]
    settled = ["suspect", *(f"v{i}" for i, _ in numbered if i not in times)]
    query = (
        f"WITH trimmed AS (SELECT {kept}{', '.join(texts)} FROM {source}),\n"
        f"typed AS (SELECT {kept}{', '.join(carried + casts)} FROM trimmed)"
    )
    if times:
        cast = [f"t{i}" for i in times]
        taken = [f"{parts(f'x{i}', f't{i}')} AS p{i}" for i in times]
        query += f",\nparted AS (SELECT {kept}{', '.join(carried + settled + cast + taken)} FROM typed)"
        timed = [f"{time(f't{i}', f'p{i}', written.zone)} AS v{i}" for i in times]
        query += f",\ntimed AS (SELECT {kept}{', '.join(carried + settled + timed)} FROM parted)"
    result = ", ".join(f"v{i} AS {sql_name(column.name)}" for i, column in numbered)
    return (
        f"{query}\nSELECT {kept}{result},\n{_problem(table, columns)} AS problem\nFROM {'timed' if times else 'typed'}"
    )


def _text(column: Column, columns: Mapping[str, str], written: Written) -> str:
    if column.name not in columns:
        return "CAST(NULL AS VARCHAR)"
    text = trimmed(sql_name(columns[column.name]))
    return swapped(text) if written.decimal == "," and column.type in DECIMALS else text


def _problem(table: Table, columns: Mapping[str, str]) -> str:
    cases = [f"WHEN {_again(table, columns)} THEN {sql_text(AGAIN)}"]
    cases += [
        f"WHEN {condition} THEN {sql_text(f'{column.name}:{code}')}"
        for i, column in enumerate(table.columns)
        for condition, code in [*_rules(column, f"x{i}", f"v{i}"), *_signs(table, column, f"v{i}")]
    ]
    return "CASE " + "\n".join(cases) + " END"


def _again(table: Table, columns: Mapping[str, str]) -> str:
    """Whether a row is the header line once more, as in files that were put together from several."""
    known = ", ".join(sql_text(spelling) for spelling in spellings(table))
    places = [i for i, column in enumerate(table.columns) if column.name in columns]
    first = table.columns[places[0]]
    likely = " OR ".join(f"contains(lower(x{places[0]}), {sql_text(n.lower())})" for n in (first.name, *first.aliases))
    named = [f"list_contains([{known}], lower(trim(x{i}, {sql_text(_AROUND_A_NAME)})))" for i in places]
    return guarded(likely, f"({' AND '.join(named)})")


def _rules(column: Column, text: str, value: str) -> list[tuple[str, RejectCode]]:
    """What makes the column bad, in the order of checking: (condition, code)."""
    rules: list[tuple[str, RejectCode]] = []
    if column.required:
        rules.append((missing(column.type, text, value), RejectCode.MISSING_FIELD))
    bad = malformed(column.type, text, value, "suspect")
    if bad:
        code = {
            ColumnType.IDENTIFIER: RejectCode.BAD_IDENTIFIER,
            ColumnType.TIMESTAMP: RejectCode.BAD_TIMESTAMP,
        }.get(column.type, RejectCode.WRONG_TYPE)
        rules.append((bad, code))
    if column.values:
        allowed = ", ".join(sql_text(allowed) for allowed in column.values)
        checked = value if column.type in TEXTS else text
        # DuckDB turns a long IN list into a join, and behind a join rows are no longer in the order of the file.
        rules.append((f"NOT list_contains([{allowed}], {checked})", RejectCode.BAD_VALUE))
    if column.minimum is not None and column.below_zero_where is None:
        amount = column.type is ColumnType.MONEY and column.minimum == 0
        code = RejectCode.NEGATIVE_AMOUNT if amount else RejectCode.BAD_VALUE
        rules.append((f"{value} < {column.minimum}", code))
    if column.maximum is not None:
        rules.append((f"{value} > {column.maximum}", RejectCode.BAD_VALUE))
    return rules


def _signs(table: Table, column: Column, value: str) -> list[tuple[str, RejectCode]]:
    """The same of an amount whose sign another column tells."""
    if column.below_zero_where is None:
        return []
    other, of_negative = column.below_zero_where
    told = f"v{[each.name for each in table.columns].index(other)} IS NOT DISTINCT FROM {sql_text(of_negative)}"
    return [
        (f"{value} < 0 AND NOT ({told})", RejectCode.NEGATIVE_AMOUNT),
        (f"{value} >= 0 AND {told}", RejectCode.BAD_VALUE),
    ]
