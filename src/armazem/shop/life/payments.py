"""How an order is paid: one payment mostly, sometimes a card and vouchers, that sum to what it costs."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

INTEREST_SHARE = 0.006  # of the orders paid by card in instalments cost more than their items

# Ways to pay of 1,000 orders, as the real ones: the first payment, and the types of the others.
_WAYS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (743, ("credit_card",)),
    (195, ("boleto",)),
    (15, ("debit_card",)),
    (14, ("voucher",)),
    (20, ("credit_card", "voucher")),
    (5, ("credit_card", "voucher", "voucher")),
    (4, ("credit_card", "credit_card")),
    (4, ("voucher", "voucher")),
)
_KINDS = tuple(kinds for _, kinds in _WAYS)
_WEIGHTS = tuple(weight for weight, _ in _WAYS)
_INSTALMENTS = (1, 2, 3, 4, 5, 6, 8, 10)
_INSTALMENT_WEIGHTS = (334, 163, 137, 93, 69, 51, 78, 75)


class Payment(NamedTuple):
    """One payment: its number in the order from 1, type, instalments, cents."""

    sequential: int
    type: str
    instalments: int
    cents: int


def draw_payments(total: int, rng: Random) -> list[Payment]:
    """Return the payments of an order of `total` cents: they sum to it, but for interest on a few instalments."""
    kinds = rng.choices(_KINDS, _WEIGHTS)[0]
    if total < 10 * len(kinds):
        kinds = kinds[:1]  # too little to be split
    rest = total
    payments = []
    for number in range(len(kinds), 0, -1):
        kind = kinds[number - 1]
        cents = rest if number == 1 else int(rest * rng.uniform(0.1, 0.6))
        rest -= cents
        instalments = rng.choices(_INSTALMENTS, _INSTALMENT_WEIGHTS)[0] if kind == "credit_card" else 1
        if instalments > 1 and number == 1 and rng.random() < INTEREST_SHARE:
            cents += -(-cents * instalments // 200)  # half a per cent a month
        payments.append(Payment(number, kind, instalments, cents))
    payments.reverse()
    return payments
