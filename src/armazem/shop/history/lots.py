"""Which order has which status and which defect: each order draws a numbered lot, and lots are handed out in
blocks. So counts are exact at every size, no order gets two incompatible defects, and no list of orders is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ids import Flags, Ints
from .sizes import EVERY_DEFECT_FROM, Sizes


class Quirk(StrEnum):
    """What is odd about an order besides missing items or dates."""

    NONE = "none"
    CARRIER_BEFORE_APPROVAL = "carrier before approval"
    DELIVERY_BEFORE_CARRIER = "delivery before carrier"
    NO_PAYMENT = "no payment"
    NOT_DEFINED = "payment type not_defined, value 0"
    ZERO_INSTALLMENTS = "card payment in 0 installments"
    ZERO_VOUCHER = "voucher of value 0"


class Block(NamedTuple):
    """Orders alike: real count; whether they have items, approval, carrier and delivery dates ("iacd")."""

    status: str
    real_count: int
    has: str
    quirk: Quirk = Quirk.NONE


# Counts of the real files; those of a status sum to what it has there. Plain delivered orders are the rest.
BLOCKS: tuple[Block, ...] = (
    Block("delivered", 8, "iac"),
    Block("delivered", 14, "icd"),
    Block("delivered", 1, "iad"),
    Block("delivered", 1_359, "iacd", Quirk.CARRIER_BEFORE_APPROVAL),
    Block("delivered", 23, "iacd", Quirk.DELIVERY_BEFORE_CARRIER),
    Block("delivered", 1, "iacd", Quirk.NO_PAYMENT),
    Block("delivered", 2, "iacd", Quirk.ZERO_INSTALLMENTS),
    Block("delivered", 6, "iacd", Quirk.ZERO_VOUCHER),
    Block("shipped", 1_106, "iac"),
    Block("shipped", 1, "ac"),
    Block("canceled", 6, "iacd"),
    Block("canceled", 69, "iac"),
    Block("canceled", 378, "ia"),
    Block("canceled", 8, "i"),
    Block("canceled", 31, "a"),
    Block("canceled", 130, ""),
    Block("canceled", 3, "", Quirk.NOT_DEFINED),
    Block("unavailable", 603, "a"),
    Block("unavailable", 6, "ia"),
    Block("invoiced", 312, "ia"),
    Block("invoiced", 2, "a"),
    Block("processing", 301, "ia"),
    Block("created", 5, ""),
    Block("approved", 2, "ia"),
    Block("delivered", 0, "iacd"),
)


@dataclass(frozen=True)
class Fates:
    """What becomes of each order of a chunk (arrays of its length)."""

    status: NDArray[np.str_]
    has_items: Flags
    has_approval: Flags
    has_carrier: Flags
    has_delivery: Flags
    quirk: NDArray[np.str_]


def fates(sizes: Sizes, lot: Ints) -> Fates:
    """Return the fate of each lot, a number in 0 … orders − 1."""
    bounds = np.cumsum([_count(sizes, block) for block in BLOCKS[:-1]])
    block = np.searchsorted(bounds, lot, side="right")
    return Fates(
        status=np.array([b.status for b in BLOCKS])[block],
        has_items=np.array(["i" in b.has for b in BLOCKS])[block],
        has_approval=np.array(["a" in b.has for b in BLOCKS])[block],
        has_carrier=np.array(["c" in b.has for b in BLOCKS])[block],
        has_delivery=np.array(["d" in b.has for b in BLOCKS])[block],
        quirk=np.array([b.quirk.value for b in BLOCKS])[block],
    )


def _count(sizes: Sizes, block: Block) -> int:
    if block.quirk is Quirk.NO_PAYMENT:  # exactly one in the real files, and one is what joins must survive
        return int(sizes.orders >= EVERY_DEFECT_FROM)
    return sizes.defect(block.real_count)
