"""Predictions month by month, each made of what was known when its month began, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from armazem.errors import FeatureError
from armazem.features.delivery.frame import DAY, Frame, days
from armazem.features.delivery.model import CALIBRATION, train

MONTHS = 12
_SETTLED = 0.95

# Called with what is worked on, its number and how many there are.
OnStep = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Prediction:
    """What one way to predict said of each order that it is judged by; days from the purchase on; None for nothing."""

    name: str
    risk: np.ndarray | None = None
    probability: np.ndarray | None = None
    expected: np.ndarray | None = None
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None


@dataclass(frozen=True)
class Walked:
    """Orders of one stage that were delivered and had a promise; what came of them, and what was predicted."""

    stage: str
    months: np.ndarray
    late: np.ndarray
    taken: np.ndarray
    left_out: int
    predictions: tuple[Prediction, ...]


def months_to_judge(frame: Frame, newest: np.datetime64, count: int = MONTHS, last: str | None = None) -> np.ndarray:
    """Return the last months, datetime64[M], up to `last`; by default the newest of which nearly all is settled.

    Settled is an order that arrived, or whose promise had passed: of a month that is hardly over, only those that were
    fast have arrived. There are fewer where the orders begin later. Raises FeatureError where there is no such month,
    or `last` is none.
    """
    months = frame.scored_at.astype("datetime64[M]")
    settled = ~np.isnat(frame.arrived) | (frame.promise_passed <= newest)
    over = [
        month
        for month in np.unique(months)
        if month + 1 <= newest.astype("datetime64[M]")
        and settled[months == month].mean() >= _SETTLED
        and (~np.isnan(frame.left[months == month])).any()
    ]
    if not over:
        raise FeatureError("there is no month whose deliveries are known", "load more of the past")
    end = over[-1] if last is None else np.datetime64(last, "M")
    if end not in over:
        raise FeatureError(
            f"{end} is not settled: that is a month of whose orders nearly all have arrived, or have had their day",
            f"the newest that is settled is {over[-1]}, the first {over[0]}",
        )
    return np.arange(max(end - count + 1, over[0]), end + 1)


def walk(frame: Frame, months: np.ndarray, *, with_model: bool, on_step: OnStep = lambda *_: None) -> Walked:
    """Predict the orders of each month by what was known at the midnight that began it. Raises FeatureError."""
    chosen = np.isin(frame.scored_at.astype("datetime64[M]"), months)
    told = ~np.isnan(frame.limit) & ~np.isnan(frame.left)
    judged = chosen & told & ~np.isnan(frame.said["risk_permille"])
    if not (chosen & told).any():
        raise FeatureError(f"no order of {months[0]} to {months[-1]} was delivered", "name other months")
    if not judged.any():
        raise FeatureError(
            f"no order of {months[0]} to {months[-1]} has a prediction at {frame.stage}: no delivery was known before",
            "name later months",
        )
    parts: list[list[Prediction]] = []
    for number, month in enumerate(months, 1):
        on_step(f"{frame.stage} {month}", number, len(months))
        of_month = judged & frame.scored_in(month)
        if of_month.any():
            parts.append(_month(frame, month.astype("datetime64[us]"), of_month, with_model))
    return Walked(
        frame.stage,
        frame.scored_at.astype("datetime64[M]")[judged],
        frame.is_late[judged],
        days(frame.arrived - frame.bought)[judged],
        int((chosen & ~judged).sum()),
        tuple(_joined([part[place] for part in parts]) for place in range(len(parts[0]))),
    )


def _month(frame: Frame, begin: np.datetime64, orders: np.ndarray, with_model: bool) -> list[Prediction]:
    found = [*_promise(frame, begin, orders), _base_rate(frame, begin, orders), _sql(frame, orders)]
    return [*found, _model(frame, begin, orders)] if with_model else found


def _promise(frame: Frame, begin: np.datetime64, orders: np.ndarray) -> Sequence[Prediction]:
    """What the shop promised, alone: the longer, the safer; and less what deliveries had to spare of late."""
    promised = days(frame.promise_passed - frame.bought)
    spare = promised - days(frame.arrived - frame.bought)
    known = spare[frame.known_before(begin, since=begin - CALIBRATION)]
    usual = float(np.nanmedian(known)) if (~np.isnan(known)).any() else 0.0
    return (
        Prediction("promise", risk=-promised[orders], expected=promised[orders]),
        Prediction("promise_less_surplus", expected=promised[orders] - usual),
    )


def _base_rate(frame: Frame, begin: np.datetime64, orders: np.ndarray) -> Prediction:
    """What was true of all that had arrived: how many were late, and the median of what they took."""
    known = frame.known_before(begin)
    share = float(frame.is_late[known].mean()) if known.any() else 0.0
    taken = days(frame.arrived - frame.bought)[known]
    low, middle, high = np.nanquantile(taken, [0.1, 0.5, 0.9]) if known.any() else (np.nan,) * 3
    every = np.ones(int(orders.sum()))
    return Prediction("base_rate", every * share, every * share, every * middle, every * low, every * high)


def _sql(frame: Frame, orders: np.ndarray) -> Prediction:
    """What the table feat_order_delivery says. It ranks by one number, and another one is the probability."""
    said = {name: values[orders] for name, values in frame.said.items()}
    return Prediction(
        "sql",
        said["risk_permille"] / 1000,
        said["late_permille"] / 1000,
        said["expected_s"] / DAY,
        said["lower_s"] / DAY,
        said["upper_s"] / DAY,
    )


def _model(frame: Frame, begin: np.datetime64, orders: np.ndarray) -> Prediction:
    found = train(frame, begin).predict(frame)
    before = frame.before[orders]
    return Prediction(
        "lightgbm",
        found.risk[orders],
        found.probability[orders],
        before + found.expected[orders],
        before + found.lower[orders],
        before + found.upper[orders],
    )


def _joined(parts: list[Prediction]) -> Prediction:
    def all_of(name: str) -> np.ndarray | None:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    return Prediction(parts[0].name, *(all_of(name) for name in ("risk", "probability", "expected", "lower", "upper")))
