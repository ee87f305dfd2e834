"""How many rows of what: the real data set's proportions, at any number of orders."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

REAL_ORDERS = 99_441
CHUNK_ORDERS = 100_000  # orders made and written at once: what bounds the memory
EVERY_DEFECT_FROM = 1_000  # from this many orders on, each defect is there at least once


@dataclass(frozen=True)
class Sizes:
    """Rows to make. `defect` scales a count of the real files to this size."""

    orders: int
    products: int
    sellers: int
    prefixes: int
    points: int

    @classmethod
    def of(cls, orders: int) -> Sizes:
        """Return sizes proportional up to the real one; beyond it products and sellers grow with the square root.

        Ten times the orders are sold by a marketplace of three times the sellers, not of ten times; at 5 million
        orders there are 233,651 products and 21,946 sellers. Brazil stays as large as it is: never more than
        19,015 zip prefixes with points and 1,000,163 points.
        """
        if orders < 1:
            raise ValueError(f"orders must be at least 1, not {orders}")
        scale = orders / REAL_ORDERS
        growth = scale if scale <= 1 else sqrt(scale)
        prefixes = min(19_015, max(100, 2 * orders))
        return cls(
            orders=orders,
            products=max(20, round(32_951 * growth)),
            sellers=max(5, round(3_095 * growth)),
            prefixes=prefixes,
            points=max(3 * prefixes, round(1_000_163 * min(1.0, scale))),
        )

    @property
    def chunks(self) -> list[tuple[int, int]]:
        """Ranges of order indices, about equally long and at most CHUNK_ORDERS."""
        count = -(-self.orders // CHUNK_ORDERS)
        return [(k * self.orders // count, (k + 1) * self.orders // count) for k in range(count)]

    def defect(self, real_count: int, *, of: int = REAL_ORDERS, here: int | None = None) -> int:
        """Return what `real_count` among `of` real rows comes to among `here` rows (default: among the orders)."""
        count = round(real_count * (self.orders if here is None else here) / of)
        return max(1, count) if self.orders >= EVERY_DEFECT_FROM else count
