"""One value of a batch file as Spark SQL: what it becomes, and when that is sure. Pure.

The landing's SQL (`landing.values`, `landing.times`) says what a value is; this says it for the forms in which files
write nearly all values, so that both come to the same value. Every other text is a doubt and not a reject: the file is
then read by the landing's own reader. So what is narrower here costs time, and what were wider would be wrong.
"""

from __future__ import annotations

from armazem.contract import ColumnType
from armazem.contract.amounts import tolerance
from armazem.contract.identifiers import FLOAT_PATTERN, INVISIBLE, MAX_IDENTIFIER
from armazem.contract.nulls import NULL_WORDS
from armazem.landing.values import BLANKS, TEXTS, WHITESPACE
from armazem.spark.sql import among, full_match, text

T = ColumnType

SPARK_TYPES = {
    T.IDENTIFIER: "STRING",
    T.TEXT: "STRING",
    T.ZIP: "STRING",
    T.INTEGER: "BIGINT",
    T.NUMBER: "DECIMAL(18,3)",
    T.MONEY: "DECIMAL(18,2)",
    T.FLOAT: "DOUBLE",
    T.TIMESTAMP: "TIMESTAMP_NTZ",
}

_SCALES = {T.NUMBER: 3, T.MONEY: 2}
# Shorter than what the types hold: beyond it the two databases need not agree on what still is a number.
_INTEGER = r"[+-]?[0-9]{1,18}(\.0{1,18})?"
_FLOAT = r"[+-]?[0-9]{1,17}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?"
_REMAINDER = r"[+-]?[0-9]{1,9}\.[0-9]{1,19}"
# A leap second, a seventh digit of a second and a year of which zones are in dispute are left to the reader.
_TIME = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ Tt]((?:[01][0-9]|2[0-3]):[0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,6}))?)?"
    r"(?: ?(Z|z|UTC|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?)?"
)
_TIME_FORM = rf"\A(?:{_TIME})\z"
_PARTS = (
    ("day", ""),
    ("clock", "00:00"),
    ("second", "00"),
    ("fraction", "0"),
    ("zone", ""),
)  # and what they are if none
_PLAIN_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_ZONES_AGREE = ("1970-01-02", "2037-12-31")
_HIDDEN = "[" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in INVISIBLE) + "]"


def trimmed(column: str) -> str:
    """Return the text without the white space around it, null where nothing is left."""
    return f"nullif(trim(BOTH {text(WHITESPACE)} FROM {column}), '')"


def swapped(value: str) -> str:
    """Return a number with a decimal comma as one with a point, and the other way round."""
    return f"translate({value}, ',.', '.,')"


def means_null(value: str) -> str:
    """Return whether a trimmed text is null, or a word that means it."""
    words = among(f"lower(trim(BOTH {text(BLANKS)} FROM {value}))", sorted(NULL_WORDS | {""}))
    return f"({value} IS NULL OR {words})"


def value(kind: ColumnType, source: str, zone: str) -> str:
    """Return the value of a trimmed text; null where it means null, and where it is not sure.

    `zone`: the name of business time.
    """
    if kind in TEXTS:
        return f"IF({means_null(source)}, NULL, {source})"
    if kind is T.TIMESTAMP:
        return _time(source, zone)
    form = {T.INTEGER: _INTEGER, T.FLOAT: _FLOAT}.get(kind) or _decimal(kind)
    digits = f"regexp_extract({source}, '^[+-]?[0-9]+', 0)" if kind is T.INTEGER else source
    cast = f"try_cast({digits} AS {SPARK_TYPES[kind]})"
    if kind in _SCALES:
        near = f"{full_match(source, _REMAINDER)} AND {_near(kind, source, cast)}"
        return f"CASE WHEN {full_match(source, form)} THEN {cast} WHEN {near} THEN {cast} END"
    return f"IF({full_match(source, form)}, {cast}, NULL)"


def unsure(kind: ColumnType, source: str, value: str, *, required: bool) -> list[str]:
    """Return the conditions under which the value of a trimmed text is in doubt, or missing."""
    if kind in TEXTS:
        doubts = [f"{value} IS NULL"] if required else []
        if kind is T.IDENTIFIER:
            # The first is cheap and enough for nearly all.
            plain = f"length({value}) <= {MAX_IDENTIFIER} AND {full_match(value, '[!-*,-~]*')}"
            hidden = f"{value} RLIKE {text(_HIDDEN)} OR {full_match(value, FLOAT_PATTERN)}"
            doubts.append(f"NOT ({plain}) AND (length({value}) > {MAX_IDENTIFIER} OR {hidden})")
        return doubts
    return [f"{value} IS NULL" if required else f"{value} IS NULL AND NOT {means_null(source)}"]


def _decimal(kind: ColumnType) -> str:
    scale = _SCALES[kind]
    return rf"[+-]?[0-9]{{1,{17 - scale}}}(\.[0-9]{{0,{scale}}}0{{0,18}})?"


def _near(kind: ColumnType, source: str, cast: str) -> str:
    """Whether a number is within the remainder of a sum of doubles of an amount, for sure: the bound itself is none."""
    return f"abs(try_cast({source} AS DECIMAL(30,20)) - {cast}) < {tolerance(_SCALES[kind]):f}BD"


def _time(source: str, zone: str) -> str:
    """The naive business time of a text: of one that is written as most are at once, of others by their parts."""
    plain = f"IF(startswith({source}, '0000'), NULL, try_cast({source} AS TIMESTAMP_NTZ))"
    parts = ", ".join(
        f"'{name}', coalesce(nullif(regexp_extract(t, {text(_TIME_FORM)}, {number}), ''), {text(otherwise)})"
        for number, (name, otherwise) in enumerate(_PARTS, start=1)
    )
    digits = "replace(p.zone, ':', '')"
    minutes = (
        "IF(upper(p.zone) IN ('', 'Z', 'UTC'), 0, IF(startswith(p.zone, '-'), -1, 1) * "
        f"(cast(substr({digits}, 2, 2) AS INT) * 60 + coalesce(try_cast(substr({digits}, 4, 2) AS INT), 0)))"
    )
    whole = "try_cast(concat(p.day, ' ', p.clock, ':', p.second, '.', p.fraction) AS TIMESTAMP_NTZ)"
    taken = f"named_struct('zone', p.zone, 'minutes', {minutes}, 'whole', {whole})"
    first, last = (f"TIMESTAMP_NTZ {text(day)}" for day in _ZONES_AGREE)
    here = f"convert_timezone('UTC', {text(zone)}, timestampadd(MINUTE, -w.minutes, w.whole))"
    moment = (
        f"CASE WHEN w.zone <> '' THEN IF(w.whole BETWEEN {first} AND {last}, {here}, NULL) "
        "WHEN w.whole >= TIMESTAMP_NTZ '0001-01-01' THEN w.whole END"
    )
    # Names for what is used several times: written out each time, Spark takes half a minute to compile it.
    by_parts = _for_it("t", source, _for_it("p", f"named_struct({parts})", _for_it("w", taken, moment)))
    return (
        f"CASE WHEN {source} IS NULL THEN NULL WHEN {full_match(source, _PLAIN_TIME)} THEN {plain} "
        f"WHEN {full_match(source, _TIME)} THEN {by_parts} END"
    )


def _for_it(called: str, value: str, expression: str) -> str:
    """An expression in which a value has a name."""
    return f"get(transform(array({value}), {called} -> {expression}), 0)"
