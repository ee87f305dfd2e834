"""What was sent, counted: every message once, and the state of every order after its messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from armazem.contract.tables import NO_SALE_STATUSES
from armazem.shop.life.messages import Account, Message, Role


class Totals:
    """Counts messages as they are acknowledged. Money in cents; an order counts once its order_initiated has come."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.malformed: Counter[str] = Counter()
        self.duplicates = 0
        self.out_of_order = 0
        self.items = 0
        self.bytes = 0
        self.orders: Counter[str] = Counter()
        self.cents = 0
        self.valid_cents = 0

    @property
    def messages(self) -> int:
        return self.events.total() + self.duplicates + self.malformed.total()

    def count(self, messages: Iterable[Message]) -> None:
        """Count these, which were acknowledged, in this order."""
        for message in messages:
            self.bytes += len(message.body)
            if message.role is Role.MALFORMED:
                self.malformed[message.kind] += 1
            elif message.role is Role.DUPLICATE:
                self.duplicates += 1
            else:
                self.events[message.kind] += 1
                self.items += message.items
                if message.account is not None:
                    self._book(message.account, message)

    def _book(self, account: Account, message: Message) -> None:
        self._enter(account, -1)
        if message.kind == "order_initiated":
            account.placed = True
        account.cents += message.cents
        if message.at < account.last_at:
            self.out_of_order += 1
        account.last_at = max(account.last_at, message.at)
        if message.status and message.at > account.status_at:  # the newest event wins, not the last to arrive
            account.status, account.status_at = message.status, message.at
        self._enter(account, 1)

    def _enter(self, account: Account, sign: int) -> None:
        if account.placed:
            self.orders[account.status] += sign
            self.cents += sign * account.cents
            if account.status not in NO_SALE_STATUSES:
                self.valid_cents += sign * account.cents

    def as_dict(self) -> dict[str, Any]:
        """Return the figures under the names that `simulate --format json` prints; money as Decimal."""
        return {
            "messages": self.messages,
            "distinct_events": self.events.total(),
            "duplicates": self.duplicates,
            "malformed": self.malformed.total(),
            "out_of_order": self.out_of_order,
            "bytes": self.bytes,
            "events_by_type": dict(sorted(self.events.items())),
            "malformed_by_code": dict(sorted(self.malformed.items())),
            "orders": self.orders.total(),
            "orders_by_status": {status: count for status, count in sorted(self.orders.items()) if count},
            "items": self.items,
            "revenue_valid": Decimal(self.valid_cents).scaleb(-2),
            "revenue_all": Decimal(self.cents).scaleb(-2),
        }
