"""Forecasts of daily sales: the mean of the same weekday over four weeks, and how far it was off before."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

from .facts import Facts
from .rounding import percent, rounded

Rows = list[dict[str, object]]
Series = tuple[str, str | None, str | None]
"""Level, state and category."""

AHEAD = 14
BAND_DAYS = 112
BACKTESTS = 12
COUNTED = BACKTESTS * AHEAD + BAND_DAYS + 42  # days: the oldest miss, the five weeks before it, and one week more


def days_before(day: date, count: int) -> date:
    return day - timedelta(days=count)


def sold_per_day(facts: Facts) -> dict[Series, dict[date, tuple[int, int]]]:
    """Of every series and day the cents paid and the units."""
    found: dict[Series, dict[date, tuple[int, int]]] = defaultdict(lambda: defaultdict(lambda: (0, 0)))

    def add(day: date, state: str | None, category: str, cents: int, units: int) -> None:
        for series in (("total", None, None), ("state", state, None), ("category", None, category)):
            before = found[series][day]
            found[series][day] = before[0] + cents, before[1] + units

    for line in facts.sold:
        category = facts.categories.get(line.item.product_id or "", "uncategorized")
        add(line.fact.order.purchased.date(), line.fact.place.state, category, line.paid, 1)
    for fact in facts.sales:
        if not fact.items:
            add(fact.order.purchased.date(), fact.place.state, "no items", fact.revenue, 0)
    return found


def last_complete_day(facts: Facts) -> date | None:
    orders: dict[date, int] = defaultdict(int)
    for fact in facts.sales:
        orders[fact.order.purchased.date()] += 1
    newest = max((fact.order.purchased.date() for fact in facts.orders), default=None)
    complete = [
        day
        for day, count in orders.items()
        if newest and day < newest and 16 * count >= sum(orders.get(days_before(day, 7 * k), 0) for k in (1, 2, 3, 4))
    ]
    return max(complete, default=None)


@cache
def is_black_weekend(day: date) -> bool:
    """From the Friday after the fourth Thursday of November to its Sunday."""
    return any(
        friday.month == 11 and friday.weekday() == 4 and 23 <= friday.day <= 29
        for friday in (days_before(day, k) for k in (0, 1, 2))
    )


class History:
    """One measure of one series up to a day; before the first day there is nothing. Forecasts are in quarters."""

    def __init__(self, amounts: dict[date, int], first: date, last: date) -> None:
        self.amounts = amounts
        self.first = first
        self.last = last
        self.misses: dict[tuple[date, int], int | None] = {}

    def example(self, day: date) -> int:
        week_before = days_before(day, 7)
        instead = is_black_weekend(day) and week_before >= self.first
        return self.amounts.get(week_before if instead else day, 0)

    def forecast(self, day: date, origin: date) -> int | None:
        """Of `day`, by what was known at the end of the day `origin`."""
        newest = day
        while newest > origin:
            newest = days_before(newest, 7)
        days = [days_before(newest, 7 * k) for k in range(4)]
        return None if days[-1] < self.first else sum(self.example(day) for day in days)

    def miss(self, day: date, week: int) -> int | None:
        """How much more was sold than was forecast one week before, or two."""
        if (day, week) not in self.misses:
            told = self.forecast(day, days_before(day, 7 * week))
            self.misses[day, week] = None if told is None else 4 * self.amounts.get(day, 0) - told
        return self.misses[day, week]

    def radius(self, week: int, origin: date) -> int | None:
        """Half of a band's width, by the misses of the 112 days up to `origin`; None within nine weeks of the first."""
        if (origin - self.first).days < 62:
            return None
        days = [days_before(origin, k) for k in range(BAND_DAYS)]
        misses = sorted(abs(miss) for day in days if (miss := self.miss(day, week)) is not None)
        return misses[-(-8 * (len(misses) + 1) // 10) - 1]

    def backtests(self) -> list[tuple[int, int, int]]:
        """Of each earlier forecast of a fortnight: how far it was off, what was sold, and the days in their bands."""
        found = []
        for number in range(1, BACKTESTS + 1):
            origin = days_before(self.last, AHEAD * number)
            radii = {week: self.radius(week, origin) for week in (1, 2)}
            missed = sold = covered = 0
            for ahead in range(1, AHEAD + 1):
                day, week = origin + timedelta(days=ahead), 1 if ahead <= 7 else 2
                miss, radius = self.miss(day, week), radii[week]
                if miss is None or radius is None:
                    return found
                missed += miss
                sold += 4 * self.amounts.get(day, 0)
                covered += abs(miss) <= radius
            found.append((abs(missed), sold, covered))
        return found


def forecasts(facts: Facts) -> Rows:
    last = last_complete_day(facts)
    if last is None:
        return []
    first = max(min(fact.order.purchased.date() for fact in facts.sales), days_before(last, COUNTED - 1))
    if (last - first).days < 27:
        return []
    table: Rows = []
    for (level, state, category), days in sold_per_day(facts).items():
        if not any(first <= day <= last for day in days):
            continue
        revenue = History({day: cents for day, (cents, _) in days.items()}, first, last)
        units = History({day: units for day, (_, units) in days.items()}, first, last)
        shown = {**columns(revenue, "revenue", 100), **columns(units, "units", 1)}
        for ahead in range(1, AHEAD + 1):
            table.append(
                {
                    "level": level,
                    "customer_state": state,
                    "product_category": category,
                    "forecast_date": last + timedelta(days=ahead),
                    "horizon_days": ahead,
                    **{name: values[ahead - 1] for name, values in shown.items()},
                }
            )
    return table


def columns(history: History, measure: str, per_unit: int) -> dict[str, list[Decimal | int | None]]:
    """The columns of a measure, each with a value per day ahead. `per_unit`: cents in what is shown, or 1."""
    places = 4 if per_unit == 100 else 2
    found: dict[str, list[Decimal | int | None]] = defaultdict(list)
    backtests = history.backtests()
    missed, sold, covered = (sum(test[part] for test in backtests) for part in range(3))
    radii = {week: history.radius(week, history.last) for week in (1, 2)}
    for ahead in range(1, AHEAD + 1):
        told = history.forecast(history.last + timedelta(days=ahead), history.last)
        radius = radii[1 if ahead <= 7 else 2]
        assert told is not None
        band = (None, None) if radius is None else (max(told - radius, min(told, 0)), told + radius)
        for name, quarters in zip(("forecast", "lower", "upper"), (told, *band), strict=True):
            shown = None if quarters is None else rounded(Fraction(quarters, 4 * per_unit), places)
            found[f"{measure}_{name}"].append(shown)
        found[f"{measure}_wape_pct"].append(percent(missed, sold) if sold > 0 else None)
        found[f"{measure}_coverage_pct"].append(percent(covered, AHEAD * len(backtests)))
        found["backtests"].append(len(backtests))
    return found
