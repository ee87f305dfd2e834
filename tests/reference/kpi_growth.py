"""Over time: monthly growth, the sales trend and the retention of monthly cohorts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from .facts import Facts, OrderFact
from .periods import beginning, span
from .rounding import average_money, growth, money, percent

Rows = list[dict[str, object]]
WINDOW = {"day": 7, "week": 4, "month": 3}


def by_period(sales: list[OrderFact], grain: str) -> dict[date, list[OrderFact]]:
    """The valid sales of every period from the first sale's to the last's, empty lists included."""
    if not sales:
        return {}
    dates = [fact.order.purchased.date() for fact in sales]
    found: dict[date, list[OrderFact]] = {day: [] for day in span(grain, min(dates), max(dates))}
    for fact, day in zip(sales, dates, strict=True):
        found[beginning(grain, day)].append(fact)
    return found


def people(sales: list[OrderFact]) -> set[str | None]:
    return {fact.person for fact in sales}


def monthly_growth(facts: Facts) -> Rows:
    table: Rows = []
    seen: set[str | None] = set()
    new_before = total_before = revenue_before = None
    for month, sales in by_period(facts.sales, "month").items():
        active = people(sales)
        new = len(active - seen)
        seen |= active
        revenue = sum(fact.revenue for fact in sales)
        table.append(
            {
                "month": month,
                "orders": len(sales),
                "active_customers": len(active),
                "new_customers": new,
                "returning_customers": len(active) - new,
                "cumulative_customers": len(seen),
                "new_customer_growth_pct": growth(new, new_before),
                "customer_growth_pct": percent(new, total_before),
                "revenue": money(revenue),
                "revenue_growth_pct": growth(revenue, revenue_before),
            }
        )
        new_before, total_before, revenue_before = new, len(seen), revenue
    return table


def sales_trend(facts: Facts) -> Rows:
    table: Rows = []
    for grain, window in WINDOW.items():
        revenues: list[int] = []
        for period, sales in by_period(facts.sales, grain).items():
            revenues.append(sum(fact.revenue for fact in sales))
            recent = revenues[-window:]
            table.append(
                {
                    "grain": grain,
                    "period_start": period,
                    "orders": len(sales),
                    "units": sum(len(fact.items) for fact in sales),
                    "gmv": money(sum(fact.gmv for fact in sales)),
                    "freight": money(sum(fact.freight for fact in sales)),
                    "revenue": money(revenues[-1]),
                    "avg_order_value": average_money(revenues[-1], len(sales)),
                    "revenue_growth_pct": growth(revenues[-1], revenues[-2] if len(revenues) > 1 else None),
                    "revenue_moving_avg": average_money(sum(recent), len(recent)),
                }
            )
    return table


def retained_customers(facts: Facts) -> Rows:
    months = by_period(facts.sales, "month")
    cohorts: dict[date, set[str | None]] = {}
    seen: set[str | None] = set()
    for month, sales in months.items():
        new = people(sales) - seen
        seen |= new
        if new:
            cohorts[month] = new
    active = {month: people(sales) for month, sales in months.items()}
    table: Rows = []
    since: dict[date, int] = defaultdict(int)
    for month in months:
        for cohort, members in cohorts.items():
            if cohort > month:
                continue
            retained = len(members & active[month])
            table.append(
                {
                    "cohort_month": cohort,
                    "months_since_first": since[cohort],
                    "cohort_size": len(members),
                    "retained_customers": retained,
                    "retention_rate_pct": percent(retained, len(members)),
                }
            )
            since[cohort] += 1
    return table
