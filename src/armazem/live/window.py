"""The last minute and the last hour by time of arrival: orders per minute, and the age of events when they came."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

HOUR = 3600
_MINUTE = 60
_MAX_LAGS = 20_000  # kept of one batch, evenly spread; below some 60,000 events/s that is all of them


class Window:
    """Counts per second of the last hour, and lags of the last minute. Times are seconds since the epoch."""

    def __init__(self, orders: Mapping[int, int] | None = None) -> None:
        self._orders = Counter(orders or {})
        self._lags: deque[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]] = deque()

    def add(
        self, second: npt.NDArray[np.int64], placed: npt.NDArray[np.bool_], lag: npt.NDArray[np.int64], now: datetime
    ) -> None:
        """Add events that came at `second`: whether each placed an order, and its lag in microseconds."""
        seconds, counts = np.unique(second[placed], return_counts=True)
        self._orders.update(dict(zip(seconds.tolist(), counts.tolist(), strict=True)))
        step = -(-len(second) // _MAX_LAGS) or 1
        recent = second[::step] > now.timestamp() - _MINUTE
        if recent.any():
            self._lags.append((second[::step][recent], lag[::step][recent]))

    def figures(self, now: datetime) -> dict[str, Any]:
        """Return orders_per_minute of the last 60 s, orders_by_minute of the last 60 minutes, lag_seconds p50 and
        p99.
        """
        second = int(now.timestamp())
        self._forget(second)
        minute = second - second % _MINUTE
        by_minute: Counter[int] = Counter()
        for at, orders in self._orders.items():
            by_minute[at - at % _MINUTE] += orders
        return {
            "orders_per_minute": sum(self._orders[at] for at in range(second - _MINUTE + 1, second + 1)),
            "orders_by_minute": [
                {"minute": datetime.fromtimestamp(at, UTC), "orders": by_minute[at]}
                for at in range(minute - HOUR + _MINUTE, minute + 1, _MINUTE)
            ],
            "lag_seconds": self._percentiles(second),
        }

    @property
    def orders(self) -> dict[int, int]:
        """Second to orders that came in it."""
        return dict(self._orders)

    @property
    def lively(self) -> bool:
        """Whether anything came in the last minute."""
        return bool(self._lags)

    def _forget(self, second: int) -> None:
        for at in [at for at in self._orders if at <= second - HOUR]:
            del self._orders[at]
        while self._lags and self._lags[0][0].max() <= second - _MINUTE:
            self._lags.popleft()

    def _percentiles(self, second: int) -> dict[str, float | None]:
        if not self._lags:
            return {"p50": None, "p99": None}
        came = np.concatenate([seconds for seconds, _ in self._lags])
        lags = np.concatenate([lags for _, lags in self._lags])[came > second - _MINUTE]
        if not len(lags):
            return {"p50": None, "p99": None}
        p50, p99 = np.percentile(lags, (50, 99), method="inverted_cdf") / 1e6
        return {"p50": float(p50), "p99": float(p99)}
