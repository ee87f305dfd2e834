"""A folder of generated data, taken apart into extracts as a shop would send them day by day."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from reference.world import columns

Row = dict[str, str]
Tables = dict[str, list[Row]]

ORDERS, ITEMS, PAYMENTS = "olist_orders_dataset", "olist_order_items_dataset", "olist_order_payments_dataset"
REVIEWS, CUSTOMERS, SELLERS = "olist_order_reviews_dataset", "olist_customers_dataset", "olist_sellers_dataset"
PRODUCTS, POINTS = "olist_products_dataset", "olist_geolocation_dataset"
TRANSLATION = "product_category_name_translation"
STAGES = ("created", "approved", "shipped", "delivered")
TIMES = ("order_approved_at", "order_delivered_carrier_date", "order_delivered_customer_date")


def read(folder: Path) -> Tables:
    """The rows of all files."""
    return {name: read_file(folder / f"{name}.csv") for name in columns()}


def read_file(path: Path) -> list[Row]:
    """The rows of one file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(folder: Path, tables: Tables) -> Path:
    """The files of the tables that are there, also of those without rows."""
    folder.mkdir(parents=True)
    for name, header in columns().items():
        if name not in tables:
            continue
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header)
            writer.writeheader()
            writer.writerows(tables[name])
    return folder


def by_day(tables: Tables, days: int, rng: random.Random) -> list[Tables]:
    """One extract per day (or run of days), by day of purchase: its orders, and all that they refer to."""
    dates = sorted({row["order_purchase_timestamp"][:10] for row in tables[ORDERS]})
    cuts = sorted(rng.sample(range(1, len(dates)), days - 1))
    day_of = {date: sum(cut <= place for cut in cuts) for place, date in enumerate(dates)}
    extract_of = {row["order_id"]: day_of[row["order_purchase_timestamp"][:10]] for row in tables[ORDERS]}
    extracts = [defaultdict(list) for _ in range(days)]
    for name in (ORDERS, ITEMS, PAYMENTS, REVIEWS):
        for row in tables[name]:
            extracts[extract_of[row["order_id"]]][name].append(row)
    for extract in extracts:
        refer(extract, tables)
    for name in (CUSTOMERS, SELLERS, PRODUCTS):
        extracts[0][name] += missing(tables[name], extracts, name)
    for name in (POINTS, TRANSLATION):
        for row in tables[name]:
            rng.choice(extracts)[name].append(row)
    for extract in extracts:
        for rows in extract.values():
            rng.shuffle(rows)
    return [{name: extract[name] for name in columns()} for extract in extracts]


def one_more_day(folder: Path, target: Path) -> tuple[Path, Path]:
    """Two extracts: all but the last days, with some orders as they were before; then those days and those orders."""
    tables = read(folder)
    days = sorted({row["order_purchase_timestamp"][:10] for row in tables[ORDERS]})
    last = set(days[-3:])
    later = {row["order_id"] for row in tables[ORDERS] if row["order_purchase_timestamp"][:10] in last}
    late_news = {row["order_id"] for row in tables[ORDERS][::17] if row["order_status"] == "delivered"} - later
    of_order = (ORDERS, ITEMS, PAYMENTS, REVIEWS)
    first: Tables = {n: [r for r in rows if r.get("order_id") not in later] for n, rows in tables.items()}
    first[ORDERS] = [
        {**row, "order_status": "shipped", "order_delivered_customer_date": ""} if row["order_id"] in late_news else row
        for row in first[ORDERS]
    ]
    # One of them is bought on another day than was said first: it leaves the periods that it was in.
    moved = next(row for row in first[ORDERS] if row["order_id"] in late_news)
    moved["order_purchase_timestamp"] = f"{days[len(days) // 2]} 09:00:00"
    second: Tables = {n: [r for r in tables[n] if r["order_id"] in later | late_news] for n in of_order}
    refer(second, tables)
    return write(target / "first", first), write(target / "second", second)


def refer(extract: Tables, tables: Tables) -> None:
    """Add the customers, sellers and products of the extract's orders: the same row in many extracts."""
    for name, key, rows in (
        (CUSTOMERS, "customer_id", extract.get(ORDERS, [])),
        (SELLERS, "seller_id", extract.get(ITEMS, [])),
        (PRODUCTS, "product_id", extract.get(ITEMS, [])),
    ):
        wanted = {row[key] for row in rows}
        extract[name] = [row for row in tables[name] if row[key] in wanted]


def missing(rows: Iterable[Row], extracts: list[defaultdict[str, list[Row]]], name: str) -> list[Row]:
    """The rows that no extract has: people without orders, products never sold."""
    sent = {tuple(row.values()) for extract in extracts for row in extract[name]}
    return [row for row in rows if tuple(row.values()) not in sent]


def as_it_happened(tables: Tables, extracts: int, rng: random.Random) -> list[Tables]:
    """Extracts in order of time whose last word on each row is that of `tables`.

    Orders come again with a later status, prices are corrected, sellers and products change, customers
    come after their orders.
    """
    sent: list[defaultdict[str, list[Row]]] = [defaultdict(list) for _ in range(extracts)]
    when = {}
    for order in tables[ORDERS]:
        versions = [*earlier_versions(order, rng), order]
        moments = sorted(rng.sample(range(extracts), min(len(versions), extracts)))
        for moment, version in zip(moments, versions[-len(moments) :], strict=True):
            sent[moment][ORDERS].append(version)
        when[order["order_id"]] = moments[0], moments[-1]
    for item in tables[ITEMS]:
        first, last = when[item["order_id"]]
        if first < last and rng.random() < 0.3:  # corrected later, the payment with it
            sent[first][ITEMS].append({**item, "price": f"{float(item['price']) + 1:.2f}"})
            sent[last][ITEMS].append(item)
        else:
            sent[first][ITEMS].append(item)
    for name, latest in ((PAYMENTS, False), (REVIEWS, True)):
        for row in tables[name]:
            sent[when[row["order_id"]][latest]][name].append(row)
    for customer in tables[CUSTOMERS]:
        sent[rng.randrange(extracts)][CUSTOMERS].append(customer)
    for name, change in ((SELLERS, ("seller_city", "porto velho")), (PRODUCTS, ("product_category_name", "outros"))):
        for row in tables[name]:
            arrives, changes = sorted((rng.randrange(extracts), rng.randrange(extracts)))
            if arrives < changes:
                sent[arrives][name].append({**row, change[0]: change[1]})
            sent[changes][name].append(row)
    for name in (POINTS, TRANSLATION):
        for row in tables[name]:
            rng.choice(sent)[name].append(row)
    return [half for extract in sent for half in halves(dict(extract), rng)]


def halves(extract: Tables, rng: random.Random) -> tuple[Tables, Tables]:
    """Some of the tables, then the others: customers before their orders or after. Items come with their orders."""
    first = {name for name in extract if rng.random() < 0.5} - {ITEMS}
    first |= {ITEMS} & extract.keys() if ORDERS in first else set()
    return {n: r for n, r in extract.items() if n in first}, {n: r for n, r in extract.items() if n not in first}


def earlier_versions(order: Row, rng: random.Random) -> list[Row]:
    """The order as it was before, oldest first: some of the stages that it went through."""
    reached = STAGES.index(order["order_status"]) if order["order_status"] in STAGES else 1
    stages = sorted(rng.sample(range(reached), rng.randint(0, reached)))
    return [{**order, "order_status": STAGES[stage]} | dict.fromkeys(TIMES[stage:], "") for stage in stages]
