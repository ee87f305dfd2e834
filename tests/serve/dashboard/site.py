"""A shop with a server and a browser, for the tests of the pages."""

from __future__ import annotations

import csv
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Browser
from warehouse.shop import Shop

from armazem.serve.dashboard.choices import first_view, read_choices
from armazem.serve.dashboard.view import View
from armazem.shop.history import generate
from armazem.targets.duckdb.query import Published
from armazem.targets.duckdb.versions import version_file

from ..running import Running

HOSTILE = "<script>alert(1)</script> d'oeste {b}"


@dataclass(frozen=True)
class Site:
    """A server on a shop that has one build of `first`; `second` waits to be loaded."""

    shop: Shop
    server: Running
    browser: Browser
    second: Path

    def value(self, sql: str, *parameters: Any) -> Any:
        """The only value of an answer of the published version."""
        with duckdb.connect(str(version_file(self.shop.home, self.shop.current)), read_only=True) as connection:
            row = connection.execute(sql, parameters).fetchone()
        return row[0] if row else None

    @property
    def shown(self) -> str:
        """Condition of the valid orders in the dates of the first view, which test_periods.py holds."""
        with closing(Published(self.shop.home)) as published:
            choices = read_choices(lambda query: published.query(query.sql, query.parameters), date.today())
        assert choices is not None
        view = first_view(View(), choices)
        assert view.start is not None and view.end is not None and (view.end - view.start).days > 180
        return (
            f"order_purchase_timestamp >= date '{view.start}' and order_purchase_timestamp < date '{view.end}' + 1 "
            "and is_valid_sale"
        )


def built_shop(folder: Path) -> tuple[Shop, Path]:
    """A shop of 700 orders, some sellers of which live in a city named like code, and a folder with 300 more."""
    shop = Shop(folder / "home")
    for number, orders in enumerate((700, 300)):
        generate(folder / str(number), orders=orders, seed=3 + number)
    sellers = folder / "0" / "olist_sellers_dataset.csv"
    lines = sellers.read_text(encoding="utf-8").split("\n")
    for at in range(1, 6):
        cells = next(csv.reader([lines[at]]))
        cells[2] = HOSTILE
        lines[at] = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    sellers.write_text("\n".join(lines), encoding="utf-8")
    shop.load(folder / "0")
    shop.build()
    return shop, folder / "1"
