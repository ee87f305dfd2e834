"""Features of one entity as the published tables give them, by plain SQL: what look-ups are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

SUMS = (
    "sold", "gmv_cents", "handed", "handling_s", "delivered", "total_s", "resolved", "late", "reviews", "score",
)  # fmt: skip
RATIOS = {
    "avg_order_value": ("gmv_cents", "sold", 100),
    "avg_handling_days": ("handling_s", "handed", 86_400),
    "avg_delivery_days": ("total_s", "delivered", 86_400),
    "late_rate": ("late", "resolved", 1),
    "avg_review_score": ("score", "reviews", 1),
}
WINDOWS = {"": None, "_30d": 30, "_90d": 90}
ENTITIES = ("seller", "lane", "marketplace", "product", "customer")

_PARTS = {
    "product": "select order_id, sum(price) as gmv from marts.fact_sales where product_id = $id group by order_id",
    "customer": "select order_id, gmv from marts.fact_orders where customer_unique_id = $id",
}
_ADDED = ", ".join(
    f"coalesce(sum({name if name != 'gmv_cents' else 'sold * cast(gmv * 100 as bigint)'}), 0)" for name in SUMS
)
_IDS = {
    "seller": "select distinct seller_id from marts.fact_sales",
    "lane": "select distinct entity_id from features.feat_lane_daily",
    "marketplace": "select 'all'",
    "product": "select distinct product_id from marts.fact_sales",
    "customer": "select distinct customer_unique_id from marts.fact_orders",
}


class Tables:
    """One version, for a `with` block."""

    def __init__(self, file: Path) -> None:
        self._connection = duckdb.connect(str(file), read_only=True)
        self._connection.execute("set timezone = 'UTC'")

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ids(self, entity: str) -> list[str]:
        return sorted(row[0] for row in self._connection.execute(_IDS[entity]).fetchall())

    def vector(self, entity: str, entity_id: str, at: datetime) -> dict[str, int | float | None]:
        """All features, by their names."""
        found: dict[str, int | float | None] = {}
        now, _ = self._known(entity, entity_id, at.date())
        for suffix, days in WINDOWS.items():
            before = self._known(entity, entity_id, at.date() - timedelta(days=days))[0] if days else dict(_ZEROS)
            sums = {name: now[name] - before[name] for name in SUMS}
            found |= {f"{name}{suffix}": value for name, value in sums.items()}
            for name, (above, below, unit) in RATIOS.items():
                found[f"{name}{suffix}"] = sums[above] / (sums[below] * unit) if sums[below] else None
        return found

    def told(self, entity: str, entity_id: str, at: datetime) -> datetime | None:
        """When the last of it was told."""
        return self._known(entity, entity_id, at.date())[1]

    def _known(self, entity: str, entity_id: str, day: date) -> tuple[Mapping[str, int], datetime | None]:
        """The sums over all time at the midnight that begins this day, and when the last of it was told."""
        if entity in _PARTS:
            sql = (
                f"select max(recorded_at), {_ADDED} from features.feat_order_facts "
                f"inner join ({_PARTS[entity]}) using (order_id) where known_on < $day"
            )
        else:
            sql = (
                f"select created_timestamp, {', '.join(SUMS)} from features.feat_{entity}_daily "
                "where entity_id = $id and feature_timestamp <= $day order by feature_timestamp desc limit 1"
            )
        row = self._connection.execute(sql, {"id": entity_id, "day": day}).fetchone()
        return (dict(zip(SUMS, map(int, row[1:]), strict=True)), row[0]) if row else (_ZEROS, None)


_ZEROS: Mapping[str, int] = dict.fromkeys(SUMS, 0)
