"""Where readers find a table, in which order tables are published, and copies of tables between datasets.

A copy job is free, and atomic for its table: a reader sees the old one or the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import cast
from uuid import uuid4

from google.api_core import exceptions
from google.cloud import bigquery

from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.datasets import Datasets
from armazem.targets.catalog import Model
from armazem.targets.meta import BUILDS, META, MODELS

SEAL = BUILDS  # written last wherever tables go: it says that the others are there
META_TABLES = tuple(table for table in META if table != SEAL)
_KEPT = "__"


@dataclass(frozen=True, slots=True)
class Published:
    """A table that readers find in `dataset`. Those of a lower `step` are published before it.

    A fact must not be seen without its dimensions, nor a KPI without its facts; `meta.builds` says that all is there.
    """

    dataset: str
    table: str
    step: int


Layout = Sequence[Published]


def layout_of(names: Datasets, catalog: Iterable[Model]) -> Layout:
    """What a build of these models publishes."""
    return _with_meta(
        names, [Published(names.of(model.layer), model.table, model.step) for model in catalog if model.is_published]
    )


def kept_layout(connection: Connection, build_id: str) -> Layout:
    """What this build published; it must be kept whole."""
    names = connection.names
    rows = connection.rows(
        f"select layer, `table`, step from `{names.kept}`.`{kept_name(MODELS, build_id)}` where is_published"
    )
    return _with_meta(names, [Published(names.of(layer), table, step) for layer, table, step in rows])


def _with_meta(names: Datasets, models: list[Published]) -> Layout:
    last = max((model.step for model in models), default=0)
    meta = [Published(names.meta, table, last + 1) for table in META_TABLES]
    return sorted([*models, *meta, Published(names.meta, SEAL, last + 2)], key=lambda one: (one.step, one.table))


def is_there(connection: Connection, layout: Layout) -> bool:
    """Whether readers find all of it."""
    listed = {dataset: set(connection.tables(dataset)) for dataset in {one.dataset for one in layout}}
    return all(one.table in listed[one.dataset] for one in layout)


def copy_tables(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
    """Copy each table id to its target, replacing what is there; all jobs at once.

    Raises what the client raises, when every job has ended: none may land later on what comes next.
    """
    jobs = [_begin_copy(connection, source, target) for source, target in pairs]
    failed: exceptions.GoogleAPICallError | None = None
    for job in jobs:
        try:
            job.result(retry=connection.retry)
        except exceptions.GoogleAPICallError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _begin_copy(connection: Connection, source: str, target: str) -> bigquery.CopyJob:
    config = bigquery.CopyJobConfig(write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE)
    job_id = f"armazem-copy-{uuid4()}"
    try:
        return connection.client.copy_table(source, target, job_id=job_id, job_config=config, retry=connection.retry)
    except exceptions.Conflict:  # it came through before, and the answer was lost
        return cast(bigquery.CopyJob, connection.client.get_job(job_id, retry=connection.retry))


def publish(
    connection: Connection, dataset: str, tables: dict[str, str], layout: Layout, in_the_way: frozenset[str]
) -> None:
    """Copy tables to where readers find them, step by step. `tables`: published name to name in `dataset`.

    Those `in_the_way` are deleted first, in their step: until the copy is made, readers do not find them.
    """
    for _, step in groupby((one for one in layout if one.table in tables), key=lambda one: one.step):
        pairs = []
        for one in step:
            if one.table in in_the_way:
                drop_tables(connection, one.dataset, [one.table])
            pairs.append((connection.table_id(dataset, tables[one.table]), connection.table_id(one.dataset, one.table)))
        copy_tables(connection, pairs)


def kept_name(table: str, build_id: str) -> str:
    """Name in the dataset `kept` of a table as this build published it."""
    return f"{table}{_KEPT}{build_id}"


def keep(connection: Connection, tables: Sequence[str], build_id: str) -> None:
    """Copy tables from the audit dataset to `kept`. `builds` comes last: with it, the build is kept whole."""
    names = connection.names
    for part in ([table for table in tables if table != SEAL], [SEAL]):
        copy_tables(
            connection,
            [
                (connection.table_id(names.audit, table), connection.table_id(names.kept, kept_name(table, build_id)))
                for table in part
            ],
        )


def forget(connection: Connection, tables: Sequence[str], build_id: str) -> None:
    """Delete what is kept of a build, `builds` first."""
    in_turn = sorted(tables, key=lambda table: table != SEAL)
    drop_tables(connection, connection.names.kept, [kept_name(table, build_id) for table in in_turn])


def kept_builds(connection: Connection, *, whole: bool = True) -> dict[str, list[str]]:
    """Build id to the tables kept of it, oldest first. `whole`: only builds of which everything is there."""
    kept: dict[str, list[str]] = {}
    for name in connection.tables(connection.names.kept):
        table, separator, build_id = name.rpartition(_KEPT)
        if separator:
            kept.setdefault(build_id, []).append(table)
    return {build_id: tables for build_id, tables in sorted(kept.items()) if {MODELS, SEAL} <= {*tables} or not whole}


def drop_tables(connection: Connection, dataset: str, tables: Iterable[str]) -> None:
    """Delete tables; one that is gone already is no error."""
    for table in tables:
        connection.client.delete_table(connection.table_id(dataset, table), not_found_ok=True, retry=connection.retry)
