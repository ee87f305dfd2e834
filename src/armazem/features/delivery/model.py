"""The model: LightGBM on the logarithm of the time that is left, without the promise; the errors of the last months say
how sure it is, and so how likely a promise is kept.

A shop changes what it promises, and a model that learned late orders would learn the promises of the past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from armazem.errors import FeatureError, MissingExtra, extra
from armazem.features.delivery.frame import Frame, names_of

CALIBRATION = np.timedelta64(90, "D")
"""How far back errors are looked at: of orders that arrived then, by a model that knew none of them."""

LEAST = 200
"""Deliveries that a model and its errors are each made of at least."""

PARAMETERS: Mapping[str, Any] = {
    "objective": "l2",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_child_samples": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    # The same model from the same orders: one thread, one way to count, one seed.
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,
    "seed": 1,
    "verbose": -1,
}
ROUNDS = 250

LOWER, MIDDLE, UPPER = 0.1, 0.5, 0.9
"""Quantiles of the interval that 80 % of the orders are to arrive in, and of what is expected."""

_SHORTEST = 0.02  # days, of what is left: half an hour, so that a clock that is wrong weighs no more
_EDGE = 0.002  # probabilities are kept off 0 and 1 by this, for their logit
_FEW = 20  # errors of which no quantile is told
_PRIOR = 1.0  # of a recalibration that changes nothing


@dataclass(frozen=True)
class Predicted:
    """Of each order: `expected`, `lower`, `upper`, days from the stage on; `risk`, which ranks them, and `probability`,
    recalibrated, that the promise is broken; NaN where none was made.
    """

    expected: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    risk: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class Model:
    """A trained model of one stage.

    `booster`: LightGBM's own text. `names`: its features in order; `values`: those of the texts, in the order of their
    codes. `errors`: sorted, of the logarithm of days. `intercept`, `slope`: of the recalibration of the logit.
    """

    stage: str
    names: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    booster: str
    errors: np.ndarray
    intercept: float
    slope: float
    trained_on: int

    def predict(self, frame: Frame, waited: np.ndarray | float = 0.0) -> Predicted:
        """Predict the orders of a frame. `waited`: days since the stage for which an order has not arrived.

        Raises FeatureError where the frame has other features.
        """
        centre = _booster(self.booster).predict(_matrix(frame, self.names, self.values), num_threads=1)
        past = self._errors_below(np.broadcast_to(waited, len(frame)), centre)
        left = len(self.errors) - past
        limit = self._errors_below(frame.limit, centre)
        with np.errstate(invalid="ignore", divide="ignore"):
            risk = np.where(left > 0, (len(self.errors) - np.maximum(limit, past)) / left, 1.0)
            survived = left / len(self.errors)
            whole = recalibrated(1 - limit / len(self.errors), self.intercept, self.slope)
            probability = np.where(survived > 0, np.minimum(1.0, whole / survived), 1.0)
        over = frame.limit <= waited
        risk, probability = (np.where(over, 1.0, one) for one in (risk, probability))
        unknown = np.isnan(frame.limit)
        return Predicted(
            *(self._quantile(centre, past, share) for share in (MIDDLE, LOWER, UPPER)),
            *(np.where(unknown, np.nan, one) for one in (risk, probability)),
        )

    def _errors_below(self, after: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Return how many of the errors would have an order arrive earlier than this many days after the stage."""
        with np.errstate(invalid="ignore", divide="ignore"):
            found: np.ndarray = np.searchsorted(self.errors, np.log(np.maximum(after, 1e-9)) - centre, side="left")
        return found.astype(np.float64)

    def _quantile(self, centre: np.ndarray, past: np.ndarray, share: float) -> np.ndarray:
        """Return what this share of the errors that are still possible keeps within; NaN where those are few."""
        last = len(self.errors) - 1
        place = past + share * (last - past)
        low = np.clip(np.floor(place), 0, last).astype(int)
        high = np.minimum(low + 1, last)
        error = self.errors[low] + (place - low) * (self.errors[high] - self.errors[low])
        return np.where(len(self.errors) - past < _FEW, np.nan, np.exp(centre + error))


def train(frame: Frame, until: np.datetime64) -> Model:
    """Train on what was known at a moment: the orders of the frame that had arrived.

    Raises FeatureError where those are too few, MissingExtra where LightGBM is not installed.
    """
    early = frame.known_before(until - CALIBRATION)
    recent = frame.known_before(until, since=until - CALIBRATION)
    if min(early.sum(), recent.sum()) < LEAST:
        raise FeatureError(
            f"on {until.astype('datetime64[D]')} only {early.sum():,} deliveries were older than {CALIBRATION}, and "
            f"{recent.sum():,} newer, at {frame.stage}: a model needs {LEAST} of each",
            "load more of the past, or take fewer `--months`; `features evaluate --without-model` needs no model",
        )
    values = {name: tuple(sorted({*texts[early | recent]} - {""})) for name, texts in frame.texts.items()}
    names = tuple(names_of(frame))
    matrix = _matrix(frame, names, values)
    target = np.log(np.maximum(frame.left, _SHORTEST))
    honest = _fit(matrix[early], target[early], names, values)
    centre = honest.predict(matrix[recent], num_threads=1)
    errors = np.sort(target[recent] - centre)
    with np.errstate(invalid="ignore", divide="ignore"):
        limit = np.log(np.maximum(frame.limit[recent], 1e-9)) - centre
    promised = ~np.isnan(limit)
    risk = 1 - np.searchsorted(errors, limit[promised], side="left") / len(errors)
    intercept, slope = recalibration(frame.is_late[recent][promised], risk)
    final = _fit(matrix[early | recent], target[early | recent], names, values)
    return Model(
        frame.stage, names, values, final.model_to_string(), errors, intercept, slope, int((early | recent).sum())
    )


def recalibration(late: np.ndarray, risk: np.ndarray) -> tuple[float, float]:
    """Return intercept and slope of the logistic regression of late on the logit of the risk, by Newton's method.

    Ridge towards 0 and 1: with few late orders the risk stays as it is.
    """
    design = np.column_stack([np.ones(len(risk)), _logit(risk)])
    prior = np.array([0.0, 1.0])
    found = prior
    for _ in range(50):
        said = 1 / (1 + np.exp(-(design @ found)))
        gradient = design.T @ (late - said) - _PRIOR * (found - prior)
        curvature = (design * (said * (1 - said))[:, None]).T @ design + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        found = found + step
        if np.abs(step).max() < 1e-10:
            break
    return float(found[0]), float(found[1])


def recalibrated(risk: np.ndarray, intercept: float, slope: float) -> np.ndarray:
    """Return the probability that goes with a risk."""
    found: np.ndarray = 1 / (1 + np.exp(-(intercept + slope * _logit(risk))))
    return found


def _logit(risk: np.ndarray) -> np.ndarray:
    inside = np.clip(risk, _EDGE, 1 - _EDGE)
    found: np.ndarray = np.log(inside / (1 - inside))
    return found


def lightgbm() -> Any:
    """Return the library. Raises MissingExtra where it, or a library of the system that it needs, is missing."""
    with extra("ml", "a model of deliveries"):
        try:
            import lightgbm as library
        except OSError as error:  # it is there, and its own library does not load
            raise MissingExtra(
                f"LightGBM cannot be loaded: {error}", "on Debian and Ubuntu: apt-get install libgomp1"
            ) from error
    return library


def _fit(matrix: np.ndarray, target: np.ndarray, names: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    library = lightgbm()
    data = library.Dataset(matrix, target, feature_name=list(names), categorical_feature=[*values])
    return library.train(dict(PARAMETERS), data, ROUNDS)


def _booster(text: str) -> Any:
    return lightgbm().Booster(model_str=text)


def _matrix(frame: Frame, names: tuple[str, ...], values: Mapping[str, tuple[str, ...]]) -> np.ndarray:
    """Return the features as float64, a row per order; texts as codes, NaN where a value is unknown."""
    if names != tuple(names_of(frame)) or values.keys() != frame.texts.keys():
        raise FeatureError("the model was trained on other features", "train it again: `armazem features train`")
    columns = []
    for name in names:
        if name in frame.numbers:
            columns.append(frame.numbers[name])
        else:
            codes = {value: float(code) for code, value in enumerate(values[name])}
            columns.append(np.array([codes.get(text, np.nan) for text in frame.texts[name]], dtype=float))
    return np.column_stack(columns)
