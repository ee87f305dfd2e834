"""The records of a file of lines as Spark SQL: its lines, their fields, their order. Pure: text in, text out.

`landing.tokenizer` says what a record is; this takes apart those that are written as RFC 4180 has it, and nothing
else: any other is a doubt. A line without a quote is split; one with quotes has them around whole fields. Spark's own
reader of CSV is not used, as it makes values of what the tokenizer refuses.
"""

from __future__ import annotations

import re

from armazem.landing.tokenizer import MAX_RECORD
from armazem.spark.sql import full_match, text

DOUBT = "armazem is in doubt: "
"""What the message of an error begins with that says that Spark cannot read a file for sure."""

_END = "\r"
# monotonically_increasing_id(): its lower bits count the rows of a partition, and each partition is one block.
_PLACE = "(monotonically_increasing_id() & 8589934591)"


def single_lines(source: str) -> str:
    """Return a query for the records of `source`, a view of lines (`value`, `block`), of which none goes over a line.

    It yields `block`, `place` (in the block, from 0; a header line counts too) and `raw`, without empty lines.
    """
    lines = f"SELECT block, trim(TRAILING {text(_END)} FROM value) AS raw FROM {source}"
    return f"SELECT block, {_PLACE} AS place, raw FROM ({lines}) WHERE raw <> ''"


def joined_lines(source: str) -> str:
    """Return the same for a file in which quoted fields may have line breaks. It is worked on by one task.

    While the quotes so far are odd in number, a field is open: so it is in records written as `fields` takes them.
    """
    counted = f"""SELECT block + {_PLACE} AS at, value,
        length(value) - length(replace(value, '"', '')) AS quotes, octet_length(value) + 1 AS size FROM {source}"""
    summed = f"""SELECT *, sum(quotes) OVER (ORDER BY at) - quotes AS before, sum(size) OVER (ORDER BY at) AS upto
        FROM ({counted})"""
    begun = f"""SELECT at, value, upto, max(IF(before % 2 = 0, at, NULL)) OVER (ORDER BY at) AS record,
        max(IF(before % 2 = 0, upto - size, NULL)) OVER (ORDER BY at) AS since FROM ({summed})"""
    # A quote that is never closed takes all the rest: to be seen before that is put together.
    held = f"""SELECT at, record, IF(upto - since > {MAX_RECORD}, {in_doubt("a record is too large")}, value) AS value
        FROM ({begun})"""
    whole = f"""SELECT record, array_join(transform(sort_array(collect_list(struct(at, value))), x -> x.value), '\n')
        AS raw FROM ({held}) GROUP BY record"""
    lines = f"SELECT record, trim(TRAILING {text(_END)} FROM raw) AS raw FROM ({whole})"
    return f"""SELECT 0L AS block, row_number() OVER (ORDER BY record) - 1L AS place, raw
        FROM ({lines}) WHERE raw <> ''"""


def fields(raw: str, delimiter: str) -> str:
    """Return the fields of a record as an array; null where it is not written strictly."""
    between = re.escape(delimiter)
    # Possessive: Java goes into recursion for others, and a long field would be the end of its stack.
    field = f'"[^"]*+(?:""[^"]*+)*+"|[^"{between}\r\n]*+'
    strict = full_match(raw, f"(?:{field})(?:{between}(?:{field}))*+")
    # With a delimiter in front each field begins with one, so that none is skipped as empty.
    all_of_them = f"regexp_extract_all(concat({text(delimiter)}, {raw}), {text(f'{between}({field})')}, 1)"
    plain = "IF(startswith(x, '\"'), replace(substr(x, 2, length(x) - 2), '\"\"', '\"'), x)"
    return (
        f"CASE WHEN octet_length({raw}) > {MAX_RECORD} - 2 THEN NULL "
        f"WHEN contains({raw}, '\"') THEN IF({strict}, transform({all_of_them}, x -> {plain}), NULL) "
        f"WHEN contains({raw}, {text(_END)}) THEN NULL "
        f"ELSE split({raw}, {text(between)}, -1) END"
    )


def in_doubt(why: str) -> str:
    """Return an expression that ends the job: the file is not one that Spark can read for sure."""
    return f"raise_error({text(DOUBT + why)})"
