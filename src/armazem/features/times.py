"""Times of requests, in whatever type and form they come, as naive business time; and midnights of that as instants."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from armazem.errors import FeatureError
from armazem.landing.times import FORM, parts, time

if TYPE_CHECKING:
    from armazem.features.requests import Requests

_US = pa.timestamp("us")
_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _END_DAY = (date.min - _EPOCH).days, (date.max - _EPOCH).days + 1
_FORM = re.compile(FORM)
_TRIED = "select number, text, try_cast(text as timestamp) as plain from (select number, trim(text) as text from given)"


def times_of(requests: Requests, column: str, zone: str) -> pa.Array:
    """Return a column of times as timestamp[us] of business time, whose `zone` this is; those without an offset are.

    Texts are read as times of batch files are. Raises FeatureError at the first one that is no time, is missing, or
    lies outside of the years 1 to 9999.
    """
    given = requests.table[column].combine_chunks()
    if pa.types.is_dictionary(given.type):
        given = given.dictionary_decode()
    if pa.types.is_timestamp(given.type) or pa.types.is_date(given.type):
        texts, read = None, _local(given, zone)
    elif _is_text(given.type):
        texts = given.cast(pa.string())
        read = _parsed(texts, zone)
    else:
        raise FeatureError(
            f"{requests.name}: column {column} holds {given.type}, no times",
            "make it a timestamp, a date, or a text such as 2018-08-29 10:30:00",
        )
    found = _in_calendar(read)
    if found.null_count:
        row = pc.index(pc.is_null(found), True).as_py()
        value = given[row].as_py() if texts is not None else _told(given, row)
        if value and (texts is None or read[row].is_valid):
            raise FeatureError(
                f"{requests.place(row)}: column {column} is out of range: {value}", "times are of the years 1 to 9999"
            )
        raise FeatureError(
            f"{requests.place(row)}: column {column} " + (f"has no time: {value!r}" if value else "is empty"),
            "write times as 2018-08-29 10:30:00, with Z or -03:00 behind them where they are not business time",
        )
    return found


def time_of(text: str, zone: ZoneInfo) -> datetime:
    """Return a text as naive business time, as `times_of` reads texts.

    Raises ValueError where it is no time, OverflowError where that lies outside of the years 1 to 9999.
    """
    found = _FORM.fullmatch(text.strip(" "))
    if found is None:
        raise ValueError(f"{text!r} is no time")
    day, clock, second, fraction, offset = (part or "" for part in found.groups())
    leaps = second == "60"
    read = datetime.fromisoformat(f"{day} {clock or '00:00'}:{'59' if leaps else second or '00'}")
    # Half up on the seventh digit, as the reader of events rounds.
    read += timedelta(microseconds=(int(f"{fraction[:7]:0<7}") + 5) // 10, seconds=leaps)
    if not offset:
        utc = None
    elif offset in ("Z", "z", "UTC"):
        utc = read
    else:
        minutes = int(offset[1:3]) * 60 + int(offset[3:].strip(":") or 0)
        utc = read - timedelta(minutes=-minutes if offset[0] == "-" else minutes)
    if leaps and clock != "23:59" and (utc is None or (utc.hour, utc.minute) != (0, 0)):
        raise ValueError(f"{text!r} has no leap second")
    return read if utc is None else utc.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


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


def _local(given: pa.Array, zone: str) -> pa.Array:
    """Return timestamps and dates as timestamp[us] of business time; null where that cannot hold them."""
    if not pa.types.is_timestamp(given.type):
        unit = "s" if given.type == pa.date32() else "ms"
        return _in_calendar(given).cast(pa.timestamp(unit)).cast(_US)
    near = _in_calendar(given, spare=1)  # of UTC it may be another day
    if given.type.tz is not None:
        near = pc.local_timestamp(near.cast(pa.timestamp(given.type.unit, zone)))
    if given.type.unit == "ns":
        near = pc.floor_temporal(near, unit="microsecond")
    return near.cast(_US, safe=False)


def _in_calendar(times: pa.Array, spare: int = 0) -> pa.Array:
    """Return timestamps or dates; null where one lies outside of the years 1 to 9999, and `spare` days around them."""
    if times.type == pa.date32():
        numbers, per_day = times.cast(pa.int32()).cast(pa.int64()), 1
    else:
        per_day = _PER_DAY["ms" if pa.types.is_date(times.type) else times.type.unit]
        numbers = times.cast(pa.int64())
    least, most = max((_FIRST_DAY - spare) * per_day, -(2**63)), min((_END_DAY + spare) * per_day, 2**63) - 1
    is_in = pc.and_(pc.greater_equal(numbers, least), pc.less_equal(numbers, most))
    return pc.if_else(is_in, times, pa.scalar(None, times.type))


def _told(given: pa.Array, row: int) -> str:
    """Return a timestamp or a date as text, which Python may not be able to hold; "" for null."""
    one = given.slice(row, 1)
    zoned = pa.types.is_timestamp(one.type) and one.type.tz is not None
    text: str | None = (one.cast(pa.timestamp(one.type.unit)) if zoned else one).cast(pa.string())[0].as_py()
    return "" if text is None else f"{text}Z" if zoned else text


def _is_text(type_: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_one(type_) for is_one in (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    )
