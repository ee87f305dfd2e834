"""Canonical messages of every event type, for the tests of everything that events go through.

The functions build dicts with sensible defaults; columns given by name replace them, and a column given as `...`
is left out. Times lie before `NOW`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from string import ascii_letters, digits
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from armazem.contract import Column, ColumnType
from armazem.contract.event_types import EVENT_TYPES, STAGE_TIMESTAMPS, Part, maximum
from armazem.contract.identifiers import canonical as compared
from armazem.contract.identifiers import fault
from armazem.contract.nulls import is_null

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/Sao_Paulo")
Message = dict[str, Any]


def identifier(number: int) -> str:
    """32 hexadecimal digits, like Olist's identifiers."""
    return UUID(int=(number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % 2**128).hex


ORDER_ID, CUSTOMER_ID, PRODUCT_ID, SELLER_ID, REVIEW_ID, PERSON_ID = (identifier(n) for n in range(1, 7))


def canonical(message: Any) -> bytes:
    """The message as a sender writes it: compact JSON in UTF-8."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def event(event_type: str, data: Any, **envelope: Any) -> Message:
    """The envelope around `data`."""
    defaults = {
        "event_id": identifier(hash_of(event_type)),
        "event_type": event_type,
        "timestamp": "2026-11-22T14:03:11.250-03:00",
    }
    return _with(defaults, {**envelope, "data": data})


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return int.from_bytes(text.encode(), "big")


def _with(defaults: Message, columns: Message) -> Message:
    return {name: value for name, value in {**defaults, **columns}.items() if value is not ...}


def order(**columns: Any) -> Message:
    """A row of orders, as in order_initiated."""
    defaults = {
        "order_id": ORDER_ID,
        "customer_id": CUSTOMER_ID,
        "order_status": "created",
        "order_purchase_timestamp": "2026-11-22T14:03:11",
        "order_estimated_delivery_date": "2026-12-10T00:00:00",
    }
    return _with(defaults, columns)


def item(number: int = 1, **columns: Any) -> Message:
    """A row of order_items."""
    defaults = {
        "order_id": ORDER_ID,
        "order_item_id": number,
        "product_id": PRODUCT_ID,
        "seller_id": SELLER_ID,
        "shipping_limit_date": "2026-11-28T14:03:11",
        "price": 129.9,
        "freight_value": 15.1,
    }
    return _with(defaults, columns)


def payment(number: int = 1, **columns: Any) -> Message:
    """A row of order_payments."""
    defaults = {
        "order_id": ORDER_ID,
        "payment_sequential": number,
        "payment_type": "credit_card",
        "payment_installments": 3,
        "payment_value": 145.0,
    }
    return _with(defaults, columns)


def order_initiated(
    orders: Any = None, order_items: Any = None, order_payments: Any = None, **envelope: Any
) -> Message:
    """One item, one payment of its sum."""
    data = {
        "orders": order() if orders is None else orders,
        "order_items": [item()] if order_items is None else order_items,
        "order_payments": [payment()] if order_payments is None else order_payments,
    }
    return event("order_initiated", _with(data, {}), **envelope)


def order_status_update(status: str = "approved", orders: Any = None, **envelope: Any) -> Message:
    """With the timestamp of the stage where it has one."""
    stages = {
        "approved": "order_approved_at",
        "shipped": "order_delivered_carrier_date",
        "delivered": "order_delivered_customer_date",
    }
    columns = {"order_id": ORDER_ID, "order_status": status}
    if status in stages:
        columns[stages[status]] = "2026-11-22T15:00:00"
    return event("order_status_update", {"orders": columns if orders is None else orders}, **envelope)


def order_payment(order_payments: Any = None, **envelope: Any) -> Message:
    """One payment."""
    return event(
        "order_payment", {"order_payments": [payment()] if order_payments is None else order_payments}, **envelope
    )


def review(**columns: Any) -> Message:
    """A row of order_reviews."""
    defaults = {
        "review_id": REVIEW_ID,
        "order_id": ORDER_ID,
        "review_score": 5,
        "review_comment_title": "Ótimo",
        "review_comment_message": "Chegou antes do prazo.\nRecomendo!",
        "review_creation_date": "2026-11-21T00:00:00",
        "review_answer_timestamp": "2026-11-22T09:12:44",
    }
    return _with(defaults, columns)


def order_review(order_reviews: Any = None, **envelope: Any) -> Message:
    """Five stars, with a comment."""
    return event("order_review", {"order_reviews": review() if order_reviews is None else order_reviews}, **envelope)


def customer_update(customers: Any = None, **envelope: Any) -> Message:
    """All columns of a customer."""
    columns = {
        "customer_id": CUSTOMER_ID,
        "customer_unique_id": PERSON_ID,
        "customer_zip_code_prefix": "01046",
        "customer_city": "são paulo",
        "customer_state": "SP",
    }
    return event("customer_update", {"customers": columns if customers is None else customers}, **envelope)


def product_update(products: Any = None, **envelope: Any) -> Message:
    """All columns of a product."""
    columns = {
        "product_id": PRODUCT_ID,
        "product_category_name": "beleza_saude",
        "product_name_length": 40,
        "product_description_length": 287,
        "product_photos_qty": 1,
        "product_weight_g": 225.5,
        "product_length_cm": 16,
        "product_height_cm": 10.125,
        "product_width_cm": 14,
    }
    return event("product_update", {"products": columns if products is None else products}, **envelope)


def seller_update(sellers: Any = None, **envelope: Any) -> Message:
    """All columns of a seller."""
    columns = {
        "seller_id": SELLER_ID,
        "seller_zip_code_prefix": "13023",
        "seller_city": "campinas",
        "seller_state": "SP",
    }
    return event("seller_update", {"sellers": columns if sellers is None else sellers}, **envelope)


# Event type to the function that builds its canonical message.
EXAMPLES: dict[str, Callable[..., Message]] = {
    "order_initiated": order_initiated,
    "order_status_update": order_status_update,
    "order_payment": order_payment,
    "order_review": order_review,
    "customer_update": customer_update,
    "product_update": product_update,
    "seller_update": seller_update,
}

# -- Hypothesis ------------------------------------------------------------------------------------------------

TIMES = st.datetimes(datetime(1991, 1, 1), datetime(2026, 11, 23)).map(datetime.isoformat)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
STAMPS = st.datetimes(datetime(1971, 1, 1), datetime(2026, 11, 22), timezones=OFFSETS).map(datetime.isoformat)
IDENTIFIERS = st.text("0123456789abcdef", min_size=1, max_size=64) | st.text(
    ascii_letters + digits + "-_.:/#=+", min_size=1, max_size=64
).filter(lambda text: compared(text) == text and not fault(text) and not is_null(text))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30).filter(
    lambda text: not is_null(text)
)


def values(column: Column) -> st.SearchStrategy[Any]:
    """Canonical values of the column."""
    if column.values:
        return st.sampled_from(column.values)
    match column.type:
        case ColumnType.IDENTIFIER:
            return IDENTIFIERS
        case ColumnType.TEXT | ColumnType.ZIP:
            return TEXTS
        case ColumnType.INTEGER:
            return st.integers(column.minimum, maximum(column))
        case ColumnType.MONEY:
            return st.integers(0, 10**11 - 1).map(lambda cents: cents / 100)
        case ColumnType.NUMBER:
            return st.integers(0, 10**9).map(lambda thousandths: thousandths / 1000)
        case _:
            return TIMES


def rows(part: Part, **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    """Canonical rows of the part: the required columns, any of the others."""
    given = {column.name: fixed.get(column.name, values(column)) for column in part.table.columns}
    required = {*part.required, *fixed}
    optional = {name: strategy for name, strategy in given.items() if name not in required}
    found = st.fixed_dictionaries({name: given[name] for name in given if name in required}, optional=optional)
    return found.map(_refunded)


def _refunded(row: Message) -> Message:
    """What a refund pays is below zero."""
    return {**row, "payment_value": -(row["payment_value"] or 0.01)} if row.get("payment_type") == "refund" else row


@st.composite
def events(draw: st.DrawFn, event_types: tuple[str, ...] = tuple(EVENT_TYPES)) -> Message:
    """Canonical messages that are accepted at `NOW`."""
    event_type = EVENT_TYPES[draw(st.sampled_from(event_types))]
    order_id = draw(IDENTIFIERS)
    data: Message = {}
    for part in event_type.parts:
        if part.many:
            row = rows(part, order_id=st.just(order_id))
            number = part.table.key[1]
            data[part.name] = draw(
                st.lists(row, min_size=part.at_least, max_size=4, unique_by=lambda row, number=number: row[number])
            )
        elif event_type.name == "order_status_update":
            status = draw(st.sampled_from(part.table.column("order_status").values))
            stage = {STAGE_TIMESTAMPS[status]: TIMES} if status in STAGE_TIMESTAMPS else {}
            data[part.name] = draw(rows(part, order_status=st.just(status), **stage))
        else:
            fixed = {"order_id": st.just(order_id)} if part.name == "orders" else {}
            data[part.name] = draw(rows(part, **fixed))
    event_id = draw(st.text("0123456789abcdefABCDEF- /é", min_size=1, max_size=128))
    return event(event_type.name, data, event_id=event_id, timestamp=draw(STAMPS))
