"""The table that a model learns from and is asked about: features of orders as they were known at a stage, and apart
from those what came of each order.

Point-in-time vectors and what an order says of itself; never its state, its review, whether it is a valid sale, nor
the promise: what it will come to is in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from armazem.features.catalogue import FEATURES, Feature
from armazem.features.delivery.orders import SAID, TEXTS, stage_orders
from armazem.features.orders import Stage
from armazem.features.requests import KEYS
from armazem.features.vectors import vectors
from armazem.targets.reader import Reader

FORBIDDEN = (
    "order_status", "is_valid_sale", "review_score", "is_late", "was_late", "days_to_deliver", "transit_days",
    "refunded", "order_approved_at", "arrived", "promised", "promised_s", "promise_effect_s", "risk_permille",
    "late_permille",
)  # fmt: skip
"""Columns of the warehouse that no model may be given: the end of the order is in them, or the promise."""

DAY = 86_400.0
_TAKEN = {
    "seller": ("sold", "delivered", "avg_handling_days", "avg_delivery_days", "late_rate", "avg_review_score"),
    "lane": ("sold", "delivered", "avg_handling_days", "avg_delivery_days", "late_rate"),
    "marketplace": ("sold", "delivered", "avg_handling_days", "avg_delivery_days", "late_rate"),
    "product": ("sold", "avg_handling_days", "avg_delivery_days"),
}
# What the shrunken means are made of, besides.
_SUMS = ("handed", "handling_s", "delivered", "total_s")
# Of few deliveries the average of the marketplace counts as much: as in feat_order_delivery.
_LANE_WEIGHT, _SELLER_WEIGHT = 10, 5
_EARTH_KM = 6371.0

VECTORS: tuple[Feature, ...] = tuple(
    feature
    for feature in FEATURES
    if feature.of.name in _TAKEN.get(feature.entity.name, ())
    and (feature.days is None or feature.entity.name != "product")
)


@dataclass(frozen=True)
class Frame:
    """Orders that have reached a stage, by the time at which they did; `len` of each array is the number of orders.

    `numbers`: feature to float64, NaN where unknown. `texts`: feature to str, "" where unknown.
    `scored_at`, `arrived`: datetime64[us], business time; NaT where it has not arrived, or before that time.
    `promise_passed`: the midnight after the promised day; NaT where none was promised.
    `is_open`: whether somebody waits for it. `said`: what the SQL model said then; `build`: of which version all is.
    """

    stage: Stage
    build: str
    order_ids: pa.Array
    bought: np.ndarray
    scored_at: np.ndarray
    arrived: np.ndarray
    promise_passed: np.ndarray
    is_open: np.ndarray
    numbers: dict[str, np.ndarray]
    texts: dict[str, np.ndarray]
    said: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.scored_at)

    @property
    def before(self) -> np.ndarray:
        """Days from the purchase to the stage."""
        return days(self.scored_at - self.bought)

    @property
    def left(self) -> np.ndarray:
        """Days from the stage to the arrival; NaN where there is none yet."""
        return days(self.arrived - self.scored_at)

    @property
    def limit(self) -> np.ndarray:
        """Days from the stage until the promise has passed; NaN where none was promised."""
        return days(self.promise_passed - self.scored_at)

    @property
    def is_late(self) -> np.ndarray:
        """Whether it arrived after its promised day; false where that cannot be said."""
        found: np.ndarray = self.arrived >= self.promise_passed
        return found

    def known_before(self, moment: np.datetime64, since: np.datetime64 | None = None) -> np.ndarray:
        """Return of which orders it was known at a moment how long they took: those that had arrived, and `since`."""
        known: np.ndarray = self.arrived < moment
        return known if since is None else known & (self.arrived >= since)

    def scored_in(self, month: np.datetime64) -> np.ndarray:
        """Return which reached the stage in a month, datetime64[M]."""
        found: np.ndarray = self.scored_at.astype("datetime64[M]") == month
        return found


def training_frame(reader: Reader, stage: Stage) -> Frame:
    """Return the orders of the published version that have reached the stage, by time and id.

    Features are as of the midnight that begins the day of the stage. Raises QueryError, ValueError where one is of
    `FORBIDDEN`.
    """
    orders = stage_orders(reader, stage)
    vector = _vectors(reader, orders)
    numbers = {name: _floats(orders[name]) for name in SAID}
    numbers |= {"distance_km": _distance(orders), "same_state": _same(orders)} | _clock(orders["scored_at"])
    numbers |= {feature.name: vector[feature.name] for feature in VECTORS}
    numbers |= _shrunken(vector)
    frame = Frame(
        stage=stage,
        build=reader.build,
        order_ids=orders["order_id"].combine_chunks(),
        bought=_times(orders["bought"]),
        scored_at=_times(orders["scored_at"]),
        arrived=_not_before(_times(orders["arrived"]), _times(orders["scored_at"])),
        promise_passed=_times(orders["promised"]).astype("datetime64[D]").astype("datetime64[us]")
        + np.timedelta64(1, "D"),
        is_open=orders["is_open"].combine_chunks().to_numpy(zero_copy_only=False),
        numbers=numbers,
        texts={name: _texts(orders[name]) for name in TEXTS},
        said={
            name: _floats(orders[name])
            for name in ("expected_s", "lower_s", "upper_s", "risk_permille", "late_permille")
        },
    )
    if stage == "handover":
        frame.numbers["days_before"] = frame.before
    if known := set(names_of(frame)).intersection(FORBIDDEN):
        raise ValueError(f"{min(known)} is no feature: the end of the order is in it, or its promise")
    return frame


def days(spans: np.ndarray) -> np.ndarray:
    """Return spans of time as days; NaN for NaT."""
    found: np.ndarray = spans / np.timedelta64(1, "us") / (DAY * 1e6)
    return found


def _vectors(reader: Reader, orders: pa.Table) -> dict[str, np.ndarray]:
    day = pc.floor_temporal(orders["scored_at"].combine_chunks(), unit="day").cast(pa.date32())
    found: dict[str, np.ndarray] = {}
    for entity in dict.fromkeys(feature.entity for feature in VECTORS):
        ids = (
            orders[KEYS[entity.name]].combine_chunks().cast(pa.string())
            if entity.name in KEYS
            else pa.repeat(pa.scalar(entity.key), orders.num_rows)
        )
        wanted = [one for one in FEATURES if one.entity == entity and (one in VECTORS or _is_part(one))]
        found |= {name: _floats(values) for name, values in vectors(reader, ids, day, wanted).items()}
    return found


def _is_part(feature: Feature) -> bool:
    return feature.days is None and feature.of.name in _SUMS


def _shrunken(vector: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return means that few deliveries do not carry away, in days, and what the SQL model makes of them."""
    market = _or(vector["marketplace_avg_delivery_days"], np.nan)
    market_handling = _or(vector["marketplace_avg_handling_days"], np.nan)
    level = _or(vector["marketplace_avg_delivery_days_30d"], market)

    def mean(entity: str, total: str, count: str, prior: np.ndarray, weight: int) -> np.ndarray:
        found: np.ndarray = (vector[f"{entity}_{total}"] / DAY + weight * prior) / (
            vector[f"{entity}_{count}"] + weight
        )
        return found

    lane = mean("lane", "total_s", "delivered", market, _LANE_WEIGHT)
    lane_handling = mean("lane", "handling_s", "handed", market_handling, _LANE_WEIGHT)
    handling = mean("seller", "handling_s", "handed", market_handling, _SELLER_WEIGHT)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = level / market
    return {
        "lane_days": lane,
        "lane_way_days": (lane - lane_handling) * ratio,
        "seller_handling_days": handling,
        "formula_days": lane * ratio + handling - market_handling,
    }


def _or(values: np.ndarray, instead: np.ndarray | float) -> np.ndarray:
    found: np.ndarray = np.where(np.isnan(values), instead, values)
    return found


def _distance(orders: pa.Table) -> np.ndarray:
    """Return the great circle between the zip codes of seller and customer, in km; NaN where one has no point."""
    names = ("seller_latitude", "seller_longitude", "customer_latitude", "customer_longitude")
    lat, lng, to_lat, to_lng = (np.radians(_floats(orders[name])) for name in names)
    half = np.sin((to_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(to_lat) * np.sin((to_lng - lng) / 2) ** 2
    # Whole kilometres: the last bits of a sine are not the same on every machine.
    found: np.ndarray = np.round(2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
    return found


def _same(orders: pa.Table) -> np.ndarray:
    return _floats(pc.equal(orders["seller_state"], orders["customer_state"]).cast(pa.int8()))


def _clock(times: pa.ChunkedArray) -> dict[str, np.ndarray]:
    return {"hour": _floats(pc.hour(times)), "weekday": _floats(pc.day_of_week(times))}


def _floats(values: pa.Array | pa.ChunkedArray) -> np.ndarray:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    found: np.ndarray = pc.fill_null(values.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    return found


def _times(values: pa.ChunkedArray) -> np.ndarray:
    found: np.ndarray = values.combine_chunks().to_numpy(zero_copy_only=False).astype("datetime64[us]")
    return found


def _not_before(times: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the times, NaT where they are before the start: clocks that contradict each other say nothing."""
    return np.where(times > start, times, np.datetime64("NaT", "us"))


def _texts(values: pa.ChunkedArray) -> np.ndarray:
    return np.array(values.fill_null("").to_pylist(), dtype=object)


def names_of(frame: Frame) -> Sequence[str]:
    """Return the features of a frame, in the order in which a model is given them."""
    return (*frame.numbers, *frame.texts)
