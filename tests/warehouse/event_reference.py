"""How batch rows and events become rows of staging, in plain Python: what the models and live views are compared with.

A batch row comes as text, by the names of the source files; an event as the message that was sent. Amounts are
Decimal, times business time without a zone. Nothing here uses SQL or the package's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from reference import cleaning as c

ZONE = ZoneInfo("America/Sao_Paulo")
Row = dict[str, Any]
Tables = dict[str, list[Row]]


def business_time(raw: str | None) -> datetime | None:
    if not raw:
        return None
    time = datetime.fromisoformat(raw)
    return time if time.tzinfo is None else time.astimezone(ZONE).replace(tzinfo=None, fold=0)


def number(raw: str | None) -> Decimal | None:
    return Decimal(raw) if raw else None


# Table to the cleaning of each of its columns.
COLUMNS: dict[str, dict[str, Callable[[str | None], Any]]] = {
    "orders": {
        "order_id": c.identifier,
        "customer_id": c.identifier,
        "order_status": c.text,
        "order_purchase_timestamp": business_time,
        "order_approved_at": business_time,
        "order_delivered_carrier_date": business_time,
        "order_delivered_customer_date": business_time,
        "order_estimated_delivery_date": business_time,
    },
    "order_items": {
        "order_id": c.identifier,
        "order_item_id": c.whole,
        "product_id": c.identifier,
        "seller_id": c.identifier,
        "shipping_limit_date": business_time,
        "price": number,
        "freight_value": number,
    },
    "order_payments": {
        "order_id": c.identifier,
        "payment_sequential": c.whole,
        "payment_type": c.text,
        "payment_installments": c.whole,
        "payment_value": number,
    },
    "order_reviews": {
        "review_id": c.identifier,
        "order_id": c.identifier,
        "review_score": c.whole,
        "review_comment_title": c.text,
        "review_comment_message": c.text,
        "review_creation_date": business_time,
        "review_answer_timestamp": business_time,
    },
    "customers": {
        "customer_id": c.identifier,
        "customer_unique_id": c.identifier,
        "customer_zip_code_prefix": c.zip_prefix,
        "customer_city": c.city,
        "customer_state": c.state,
    },
    "products": {
        "product_id": c.identifier,
        "product_category_name": c.text,
        "product_name_length": c.whole,
        "product_description_length": c.whole,
        "product_photos_qty": c.whole,
        "product_weight_g": number,
        "product_length_cm": number,
        "product_height_cm": number,
        "product_width_cm": number,
    },
    "sellers": {
        "seller_id": c.identifier,
        "seller_zip_code_prefix": c.zip_prefix,
        "seller_city": c.city,
        "seller_state": c.state,
    },
}
KEYS = {
    "orders": ("order_id",),
    "order_items": ("order_id", "order_item_id"),
    "order_payments": ("order_id", "payment_sequential"),
    "order_reviews": ("review_id", "order_id"),
    "customers": ("customer_id",),
    "products": ("product_id",),
    "sellers": ("seller_id",),
}
# What a row needs before it is one; until then what events say of it waits.
NEEDS = {
    "orders": ("customer_id", "order_status", "order_purchase_timestamp"),
    "order_items": ("product_id", "seller_id", "price", "freight_value"),
    "order_payments": ("payment_type", "payment_value"),
    "order_reviews": ("review_score",),
    "customers": ("customer_unique_id",),
}
STATUSES = ("created", "approved", "invoiced", "processing", "shipped", "delivered", "canceled", "unavailable")
STAGES = {
    "created": "order_purchase_timestamp",
    "approved": "order_approved_at",
    "shipped": "order_delivered_carrier_date",
    "delivered": "order_delivered_customer_date",
}


class Load(NamedTuple):
    """One load: its id, which begins with its time, and the rows of the files that it landed, in their order.

    `as_of`: how old it is, with a zone, where that was told.
    """

    load_id: str
    files: Mapping[str, Sequence[Mapping[str, str]]]
    as_of: datetime | None = None


def staging(loads: Iterable[Load], events: Iterable[Mapping[str, Any]]) -> Tables:
    """The rows of the seven tables. Loads come in their order, events in any, some of them twice."""
    versions: dict[str, dict[tuple[Any, ...], list[tuple[str, Row]]]] = {table: {} for table in COLUMNS}
    for table, rows in batch_rows(loads).items():
        for key, version in rows.items():
            when, row = version
            stage = f" {STATUSES.index(row['order_status'])}" if table == "orders" else ""
            versions[table][key] = [(when + stage, row)]
    for event in events:
        version = version_of(event)
        for table, row in carried(event):
            versions[table].setdefault(key_of(table, row), []).append((version, row))
    return {
        table: [row for of_key in found.values() if (row := newest_values(table, of_key))]
        for table, found in versions.items()
    }


def newest_values(table: str, versions: Sequence[tuple[str, Row]]) -> Row | None:
    """Of each column the newest value; None where the row needs one that nobody has told."""
    row = dict.fromkeys(COLUMNS[table])
    for _, values in sorted(versions, key=lambda version: version[0]):
        row.update({name: value for name, value in values.items() if value is not None})
    if any(row[name] is None for name in NEEDS.get(table, ())):
        return None
    if table == "order_payments":
        row["payment_installments"] = max(row["payment_installments"] or 1, 1)
    return row


def batch_rows(loads: Iterable[Load]) -> dict[str, dict[tuple[Any, ...], tuple[str, Row]]]:
    """Of each key the row of the newest extract, with its version: a newer one replaces the whole row."""
    found: dict[str, dict[tuple[Any, ...], tuple[Any, str, Row]]] = {table: {} for table in COLUMNS}
    for load in loads:
        loaded_at = utc_text(datetime.strptime(load.load_id[:22], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC))
        tables = {table: [cleaned(table, row) for row in load.files.get(file_of(table), ())] for table in COLUMNS}
        told = load.as_of and utc_text(load.as_of)
        extracted_at = told or min(written_at(tables) or loaded_at, loaded_at)
        for table, rows in tables.items():
            for key, row in {key_of(table, row): row for row in rows}.items():
                version, rank = extracted_at, (told or loaded_at, 0, load.load_id)
                if table == "orders":
                    written = told or min(utc_text(newest_time(row)), loaded_at)
                    if row.get(STAGES.get(row["order_status"], "")):
                        version = written
                    ended = row["order_status"] in ("canceled", "unavailable")
                    rank = (version if ended else written, STATUSES.index(row["order_status"]), load.load_id)
                if key not in found[table] or rank > found[table][key][0]:
                    found[table][key] = (rank, version, row)
    return {table: {key: row[1:] for key, row in rows.items()} for table, rows in found.items()}


def written_at(tables: Tables) -> str | None:
    """The newest time in the orders and reviews of an extract."""
    times = [newest_time(row) for row in tables["orders"]]
    times += [row["review_answer_timestamp"] or row["review_creation_date"] for row in tables["order_reviews"]]
    return max((utc_text(time) for time in times if time), default=None)


def newest_time(order: Row) -> datetime:
    return max(order[name] for name in STAGES.values() if order[name])


def version_of(event: Mapping[str, Any]) -> str:
    """Of two events of one time the one whose status is further on is newer, then the greater identifier."""
    status = event["data"].get("orders", {}).get("order_status") or "created"
    return f"{utc_text(datetime.fromisoformat(event['timestamp']))} {STATUSES.index(status)} {event['event_id']}"


def carried(event: Mapping[str, Any]) -> Iterable[tuple[str, Row]]:
    """The rows that an event carries; older senders give one item or payment without a list around it."""
    for table, part in event["data"].items():
        for row in part if isinstance(part, list) else [part]:
            yield table, cleaned(table, row)


def cleaned(table: str, row: Mapping[str, Any]) -> Row:
    texts = {name.replace("lenght", "length"): None if value is None else str(value) for name, value in row.items()}
    if "order_delivered_timestamp" in texts:
        texts["order_delivered_customer_date"] = texts.pop("order_delivered_timestamp")
    return {name: clean(texts.get(name)) for name, clean in COLUMNS[table].items()}


def key_of(table: str, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEYS[table])


def file_of(table: str) -> str:
    return f"olist_{table}_dataset"


def utc_text(time: datetime) -> str:
    """In UTC to the microsecond. Of a business time that the clock showed twice the later one is meant."""
    if time.tzinfo is None:
        time = max(time.replace(tzinfo=ZONE, fold=fold).astimezone(UTC) for fold in (0, 1))
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
