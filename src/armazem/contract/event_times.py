"""Points in time as programs write them: RFC 3339, and what BigQuery, Spark and databases make of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

DATE_PATTERN = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_PATTERN = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
OFFSET_PATTERN = "( ?([Zz]|UTC|[+-][0-9]{2}(:?[0-9]{2})?))"

_DATE = re.compile(DATE_PATTERN)
_TIME = re.compile(
    rf"(?P<minute>{DATE_PATTERN}[Tt ][0-9]{{2}}:[0-9]{{2}}):(?P<second>[0-9]{{2}})(?P<fraction>(\.[0-9]+)?)"
    rf"(?P<offset>{OFFSET_PATTERN}?)"
)
_LEAP = "23:59"


def time_of(text: str) -> datetime:
    """Return the time, with a zone where the text has an offset; parts of a second are rounded to microseconds.

    A leap second, 23:59:60 as it is written or in UTC, is the second after it: midnight. Raises ValueError.
    """
    if _DATE.fullmatch(text):
        return datetime.fromisoformat(text)
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no time")
    offset = found["offset"].strip().upper()
    if offset == "UTC":
        offset = "Z"
    elif len(offset) == len("+00"):
        offset += ":00"
    leap = found["second"] == "60"
    try:
        rest = f"{'59' if leap else found['second']}{found['fraction']}{offset}"
        time = msgspec.convert(f"{found['minute']}:{rest}", datetime)
        return _after_leap(time, found["minute"]) if leap else time
    except (msgspec.ValidationError, OverflowError) as error:
        raise ValueError(f"{text} is no time") from error


def _after_leap(time: datetime, minute: str) -> datetime:
    """A second later; only the last minute of a day, there or in UTC, has a second more."""
    of_utc = time.tzinfo is not None and time.astimezone(UTC).strftime("%H:%M") == _LEAP
    if not (minute.endswith(_LEAP) or of_utc):
        raise ValueError(f"{minute} has no leap second")
    return time + timedelta(seconds=1)
