"""The features of one published version: the news of an entity, out of its history or of the facts of its orders."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from armazem.contract.features import ENTITIES, Entity
from armazem.features.changes import VERSION, check_features
from armazem.features.keyed import KeyedNews
from armazem.features.news import News, columns_of, news_of
from armazem.features.order_index import OrderIndex
from armazem.features.parts import parts_sql
from armazem.features.vectors import SUMS
from armazem.home import Home
from armazem.targets.duckdb.confined import Limits, connect_version
from armazem.targets.duckdb.versions import version_file

MOST_ROWS = 2_000_000
"""Of the tables, that are kept in memory, some 130 MB."""

_LIMITS = Limits(memory="512MB", threads=1)
_FACTS = f"{VERSION}.features.feat_order_facts"
_WITH_HISTORY = tuple(entity for entity in ENTITIES if entity.has_history)


class PublishedFeatures:
    """Of one version, held open, in memory where it is not too large. Thread-safe.

    To look one entity up in the tables takes 1 to 5 ms of processor, and a thread; eight clients wait for each other.
    """

    def __init__(self, home: Home, build: str, *, most_rows: int = MOST_ROWS) -> None:
        """`most_rows`: that are kept in memory; where there are more, each question reads the tables.

        `newest`: the day of its newest purchase, since 1970-01-01; None where nothing was ordered.

        Raises HomeError where the version is gone, FeatureError where it has no features, duckdb.Error.
        """
        self.build = build
        self._histories: dict[str, KeyedNews] = {}
        self._orders: OrderIndex | None = None
        self._connection = connect_version(home, version_file(home, build), VERSION, False, _LIMITS)
        try:
            check_features(self._connection, build)
            self.newest = self._newest_purchase()
            if self._rows_of_all() <= most_rows:
                self._read()
        except BaseException:
            self._connection.close()
            raise

    def news(self, entity: Entity, entity_id: str) -> News:
        """Return what became known of it, as published; none where nobody knows it. Raises duckdb.Error."""
        found = self.at_hand(entity, entity_id)
        if found is None:
            found = self._of_history(entity, entity_id) if entity.has_history else self._of_orders(entity, entity_id)
        return found

    def at_hand(self, entity: Entity, entity_id: str) -> News | None:
        """Return the same where it is in memory."""
        if entity.name in self._histories:
            return _as_it_came(self._histories[entity.name].news(entity_id))
        return self._orders.news(entity.name, entity_id) if self._orders and not entity.has_history else None

    def _newest_purchase(self) -> int | None:
        """Its day, since 1970-01-01; None where nothing was ordered."""
        sql = f"select cast(max(order_purchase_timestamp) as date) - date '1970-01-01' from {VERSION}.marts.fact_orders"
        row = self._connection.execute(sql).fetchone()
        return None if row is None or row[0] is None else int(row[0])

    def _rows_of_all(self) -> int:
        tables = (_FACTS, *(_table(entity) for entity in _WITH_HISTORY))
        counts = (self._connection.execute(f"select count(*) from {table}").fetchone() for table in tables)
        return sum(int(row[0]) for row in counts if row)

    def _read(self) -> None:
        for entity in _WITH_HISTORY:
            sql = f"select entity_id, {_RUNNING} from {_table(entity)} order by entity_id, feature_timestamp"
            self._histories[entity.name] = KeyedNews(self._connection.execute(sql).to_arrow_table())
        self._orders = OrderIndex(self._connection)

    def _of_history(self, entity: Entity, entity_id: str) -> News:
        sql = f"select {_RUNNING} from {_table(entity)} where entity_id = ? order by feature_timestamp"
        return _as_it_came(self._rows(sql, entity_id))

    def _of_orders(self, entity: Entity, entity_id: str) -> News:
        sums = [f"facts.{name}" if name != "gmv_cents" else "facts.sold * parts.gmv_cents" for name in SUMS]
        return self._rows(
            f"with parts as ({parts_sql(entity, f'{VERSION}.marts', f'where {entity.key} = ?')}) "
            f"select {columns_of('facts.known_on', 'facts.recorded_at', sums)} from {_FACTS} as facts "
            "inner join parts on facts.order_id = parts.order_id",
            entity_id,
        )

    def _rows(self, sql: str, entity_id: str) -> News:
        with closing(self._connection.cursor()) as cursor:
            return news_of(list(cursor.execute(sql, [entity_id]).fetchnumpy().values()))


# A row of a history holds from the midnight after the day on which something became known.
_RUNNING = columns_of("cast(feature_timestamp as date) - 1", "created_timestamp", SUMS)


def _table(entity: Entity) -> str:
    return f"{VERSION}.features.{entity.history}"


def _as_it_came(running: News) -> News:
    """What each day added, of the rows of a history: sums of all that was known."""
    return News(running.days, np.diff(running.sums, axis=0, prepend=0), running.told)
