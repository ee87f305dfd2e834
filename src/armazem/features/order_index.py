"""The facts of all orders of a version in memory, found by who ordered and by what was ordered.

Products and people have no histories on the disk, and to look for the few orders of one in the tables takes several
milliseconds: they are read whole once, 0.5 s and some 25 MB for 100,000 orders.
"""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from armazem.contract.features import ENTITIES
from armazem.features.keyed import Keyed
from armazem.features.news import NOTHING, News, columns_of
from armazem.features.parts import parts_sql
from armazem.features.vectors import SUMS

_NUMBER = "row_number() over (order by order_id) - 1 as number"
_NUMBERED = f"numbered as (select order_id, {_NUMBER} from published.marts.fact_orders)"
_LONG = ("handling_s", "total_s")  # the others fit into 32 bits, as they are of one order
_OF_ALL = tuple(name for name in SUMS if name != "gmv_cents")


class OrderIndex:
    """Of products and customers. Orders are numbers from 0, and the facts lie in their order."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read the tables of a version on this connection. Raises duckdb.Error."""
        types = {name: "bigint" if name in _LONG else "integer" for name in SUMS}
        sums = [f"cast({name} as {types[name]})" for name in SUMS]
        facts = connection.execute(
            f"with {_NUMBERED} select number, {columns_of('known_on', 'recorded_at', sums)} "
            "from published.features.feat_order_facts inner join numbered using (order_id) order by number, day"
        ).fetchnumpy()
        orders = int(facts["number"][-1]) + 1 if len(facts["number"]) else 0
        self._starts = np.searchsorted(facts["number"], np.arange(orders + 1)).astype(np.int64)
        self._days = np.ma.getdata(facts["day"]).astype(np.int32)
        self._told = np.ma.getdata(facts["told"])
        self._sums = {name: np.ma.getdata(facts[name]) for name in _OF_ALL}
        parts = {one.name: parts_sql(one, "published.marts") for one in ENTITIES if not one.has_history}
        self._parts = {name: _Parts(connection, sql) for name, sql in parts.items()}

    def news(self, entity: str, entity_id: str) -> News:
        """Return the facts of its orders; none where nobody knows it."""
        parts = self._parts[entity]
        own = parts.keyed.rows(entity_id)
        if own.start == own.stop:
            return NOTHING
        orders = parts.orders[own]
        rows, counts = _ranges(self._starts[orders], self._starts[orders + 1])
        gmv = self._sums["sold"][rows] * np.repeat(parts.gmv[own], counts)
        sums = np.column_stack([gmv if name == "gmv_cents" else self._sums[name][rows] for name in SUMS])
        return News(self._days[rows], sums, self._told[rows])


class _Parts:
    """Which orders are an entity's, by its id, and the value of its part of each in cents."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str) -> None:
        table = connection.execute(
            f"with {_NUMBERED}, parts as ({sql}) select entity_id, cast(number as integer) as number, "
            "gmv_cents from parts inner join numbered using (order_id) where entity_id is not null order by entity_id"
        ).to_arrow_table()
        self.keyed = Keyed(pc.cast(table["entity_id"], "string").combine_chunks())
        self.orders: npt.NDArray[np.int32] = table["number"].to_numpy()
        self.gmv: npt.NDArray[np.int64] = table["gmv_cents"].to_numpy()


def _ranges(starts: npt.NDArray[Any], ends: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the whole numbers from each start to before its end, one after the other, and how many each has."""
    counts = ends - starts
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum())), counts
