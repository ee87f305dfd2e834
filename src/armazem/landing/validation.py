"""The validation of a batch row as SQL, rendered from the contract. Pure: text in, text out.

Both ways of reading a file (`fast` and `exact`) run the query rendered here, so a row is good or bad in
one place. Each condition is written as "cheap and sufficient, else the exact expression": DuckDB evaluates
the right side of AND and OR inside a CASE condition only for rows that the left side leaves undecided, and
a text compared with the text of its cast is three times cheaper than a regular expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from armazem.contract import Column, ColumnType, RejectCode, Table
from armazem.contract.identifiers import MAX_IDENTIFIER
from armazem.contract.render import DUCKDB_TYPES

WHITESPACE = " \t\n\v\f\r"

# Types whose values stay the text that they are.
_TEXTS = {ColumnType.IDENTIFIER, ColumnType.TEXT, ColumnType.ZIP}
_INTEGER = r"[+-]?[0-9]+(\.0*)?"
_DECIMAL = r"[+-]?([0-9]+(\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{1,{scale}}}0*)"
_TIMESTAMP = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?)?"
_IDENTIFIER = rf"[^\s\x0b\x{{85}}\p{{Z}}]{{1,{MAX_IDENTIFIER}}}"
_LARGEST_DOUBLE = "1.7976931348623157e308"


def quoted(text: str) -> str:
    """The text as an SQL string literal. Control characters are spelt chr(n), so a query stays printable."""
    parts: list[str] = []
    plain = ""
    for character in text:
        if character.isprintable():
            plain += character.replace("'", "''")
            continue
        parts += [f"'{plain}'"] if plain else []
        parts.append(f"chr({ord(character)})")
        plain = ""
    if plain or not parts:
        parts.append(f"'{plain}'")
    return " || ".join(parts) if len(parts) == 1 else "(" + " || ".join(parts) + ")"


def name(identifier: str) -> str:
    """The identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def validated(table: Table, source: str, columns: Mapping[str, str], *, keep: Sequence[str] = ()) -> str:
    """A query over the rows of `source`, each with its contract columns typed and its first problem.

    `columns` names the VARCHAR column of `source` for each contract column. The query yields `keep`, the
    contract columns under their names and types, and `problem`: null for a good row, else
    `column:code` of the first bad column in the order of the contract. It is made of projections only, so
    that DuckDB keeps the order of the rows.
    """
    kept = [name(column) for column in keep]
    texts = [f"{_trimmed(name(columns[c.name]))} AS x{i}" for i, c in enumerate(table.columns)]
    values = [f"{_value(c, f'x{i}')} AS v{i}" for i, c in enumerate(table.columns)]
    result = [f"v{i} AS {name(c.name)}" for i, c in enumerate(table.columns)]
    carried = [f"x{i}" for i in range(len(table.columns))]
    return (
        f"WITH trimmed AS (SELECT {', '.join(kept + texts)} FROM {source}),\n"
        f"typed AS (SELECT {', '.join(kept + carried + values)} FROM trimmed)\n"
        f"SELECT {', '.join(kept + result)},\n{_problem(table)} AS problem\nFROM typed"
    )


def _trimmed(column: str) -> str:
    # trim() costs 20 times as much as a look at the first and the last character.
    return (
        f"CASE WHEN ascii({column}) > 32 AND {column}[-1] > ' ' THEN {column} "
        f"ELSE nullif(trim({column}, {quoted(WHITESPACE)}), '') END"
    )


def _value(column: Column, text: str) -> str:
    if column.type in _TEXTS:
        return text
    return f"try_cast({text} AS {DUCKDB_TYPES[column.type]})"


def _problem(table: Table) -> str:
    cases = [
        f"WHEN {condition} THEN {quoted(f'{column.name}:{code}')}"
        for i, column in enumerate(table.columns)
        for condition, code in [*_rules(column, f"x{i}", f"v{i}"), *_signs(table, column, f"v{i}")]
    ]
    return "CASE " + "\n".join(cases) + " END" if cases else "CAST(NULL AS VARCHAR)"


def _rules(column: Column, text: str, value: str) -> list[tuple[str, RejectCode]]:
    """What makes the column bad, in the order of checking: (condition, code)."""
    rules: list[tuple[str, RejectCode]] = []
    if column.required:
        rules.append((f"{text} IS NULL", RejectCode.MISSING_FIELD))
    malformed = _malformed(column.type, text, value)
    if malformed:
        code = {
            ColumnType.IDENTIFIER: RejectCode.BAD_IDENTIFIER,
            ColumnType.TIMESTAMP: RejectCode.BAD_TIMESTAMP,
        }.get(column.type, RejectCode.WRONG_TYPE)
        rules.append((f"{text} IS NOT NULL AND ({malformed})", code))
    if column.values:
        allowed = ", ".join(quoted(allowed) for allowed in column.values)
        # DuckDB turns a long IN list into a join, and behind a join rows are no longer in the order of the file.
        rules.append((f"NOT list_contains([{allowed}], {text})", RejectCode.BAD_VALUE))
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
    told = f"x{[each.name for each in table.columns].index(other)} IS NOT DISTINCT FROM {quoted(of_negative)}"
    return [
        (f"{value} < 0 AND NOT ({told})", RejectCode.NEGATIVE_AMOUNT),
        (f"{value} >= 0 AND {told}", RejectCode.BAD_VALUE),
    ]


def _malformed(kind: ColumnType, text: str, value: str) -> str:
    """The condition under which a text that is not null is no value of the type; empty if any text is."""
    match kind:
        case ColumnType.IDENTIFIER:
            spaces = " OR ".join(f"contains({text}, {quoted(space)})" for space in WHITESPACE)
            # Pure ASCII (as many bytes as characters), short and without spaces needs no second look.
            suspect = f"strlen({text}) > {MAX_IDENTIFIER} OR strlen({text}) <> length({text}) OR {spaces}"
            return f"({suspect}) AND {_no_match(text, _IDENTIFIER)}"
        case ColumnType.INTEGER:
            return _inexact(text, value, _INTEGER)
        case ColumnType.NUMBER:
            return _inexact(text, value, _DECIMAL.format(scale=3))
        case ColumnType.MONEY:
            return _inexact(text, value, _DECIMAL.format(scale=2))
        case ColumnType.FLOAT:
            # DuckDB reads 1_000 as 1000, and nan and inf as doubles; nan sorts above every number.
            finite = f"{value} BETWEEN -{_LARGEST_DOUBLE} AND {_LARGEST_DOUBLE}"
            return f"{value} IS NULL OR contains({text}, '_') OR NOT ({finite})"
        case ColumnType.TIMESTAMP:
            # The cast drops offsets, takes 24:00 and year 0, and reads 'infinity'.
            written = f"strlen({text}) = 19 AND CAST({value} AS VARCHAR) = {text}"
            return (
                f"{value} IS NULL OR {value} < TIMESTAMP '0001-01-01' OR "
                f"(CASE WHEN {written} THEN false ELSE {_no_match(text, _TIMESTAMP)} END)"
            )
        case ColumnType.TEXT | ColumnType.ZIP:
            return ""


def _inexact(text: str, value: str, pattern: str) -> str:
    # The casts round (1.239 as money is 1.24), so the text must also be written like an exact number.
    return f"{value} IS NULL OR (CAST({value} AS VARCHAR) <> {text} AND {_no_match(text, pattern)})"


def _no_match(text: str, pattern: str) -> str:
    return f"NOT regexp_full_match({text}, {quoted(pattern)})"
