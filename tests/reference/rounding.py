"""Exact arithmetic: a value is a Fraction until it is shown, and rounded once, half away from zero."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1) // MICROSECOND


def units(value: Fraction) -> int:
    """The nearest whole number, a half away from zero."""
    n, d = abs(value.numerator), value.denominator
    nearest = (2 * n + d) // (2 * d)
    return -nearest if value < 0 else nearest


def rounded(value: Fraction, places: int = 2) -> Decimal:
    return Decimal(units(value * 10**places)).scaleb(-places)


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def average_money(cents: int, count: int) -> Decimal | None:
    return rounded(Fraction(cents, 100 * count)) if count else None


def percent(part: int, whole: int | None) -> Decimal | None:
    return rounded(Fraction(100 * part, whole)) if whole else None


def growth(now: int, before: int | None) -> Decimal | None:
    return None if before is None else percent(now - before, before)


def elapsed(start: datetime | None, end: datetime | None) -> int | None:
    """Microseconds between two timestamps, negative where the end comes first."""
    return None if start is None or end is None else (end - start) // MICROSECOND


def days(microseconds: int | Fraction | None) -> Decimal | None:
    return None if microseconds is None else rounded(Fraction(microseconds) / DAY)


def mean(values: Sequence[int]) -> Fraction | None:
    return Fraction(sum(values), len(values)) if values else None


def quantile(values: Sequence[int | Fraction], share: Fraction) -> Fraction:
    """Linear interpolation between the two nearest ranks (percentile_cont); the values are not empty."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = position.numerator // position.denominator
    low = Fraction(ordered[below])
    high = Fraction(ordered[min(below + 1, len(ordered) - 1)])
    return low + (high - low) * (position - below)
