"""Which published dataset a table belongs to, and copies of tables between datasets.

A copy job is free, and atomic for its table: a reader sees the old one or the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast
from uuid import uuid4

from google.api_core import exceptions
from google.cloud import bigquery

from armazem.bigquery import Datasets
from armazem.warehouse.bigquery.connection import Connection

META_TABLES = ("loads", "test_results", "builds")
SEAL = "builds"  # written last wherever tables go: it says that the others are there
_KEPT = "__"


def published_dataset(names: Datasets, table: str) -> str | None:
    """The dataset in which readers find this table; None for what only a build needs."""
    if table.startswith("stg_"):
        return names.staging
    if table.startswith(("dim_", "fact_", "audit_fact_")):
        return names.marts
    if table.startswith("agg_"):
        return names.kpis
    return names.meta if table in META_TABLES else None


def in_order(names: Datasets, tables: Iterable[str]) -> list[list[str]]:
    """The published ones among these tables, in the steps in which they are published.

    A fact must not be seen without its dimensions, nor a KPI without its facts; `meta.builds` says that all is there.
    """
    steps: list[list[str]] = [[] for _ in range(6)]
    for table in sorted(tables):
        if published_dataset(names, table) is None:
            continue
        first = ("stg_", "dim_", "fact_", "agg_")
        step = next((number for number, prefix in enumerate(first) if table.startswith(prefix)), None)
        if step is None:
            step = 5 if table == "builds" else 4 if table in META_TABLES else 2
        steps[step].append(table)
    return [step for step in steps if step]


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


def publish(connection: Connection, dataset: str, tables: dict[str, str], in_the_way: frozenset[str]) -> None:
    """Copy tables to their published datasets, step by step. `tables`: published name to name in `dataset`.

    Those `in_the_way` are deleted first, in their step: until the copy is made, readers do not find them.
    """
    names = connection.names
    for step in in_order(names, tables):
        pairs = []
        for table in step:
            target = published_dataset(names, table)
            assert target is not None  # in_order gives published ones only
            if table in in_the_way:
                drop_tables(connection, target, [table])
            pairs.append((connection.table_id(dataset, tables[table]), connection.table_id(target, table)))
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
    return {build_id: tables for build_id, tables in sorted(kept.items()) if SEAL in tables or not whole}


def published_tables(connection: Connection) -> set[str]:
    """Names of all tables that builds published; a table of somebody else in these datasets has another name."""
    names = connection.names
    return {
        table
        for dataset in names.published
        for table in connection.tables(dataset)
        if published_dataset(names, table) == dataset
    }


def drop_tables(connection: Connection, dataset: str, tables: Iterable[str]) -> None:
    """Delete tables; one that is gone already is no error."""
    for table in tables:
        connection.client.delete_table(connection.table_id(dataset, table), not_found_ok=True, retry=connection.retry)
