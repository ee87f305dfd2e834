"""One function per kind of source value. A source value is text; a missing one is None."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

CENT = Decimal("0.01")
EIGHT = Decimal("0.00000001")
QUOTES = str.maketrans("\u00b4`\u2019", "'''")
CUT = re.compile(r"[/\\,(]| - ")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
SUFFIX = re.compile(r"-(ac|al|am|ap|ba|ce|df|es|go|ma|mg|ms|mt|pa|pb|pe|pi|pr|rj|rn|ro|rr|rs|sc|se|sp|to)\Z")


def text(raw: str | None) -> str | None:
    return (raw or "").strip() or None


def identifier(raw: str | None) -> str | None:
    value = (raw or "").strip()
    if UUID.fullmatch(value):
        value = value.lower().replace("-", "")
    return value or None


def whole(raw: str | None) -> int | None:
    value = text(raw)
    if value is None:
        return None
    number = Decimal(value)
    if number != int(number):
        raise ValueError(f"not a whole number: {value!r}")
    return int(number)


def cents(raw: str | None) -> int:
    """An amount in cents; none counts as 0."""
    return int(Decimal(text(raw) or "0").quantize(CENT, rounding=ROUND_HALF_UP).scaleb(2))


def timestamp(raw: str | None) -> datetime | None:
    value = text(raw)
    if value is None:
        return None
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is not None:
        raise ValueError(f"a file's timestamps have no offset: {value!r}")
    return parsed


def coordinate(raw: str | None) -> Decimal | None:
    value = text(raw)
    return None if value is None else Decimal(value)


@cache
def zip_prefix(raw: str | None) -> str | None:
    digits = re.sub("[^0-9]", "", re.sub("[.,](00?|0000+) *$", "", raw or ""))
    if not digits:
        return None
    return digits.zfill(5) if len(digits) <= 5 else digits.zfill(8)[:5]


def unaccented(value: str) -> str:
    decomposed = unicodedata.normalize("NFD", value)
    return "".join(char for char in decomposed if not unicodedata.category(char).startswith("M"))


@cache
def city(raw: str | None) -> str | None:
    value = unaccented((raw or "").strip().lower()).translate(QUOTES)
    if "@" in value or re.fullmatch(r"[0-9\s]*", value):
        return None
    value = CUT.split(value, maxsplit=1)[0]
    value = SUFFIX.sub("", value)
    return " ".join(value.split()) or None


def state(raw: str | None) -> str | None:
    return (raw or "").strip().upper() or None
