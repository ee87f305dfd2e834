"""How tables that passed their audit come to the readers, and come back.

What a build publishes is kept first: a rollback, and a build after one that was cut off while it published, start from
that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from armazem.contract.layers import LIVE
from armazem.targets.bigquery import meta, places
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.tables import (
    Layout,
    drop_tables,
    forget,
    keep,
    kept_builds,
    kept_layout,
    kept_name,
    publish,
)
from armazem.targets.records import BuildRecord, DbtRun

PUBLISHING = "publishing"
"""Is there while tables are being published: who finds it without its build has to make that good."""


def publish_and_keep(connection: Connection, record: BuildRecord, layout: Layout) -> None:
    """Keep the tables of the audit dataset, then publish them, `meta.builds` last."""
    tables = [one.table for one in layout]
    keep(connection, tables, record.build_id)
    current = meta.current_build(connection)
    before = kept_layout(connection, current) if current in kept_builds(connection) else ()
    _publish(connection, connection.names.audit, {table: table for table in tables}, layout)
    _drop_others(connection, before, layout)
    meta.write_log(connection, record)


def publish_again(connection: Connection, build_id: str, kept: Mapping[str, Collection[str]]) -> None:
    """Publish what is kept of this build. `kept`: as `kept_builds` gives it, with the build."""
    current = meta.current_build(connection)
    layout = kept_layout(connection, build_id)
    connection.create_datasets(places.datasets_of(layout))
    _publish(connection, connection.names.kept, {table: kept_name(table, build_id) for table in kept[build_id]}, layout)
    if current is not None and current in kept:
        _drop_others(connection, kept_layout(connection, current), layout)


def make_good(connection: Connection, on_notice: Callable[[str], None]) -> None:
    """Publish the current build again where somebody was cut off while publishing: some tables are of another one."""
    if PUBLISHING not in connection.tables(connection.names.audit):
        return
    current = meta.current_build(connection)
    kept = kept_builds(connection)
    if current in kept:
        on_notice(f"a publication was cut off: publishing {current} again")
        publish_again(connection, current, kept)
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


def show_live(connection: Connection, run: DbtRun) -> None:
    """Make the views of `live`: they name published tables, so those have to be there first."""
    compiled = dict(run.compiled)
    for model in run.catalog:
        if model.is_live:
            view = f"`{connection.client.project}`.{connection.names.of(LIVE)}.{model.table}"
            connection.answer(f"create or replace view {view} as {compiled[model.name]}")


def prune(connection: Connection, *, keep_builds: int, current: str) -> None:
    """Delete what is kept of all but the newest builds, and of builds that were never published."""
    published = meta.published_ids(connection)
    kept = kept_builds(connection, whole=False)
    newest = [build for build in kept if build in published][-keep_builds:]
    for build_id, tables in kept.items():
        if build_id not in newest and build_id != current:
            forget(connection, tables, build_id)
