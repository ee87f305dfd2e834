"""What customers say afterwards: a score that follows from the delivery, and sometimes words."""

from __future__ import annotations

import json
from itertools import accumulate
from random import Random

# Shares of the scores 1 … 5 of orders delivered in time, late, and not delivered, as in the real data.
_SCORES = {
    "in time": tuple(accumulate((0.071, 0.026, 0.080, 0.203, 0.620))),
    "late": tuple(accumulate((0.47, 0.08, 0.11, 0.12, 0.22))),
    "not delivered": tuple(accumulate((0.60, 0.08, 0.09, 0.06, 0.17))),
}
_WITH_MESSAGE = (0.74, 0.64, 0.40, 0.28, 0.33)
_WITH_TITLE = (0.17, 0.15, 0.11, 0.10, 0.11)
_COMMENTS_PER_SCORE = 100


class Comments:
    """Titles and messages by score, as JSON strings; the words are those of the synthetic data."""

    def __init__(self, seed: int) -> None:
        # Costs the time of importing numpy and pyarrow: not for everybody who imports this package.
        from armazem.shop.history.ids import stream
        from armazem.shop.history.phrases import TONE_OF_SCORE, message

        pick = stream(seed, "comments")
        kinds = range(4)  # plain, with line breaks, with quotation marks, with emoji
        self._messages = [
            [_json(message(score, how, pick)) for how in kinds for _ in range(_COMMENTS_PER_SCORE // len(kinds))]
            for score in range(1, 6)
        ]
        self._titles = [[_json(title) for title in TONE_OF_SCORE[score].titles] for score in range(1, 6)]

    def draw(self, score: int, rng: Random) -> tuple[str | None, str | None]:
        """Return title and message of a review with this score; many have none."""
        title = rng.choice(self._titles[score - 1]) if rng.random() < _WITH_TITLE[score - 1] else None
        message = rng.choice(self._messages[score - 1]) if rng.random() < _WITH_MESSAGE[score - 1] else None
        return title, message


def draw_score(*, delivered: bool, late: bool, rng: Random) -> int:
    """Return a score from 1 to 5."""
    shares = _SCORES["not delivered" if not delivered else "late" if late else "in time"]
    dice = rng.random()
    return 1 + sum(dice >= share for share in shares[:4])


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
