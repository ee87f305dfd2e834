"""Rows of many entities in memory, found by id: ids in order, each with the place of its rows."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from armazem.features.news import News, news_of


class Keyed:
    """Where the rows of an id lie, of rows in the order of their ids. Some 40 bytes for each id."""

    def __init__(self, ids: pa.StringArray) -> None:
        """`ids`: of each row, sorted by code points, none of them null."""
        coded = pc.run_end_encode(ids)
        self._ids = coded.values
        ends = coded.run_ends.to_numpy()
        self._starts: npt.NDArray[np.int64] = np.concatenate(([0], ends)).astype(np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def rows(self, entity_id: str) -> slice:
        """Return the places of its rows; none where nobody knows it."""
        place = bisect_left(_Texts(self._ids), entity_id)
        if place == len(self._ids) or self._ids[place].as_py() != entity_id:
            return slice(0, 0)
        return slice(int(self._starts[place]), int(self._starts[place + 1]))


class KeyedNews:
    """The news of many entities."""

    def __init__(self, table: pa.Table) -> None:
        """`table`: entity_id, and the columns of `news_of`, in the order of the ids."""
        self._keyed = Keyed(pc.cast(table["entity_id"], "string").combine_chunks())
        self._news = news_of([table[name].to_numpy() for name in table.column_names[1:]])

    def __len__(self) -> int:
        return len(self._news.days)

    def news(self, entity_id: str) -> News:
        """Return the news of one; none where nobody knows it."""
        rows = self._keyed.rows(entity_id)
        return News(self._news.days[rows], self._news.sums[rows], self._news.told[rows])


class _Texts:
    """The ids as Python has them, one at a time."""

    def __init__(self, ids: pa.StringArray) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, place: int) -> str:
        return str(self._ids[place].as_py())
