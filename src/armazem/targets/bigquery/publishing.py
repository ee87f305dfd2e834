"""How tables that passed their audit come to the readers, and come back.

What a build publishes is kept first, and published from there: so are a rollback, a build that waited to be published,
and what a build that was cut off while it published has left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from armazem.contract.layers import LIVE
from armazem.targets.bigquery import meta, places
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.meta import LIVE_SQL
from armazem.targets.bigquery.tables import (
    Layout,
    drop_tables,
    forget,
    kept_builds,
    kept_layout,
    kept_name,
    publish,
)

PUBLISHING = "publishing"
"""Is there while tables are being published: who finds it without its build has to make that good."""


def publish_kept(connection: Connection, build_id: str, kept: Mapping[str, Collection[str]]) -> None:
    """Publish what is kept of this build, `meta.builds` last. `kept`: as `kept_builds` gives it, with the build."""
    current = meta.current_build(connection)
    layout = kept_layout(connection, build_id)
    connection.create_datasets(places.datasets_of(layout))
    _publish(connection, connection.names.kept, {table: kept_name(table, build_id) for table in kept[build_id]}, layout)
    if current is not None and current in kept:
        _drop_others(connection, kept_layout(connection, current), layout)
    if LIVE_SQL in kept[build_id]:  # not of an older armazem
        _show_live(connection, build_id)


def make_good(connection: Connection, on_notice: Callable[[str], None]) -> None:
    """Publish the current build again where somebody was cut off while publishing: some tables are of another one."""
    if PUBLISHING not in connection.tables(connection.names.audit):
        return
    current = meta.current_build(connection)
    kept = kept_builds(connection)
    if current in kept:
        on_notice(f"a publication was cut off: publishing {current} again")
        publish_kept(connection, current, kept)
    drop_tables(connection, connection.names.audit, [PUBLISHING])


def _publish(connection: Connection, dataset: str, tables: dict[str, str], layout: Layout) -> None:
    in_the_way = places.in_the_way(connection, dataset, tables, layout)
    connection.answer(f"create or replace table {connection.names.audit}.{PUBLISHING} as select true as under_way")
    publish(connection, dataset, tables, layout, in_the_way)
    drop_tables(connection, connection.names.audit, [PUBLISHING])


def _drop_others(connection: Connection, before: Layout, now: Layout) -> None:
    """Delete what was published of models that are no more."""
    places_now = {(one.dataset, one.table) for one in now}
    for one in before:
        if (one.dataset, one.table) not in places_now:
            drop_tables(connection, one.dataset, [one.table])


def _show_live(connection: Connection, build_id: str) -> None:
    """Make the views of `live`: they name published tables, so those have to be there first."""
    names = connection.names
    for view, sql in connection.rows(f"select view, `sql` from `{names.kept}`.`{kept_name(LIVE_SQL, build_id)}`"):
        connection.answer(f"create or replace view `{connection.client.project}`.{names.of(LIVE)}.{view} as {sql}")


def prune(connection: Connection, *, keep_builds: int, current: str) -> None:
    """Delete what is kept of all but the newest builds, and of builds that were never published."""
    kept = kept_builds(connection, whole=False)
    newest = restorable(connection, kept)[-keep_builds:]
    for build_id, tables in kept.items():
        if build_id not in newest and build_id != current:
            forget(connection, tables, build_id)


def prune_waiting(connection: Connection, *, keep_builds: int) -> None:
    """Delete what is kept of all but the newest builds that wait to be published."""
    kept = kept_builds(connection, whole=False)
    published = restorable(connection, kept)
    for build_id in [build for build in kept if build not in published][:-keep_builds]:
        forget(connection, kept[build_id], build_id)


def restorable(connection: Connection, kept: Iterable[str]) -> list[str]:
    """Of the builds that are kept, those that readers have had, oldest first."""
    published = meta.published_ids(connection)
    return [build_id for build_id in kept if build_id in published]
