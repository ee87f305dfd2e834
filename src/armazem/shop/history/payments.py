"""Payments: cards, boletos and vouchers that sum to what the order costs, but for a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from . import columns
from .ids import Flags, Floats, Ints, hex_ids
from .lots import Fates, Quirk

TYPES = ["credit_card", "boleto", "voucher", "debit_card", "not_defined"]
CARD, BOLETO, VOUCHER, DEBIT, NOT_DEFINED = range(5)


class Way(NamedTuple):
    """A way to pay: how many orders in 10,000 do, with what, and how many more payments of which type."""

    weight: float
    main: int
    more: int = 0
    more_type: int = VOUCHER


WAYS = (
    Way(7_430, CARD), Way(1_990, BOLETO), Way(154, DEBIT), Way(140, VOUCHER),
    Way(190, CARD, 1), Way(19, CARD, 2), Way(5, CARD, 3), Way(3, CARD, 4), Way(3, CARD, 6), Way(2, CARD, 8),
    Way(33, CARD, 1, CARD),
    Way(21, VOUCHER, 1), Way(10, VOUCHER, 2), Way(5, VOUCHER, 3), Way(3, VOUCHER, 4), Way(2, VOUCHER, 5),
    Way(0.2, CARD, 18), Way(0.1, CARD, 25),
)  # fmt: skip
ONLY_CARD, CARD_AND_VOUCHER = 0, 4
# Card payments by number of installments, 1 … 24; more of them the higher the amount.
INSTALLMENTS = np.cumsum(
    [25_455, 12_413, 10_461, 7_098, 5_239, 3_920, 1_626, 4_268, 644, 5_328, 23, 133, 16, 15, 74, 5, 8, 27, 0, 17, 3,
     1, 1, 18]
)  # fmt: skip
INTEREST_SHARE = 0.0058  # of the orders; those paid at once (half of them) have none after all


@dataclass(frozen=True)
class Wallets:
    """How each order of a chunk is paid: its way, as an index into WAYS."""

    way: NDArray[np.int64]

    @property
    def slow(self) -> Flags:
        """Paid by boleto: approved only days later."""
        return np.asarray(np.array([w.main for w in WAYS])[self.way] == BOLETO)


def draw_wallets(fate: Fates, rng: np.random.Generator) -> Wallets:
    """Return a way to pay for every order; those with a defect in their payment are paid by card."""
    share = np.cumsum([w.weight for w in WAYS])
    way = np.searchsorted(share / share[-1], rng.random(fate.status.size), side="right")
    way[np.isin(fate.quirk, [Quirk.NOT_DEFINED, Quirk.ZERO_INSTALLMENTS])] = ONLY_CARD
    way[fate.quirk == Quirk.ZERO_VOUCHER] = CARD_AND_VOUCHER
    return Wallets(way)


def payments(wallets: Wallets, fate: Fates, total: Ints, seed: int, order: Ints, rng: np.random.Generator) -> pa.Table:
    """Return the file's rows. `total`: cents of each order's items; orders without any were paid something all the
    same.
    """
    n = order.size
    due = np.where(fate.has_items, total, np.round(11_000 * np.exp(0.8 * rng.standard_normal(n))).astype(np.int64))
    more = np.array([w.more for w in WAYS])[wallets.way]
    count = np.where(fate.quirk == Quirk.NO_PAYMENT, 0, 1 + more)
    row = np.repeat(np.arange(n), count)
    number = np.arange(row.size) - (np.cumsum(count) - count)[row] + 1
    types = np.array([(w.main, w.more_type) for w in WAYS])[wallets.way]
    kind = np.where(number == 1, types[row, 0], types[row, 1])
    kind[fate.quirk[row] == Quirk.NOT_DEFINED] = NOT_DEFINED

    value = _split(due, row, number, fate, rng)
    times = np.where(kind == CARD, _installments(value, rng), 1)
    interest = (rng.random(n) < INTEREST_SHARE)[row] & (kind == CARD) & (times > 1) & (number == 1)
    value = np.where(interest, value + np.ceil(value * 0.005 * times).astype(np.int64), value)
    value[fate.quirk[row] == Quirk.NOT_DEFINED] = 0
    times[fate.quirk[row] == Quirk.ZERO_INSTALLMENTS] = 0
    return pa.table(
        {
            "order_id": columns.ids(hex_ids(seed, "order", order)[row]),
            "payment_sequential": number,
            "payment_type": columns.choices(TYPES, kind),
            "payment_installments": times,
            "payment_value": columns.money(value),
        }
    )


def _split(due: Ints, row: Ints, number: Ints, fate: Fates, rng: np.random.Generator) -> Ints:
    """Cents of each payment: random parts of at least a cent, the first one takes what is left of the order."""
    weight = 0.2 + rng.random(row.size)
    whole = np.bincount(row, weights=weight, minlength=due.size)
    part = np.floor(due[row] * weight / whole[row]).astype(np.int64).clip(1)
    part[(number == 1) | (fate.quirk[row] == Quirk.ZERO_VOUCHER)] = 0
    left = due - np.bincount(row, weights=part, minlength=due.size).astype(np.int64)
    return np.where(number == 1, left[row], part)


def _installments(value: Ints, rng: np.random.Generator) -> Ints:
    """Monthly payments by card: the real mix, where a dearer purchase tends to have more of them."""
    dear = np.log(value.clip(100) / 10_500) / 0.9
    score: Floats = 0.4 * dear + 0.92 * rng.standard_normal(value.size)
    quantile = 1.0 / (1.0 + np.exp(-1.702 * score))  # the logistic curve stands in for the normal one
    return np.asarray(np.searchsorted(INSTALLMENTS / INSTALLMENTS[-1], quantile, side="right") + 1)
