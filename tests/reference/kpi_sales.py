"""What sells, and who sells it: product rankings per period, and the sellers."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from .facts import NOWHERE, Facts, Line
from .periods import start
from .rounding import money, percent

Rows = list[dict[str, object]]
GRAINS = ("day", "week", "month", "year", "all")
LISTED = 100


def revenue_of(lines: list[Line]) -> int:
    return sum(line.paid for line in lines)


def by_product(lines: list[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.item.product_id is not None:
            found[line.item.product_id].append(line)
    return found


def top_selling_products(facts: Facts) -> Rows:
    table: Rows = []
    for grain in GRAINS:
        periods: dict[date | None, list[Line]] = defaultdict(list)
        for line in facts.sold:
            periods[start(grain, line.fact.order.purchased.date())].append(line)
        for period, lines in periods.items():
            ranked = product_ranks(by_product(lines), facts.categories)
            table.extend({"grain": grain, "period_start": period, **row} for row in ranked)
    return table


def product_ranks(products: dict[str, list[Line]], categories: dict[str, str]) -> Rows:
    revenue = {product: revenue_of(lines) for product, lines in products.items()}
    by_units = sorted(products, key=lambda product: (-len(products[product]), -revenue[product], product))
    by_revenue = sorted(products, key=lambda product: (-revenue[product], -len(products[product]), product))
    revenue_rank = {product: rank for rank, product in enumerate(by_revenue, 1)}
    return [
        {
            "product_id": product,
            "product_category": categories.get(product, "uncategorized"),
            "units": len(products[product]),
            "orders": len({line.item.order_id for line in products[product]}),
            "gmv": money(sum(line.item.price for line in products[product])),
            "revenue": money(revenue[product]),
            "units_rank": units_rank,
            "revenue_rank": revenue_rank[product],
        }
        for units_rank, product in enumerate(by_units, 1)
        if min(units_rank, revenue_rank[product]) <= LISTED
    ]


def sales_by_seller(facts: Facts) -> Rows:
    sellers: dict[str, list[Line]] = defaultdict(list)
    for line in facts.sold:
        if line.item.seller_id is not None:
            sellers[line.item.seller_id].append(line)
    revenue = {seller: revenue_of(lines) for seller, lines in sellers.items()}
    everything = sum(revenue.values())
    table: Rows = []
    for rank, seller in enumerate(sorted(sellers, key=lambda seller: (-revenue[seller], seller)), 1):
        lines = sellers[seller]
        dates = [line.fact.order.purchased.date() for line in lines]
        products = {product: revenue_of(sold) for product, sold in by_product(lines).items()}
        best = min(products, key=lambda product: (-products[product], product), default=None)
        place = facts.sellers.get(seller, NOWHERE)
        table.append(
            {
                "seller_id": seller,
                "seller_city": place.city,
                "seller_state": place.state,
                "orders": len({line.item.order_id for line in lines}),
                "units": len(lines),
                "gmv": money(sum(line.item.price for line in lines)),
                "freight": money(sum(line.item.freight for line in lines)),
                "revenue": money(revenue[seller]),
                "revenue_share_pct": percent(revenue[seller], everything),
                "revenue_rank": rank,
                "first_sale_date": min(dates),
                "last_sale_date": max(dates),
                "top_product_id": best,
                "top_product_revenue": None if best is None else money(products[best]),
            }
        )
    return table
