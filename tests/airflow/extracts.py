"""An inbox as a shop fills it: a folder per day with that day's orders and what they refer to, the marker last."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from warehouse import history
from warehouse.history import ORDERS, Row, Tables

MARKER = "_SUCCESS"
_OF_ORDERS = (history.ORDERS, history.ITEMS, history.PAYMENTS, history.REVIEWS)
_OF_NO_DAY = (history.POINTS, history.TRANSLATION)


def by_calendar(tables: Tables, first: date, last: date) -> dict[date, Tables]:
    """Cut what was bought from `first` to `last` into an extract per day; what was bought earlier is in the first."""
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    extracts: dict[date, defaultdict[str, list[Row]]] = {day: defaultdict(list) for day in days}
    bought = {row["order_id"]: date.fromisoformat(row["order_purchase_timestamp"][:10]) for row in tables[ORDERS]}
    for name in _OF_ORDERS:
        for row in tables[name]:
            if bought[row["order_id"]] <= last:
                extracts[max(first, bought[row["order_id"]])][name].append(row)
    for extract in extracts.values():
        history.refer(extract, tables)
    for name in (history.CUSTOMERS, history.SELLERS, history.PRODUCTS):
        extracts[first][name] += history.missing(tables[name], list(extracts.values()), name)
    for name in _OF_NO_DAY:
        extracts[first][name] += tables[name]
    return {day: {name: extract[name] for name in tables} for day, extract in extracts.items()}


def send(inbox: Path, day: date | str, extract: Tables, *, whole: bool = True) -> Path:
    """Put an extract into the inbox; `whole`: with the marker, which says that nothing is to come."""
    folder = inbox / str(day)
    shutil.rmtree(folder, ignore_errors=True)
    history.write(folder, extract)
    if whole:
        (folder / MARKER).touch()
    return folder


def as_one(extracts: Iterable[Tables], folder: Path) -> Path:
    """Write all extracts as the one that would have come at the end."""
    seen: defaultdict[str, dict[tuple[str, ...], Row]] = defaultdict(dict)
    for extract in extracts:
        for name, rows in extract.items():
            seen[name] |= {tuple(row.values()): row for row in rows}
    return history.write(folder, {name: list(rows.values()) for name, rows in seen.items()})
