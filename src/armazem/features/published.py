"""The features of one published version: the news of an entity, out of its history or of the facts of its orders."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import closing
from pathlib import Path

import numpy as np

from armazem.contract.features import Entity
from armazem.features.changes import VERSION, check_features
from armazem.features.news import News, columns_of, news_of
from armazem.features.order_index import MOST_FACTS, PARTS, OrderIndex
from armazem.features.vectors import SUMS
from armazem.home import Home
from armazem.targets.duckdb.confined import Limits, connect_version
from armazem.targets.duckdb.versions import version_file

_LIMITS = Limits(memory="512MB", threads=1)
_KEPT_ROWS = 300_000  # of histories, some 30 MB
_FACTS = f"{VERSION}.features.feat_order_facts"


class PublishedFeatures:
    """Of one version, held open. Thread-safe. What was asked for stays in memory, up to a number of rows."""

    def __init__(self, home: Home, build: str, *, most_facts: int = MOST_FACTS) -> None:
        """`most_facts`: of orders, that are kept in memory; where there are more, each question reads the tables.

        Raises HomeError where the version is gone, FeatureError where it has no features, duckdb.Error.
        """
        self.build = build
        file: Path = version_file(home, build)
        self._connection = connect_version(home, file, VERSION, False, _LIMITS)
        self._kept: OrderedDict[tuple[str, str], News] = OrderedDict()
        self._kept_rows = 0
        self._lock = threading.Lock()
        try:
            check_features(self._connection, build)
            (facts,) = self._connection.execute(f"select count(*) from {_FACTS}").fetchone() or (0,)
            self._index = OrderIndex(self._connection) if facts <= most_facts else None
        except BaseException:
            self._connection.close()
            raise

    def news(self, entity: Entity, entity_id: str) -> News:
        """Return what became known of it, as published; none where nobody knows it. Raises duckdb.Error."""
        if (found := self.at_hand(entity, entity_id)) is not None:
            return found
        key = entity.name, entity_id
        news = self._of_history(entity, entity_id) if entity.has_history else self._of_orders(entity, entity_id)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = news
                self._kept_rows += 1 + len(news.days)
                while self._kept_rows > _KEPT_ROWS:
                    self._kept_rows -= 1 + len(self._kept.popitem(last=False)[1].days)
        return news

    def at_hand(self, entity: Entity, entity_id: str) -> News | None:
        """Return the same where it is in memory."""
        if not entity.has_history and self._index is not None:
            return self._index.news(entity.name, entity_id)
        key = entity.name, entity_id
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
            return found

    def _of_history(self, entity: Entity, entity_id: str) -> News:
        # A row holds from the midnight after the day on which something became known.
        columns = columns_of("cast(feature_timestamp as date) - 1", "created_timestamp", SUMS)
        table = f"{VERSION}.features.{entity.history}"
        running = self._rows(f"select {columns} from {table} where entity_id = ? order by feature_timestamp", entity_id)
        return News(running.days, np.diff(running.sums, axis=0, prepend=0), running.told)

    def _of_orders(self, entity: Entity, entity_id: str) -> News:
        sums = [f"facts.{name}" if name != "gmv_cents" else "facts.sold * parts.gmv_cents" for name in SUMS]
        return self._rows(
            f"with parts as ({PARTS[entity.name].format(where=f'where {entity.key} = ?')}) "
            f"select {columns_of('facts.known_on', 'facts.recorded_at', sums)} from {_FACTS} as facts "
            "inner join parts on facts.order_id = parts.order_id",
            entity_id,
        )

    def _rows(self, sql: str, entity_id: str) -> News:
        with closing(self._connection.cursor()) as cursor:
            return news_of(list(cursor.execute(sql, [entity_id]).fetchnumpy().values()))
