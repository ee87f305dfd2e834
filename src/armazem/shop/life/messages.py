"""Messages on their way: their bytes, and what each counts as."""

from __future__ import annotations

from enum import Enum

import msgspec


class Role(Enum):
    """What a message is to its receiver: a new event, one that it had before, or none at all."""

    EVENT = "event"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"


class Account:
    """What is known of an order from its messages that were sent: kept up by `Totals`."""

    __slots__ = ("cents", "last_at", "placed", "status", "status_at")

    def __init__(self) -> None:
        self.placed = False
        self.status = ""
        self.last_at = self.status_at = 0
        self.cents = 0


class Message(msgspec.Struct, gc=False):
    """One message. `kind`: its event type, or the code with which a malformed one must be refused.

    `at`: its timestamp, in microseconds since 1970. `status`: of the order, in messages that carry one.
    `items`, `cents`: what it adds to the order.
    """

    body: bytes
    kind: str
    role: Role
    at: int
    account: Account | None = None
    status: str = ""
    items: int = 0
    cents: int = 0
