"""The messages of a batch that are canonical, decoded, checked and encoded at the speed of C.

Python looks at values one by one only where they belong together (the order of an item); everything else is
collected and checked once for the batch. What does not pass is left to `event_exact`, which tells the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

import msgspec

from armazem.contract.event_structs import ENCODER, EVENT_STRUCTS, decoder
from armazem.contract.event_types import DECIMALS, EVENT_TYPES, MAX_MESSAGE, STAGE_TIMESTAMPS, Part, is_promised
from armazem.contract.event_values import EPOCH, FIRST_PURCHASE, Horizon
from armazem.contract.model import ColumnType

# A batch that fails its check is checked again in groups of this size, and a group that fails one by one.
GROUP = 16

_IDENTIFIER = (digits + ascii_lowercase + "_.:/").encode()
_EVENT_ID = _IDENTIFIER + (ascii_uppercase + "-").encode()
_ZEROS = bytes.maketrans(digits.encode(), b"0" * 10)
_NUL = rb"\u0000"


class Collected:
    """The values of a batch that are checked together."""

    __slots__ = ("amounts", "event_ids", "identifiers", "messages", "past", "promised", "purchases", "sizes", "stamps")

    def __init__(self) -> None:
        self.event_ids: list[str] = []
        self.stamps: list[datetime] = []
        self.identifiers: list[str] = []
        self.amounts: list[float] = []
        self.sizes: list[float] = []
        self.purchases: list[datetime] = []
        self.past: list[datetime] = []
        self.promised: list[datetime] = []
        self.messages: list[bytes] = []

    def hold(self, horizon: Horizon) -> bool:
        """Whether all of them are surely good; what is rare, like other alphabets, counts as not."""
        return (
            not "".join(self.event_ids).encode().translate(None, _EVENT_ID)
            and not "".join(self.identifiers).encode().translate(None, _IDENTIFIER)
            and max(self.stamps) <= horizon.latest
            and min(self.stamps) >= EPOCH
            and max(self.past, default=FIRST_PURCHASE) <= horizon.latest_local
            and max(self.purchases, default=FIRST_PURCHASE) <= horizon.latest_local
            and min(self.purchases, default=FIRST_PURCHASE) >= FIRST_PURCHASE
            and max(self.promised, default=FIRST_PURCHASE) <= horizon.latest_promise
            and _has_decimals(self.amounts, DECIMALS[ColumnType.MONEY])
            and _has_decimals(self.sizes, DECIMALS[ColumnType.NUMBER])
            and not any(_NUL in message for message in self.messages)
        )


def _has_decimals(amounts: list[float], places: int) -> bool:
    """Whether none has more decimals. The encoder writes a double as short as can be, which is the test."""
    written = ENCODER.encode(amounts).translate(_ZEROS)
    # Far below a cent they have an exponent; -0.0 is to become 0.0.
    return b"." + b"0" * (places + 1) not in written and b"e" not in written and b"-" not in written


def _collect_orders(order: Any, into: Collected) -> None:
    """The order of any event: only its identifier is sure to be there."""
    into.identifiers.append(order.order_id)
    if order.customer_id is not None:
        into.identifiers.append(order.customer_id)
    if order.order_purchase_timestamp is not None:
        into.purchases.append(order.order_purchase_timestamp)
    if order.order_approved_at is not None:
        into.past.append(order.order_approved_at)
    if order.order_delivered_carrier_date is not None:
        into.past.append(order.order_delivered_carrier_date)
    if order.order_delivered_customer_date is not None:
        into.past.append(order.order_delivered_customer_date)
    if order.order_estimated_delivery_date is not None:
        into.promised.append(order.order_estimated_delivery_date)


def _collect_items(items: list[Any], order_id: str, into: Collected) -> bool:
    for item in items:
        if item.order_id != order_id:
            return False
        into.identifiers += (item.product_id, item.seller_id)
        into.amounts += (item.price, item.freight_value)
        if item.shipping_limit_date is not None:
            into.promised.append(item.shipping_limit_date)
    return len(items) < 2 or len({item.order_item_id for item in items}) == len(items)


def _collect_payments(payments: list[Any], order_id: str, into: Collected) -> bool:
    for payment in payments:
        if payment.order_id != order_id:
            return False
        into.amounts.append(payment.payment_value)
    return len(payments) < 2 or len({payment.payment_sequential for payment in payments}) == len(payments)


def _order_initiated(data: Any, _message: bytes, into: Collected) -> bool:
    order_id = data.orders.order_id
    _collect_orders(data.orders, into)
    return _collect_items(data.order_items, order_id, into) and _collect_payments(data.order_payments, order_id, into)


def _order_status_update(data: Any, _message: bytes, into: Collected) -> bool:
    order = data.orders
    _collect_orders(order, into)
    stage = STAGE_TIMESTAMPS.get(order.order_status)
    return stage is None or getattr(order, stage) is not None


def _order_payment(data: Any, _message: bytes, into: Collected) -> bool:
    order_id = data.order_payments[0].order_id
    into.identifiers.append(order_id)
    return _collect_payments(data.order_payments, order_id, into)


def _one_row(part: Part) -> Callable[[Any, bytes, Collected], bool]:
    """The same for an event with one object, from the columns of its table."""

    def values(*types: ColumnType, promised: bool = False) -> Callable[[Any], tuple[Any, ...]]:
        columns = [c for c in part.table.columns if c.type in types and is_promised(c) == promised]
        if not columns:
            return lambda row: ()
        get = attrgetter(*(f"{part.name}.{column.name}" for column in columns))
        return get if len(columns) > 1 else lambda data: (get(data),)

    identifiers, sizes = values(ColumnType.IDENTIFIER), values(ColumnType.NUMBER)
    amounts, past = values(ColumnType.MONEY), values(ColumnType.TIMESTAMP)
    promised = values(ColumnType.TIMESTAMP, promised=True)

    def collect(data: Any, message: bytes, into: Collected) -> bool:
        into.identifiers += filter(None, identifiers(data))
        into.past += filter(None, past(data))
        into.promised += filter(None, promised(data))
        into.sizes += (size for size in sizes(data) if size is not None)
        into.amounts += (amount for amount in amounts(data) if amount is not None)
        into.messages.append(message)
        return True

    return collect


# Struct of the event -> collects its data; False if what belongs together does not fit.
_COLLECT: dict[Any, Callable[[Any, bytes, Collected], bool]] = {
    EVENT_STRUCTS[name]: {
        "order_initiated": _order_initiated,
        "order_status_update": _order_status_update,
        "order_payment": _order_payment,
    }.get(name)
    or _one_row(event_type.parts[0])
    for name, event_type in EVENT_TYPES.items()
}


def decode(messages: Sequence[bytes]) -> tuple[list[int], list[Any]]:
    """The positions and the events of the messages that have the canonical form."""
    decode_one = decoder().decode
    positions, events = [], []
    for position, message in enumerate(messages):
        if len(message) <= MAX_MESSAGE:
            try:
                events.append(decode_one(message))
                positions.append(position)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # the exact path tells what it is
    return positions, events


def good(
    positions: list[int], events: list[Any], messages: Sequence[bytes], horizon: Horizon
) -> tuple[list[int], list[Any]]:
    """Those that are surely good."""
    collected = Collected()
    collect = _COLLECT
    checked = [
        (position, event)
        for position, event in zip(positions, events, strict=True)
        if collect[type(event)](event.data, messages[position], collected)
    ]
    if len(checked) < len(events):
        positions, events = [position for position, _ in checked], [event for _, event in checked]
    if not events:
        return [], []
    collected.event_ids = [event.event_id for event in events]
    collected.stamps = [event.timestamp for event in events]
    if collected.hold(horizon):
        return positions, events
    if len(events) == 1:
        return [], []
    size = GROUP if len(events) > GROUP else 1
    good_positions, good_events = [], []
    for start in range(0, len(events), size):
        group = slice(start, start + size)
        found = good(positions[group], events[group], messages, horizon)
        good_positions += found[0]
        good_events += found[1]
    return good_positions, good_events


def lines(events: list[Any]) -> list[bytes]:
    """Each event as JSON without its opening brace: JSON has no newline of its own, so the batch is cut at them."""
    return ENCODER.encode_lines(events)[1:-1].split(b"\n{") if events else []
