"""Source files of shops that are not like Olist: ten days, one state, no points on the map, months without a sale."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from armazem.shop.history import generate

Row = dict[str, str]
_OF_ORDERS = ("order_items", "order_payments", "order_reviews")


def cut(folder: Path, out: Path, *, state: str = "", keep: Callable[[date], bool] = lambda day: True,
        points: bool = True) -> list[date]:  # fmt: skip
    """The files of `folder` with the orders whose day and whose customer's state are kept; the days of those orders."""
    out.mkdir()
    customers = {row["customer_id"] for row in _read(folder, "customers") if state in ("", row["customer_state"])}
    orders = {
        row["order_id"]: _day(row)
        for row in _read(folder, "orders")
        if row["customer_id"] in customers and keep(_day(row))
    }
    for path in sorted(folder.glob("*.csv")):
        table = path.stem.removeprefix("olist_").removesuffix("_dataset")

        def kept(row: Row, table: str = table) -> bool:
            if table in ("orders", *_OF_ORDERS):
                return row["order_id"] in orders
            if table == "geolocation":
                return points and state in ("", row["geolocation_state"])
            return table != "customers" or row["customer_id"] in customers

        with path.open(encoding="utf-8-sig", newline="") as file, (out / path.name).open("w", newline="") as cut_file:
            reader = csv.DictReader(file)
            writer = csv.DictWriter(cut_file, reader.fieldnames or ())
            writer.writeheader()
            writer.writerows(row for row in reader if kept(row))
    return sorted(orders.values())


def whole_shop(folder: Path) -> tuple[Path, date]:
    """Two years of a shop, and the first day of a month in the midst of its second year."""
    generate(folder, orders=3000, seed=5)
    days = sorted(_day(row) for row in _read(folder, "orders"))
    return folder, days[len(days) * 3 // 4].replace(day=1)


def ten_days(folder: Path, out: Path, month: date) -> list[date]:
    """Of one state, with its points."""
    return cut(folder, out, state="SP", keep=lambda day: month <= day < month + timedelta(days=10))


def gaps(folder: Path, out: Path, month: date) -> list[date]:
    """Of one state, without a point, cut in the midst of two months, with nothing in two months and some weeks."""
    first, last = (month - timedelta(days=300)).replace(day=12), month.replace(day=17)
    empty = {(month - timedelta(days=days)).replace(day=1) for days in (70, 100)}
    return cut(
        folder, out, state="SP", points=False,
        keep=lambda day: first <= day <= last and day.replace(day=1) not in empty,
    )  # fmt: skip


def _read(folder: Path, table: str) -> list[Row]:
    with next(folder.glob(f"*_{table}_dataset.csv")).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _day(row: Row) -> date:
    return date.fromisoformat(row["order_purchase_timestamp"][:10])
