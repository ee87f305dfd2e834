"""Reviews: a score that follows from the delivery, sometimes words, and rows that repeat one another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from . import columns
from .ids import Flags, Floats, Ints, hex_ids, shuffled
from .lots import Fates
from .orders import Timeline
from .phrases import EMOTION, LINES, PLAIN, QUOTES, TONE_OF_SCORE, message
from .seasons import DAY
from .world import World

# Real counts among the orders: without a review, with two, whose review_id is another order's.
NO_REVIEW, TWO_REVIEWS, SHARED_ID = 768, 551, 814
# With line breaks, quotation marks, emoji in the comment.
IN_LINES, IN_QUOTES, WITH_EMOJI = 4_400, 300, 450
# Share of scores 1 … 5 of orders delivered in time, late, and not delivered.
SCORES = np.cumsum(
    [[0.071, 0.026, 0.080, 0.203, 0.620], [0.47, 0.08, 0.11, 0.12, 0.22], [0.60, 0.08, 0.09, 0.06, 0.17]],
    axis=1,
)
HAS_MESSAGE = np.array([0.74, 0.64, 0.40, 0.28, 0.33])  # by score, besides those with a defect
HAS_TITLE = np.array([0.17, 0.15, 0.11, 0.10, 0.11])
POOL = 400  # different comments per score and kind


def reviews(
    world: World, time: Timeline, fate: Fates, order: Ints, pool: Comments, end: int | None, rng: np.random.Generator
) -> pa.Table:
    """Return the file's rows: one for most orders, two for a few. Without those that are not answered yet at `end`."""
    sizes, seed = world.sizes, world.seed
    turn = shuffled(seed, "review", order, sizes.orders)
    bounds = np.cumsum([sizes.defect(c) for c in (NO_REVIEW, TWO_REVIEWS, SHARED_ID, IN_LINES, IN_QUOTES, WITH_EMOJI)])
    part = np.searchsorted(bounds, turn, side="right")
    row = np.repeat(np.arange(order.size), np.array([0, 2, 1, 1, 1, 1, 1])[part])
    second = np.append(False, row[1:] == row[:-1])

    how = np.array([PLAIN, PLAIN, PLAIN, LINES, QUOTES, EMOTION, PLAIN])[part[row]]
    score = _scores(time, fate, rng)[row]
    text = pool.index(score, how, (how != PLAIN) | (rng.random(row.size) < HAS_MESSAGE[score - 1]), rng)
    title = pool.title_index(score, rng.random(row.size) < HAS_TITLE[score - 1], rng)
    created = _asked(time, fate)[row] + second * rng.integers(1, 30, row.size) * DAY
    answered = created + np.round(DAY * (0.3 + 1.35 * np.exp(0.8 * rng.standard_normal(row.size)))).astype(np.int64)

    # A shared id is the whole review of the nearest other order above (below, for the first) once more.
    source = np.arange(row.size)
    own = np.flatnonzero(part[row] > 2)
    shared = np.flatnonzero(part[row] == 2)
    if own.size:
        source[shared] = own[(np.searchsorted(own, shared) - 1).clip(0)]
    number = (2 * order[row] + second)[source]
    found = pa.table(
        {
            "review_id": columns.ids(hex_ids(seed, "review", number)),
            "order_id": columns.ids(hex_ids(seed, "order", order)[row]),
            "review_score": score[source],
            "review_comment_title": pool.titles.take(columns.numbers(title[source], title[source] >= 0)),
            "review_comment_message": pool.messages.take(columns.numbers(text[source], text[source] >= 0)),
            "review_creation_date": columns.times(created[source]),
            "review_answer_timestamp": columns.times(answered[source]),
        }
    )
    return found if end is None else found.filter(pa.array(answered[source] <= end))


class Comments:
    """Comments made once, to be drawn from: by score, by what is special about them, then at random."""

    def __init__(self, rng: np.random.Generator) -> None:
        kinds = [(score, how) for score in range(1, 6) for how in range(4)]
        self.messages = pa.array([message(score, how, rng) for score, how in kinds for _ in range(POOL)])
        titles = [TONE_OF_SCORE[score].titles for score in range(1, 6)]
        self._title_count = np.array([len(t) for t in titles])
        self._title_start = np.cumsum(self._title_count) - self._title_count
        self.titles = pa.array([title for of_score in titles for title in of_score])

    def index(self, score: Ints, how: Ints, present: Flags, rng: np.random.Generator) -> Ints:
        """Return which message each review has, -1 for none."""
        found = ((score - 1) * 4 + how) * POOL + rng.integers(0, POOL, score.size)
        return np.where(present, found, -1)

    def title_index(self, score: Ints, present: Flags, rng: np.random.Generator) -> Ints:
        """Return which title each review has, -1 for none."""
        found = self._title_start[score - 1] + (rng.random(score.size) * self._title_count[score - 1]).astype(np.int64)
        return np.where(present, found, -1)


def _scores(time: Timeline, fate: Fates, rng: np.random.Generator) -> Ints:
    arrived = fate.has_delivery & (fate.status == "delivered")
    case = np.where(arrived, np.where(time.late, 1, 0), 2)
    u: Floats = rng.random(case.size)
    return np.asarray(1 + (u[:, None] >= SCORES[case][:, :4]).sum(axis=1))


def _asked(time: Timeline, fate: Fates) -> Ints:
    """Midnight of the day on which the customer is asked: after delivery, or two days after the promised date."""
    promised = time.estimated + 2 * DAY
    after = (time.delivered // DAY + 1) * DAY
    return np.where(fate.has_delivery, np.minimum(after, promised), promised)
