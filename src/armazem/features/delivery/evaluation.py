"""How good predictions of deliveries are: walked forward by month, each beside those that cost nothing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from armazem.features.delivery import scores
from armazem.features.delivery.frames import Frames
from armazem.features.delivery.scores import Scores
from armazem.features.delivery.walk import MONTHS, OnStep, Prediction, Walked, months_to_judge, walk


@dataclass(frozen=True, slots=True)
class Line:
    """The scores of one way to predict at one stage; `month` as 2018-08, None for all together."""

    stage: str
    predictor: str
    month: str | None
    scores: Scores


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured on the version `build`, which knows things up to the day `known_until`.

    Over months `first` to `last`, the first and the last with an order that was judged. `left_out`: orders by stage
    that had not arrived, had no promise, or were scored before the SQL model had seen deliveries.
    """

    build: str
    known_until: str
    first: str
    last: str
    left_out: dict[str, int]
    lines: tuple[Line, ...]

    def of(self, stage: str, predictor: str, month: str | None = None) -> Scores:
        """Return the scores of a month, None for all together. Raises KeyError where that was not measured."""
        for line in self.lines:
            if (line.stage, line.predictor, line.month) == (stage, predictor, month):
                return line.scores
        raise KeyError((stage, predictor, month))

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        return asdict(self) | {"lines": [asdict(line) for line in self.lines]}


def has_lightgbm() -> bool:
    """Whether the extra with LightGBM is installed."""
    return importlib.util.find_spec("lightgbm") is not None


def evaluate(
    frames: Frames,
    *,
    with_model: bool,
    months: int = MONTHS,
    last: str | None = None,
    on_step: OnStep = lambda name, number, total: None,
) -> Evaluation:
    """Walk both stages over the `months` up to `last`, as 2018-08, and score what was predicted.

    Raises FeatureError where there is nothing to judge by, or a model would have had too little to learn from.
    """
    window = months_to_judge(frames.of["purchase"], frames.until, months, last)
    walked = {}
    for place, (stage, frame) in enumerate(frames.of.items()):

        def step(name: str, number: int, total: int, before: int = place * len(window)) -> None:
            on_step(name, before + number, total * len(frames.of))

        walked[stage] = walk(frame, window, with_model=with_model, on_step=step)
    judged = np.concatenate([one.months for one in walked.values()])
    return Evaluation(
        frames.build,
        str(frames.until.astype("datetime64[D]")),
        str(judged.min()),
        str(judged.max()),
        {stage: one.left_out for stage, one in walked.items()},
        tuple(line for one in walked.values() for line in _lines(one)),
    )


def _lines(walked: Walked) -> Iterator[Line]:
    for prediction in walked.predictions:
        every = np.ones(len(walked.late), dtype=bool)
        yield Line(walked.stage, prediction.name, None, _scores(walked, prediction, every, of_all=True))
    for month in np.unique(walked.months):
        for prediction in walked.predictions:
            yield Line(walked.stage, prediction.name, str(month), _scores(walked, prediction, walked.months == month))


def _scores(walked: Walked, prediction: Prediction, chosen: np.ndarray, *, of_all: bool = False) -> Scores:
    late, taken = walked.late[chosen], walked.taken[chosen]
    of: dict[str, float] = {}
    if prediction.risk is not None:
        risk = prediction.risk[chosen]
        of["auc"] = scores.auc(late, risk)
        of["precision_top"] = scores.precision_top(late, risk)
        if of_all:
            of["auc_low"], of["auc_high"] = scores.auc_interval(late, risk)
            of["auc_of_months"] = scores.auc_of_months(late, risk, walked.months[chosen])
    if prediction.probability is not None:
        probability = prediction.probability[chosen]
        of["auc_of_probability"] = scores.auc(late, probability)
        of["brier"] = scores.brier(late, probability)
        of["calibration_error"] = scores.calibration_error(late, probability)
    if prediction.expected is not None:
        of["mae_days"] = scores.mae(taken, prediction.expected[chosen])
        of["rmse_days"] = scores.rmse(taken, prediction.expected[chosen])
    if prediction.lower is not None and prediction.upper is not None:
        of["coverage"] = scores.coverage(taken, prediction.lower[chosen], prediction.upper[chosen])
    measured = {name: None if np.isnan(value) else float(value) for name, value in of.items()}
    return Scores(len(late), float(late.mean()), **measured)
