"""How good predictions were: of which orders would be late, and of how long they would take. In NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000
TOP = 0.1
"""Share of the orders that somebody could look after: precision is of those at the top."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one prediction, over `orders` of which `late_share` were late; null where it says no such thing.

    `auc`: how often a late order stands above one that was on time, with the 95 % interval `auc_low` to `auc_high` of
    orders drawn again; `auc_of_months`: the same among orders of one month; `auc_of_probability`: of the
    recalibrated probability, which ranks months by what came before them. `precision_top`: share of late orders
    among the tenth at the top. `brier`: mean square of what the probability was wrong by; `calibration_error`: mean
    distance of probability and share of late orders, over tenths. `mae_days`, `rmse_days`: of the time, in days.
    `coverage`: share that arrived within the interval.
    """

    orders: int
    late_share: float
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    auc_of_months: float | None = None
    auc_of_probability: float | None = None
    precision_top: float | None = None
    brier: float | None = None
    calibration_error: float | None = None
    mae_days: float | None = None
    rmse_days: float | None = None
    coverage: float | None = None


def auc(late: np.ndarray, risk: np.ndarray) -> float:
    """Return the area under the ROC curve, ties counting half; NaN where all orders are late, or none."""
    order, starts = _groups(risk)
    return float(_areas(late[order][None, :].astype(float), 1.0 - late[order][None, :], starts)[0])


def auc_interval(
    late: np.ndarray, risk: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % points of the AUC over orders drawn again, as many as there are, with replacement.

    They are drawn one by one, as if no two had anything in common: a strike delays many at once, so that what it says
    is the least that is uncertain.
    """
    order, starts = _groups(risk)
    sorted_late = late[order].astype(float)
    random = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        times = np.bincount(random.integers(0, len(late), len(late)), minlength=len(late))[order].astype(float)
        found.append(_areas((times * sorted_late)[None, :], (times * (1 - sorted_late))[None, :], starts)[0])
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def auc_of_months(late: np.ndarray, risk: np.ndarray, months: np.ndarray) -> float:
    """Return the mean of the AUC of each month, weighted by its orders; months without a late order say nothing."""
    found = [
        (auc(late[months == month], risk[months == month]), (months == month).sum()) for month in np.unique(months)
    ]
    said = [(value, count) for value, count in found if not np.isnan(value)]
    values, weights = zip(*said, strict=True) if said else ((np.nan,), (1,))
    return float(np.average(values, weights=weights))


def precision_top(late: np.ndarray, risk: np.ndarray, share: float = TOP) -> float:
    """Return the share of late orders among this share of all with the highest risk.

    Of orders with the same risk, of which not all belong to them, as many count as of any draw among them.
    """
    wanted = max(1, int(len(late) * share))
    edge = np.sort(risk)[-wanted]
    above, at = risk > edge, risk == edge
    return float((late[above].sum() + (wanted - above.sum()) * late[at].mean()) / wanted)


def brier(late: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean square of probability less outcome."""
    return float(np.mean((probability - late) ** 2))


def calibration_error(late: np.ndarray, probability: np.ndarray, bins: int = BINS) -> float:
    """Return the mean of |share of late orders - mean probability| over bins of as many orders, weighted by them."""
    edges = np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.digitize(probability, edges)
    return float(
        sum(
            abs(late[place == one].mean() - probability[place == one].mean()) * (place == one).mean()
            for one in np.unique(place)
        )
    )


def mae(taken: np.ndarray, expected: np.ndarray) -> float:
    """Return the mean absolute error."""
    return float(np.mean(np.abs(taken - expected)))


def rmse(taken: np.ndarray, expected: np.ndarray) -> float:
    """Return the root of the mean square error."""
    return float(np.sqrt(np.mean((taken - expected) ** 2)))


def coverage(taken: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """Return the share of those taken that lie within the interval, its ends included."""
    return float(np.mean((taken >= lower) & (taken <= upper)))


def _groups(risk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of rising risk, and where in it each group of the same risk begins."""
    order = np.argsort(risk, kind="stable")
    ordered = risk[order]
    return order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def _areas(late: np.ndarray, on_time: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the areas of rows of weights, which are in the order of rising risk."""
    late_of = np.add.reduceat(late, starts, axis=1)
    on_time_of = np.add.reduceat(on_time, starts, axis=1)
    below = np.cumsum(on_time_of, axis=1) - on_time_of
    pairs = late_of.sum(axis=1) * on_time_of.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        areas: np.ndarray = (late_of * (below + on_time_of / 2)).sum(axis=1) / pairs
    return areas
