"""Compares two tables cell by cell, exactly, and says in words where they differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

KEYS: dict[str, tuple[str, ...]] = {
    "dim_customers": ("customer_id",),
    "dim_products": ("product_id",),
    "dim_sellers": ("seller_id",),
    "dim_locations": ("zip_code_prefix",),
    "fact_orders": ("order_id",),
    "fact_sales": ("order_id", "order_item_id"),
    "fact_payments": ("order_id", "payment_sequential"),
    "fact_reviews": ("review_id", "order_id"),
    "agg_monthly_growth": ("month",),
    "agg_top_selling_products": ("grain", "period_start", "product_id"),
    "agg_sales_by_seller": ("seller_id",),
    "agg_sales_trend": ("grain", "period_start"),
    "agg_avg_delivery_time_seller": ("seller_id",),
    "agg_avg_order_value_city_state": ("level", "customer_state", "customer_city"),
    "agg_customer_purchase_frequency": ("level", "customer_state", "customer_city"),
    "agg_retained_customers_over_month": ("cohort_month", "months_since_first"),
    "feat_forecast": ("level", "customer_state", "product_category", "forecast_date"),
}
COMMENTS = ("review_comment_title", "review_comment_message")  # for `loose`
SCHEMAS = {"agg": "kpis", "feat": "features"}
SHOWN = 20

Row = Mapping[str, object]
Key = tuple[object, ...]


def schema_of(table: str) -> str:
    """The schema that a table lies in, by the first word of its name."""
    return SCHEMAS.get(table.partition("_")[0], "marts")


def sort_key(columns: Sequence[str]) -> Callable[[Row], list[tuple[bool, Any]]]:
    """Sorts rows by their key, None first."""
    return lambda row: [(row[column] is not None, row[column]) for column in columns]


def differences(
    expected: Sequence[Row],
    actual: Sequence[Row],
    key: Sequence[str],
    *,
    ignore: Collection[str] = (),
    loose: Collection[str] = (),
) -> list[str]:
    """What differs, one sentence each; empty where the tables are the same.

    `ignore` names columns to leave out; in `loose` columns whitespace does not count (an empty text is None).
    """
    found: list[str] = []
    if not expected and not actual:
        return found
    columns = shared_columns(expected, actual, ignore, found)
    if any(column not in columns for column in key):
        return found or [f"no key column {', '.join(k for k in key if k not in columns)}"]
    left, right = keyed(expected, key, "expected", found), keyed(actual, key, "actual", found)
    report_keys(found, "missing", [k for k in left if k not in right])
    report_keys(found, "extra", [k for k in right if k not in left])
    cells = 0
    for k, row in left.items():
        for column in columns if k in right else ():
            want, got = row.get(column), right[k].get(column)
            if not same(want, got, column in loose):
                cells += 1
                if cells <= SHOWN:
                    found.append(f"{describe(key, k)}: {column}: expected {want!r}, got {got!r}")
    if cells > SHOWN:
        found.append(f"… and {cells - SHOWN} more differing cells, {cells} in all")
    return found


def same(want: object, got: object, loose: bool = False) -> bool:
    if loose and isinstance(want, str | None) and isinstance(got, str | None):
        return (want or "").split() == (got or "").split()
    if want is None or got is None:
        return want is got
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, int | Decimal) and isinstance(got, int | Decimal):
        return want == got
    return type(want) is type(got) and want == got


def shared_columns(
    expected: Sequence[Row], actual: Sequence[Row], ignore: Collection[str], found: list[str]
) -> list[str]:
    """The columns to compare, in the order of the expected table; an empty table has no columns to miss."""
    left = [column for column in dict.fromkeys(c for row in expected for c in row) if column not in ignore]
    right = [column for column in dict.fromkeys(c for row in actual for c in row) if column not in ignore]
    if not expected or not actual:
        return left or right
    found.extend(f"missing column {column}" for column in left if column not in right)
    found.extend(f"extra column {column}" for column in right if column not in left)
    return [column for column in left if column in right]


def keyed(rows: Sequence[Row], key: Sequence[str], side: str, found: list[str]) -> dict[Key, Row]:
    by_key: dict[Key, Row] = {}
    twice: list[Key] = []
    for row in rows:
        k = tuple(row.get(column) for column in key)
        if k in by_key:
            twice.append(k)
        by_key.setdefault(k, row)
    report_keys(found, f"duplicate {side}", twice)
    return by_key


def report_keys(found: list[str], what: str, keys: Sequence[Key]) -> None:
    if keys:
        shown = ", ".join("(" + ", ".join(map(str, k)) + ")" for k in keys[:5])
        more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
        found.append(f"{len(keys)} {what} keys: {shown}{more}")


def describe(key: Sequence[str], values: Key) -> str:
    return ", ".join(f"{column}={value}" for column, value in zip(key, values, strict=True))
