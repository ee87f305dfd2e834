"""How much better a prediction of late orders looks by what it must not know: `python -m bench.delivery_leaks`.

The same classifier each time, judged twice: by five random parts, each predicted by the other four, and month by month,
each predicted by what was known before. On the home folder that the settings name; needs the extra ml.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from armazem.config import load_settings
from armazem.features.delivery import scores
from armazem.features.delivery.frame import VECTORS, Frame
from armazem.features.delivery.frames import read_frames
from armazem.features.delivery.model import PARAMETERS, ROUNDS, lightgbm
from armazem.features.delivery.walk import months_to_judge
from armazem.targets.registry import target_of


def main() -> None:
    """Print a row for each set of features: AUC by random parts, and walked forward."""
    settings = load_settings()
    frames = read_frames(settings)
    frame = frames.of["purchase"]
    told = ~np.isnan(frame.left) & ~np.isnan(frame.limit)
    late = frame.is_late
    months = months_to_judge(frame, frames.until)
    vectors = [feature.name for feature in VECTORS]
    order = [name for name in frame.numbers if name not in vectors and not name.endswith("_days")]
    own = [*(frame.numbers[name] for name in order), *(_codes(frame.texts[name]) for name in frame.texts), frame.limit]
    known = [frame.numbers[name] for name in vectors]
    with target_of(settings).reading() as reader:
        marts = reader.schema("marts")
        answer = reader.answer(
            f"select orders.order_id, seller_id, review_score from {marts}.fact_orders as orders left join (select "
            f"order_id, min(seller_id) as seller_id from {marts}.fact_sales group by 1) as sales "
            "on orders.order_id = sales.order_id"
        ).to_pylist()
    of = {row["order_id"]: row for row in answer}
    rows = [of[order_id] for order_id in frame.order_ids.to_pylist()]
    review = np.array([np.nan if row["review_score"] is None else row["review_score"] for row in rows], dtype=float)
    sellers = _codes(np.array([row["seller_id"] or "" for row in rows], dtype=object)).astype(int)
    of_all_time = np.bincount(sellers, late & told) / np.maximum(1, np.bincount(sellers, told))
    reviewed = told & ~np.isnan(review)
    print(f"{told.sum():,} delivered orders, {reviewed.sum():,} with a review; months {months[0]} to {months[-1]}")
    print("| features | random parts | walked forward |\n|---|---:|---:|")
    for name, columns, orders in (
        ("the order itself, with its promise", own, told),
        ("and histories as known then", own + known, told),
        ("and the seller's share of late orders over all time", [*own, *known, of_all_time[sellers]], told),
        ("the order itself, of those with a review", own, reviewed),
        ("and the review's score", [*own, review], reviewed),
    ):
        random, walked = _random(np.column_stack(columns), late, orders), _walked(columns, frame, orders, months)
        print(f"| {name} | {random:.3f} | {walked:.3f} |", flush=True)


def _random(matrix: np.ndarray, late: np.ndarray, orders: np.ndarray) -> float:
    part = np.random.default_rng(0).integers(0, 5, len(late))
    said = np.zeros(len(late))
    for one in range(5):
        said[part == one] = _fitted(matrix, late, orders & (part != one), part == one)
    return scores.auc(late[orders], said[orders])


def _walked(columns: Sequence[np.ndarray], frame: Frame, orders: np.ndarray, months: np.ndarray) -> float:
    matrix, said, judged = np.column_stack(columns), np.zeros(len(frame)), np.zeros(len(frame), dtype=bool)
    for month in months:
        of_month = frame.scored_in(month) & orders
        begin = month.astype("datetime64[us]")
        said[of_month] = _fitted(matrix, frame.is_late, orders & frame.known_before(begin), of_month)
        judged |= of_month
    return scores.auc(frame.is_late[judged], said[judged])


def _fitted(matrix: np.ndarray, late: np.ndarray, learn: np.ndarray, ask: np.ndarray) -> np.ndarray:
    library = lightgbm()
    settings = dict(PARAMETERS) | {"objective": "binary"}
    model = library.train(settings, library.Dataset(matrix[learn], late[learn].astype(float)), ROUNDS)
    found: np.ndarray = model.predict(matrix[ask], num_threads=1)
    return found


def _codes(texts: np.ndarray) -> np.ndarray:
    return np.unique(texts.astype(str), return_inverse=True)[1].astype(float)


if __name__ == "__main__":
    main()
