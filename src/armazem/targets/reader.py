"""Questions to the published warehouse that bring a table of their own, such as entities and times."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # few commands need it
    import pyarrow as pa


@dataclass(frozen=True)
class Reader(ABC):
    """What answers them. `build`: of which version the answers are."""

    build: str

    @abstractmethod
    def schema(self, layer: str) -> str:
        """Return what the tables of a layer are found in, for SQL."""

    @abstractmethod
    def answer(self, sql: str, requests: pa.Table | None = None) -> pa.Table:
        """Answer a query that reads. `requests`: a table of whole numbers, texts and days that it finds by that name.

        The answer is in no order, and may be put together from those to parts of the requests: each row of it has to
        be of one request, and of no other. Raises QueryError.
        """

    @abstractmethod
    def newest(self, columns: Sequence[str]) -> str:
        """Return SQL from `requests` (number, entity_id, day) and `history` (entity_id, day, these columns), both CTEs
        or tables, to `number` and the columns of each request's newest row of the history up to its day.

        The columns are whole numbers that never fall, from zero on: they are zero where there is no such row.
        """

    @abstractmethod
    def is_of_one_build(self) -> bool:
        """Whether nothing was published since this reader began: else its answers may be of two versions."""
