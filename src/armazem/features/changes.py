"""What the events since a build change in its features, read from the journal through `live.feature_changes`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import duckdb
import pyarrow.compute as pc

from armazem.contract.features import ENTITIES
from armazem.errors import FeatureError
from armazem.features.keyed import Keyed
from armazem.features.news import NOTHING, News, columns_of, news_of
from armazem.features.vectors import SUMS
from armazem.home import Home
from armazem.journal.reading import last_seq
from armazem.targets.duckdb.confined import Limits, connect_version
from armazem.targets.duckdb.versions import version_file

_LIMITS = Limits(memory="1GB", threads=1)
_MOST_ROWS = 1_000_000  # some 130 MB
VERSION = "published"
"""The name of the version as a database, on a connection to one."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Of one build, of the events up to number `until` at least. `of`: entity to its ids and their news."""

    build: str
    until: int
    of: Mapping[str, tuple[Keyed, News]]

    def news(self, entity: str, entity_id: str) -> News:
        """Return what events add to the news of an entity and take from them; none where they do not touch it."""
        if entity not in self.of:
            return NOTHING
        keyed, news = self.of[entity]
        rows = keyed.rows(entity_id)
        return News(news.days[rows], news.sums[rows], news.told[rows])


def read_changes(home: Home, build: str) -> Changes:
    """Return the changes of now. A pass over the events since the build, on one thread.

    Raises HomeError where the version is gone, QueryError where its views cannot be read, FeatureError where an older
    armazem built it or too much has changed since, duckdb.Error.
    """
    until = last_seq(home)  # before the events are read: there may be more then, and the next reading finds that out
    with closing(connect_version(home, version_file(home, build), VERSION, True, _LIMITS)) as connection:
        check_features(connection, build)
        columns = columns_of("known_on", "recorded_at", SUMS)
        connection.execute(
            f"create temp table changes as select entity, entity_id, {columns} from live.feature_changes "
            f"order by entity, entity_id limit {_MOST_ROWS + 1}"
        )
        found = {entity.name: _of_entity(connection, entity.name) for entity in ENTITIES}
    if sum(len(news.days) for _, news in found.values()) > _MOST_ROWS:
        raise FeatureError(
            "more has changed since the last build than is kept in memory", "`armazem build` takes in the events so far"
        )
    return Changes(build, until, {entity: rows for entity, rows in found.items() if len(rows[0])})


def check_features(connection: duckdb.DuckDBPyConnection, build: str) -> None:
    """Raise FeatureError where the version has no features, or no view of what changes in them."""
    there = connection.execute(
        "select 1 from duckdb_views() where database_name = ? and schema_name = 'live' and view_name = ?",
        [VERSION, "feature_changes"],
    ).fetchone()
    if there is None:
        raise FeatureError(
            f"version {build} is of an armazem without features", "`armazem build` makes one that has them"
        )


def _of_entity(connection: duckdb.DuckDBPyConnection, entity: str) -> tuple[Keyed, News]:
    table = connection.execute("select * exclude entity from changes where entity = ?", [entity]).to_arrow_table()
    ids = pc.cast(table["entity_id"], "string").combine_chunks()
    return Keyed(ids), news_of([table[name].to_numpy() for name in table.column_names[1:]])
