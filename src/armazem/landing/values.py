"""One value of a batch file as SQL, by the type of its column: what it becomes, and when it is none. Pure.

Each condition is "cheap and sufficient, else the exact expression" (`sql.guarded`): a text compared with the text of
its cast is three times cheaper than a regular expression.
"""

from __future__ import annotations

from collections.abc import Sequence

from armazem.contract import ColumnType
from armazem.contract.amounts import tolerance
from armazem.contract.identifiers import FLOAT_PATTERN, MAX_IDENTIFIER, re2_class
from armazem.contract.nulls import NULL_WORDS
from armazem.contract.render import DUCKDB_TYPES
from armazem.disk.sql import guarded, sql_text

WHITESPACE = " \t\n\v\f\r"

# Types whose values stay the text that they are.
TEXTS = {ColumnType.IDENTIFIER, ColumnType.TEXT, ColumnType.ZIP}
# Types whose values may have a decimal separator.
DECIMALS = {ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.MONEY, ColumnType.FLOAT}

_INTEGER = r"[+-]?[0-9]+(\.0*)?"
_DECIMAL = r"[+-]?([0-9]+(\.[0-9]{{0,{scale}}}0*)?|\.[0-9]{{1,{scale}}}0*)"
# Also what is left of a sum that should be 0: 2.7755575615628914e-17.
_REMAINDER = r"[+-]?([0-9]+\.[0-9]+|\.[0-9]+|[0-9](\.[0-9]+)?[eE]-[0-9]{1,3})"
_LARGEST_DOUBLE = "1.7976931348623157e308"

_WORDS = ", ".join(sql_text(word) for word in ("", *sorted(NULL_WORDS)))
# Between these, in the order of bytes, lies no such word in any case: to compare is far cheaper than to look it up.
_NEVER_NULL = (("o", "~"), ("01", ":"), ("a", "n"), ("O", "["), ("A", "N"))
# As str.strip() has it: what surrounds a null word.
BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
# Printable ASCII without white space, and without the plus of a number that a spreadsheet shortened.
_UNSUSPECTED = "[^!-*,-~]"


def trimmed(column: str) -> str:
    """The text without the white space around it, null where nothing is left."""
    # trim() costs 20 times as much as a look at the first and the last character.
    return (
        f"CASE WHEN {column} > '!' AND {column}[-1] > ' ' THEN {column} "
        f"ELSE nullif(trim({column}, {sql_text(WHITESPACE)}), '') END"
    )


def swapped(text: str) -> str:
    """A number written with a decimal comma as one with a point; one with a point becomes one that nobody accepts."""
    return f"translate({text}, ',.', '.,')"


def means_null(text: str) -> str:
    """Whether a trimmed text is a word that means null."""
    # White space beyond ASCII stays around values, but around such a word it hides nothing.
    return f"list_contains([{_WORDS}], lower(trim({text}, {sql_text(BLANKS)})))"


def value(kind: ColumnType, text: str) -> str:
    """The value of a trimmed text, null where there is none; of a time only the cast, see `times`."""
    if kind in TEXTS:
        plain = " OR ".join(f"{text} BETWEEN '{first}' AND '{last}'" for first, last in _NEVER_NULL)
        return f"CASE WHEN {plain} THEN {text} WHEN {means_null(text)} THEN NULL ELSE {text} END"
    cast = f"try_cast({text} AS {DUCKDB_TYPES[kind]})"
    return f"nullif({cast}, CAST('nan' AS DOUBLE))" if kind is ColumnType.FLOAT else cast


def missing(kind: ColumnType, text: str, value: str) -> str:
    """Whether a text has no value because it says so."""
    if kind in TEXTS:
        return f"{value} IS NULL"
    return guarded(f"{value} IS NULL", f"({text} IS NULL OR {means_null(text)})")


def suspect(identifiers: Sequence[str]) -> str:
    """Whether one of the identifiers needs a closer look: one test for all of a row, because each costs the same."""
    return f"regexp_matches(concat({', '.join(identifiers)}), {sql_text(_UNSUSPECTED)})" if identifiers else "false"


def malformed(kind: ColumnType, text: str, value: str, suspect: str) -> str:
    """The condition under which a text is no value of the type; empty if any text is. It may be null.

    `suspect`: the column that `suspect` became.
    """
    if kind is ColumnType.IDENTIFIER:
        bad = f"length({value}) > {MAX_IDENTIFIER} OR regexp_matches({value}, {sql_text(re2_class())})"
        dear = f"({bad} OR {_match(value, FLOAT_PATTERN)})"
        return guarded(f"strlen({value}) > {MAX_IDENTIFIER} OR {suspect}", dear)
    if kind in TEXTS:
        return ""
    nothing = guarded(f"{text} IS NOT NULL", f"NOT {means_null(text)}")
    return f"CASE WHEN {value} IS NULL THEN {nothing} ELSE {_inexact(kind, text, value)} END"


def _inexact(kind: ColumnType, text: str, value: str) -> str:
    """Whether a text that has a cast is not written as it must be."""
    match kind:
        case ColumnType.INTEGER:
            # The casts round, so the text must also be written like an exact number.
            return guarded(f"CAST({value} AS VARCHAR) <> {text}", f"NOT {_match(text, _INTEGER)}")
        case ColumnType.NUMBER:
            return _inexact_decimal(text, value, 3)
        case ColumnType.MONEY:
            return _inexact_decimal(text, value, 2)
        case ColumnType.FLOAT:
            # DuckDB reads 1_000 as 1000, and inf as a double.
            return f"contains({text}, '_') OR NOT ({value} BETWEEN -{_LARGEST_DOUBLE} AND {_LARGEST_DOUBLE})"
        case _:
            return f"{value} < TIMESTAMP '0001-01-01' OR {value} >= TIMESTAMP '10000-01-01'"


def _inexact_decimal(text: str, value: str, scale: int) -> str:
    near = (
        f"coalesce({_match(text, _REMAINDER)} AND "
        f"abs(try_cast({text} AS DECIMAL(38,20)) - {value}) <= {tolerance(scale):f}, false)"
    )
    exact = _match(text, _DECIMAL.format(scale=scale))
    return guarded(f"CAST({value} AS VARCHAR) <> {text}", guarded(f"NOT {exact}", f"NOT ({near})"))


def _match(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {sql_text(pattern)})"
