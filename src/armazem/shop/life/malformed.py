"""Messages that must be refused: for every code of the contract some that have just that fault.

Each is made of an order that is never placed, so none can pass for an event that was sent.
"""

from __future__ import annotations

import json
from typing import Any

from armazem.contract.rejects import RejectCode
from armazem.shop.life.market import Market
from armazem.shop.life.messages import Message, Role
from armazem.shop.life.order import Order

MAX_BYTES = 2**20
_TOO_LARGE_EVERY = 25  # rounds through the codes: a mebibyte each

_ABSENT = object()
_Fault = tuple[tuple[str | int, ...], Any]
_ORDER, _ITEM, _PAYMENT = ("data", "orders"), ("data", "order_items", 0), ("data", "order_payments", 0)

# Where in an order_initiated a value is put, or taken away.
_FAULTS: dict[str, tuple[_Fault, ...]] = {
    RejectCode.MISSING_FIELD: (
        (("timestamp",), _ABSENT),
        (("data",), None),
        ((*_ORDER, "order_id"), _ABSENT),
        ((*_ORDER, "order_purchase_timestamp"), _ABSENT),
        ((*_ITEM, "product_id"), None),
        ((*_PAYMENT, "payment_value"), _ABSENT),
    ),
    RejectCode.WRONG_TYPE: (
        (("event_type",), 7),
        (("data",), "order"),
        ((*_ORDER, "order_status"), ["created"]),
        ((*_ITEM, "price"), {"amount": 10}),
        ((*_ITEM, "order_item_id"), "first"),
        ((*_PAYMENT, "payment_value"), True),
    ),
    RejectCode.BAD_IDENTIFIER: (
        ((*_ORDER, "order_id"), ""),
        ((*_ORDER, "customer_id"), "customer of this order"),
        ((*_ITEM, "product_id"), "p" * 65),
        ((*_ITEM, "seller_id"), "one\ttwo"),
    ),
    RejectCode.BAD_TIMESTAMP: (
        (("timestamp",), "2026-11-22T14:03:11"),  # of the envelope, without an offset
        (("timestamp",), "yesterday"),
        ((*_ORDER, "order_purchase_timestamp"), "2026-13-45T99:00:00"),
        ((*_ITEM, "shipping_limit_date"), "22/11/2026"),
    ),
    RejectCode.FUTURE_TIMESTAMP: (
        (("timestamp",), "2999-01-01T00:00:00-03:00"),
        ((*_ORDER, "order_purchase_timestamp"), "2999-01-01T00:00:00"),
    ),
    RejectCode.NEGATIVE_AMOUNT: (
        ((*_ITEM, "price"), -10.5),
        ((*_ITEM, "freight_value"), -0.01),
        ((*_PAYMENT, "payment_value"), -99),
    ),
    RejectCode.BAD_VALUE: (
        ((*_ORDER, "order_status"), "teleported"),
        ((*_PAYMENT, "payment_type"), "barter"),
        ((*_PAYMENT, "payment_installments"), -1),
        ((*_ITEM, "order_item_id"), 0),
    ),
    RejectCode.INCONSISTENT: (
        ((*_ITEM, "order_id"), "another0order"),
        ((*_PAYMENT, "order_id"), "another0order"),
    ),
    RejectCode.UNKNOWN_EVENT_TYPE: (
        (("event_type",), "order_shipped"),
        (("event_type",), "OrderInitiated"),
    ),
}
CODES: tuple[str, ...] = (*_FAULTS, RejectCode.NOT_JSON, RejectCode.NOT_UTF8, RejectCode.TOO_LARGE)


class Spoiler:
    """Gives malformed messages, with all codes in turn, in an order that changes with each round."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._rng = market.rng
        self._deck: list[str] = []
        self._rounds = 0

    def message(self, now: int) -> Message:
        """Return one that must be refused, with the code that is its `kind`."""
        if not self._deck:
            rare = {RejectCode.TOO_LARGE} if self._rounds % _TOO_LARGE_EVERY else set()
            self._deck = [code for code in CODES if code not in rare]
            self._rng.shuffle(self._deck)
            self._rounds += 1
        code = self._deck.pop()
        return Message(self._spoilt(code, now), str(code), Role.MALFORMED, now)

    def _spoilt(self, code: str, now: int) -> bytes:
        whole = self._whole(now)
        if code == RejectCode.NOT_JSON:
            return whole[: self._rng.randrange(1, len(whole))]  # cut off on its way
        if code == RejectCode.NOT_UTF8:
            return whole.replace(b'"created"', '"concluída"'.encode("latin-1"))
        event = json.loads(whole)
        if code == RejectCode.TOO_LARGE:
            event["note"] = "x" * MAX_BYTES
        else:
            _put(event, *self._rng.choice(_FAULTS[code]))
        return json.dumps(event, separators=(",", ":")).encode()

    def _whole(self, now: int) -> bytes:
        """The order_initiated of an order that goes no further."""
        order = Order(self._market)
        order.advance(now)
        return order.advance(now).body


def _put(event: Any, path: tuple[str | int, ...], value: Any) -> None:
    *way, last = path
    for step in way:
        event = event[step]
    if value is _ABSENT:
        del event[last]
    else:
        event[last] = value
