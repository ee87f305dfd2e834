"""The figures of a business day, each beside those of the same weekday a week and a year before.

What is summed are columns of the marts, where `is_valid_sale` and the amounts are defined; the SQL is the same on every
target. Money is Decimal from the database to the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from armazem.disk.sql import literal
from armazem.targets.base import Target

WEEK, YEAR = timedelta(days=7), timedelta(days=364)
"""How far back a day is compared with: 52 weeks, so that a Monday stands beside a Monday."""
COURSE_DAYS = 14

Unit = Literal["count", "money", "percent", "days", "score"]
Value = int | Decimal
Sums = Mapping[str, Any]

_DAY = timedelta(days=1)
_NOTHING: Sums = dict.fromkeys(
    ("orders", "units", "revenue", "gmv", "freight", "customers", "placed", "not_valid", "delivered", "late", "days",
     "reviews", "scores"),
    0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Days:
    """The day of a report and the two beside it. `first`, `last`: the days of the first and last valid sale, None
    without any.
    """

    day: date
    first: date | None
    last: date | None

    @property
    def week_before(self) -> date:
        return self.day - WEEK

    @property
    def year_before(self) -> date:
        return self.day - YEAR

    @property
    def compared(self) -> tuple[date, date, date]:
        return self.day, self.week_before, self.year_before

    @property
    def course(self) -> tuple[date, ...]:
        """The days up to this one, oldest first."""
        return tuple(self.day - _DAY * back for back in reversed(range(COURSE_DAYS)))

    def are_known(self, day: date) -> bool:
        """Whether the data reach back to a day: what lies before the first sale is unknown, not zero."""
        return day == self.day or (self.first is not None and self.first <= day)


@dataclass(frozen=True, slots=True)
class Beside:
    """The figure of an earlier day, and what became of it. All None where the data do not reach back to it.

    `change`: the difference; of percentages in percentage points. `change_pct`: the same in percent of `value`; None
    where that is 0, and of percentages, whose change in percent would be read as points.
    """

    value: Value | None
    change: Value | None
    change_pct: Decimal | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `value`: None where there is nothing to divide by. `better`: the direction that is good, if any."""

    name: str
    title: str
    unit: Unit
    meaning: str
    value: Value | None
    week_before: Beside
    year_before: Beside
    better: Literal["more", "less", "neither"]


@dataclass(frozen=True, slots=True)
class DayOfCourse:
    """Revenue of a day; None where the data do not reach back to it."""

    day: date
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class _Spec:
    name: str
    title: str
    unit: Unit
    meaning: str
    better: Literal["more", "less", "neither"] = "more"


_VALID = "of valid sales, those neither canceled nor unavailable, placed on the day"
_DELIVERED = "of the orders that reached their customer on the day, whenever they were placed"
_SPECS = (
    _Spec("orders", "Orders", "count", f"Number {_VALID}."),
    _Spec("units", "Units", "count", f"Items {_VALID}."),
    _Spec("revenue", "Revenue", "money", f"What was paid, less what was paid back, {_VALID}."),
    _Spec("gmv", "GMV", "money", f"Sum of the prices {_VALID}."),
    _Spec("freight", "Freight", "money", f"Sum of the freight values {_VALID}.", "neither"),
    _Spec("avg_order_value", "Average order value", "money", "Revenue divided by orders."),
    _Spec("customers", "Customers", "count", f"People, each counted once, {_VALID}."),
    _Spec("canceled_pct", "Canceled or unavailable", "percent",
          "Share of all orders placed on the day, by the state that they have now.", "less"),
    _Spec("delivered_orders", "Orders delivered", "count", f"Number {_DELIVERED}."),
    _Spec("late_rate_pct", "Late share", "percent",
          f"Share {_DELIVERED}, that came on a later date than estimated.", "less"),
    _Spec("avg_days_to_deliver", "Days to deliver", "days",
          f"Mean from purchase to customer, {_DELIVERED}.", "less"),
    _Spec("reviews", "Reviews", "count", "Reviews answered on the day; sent, where the answer has no time.", "neither"),
    _Spec("review_score", "Review score", "score", "Mean score of these reviews, from 1 to 5."),
)  # fmt: skip


def span(target: Target) -> tuple[date | None, date | None]:
    """Return the days of the first and the last valid sale; None without any. Raises QueryError or CloudError."""
    placed = "cast(order_purchase_timestamp as date)"
    [(first, last)] = target.query(
        f"select min({placed}), max({placed}) from {target.schema('marts')}.fact_orders where is_valid_sale"
    ).rows
    return first, last


def figures(target: Target, days: Days) -> tuple[tuple[Measure, ...], tuple[DayOfCourse, ...]]:
    """Return every measure of the day, and the revenue of the days up to it. Raises QueryError or CloudError."""
    sums = _sums(target, days)
    values = [_values(sums[day]) if days.are_known(day) else {} for day in days.compared]
    measures = []
    for spec in _SPECS:
        now, *before = (value.get(spec.name) for value in values)
        week, year = (_beside(now, value, spec.unit) for value in before)
        measures.append(Measure(spec.name, spec.title, spec.unit, spec.meaning, now, week, year, spec.better))
    course = [DayOfCourse(day, Decimal(sums[day]["revenue"]) if days.are_known(day) else None) for day in days.course]
    return tuple(measures), tuple(course)


def on_days(column: str, wanted: Iterable[date]) -> str:
    """Return the condition that a business time lies on one of these days, by which BigQuery prunes partitions."""
    ranges = (f"({column} >= {_midnight(day)} and {column} < {_midnight(day + _DAY)})" for day in sorted(set(wanted)))
    return f"({' or '.join(ranges)})"


def _midnight(day: date) -> str:
    return f"cast({literal(day)} as datetime)"  # DATETIME is another name of TIMESTAMP on DuckDB


def _sums(target: Target, days: Days) -> Mapping[date, Sums]:
    """What a day's figures are made of, of each day asked about: by purchase, by delivery, by answer of the review."""
    marts = target.schema("marts")
    answered = "coalesce(review_answer_timestamp, review_creation_date)"
    delivered = "order_delivered_customer_date"
    queries = (
        "select cast(order_purchase_timestamp as date) as day, "
        "sum(case when is_valid_sale then 1 else 0 end) as orders, "
        + "".join(
            f"sum(case when is_valid_sale then {column} else 0 end) as {name}, "
            for column, name in (("items", "units"), *((money, money) for money in ("revenue", "gmv", "freight")))
        )
        + "count(distinct case when is_valid_sale then customer_unique_id end) as customers, count(*) as placed, "
        "sum(case when is_valid_sale then 0 else 1 end) as not_valid "
        f"from {marts}.fact_orders "
        f"where {on_days('order_purchase_timestamp', {*days.compared, *days.course})} group by 1",
        # As in kpis.agg_avg_delivery_time_seller: what is delivered, and late only where an estimate says so.
        f"select cast({delivered} as date) as day, count(*) as delivered, "
        "sum(case when is_late then 1 else 0 end) as late, coalesce(sum(days_to_deliver), 0) as days "
        f"from {marts}.fact_orders where order_status = 'delivered' and {on_days(delivered, days.compared)} group by 1",
        f"select cast({answered} as date) as day, count(*) as reviews, coalesce(sum(review_score), 0) as scores "
        f"from {marts}.fact_reviews where {on_days(answered, days.compared)} group by 1",
    )
    found: dict[date, dict[str, Any]] = {day: dict(_NOTHING) for day in (*days.compared, *days.course)}
    for query in queries:
        answer = target.query(query)
        for row in answer.rows:
            record = dict(zip(answer.columns, row, strict=True))
            found[record.pop("day")] |= record
    return found


def _values(sums: Sums) -> Mapping[str, Value | None]:
    """The measures of one day, of its sums."""
    return {
        **{name: int(sums[name]) for name in ("orders", "units", "customers", "reviews")},
        **{name: rounded(Decimal(sums[name])) for name in ("revenue", "gmv", "freight")},
        "avg_order_value": ratio(sums["revenue"], sums["orders"]),
        "canceled_pct": ratio(100 * sums["not_valid"], sums["placed"]),
        "delivered_orders": int(sums["delivered"]),
        "late_rate_pct": ratio(100 * sums["late"], sums["delivered"]),
        "avg_days_to_deliver": ratio(sums["days"], sums["delivered"]),
        "review_score": ratio(sums["scores"], sums["reviews"]),
    }


def _beside(now: Value | None, before: Value | None, unit: Unit) -> Beside:
    if now is None or before is None:
        return Beside(before, None, None)
    change: Value = now - before
    return Beside(before, change, None if unit == "percent" else ratio(100 * change, Decimal(before).copy_abs()))


def ratio(part: Value, whole: Value) -> Decimal | None:
    """Return a / b rounded half away from zero to two decimals, as the models do; None where b is 0."""
    return rounded(Decimal(part) / Decimal(whole)) if whole else None


def rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)
