"""The course of an order: which stages it goes through, and how long each takes in real life."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

HOUR, DAY = 3600.0, 86_400.0

MEAN_STEPS = 6.83
"""Messages of an order, on average."""

MEAN_LIFE = 12.7 * DAY
"""From the first message of an order to its last, on average, in seconds of real life."""

_FATES = ("delivered", "canceled", "unavailable", "shipped")
_FATE_WEIGHTS = (945, 35, 13, 7)


class Step(NamedTuple):
    """One message of an order: seconds after the one before it, its event type, and the status it brings."""

    wait: float
    event_type: str
    status: str = ""


def draw_course(*, slow: bool, later_payments: int, rng: Random) -> list[Step]:
    """Return the steps of one order, in order. `slow`: paid by boleto, approved only days later. `later_payments`: how
    many come in messages of their own.

    A person's customer row comes first, then the order; a canceled or unavailable one goes no further.
    """
    fate = rng.choices(_FATES, _FATE_WEIGHTS)[0]
    steps = [Step(0.0, "customer_update"), Step(rng.uniform(10, 120), "order_initiated", "created")]
    steps += [Step(rng.uniform(20, 300), "order_payment") for _ in range(later_payments)]
    approval = 1.15 * DAY * rng.lognormvariate(0, 0.6) if slow else 0.3 * HOUR * rng.lognormvariate(0, 0.45)
    way = [Step(approval, "order_status_update", "approved")]
    if rng.random() < 0.6:
        way.append(Step(2 * HOUR * rng.lognormvariate(0, 0.5), "order_status_update", "invoiced"))
    if rng.random() < 0.5:
        way.append(Step(5 * HOUR * rng.lognormvariate(0, 0.5), "order_status_update", "processing"))
    if fate == "canceled":
        way = way[: rng.randint(0, len(way))]
        way.append(Step(DAY * rng.lognormvariate(0, 0.8), "order_status_update", "canceled"))
    elif fate == "unavailable":
        way = way[: rng.randint(1, len(way))]
        way.append(Step(2 * DAY * rng.lognormvariate(0, 0.8), "order_status_update", "unavailable"))
    else:
        way.append(Step(min(40 * DAY, 1.6 * DAY * rng.lognormvariate(0, 0.93)), "order_status_update", "shipped"))
    if fate == "delivered":
        transit = 7.5 * DAY * rng.lognormvariate(0, 0.45)
        lost = rng.uniform(12, 32) * DAY if rng.random() < 0.022 else 0.0  # for weeks, nobody knows where
        way.append(Step(transit + lost, "order_status_update", "delivered"))
    steps += way
    if rng.random() < (0.2 if fate != "delivered" else 0.8):
        steps.append(Step(DAY * (0.3 + 1.2 * rng.lognormvariate(0, 0.8)), "order_review"))
    _change_something(steps, rng)
    return steps


def _change_something(steps: list[Step], rng: Random) -> None:
    """Now and then master data change while an order is under way."""
    dice = rng.random()
    if dice < 0.04:
        kind = "customer_update" if dice < 0.02 else "product_update" if dice < 0.03 else "seller_update"
        steps.insert(rng.randint(2, len(steps)), Step(rng.uniform(60, DAY), kind))
