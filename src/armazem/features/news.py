"""What became known of one entity, day by day, as numbers: sums as of any time are sums over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from armazem.features.catalogue import SPANS
from armazem.features.vectors import SUMS

NEVER = np.iinfo(np.int64).min
"""Stands for null where a time is microseconds since 1970."""

_EPOCH = date(1970, 1, 1).toordinal()
_MOST_DAYS = np.iinfo(np.int32).max


def day_number(day: date) -> int:
    """Return the days since 1970-01-01, as the rows of news have them."""
    return day.toordinal() - _EPOCH


@dataclass(frozen=True, slots=True)
class News:
    """Rows of one entity, in any order, several of a day as well.

    `days`: on which it became known, (n,) since 1970. `sums`: what it adds to each of `SUMS`, (n, 10). `told`: when we
    were told, (n,) microseconds since 1970, or `NEVER`.
    """

    days: npt.NDArray[np.int32]
    sums: npt.NDArray[np.int64]
    told: npt.NDArray[np.int64]

    def before(self, day: int) -> npt.NDArray[np.int64]:
        """Return the sums of what was known before the midnight that begins this day: (spans, 10)."""
        since = np.array([-_MOST_DAYS if span is None else day - span for span in SPANS])[:, None]
        counts = (self.days >= since) & (self.days < day)
        return counts.astype(np.int64) @ self.sums

    def told_before(self, day: int) -> int:
        """Return when the last of that was told, or `NEVER`."""
        return int(self.told[self.days < day].max(initial=NEVER))


NOTHING = News(np.empty(0, np.int32), np.empty((0, len(SUMS)), np.int64), np.empty(0, np.int64))


def news_of(columns: Sequence[npt.NDArray[Any]]) -> News:
    """Return news of the columns of a query: days, told, and the sums in the order of `SUMS`; none of them null."""
    days, told, *sums = (np.ma.getdata(column) for column in columns)
    return News(days.astype(np.int32), np.column_stack(sums).astype(np.int64, copy=False), told.astype(np.int64))


def columns_of(known_on: str, recorded_at: str, sums: Sequence[str]) -> str:
    """Return the select list of such a query: of a date, a time, and the sums, each as SQL."""
    told = f"coalesce(epoch_us({recorded_at}), {NEVER + 1} - 1)"  # the number itself is none that SQL can write
    names = (f"{value} as {name}" for value, name in zip(sums, SUMS, strict=True))
    return f"({known_on}) - date '1970-01-01' as day, {told} as told, {', '.join(names)}"
