"""What the events since a build change in its features, read from the journal through `live.feature_changes`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import duckdb

from armazem.contract.features import ENTITIES
from armazem.errors import FeatureError
from armazem.features.keyed import KeyedNews
from armazem.features.news import NOTHING, News, columns_of
from armazem.features.vectors import SUMS
from armazem.home import Home
from armazem.journal.reading import last_seq
from armazem.targets.duckdb.confined import Limits, connect_version
from armazem.targets.duckdb.versions import version_file

_LIMITS = Limits(memory="1GB", threads=1)
_MOST_ROWS = 1_000_000  # some 130 MB
_OF_ENTITY = "select * exclude entity from changes where entity = ? order by entity_id"
_BOUGHT = (
    "select max(day) from (select day from changes where entity = 'marketplace' group by day having sum(sold) > 0)"
)
VERSION = "published"
"""The name of the version as a database, on a connection to one."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Of one build, of the events up to number `until` at least. `of`: by type of entity. `newest`: the
    newest day on which they tell of a purchase, since 1970-01-01; None where they tell of none.
    """

    build: str
    until: int
    of: Mapping[str, KeyedNews]
    newest: int | None = None

    def news(self, entity: str, entity_id: str) -> News:
        """Return what events add to the news of an entity and take from them; none where they do not touch it."""
        return self.of[entity].news(entity_id) if entity in self.of else NOTHING


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
            f"limit {_MOST_ROWS + 1}"
        )
        bought = connection.execute(_BOUGHT).fetchone()
        tables = {one.name: connection.execute(_OF_ENTITY, [one.name]).to_arrow_table() for one in ENTITIES}
    found = {name: KeyedNews(table) for name, table in tables.items()}
    if sum(map(len, found.values())) > _MOST_ROWS:
        raise FeatureError(
            "more has changed since the last build than is kept in memory", "`armazem build` takes in the events so far"
        )
    newest = None if bought is None or bought[0] is None else int(bought[0])
    return Changes(build, until, {entity: rows for entity, rows in found.items() if len(rows)}, newest)


def check_features(connection: duckdb.DuckDBPyConnection, build: str) -> None:
    """Raise FeatureError where the version has no features, or no view of what changes in them."""
    found = connection.execute(
        "select schema_name || '.' || view_name from duckdb_views() where database_name = $version union all "
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = $version",
        {"version": VERSION},
    ).fetchall()
    there = {name for (name,) in found}
    if "features.feat_order_facts" not in there:
        raise FeatureError(f"build {build} is of an armazem without features", "`armazem build` makes one with them")
    if "live.feature_changes" not in there:
        raise FeatureError(
            f"build {build} has features, and no view live.feature_changes, by which they are looked up: another "
            "armazem made it",
            "`armazem build` makes one with it",
        )
