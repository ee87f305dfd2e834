"""The event types, declared once over the source tables: which parts a message has and which columns it must carry.

Everything else about events (typed structs, validation, JSON Schema) is derived from here and from `tables.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from armazem.contract.model import Column, ColumnType, Table
from armazem.contract.tables import CUSTOMERS, ORDER_ITEMS, ORDER_PAYMENTS, ORDER_REVIEWS, ORDERS, PRODUCTS, SELLERS

MAX_MESSAGE = 1_048_576
MAX_EVENT_ID = 128
MAX_SENDER = 128
MAX_ZIP_NUMBER = 99_999
# Amounts and sizes stay below this, so that a double holds their decimals exactly enough to tell them apart.
MAX_AMOUNT = 10**9
DECIMALS = {ColumnType.MONEY: 2, ColumnType.NUMBER: 3}
MIN_PURCHASE_YEAR = 1990

_MAXIMA = {"order_item_id": 1_000_000, "payment_sequential": 1_000_000, "payment_installments": 1_000}
_MAX_INTEGER = 2**31 - 1
# Spellings of older senders that batch files never had.
_ALIASES = {"order_delivered_customer_date": ("order_delivered_timestamp",)}
# Dates that are promised lie ahead; every other time has happened.
_PROMISED = {"order_estimated_delivery_date", "shipping_limit_date"}

# The timestamp that an order_status_update to this status must carry; the other statuses need none.
STAGE_TIMESTAMPS = {
    "approved": "order_approved_at",
    "shipped": "order_delivered_carrier_date",
    "delivered": "order_delivered_customer_date",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One member of `data`, named like its table: an object, or a list of objects (`many`) of at least `at_least`."""

    table: Table
    required: tuple[str, ...]
    many: bool = False
    at_least: int = 0

    @property
    def name(self) -> str:
        """Its name in `data`."""
        return self.table.name


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type: its name in `event_type`, what it says, and the parts of its `data`."""

    name: str
    description: str
    parts: tuple[Part, ...]


def _row(table: Table) -> tuple[str, ...]:
    """The columns that a whole row of the table needs."""
    return tuple(column.name for column in table.columns if column.required)


EVENT_TYPES: dict[str, EventType] = {
    event_type.name: event_type
    for event_type in (
        EventType(
            "order_initiated",
            "An order was placed, with its items and payments.",
            (
                Part(ORDERS, _row(ORDERS)),
                Part(ORDER_ITEMS, _row(ORDER_ITEMS), many=True),
                Part(ORDER_PAYMENTS, _row(ORDER_PAYMENTS), many=True),
            ),
        ),
        EventType(
            "order_status_update",
            "An order reached a stage; approved, shipped and delivered come with the time of the stage.",
            (Part(ORDERS, ("order_id", "order_status")),),
        ),
        EventType(
            "order_payment",
            "An order was paid, or paid in part.",
            (Part(ORDER_PAYMENTS, _row(ORDER_PAYMENTS), many=True, at_least=1),),
        ),
        EventType("order_review", "An order was reviewed.", (Part(ORDER_REVIEWS, _row(ORDER_REVIEWS)),)),
        EventType("customer_update", "Columns of a customer changed.", (Part(CUSTOMERS, CUSTOMERS.key),)),
        EventType("product_update", "Columns of a product changed.", (Part(PRODUCTS, PRODUCTS.key),)),
        EventType("seller_update", "Columns of a seller changed.", (Part(SELLERS, SELLERS.key),)),
    )
}


def spellings(column: Column) -> tuple[str, ...]:
    """Return the names under which an event may carry the column: its own, then those of older senders."""
    return (column.name, *column.aliases, *_ALIASES.get(column.name, ()))


def maximum(column: Column) -> int:
    """Return the largest value of an integer column in an event, inclusive."""
    return column.maximum if column.maximum is not None else _MAXIMA.get(column.name, _MAX_INTEGER)


def is_promised(column: Column) -> bool:
    """Return whether the timestamp may lie years ahead."""
    return column.name in _PROMISED
