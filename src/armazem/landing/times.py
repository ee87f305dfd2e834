"""Times of a batch file as SQL: the forms that are understood, and what they become in business time. Pure.

What databases and programs write: `2018-01-02 03:04:05`, with `T`, without seconds or without a time of day; with any
number of digits of a second, rounded to six; with `Z`, ` UTC`, `+00`, `-0300` or `-03:00` behind it. A leap
second, 23:59:60 as it is written or in UTC, is the second after it.
"""

from __future__ import annotations

from armazem.disk.sql import sql_text

_CLOCK = r"((?:[01][0-9]|2[0-3]):[0-5][0-9])(?::([0-5][0-9]|60)(?:\.([0-9]+))?)?"
_ZONE = r"(?: ?(Z|z|UTC|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?"
FORM = rf"^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:[ Tt]{_CLOCK}{_ZONE})?$"
_PARTS = "['day', 'clock', 'second', 'fraction', 'zone']"


def parts(text: str, cast: str) -> str:
    """The parts of a time that is not written like its own cast; null for one that is: then the cast is right.

    A cast alone will not do: it drops offsets, takes 24:00 and year 0, and reads 'infinity'. But to compare is three
    times cheaper than to take apart, and most files write their times so.
    """
    plain = f"strlen({text}) = 19 AND CAST({cast} AS VARCHAR) = {text}"
    return f"CASE WHEN {plain} THEN NULL ELSE regexp_extract({text}, {sql_text(FORM)}, {_PARTS}) END"


def time(cast: str, part: str, zone: str) -> str:
    """The naive business time of what `parts` took apart, null where that is no time. `zone`: its name."""
    second = f"CASE {part}.second WHEN '' THEN '00' WHEN '60' THEN '59' ELSE {part}.second END"
    clock = f"CASE {part}.clock WHEN '' THEN '00:00' ELSE {part}.clock END"
    whole = f"try_cast({part}.day || ' ' || ({clock}) || ':' || ({second}) AS TIMESTAMP)"
    # Half up on the seventh digit, as the reader of events rounds.
    rounded = f"(CAST(rpad({part}.fraction[:7], 7, '0') AS BIGINT) + 5) // 10"
    more = f"to_microseconds({rounded} + CASE {part}.second WHEN '60' THEN 1000000 ELSE 0 END)"
    minutes = (
        f"CAST({part}.zone[1] || '1' AS BIGINT) * (CAST({part}.zone[2:3] AS BIGINT) * 60 "
        f"+ coalesce(try_cast(replace({part}.zone[4:], ':', '') AS BIGINT), 0))"
    )
    offset = f"CASE WHEN {part}.zone IN ('Z', 'z', 'UTC') THEN 0 ELSE {minutes} END"
    utc = f"{whole} + {more} - to_minutes({offset})"
    leap = (
        f"CASE WHEN {part}.clock = '23:59' THEN true WHEN {part}.zone = '' THEN false "
        f"ELSE strftime({utc}, '%H:%M') = '00:00' END"
    )
    return (
        f"CASE WHEN {part} IS NULL THEN {cast} WHEN {part}.day = '' THEN NULL "
        f"WHEN {part}.second = '60' AND NOT ({leap}) THEN NULL "
        f"WHEN {part}.zone = '' THEN {whole} + {more} ELSE timezone({sql_text(zone)}, timezone('UTC', {utc})) END"
    )
