"""The orders that somebody waits for, as a trained model sees them now."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from armazem.features.delivery.frame import Frame, days
from armazem.features.delivery.frames import Frames
from armazem.features.delivery.model import Predicted
from armazem.features.delivery.model_file import Trained
from armazem.features.orders import STAGES


def predict_open(trained: Trained, frames: Frames) -> pa.Table:
    """Return a row per open order, the likeliest to be late first.

    order_id; stage, the last one that it has reached, and scored_at, when; waited_days since then; promised_days,
    expected_days and lower_days to upper_days, which 80 % of such orders arrive in, all from the purchase on, null
    where hardly an order waited for as long; late_probability, null where nothing was promised.

    Raises FeatureError where the model's features are not those of the warehouse.
    """
    trained.check(frames)
    of_handover = frames.of["handover"]
    # One that is handed over after the newest day is still at its purchase.
    handed = of_handover.order_ids.filter(pa.array(of_handover.scored_at <= frames.until))
    parts = []
    for stage in STAGES:
        frame = frames.of[stage]
        waited = days(frames.until - frame.scored_at)
        predicted = trained.stages[stage].predict(frame, np.maximum(waited, 0.0))
        chosen = frame.is_open & (waited >= 0)
        if stage == "purchase":
            chosen &= ~pc.is_in(frame.order_ids, handed).to_numpy(zero_copy_only=False)
        parts.append(_table(frame, waited, predicted).filter(pa.array(chosen)))
    return pa.concat_tables(parts).sort_by([("late_probability", "descending"), ("order_id", "ascending")])


def _table(frame: Frame, waited: np.ndarray, predicted: Predicted) -> pa.Table:
    def column(values: np.ndarray, digits: int) -> pa.Array:
        return pa.array(np.round(values, digits), from_pandas=True)  # NaN as null

    return pa.table(
        {
            "order_id": frame.order_ids,
            "stage": pa.array([frame.stage] * len(frame)),
            "scored_at": pa.array(frame.scored_at),
            "waited_days": column(waited, 2),
            "promised_days": column(frame.before + frame.limit, 2),
            "expected_days": column(frame.before + predicted.expected, 2),
            "lower_days": column(frame.before + predicted.lower, 2),
            "upper_days": column(frame.before + predicted.upper, 2),
            "late_probability": column(predicted.probability, 4),
        }
    )
