"""Times of requests, in whatever type and form they come, as naive business time; and midnights of that as instants."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from armazem.errors import FeatureError
from armazem.landing.times import parts, time

if TYPE_CHECKING:
    from armazem.features.requests import Requests

_US = pa.timestamp("us")
_TRIED = "select number, text, try_cast(text as timestamp) as plain from (select number, trim(text) as text from given)"


def times_of(requests: Requests, column: str, zone: str) -> pa.Array:
    """Return a column of times as timestamp[us] of business time, whose `zone` this is; those without an offset are.

    Texts are read as times of batch files are. Raises FeatureError at the first one that is no time, or is missing.
    """
    given = requests.table[column].combine_chunks()
    if pa.types.is_dictionary(given.type):
        given = given.dictionary_decode()
    if pa.types.is_timestamp(given.type):
        local = given if given.type.tz is None else pc.local_timestamp(given.cast(pa.timestamp(given.type.unit, zone)))
        found = pc.floor_temporal(local, unit="microsecond").cast(_US, safe=False)
    elif pa.types.is_date(given.type):
        found = given.cast(pa.date32()).cast(_US)
    elif pa.types.is_string(given.type) or pa.types.is_large_string(given.type) or pa.types.is_null(given.type):
        found = _parsed(given.cast(pa.string()), zone)
    else:
        raise FeatureError(
            f"{requests.name}: column {column} holds {given.type}, no times",
            "make it a timestamp, a date, or a text such as 2018-08-29 10:30:00",
        )
    if found.null_count:
        row = pc.index(pc.is_null(found), True).as_py()
        value = given[row].as_py()
        raise FeatureError(
            f"{requests.place(row)}: column {column} " + (f"has no time: {value!r}" if value else "is empty"),
            "write times as 2018-08-29 10:30:00, with Z or -03:00 behind them where they are not business time",
        )
    return found


def midnights(days: pa.Array, zone: str) -> pa.Array:
    """Return the moments at which days (date32) begin, timestamp[us] in UTC.

    Where the clock goes from one day's last second to 01:00, as in São Paulo until 2018, a day begins then.
    """
    local = pc.assume_timezone(days.cast(_US), zone, ambiguous="earliest", nonexistent="latest")
    return local.cast(pa.timestamp("us", "UTC"))


def _parsed(texts: pa.Array, zone: str) -> pa.Array:
    taken = f"select number, plain, {parts('text', 'plain')} as part from tried"
    sql = f"with tried as ({_TRIED}), taken as ({taken}) select {time('plain', 'part', zone)} as at from taken"
    with closing(duckdb.connect()) as connection:
        connection.register("given", pa.table({"number": pa.array(range(len(texts))), "text": texts}))
        found = connection.execute(f"{sql} order by number").to_arrow_table()
    return found["at"].combine_chunks().cast(_US)
