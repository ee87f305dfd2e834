"""Orders: the way from purchase to delivery, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from . import columns
from .effects import Effects
from .ids import Flags, Floats, Ints, Seconds, hex_ids
from .items import Basket
from .lots import Fates, Quirk
from .seasons import DAY


@dataclass(frozen=True)
class Timeline:
    """The moments of each order of a chunk, also of the stages it never reached (see `Fates`)."""

    purchase: Seconds
    approved: Seconds
    carrier: Seconds
    delivered: Seconds
    estimated: Seconds

    @property
    def late(self) -> Flags:
        """Delivered on a later day than promised."""
        return np.asarray(self.delivered >= self.estimated + DAY)


def draw_timeline(
    purchase: Seconds, slow: Flags, basket: Basket, fate: Fates, effects: Effects, rng: np.random.Generator
) -> Timeline:
    """Draw approval within minutes (days if paid slowly), dispatch in about three days, transit by distance.

    The promise knows half of what lasts of a lane, and nothing of sellers and of what passes: hence most of lateness.
    """
    n = purchase.size

    def normal() -> Floats:
        return rng.standard_normal(n)

    at_once = 0.0125 * np.exp(0.45 * normal())
    later = 1.15 * np.exp(0.6 * normal())
    early_pickup = fate.quirk == Quirk.CARRIER_BEFORE_APPROVAL
    wait = np.where(slow | early_pickup | (rng.random(n) < 0.12), later, at_once)
    approved = purchase + _seconds(wait)

    handling = 1.95 * np.exp(0.7 * normal()) * effects.handling(basket.lead, approved)
    carrier = approved + _seconds(handling.clip(0.05, 120))
    carrier = np.where(early_pickup, purchase + _seconds(wait * (0.3 + 0.6 * rng.random(n))), carrier)

    same_state = basket.origin == basket.destination
    usual = 2.9 + 0.007 * basket.km.clip(max=200) + np.where(same_state, 0.0, 2.3) + 0.0040 * basket.km
    lane = effects.lanes[basket.origin, basket.destination]
    # Parcels that take weeks more, for no reason that the data know; more of them while all are slow.
    lost = rng.random(n) < 0.018 * effects.level(carrier) ** 2
    transit = usual * lane * effects.transit(basket.destination, carrier) * np.exp(0.36 * normal())
    transit += np.where(lost, 12.0 + 20.0 * rng.random(n), 0.0)
    delivered = carrier + _seconds(transit.clip(0.6, 200))
    backwards = fate.quirk == Quirk.DELIVERY_BEFORE_CARRIER
    carrier = np.where(backwards, delivered + _seconds(0.1 + 2.5 * rng.random(n)), carrier)

    promise = (12.4 + 1.25 * usual * np.sqrt(lane) + 4.0 * normal()).clip(2.5, 150)
    estimated = -(-(purchase + _seconds(promise)) // DAY) * DAY
    return Timeline(purchase, approved, carrier, delivered, estimated)


def known(fate: Fates, time: Timeline, end: int | None) -> Fates:
    """Return what an extract of the moment `end` knows: an order whose next stage lies after it is still on its way.

    None: all of it, whenever it was. Canceled and unavailable ones stay so.
    """
    if end is None:
        return fate
    approved, carried, delivered = (moment <= end for moment in (time.approved, time.carrier, time.delivered))
    open_ = ~np.isin(fate.status, ("canceled", "unavailable"))
    status = fate.status.astype("U12")  # `processing` is longer than what a small history may have
    status[open_ & ~delivered & (status == "delivered")] = "shipped"
    status[open_ & ~carried & (status == "shipped")] = "processing"
    status[open_ & ~approved & ~np.isin(status, ("shipped", "delivered"))] = "created"
    return replace(
        fate,
        status=status,
        has_approval=fate.has_approval & approved,
        has_carrier=fate.has_carrier & carried,
        has_delivery=fate.has_delivery & delivered,
    )


def orders(time: Timeline, fate: Fates, seed: int, order: Ints) -> pa.Table:
    """Return the file's rows: a stage that an order never reached has no date."""
    return pa.table(
        {
            "order_id": columns.ids(hex_ids(seed, "order", order)),
            "customer_id": columns.ids(hex_ids(seed, "customer", order)),
            "order_status": fate.status,
            "order_purchase_timestamp": columns.times(time.purchase),
            "order_approved_at": columns.times(time.approved, fate.has_approval),
            "order_delivered_carrier_date": columns.times(time.carrier, fate.has_carrier),
            "order_delivered_customer_date": columns.times(time.delivered, fate.has_delivery),
            "order_estimated_delivery_date": columns.times(time.estimated),
        }
    )


def _seconds(days: Floats) -> Ints:
    return np.asarray(np.round(days * DAY).astype(np.int64))
