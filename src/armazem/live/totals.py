"""Orders and revenue by status and state: sums that batches of changes are added to, exact to the cent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from armazem.contract.tables import NO_SALE_STATUSES, ORDER_STATUSES

Change = tuple[str, str, int, Decimal]
"""Status, state, orders, revenue."""


class Totals:
    """Of all placed orders. What is left of no order is forgotten, so history leaves no trace."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._cells: dict[tuple[str, str], tuple[int, Decimal]] = {}
        self.add(changes)

    def add(self, changes: Iterable[Change]) -> None:
        for status, state, orders, revenue in changes:
            before = self._cells.get((status, state), (0, Decimal(0)))
            after = (before[0] + int(orders), before[1] + revenue)
            if after[0]:
                self._cells[status, state] = after
            else:
                self._cells.pop((status, state), None)

    def changes(self) -> list[Change]:
        """What makes the same totals of empty ones."""
        return [(*cell, *sums) for cell, sums in self._cells.items()]

    def figures(self) -> dict[str, Any]:
        """orders, revenue, by_status, by_state.

        Orders are all placed ones. Revenue is that of valid sales, but in by_status: there each status shows what was
        paid for its orders, that of canceled ones too.
        """
        orders, revenue = 0, Decimal("0.00")
        by_status: dict[str, dict[str, Any]] = {}
        by_state: dict[str, dict[str, Any]] = {}
        for (status, state), (cell_orders, cell_revenue) in sorted(self._cells.items(), key=_order):
            sold = Decimal("0.00") if status in NO_SALE_STATUSES else cell_revenue
            orders += cell_orders
            revenue += sold
            for groups, name, value in ((by_status, status, cell_revenue), (by_state, state, sold)):
                group = groups.setdefault(name, {"orders": 0, "revenue": Decimal("0.00")})
                group["orders"] += cell_orders
                group["revenue"] += value
        by_state = dict(sorted(by_state.items()))
        return {"orders": orders, "revenue": revenue, "by_status": by_status, "by_state": by_state}


def _order(item: tuple[tuple[str, str], tuple[int, Decimal]]) -> tuple[int, str]:
    (status, state), _ = item
    return ORDER_STATUSES.index(status) if status in ORDER_STATUSES else len(ORDER_STATUSES), state
