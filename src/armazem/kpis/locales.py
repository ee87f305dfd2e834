"""Numbers, money, dates and shares as people of a place write them; nothing depends on the system's locale.

Words are English in every locale, as those of the pages.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, TypeAlias

Locale: TypeAlias = Literal["en", "pt-BR"]
LOCALES: tuple[Locale, ...] = ("en", "pt-BR")

Number: TypeAlias = int | float | Decimal

NOTHING = "–"
_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "pt-BR": ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"),
}
_UNITS: dict[str, tuple[tuple[int, str], ...]] = {
    "en": ((10**9, "B"), (10**6, "M"), (10**3, "K")),
    "pt-BR": ((10**9, " bi"), (10**6, " mi"), (10**3, " mil")),
}


@dataclass(frozen=True, slots=True)
class Format:
    """How to write a value in one locale; None is a dash."""

    locale: Locale = "en"

    def number(self, value: Number | None, places: int = 0) -> str:
        """Return a number as 1,234.5 or 1.234,5."""
        if value is None:
            return NOTHING
        text = f"{_rounded(value, places):,.{places}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.locale == "pt-BR" else text

    def money(self, value: Number | None, places: int = 2) -> str:
        """Return an amount as R$ 1,234.50, with a narrow no-break space."""
        return NOTHING if value is None else f"{'-' if value < 0 else ''}R$\u202f{self.number(_size(value), places)}"

    def compact(self, value: Number | None) -> str:
        """Return 1.23M or 1,23 mi: three digits, for large numbers where there is little room."""
        if value is None:
            return NOTHING
        size, unit = self.unit(value)
        scaled = Decimal(str(value)) / size
        digits = len(str(int(scaled.copy_abs())))
        whole = size == 1 and scaled == scaled.to_integral_value()
        return self.number(scaled, 0 if whole else max(0, 3 - digits)) + unit

    def compact_money(self, value: Number | None) -> str:
        return NOTHING if value is None else f"{'-' if value < 0 else ''}R$\u202f{self.compact(_size(value))}"

    def unit(self, value: Number) -> tuple[int, str]:
        """Return the thousand, million or billion that a value of this size is best written in."""
        return next(((size, unit) for size, unit in _UNITS[self.locale] if _size(value) >= size), (1, ""))

    def percent(self, share: Number | None, places: int = 1) -> str:
        """Return a share of 1, as 12.3%."""
        return NOTHING if share is None else self.number(Decimal(str(share)) * 100, places) + "%"

    def change(self, share: Number | None) -> str:
        """Return the same, with its sign: +12.3%."""
        if share is None:
            return NOTHING
        return _sign(share) + self.percent(_size(share))

    def points(self, difference: Number | None) -> str:
        """Return a difference of two shares of 1 in percentage points, with its sign: +1.2 pp or +1,2 p.p."""
        if difference is None:
            return NOTHING
        text = self.number(Decimal(str(_size(difference))) * 100, 1)
        return f"{_sign(difference)}{text} {'p.p.' if self.locale == 'pt-BR' else 'pp'}"

    def days(self, value: Number | None) -> str:
        return NOTHING if value is None else f"{self.number(value, 1)} days"

    def date(self, value: dt.date | None) -> str:
        """Return 18 Oct 2017 or 18/10/2017."""
        if value is None:
            return NOTHING
        if self.locale == "pt-BR":
            return f"{value:%d/%m/%Y}"
        return f"{value.day} {_MONTHS['en'][value.month - 1]} {value.year}"

    def dates(self, first: dt.date | None, last: dt.date | None) -> str:
        """Return 18 Oct 2017 – 3 Nov 2017; one date where both are the same, or where one is missing."""
        if first and last and first != last:
            return f"{self.date(first)} – {self.date(last)}"
        return self.date(first or last)

    def datetime(self, value: dt.datetime | None) -> str:
        return NOTHING if value is None else f"{self.date(value)} {value:%H:%M}"

    def period(self, start: dt.date, grain: str) -> str:
        """Return a day, week, month or year by its first day, short enough for an axis."""
        month = _MONTHS[self.locale][start.month - 1]
        match grain:
            case "year":
                return str(start.year)
            case "month":
                return f"{month} {start.year}" if self.locale == "en" else f"{month}/{start.year}"
            case _:
                return f"{start.day} {month} {start:%y}"

    def ago(self, past: dt.timedelta) -> str:
        """Return how long something is past, in whole minutes at least: 3 min ago."""
        seconds = max(0, int(past.total_seconds()))
        for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
            if seconds >= size:
                return f"{self.number(seconds // size)} {unit} ago"
        return "just now"


def _sign(value: Number) -> str:
    return "+" if value > 0 else "−" if value < 0 else ""


def _size(value: Number) -> Number:
    return -value if value < 0 else value


def _rounded(value: Number, places: int) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
