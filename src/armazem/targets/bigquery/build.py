"""`armazem build --target bigquery`: build in the audit dataset, and publish by copy jobs if every test passed.

The audit dataset starts as a copy of what the build before published. Nobody reads it, so whatever goes wrong
there leaves the published datasets as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from google.api_core import exceptions

from armazem.build.dbt_project import (
    build_arguments,
    compile_arguments,
    no_garbage_collection,
    project_catalog,
    run_dbt,
    start_import,
)
from armazem.build.outcome import AuditFailed, BuildReport, audit_failed, record_of
from armazem.build.project import ParsedProject, Project, project_of
from armazem.config import Settings
from armazem.contract import TABLES
from armazem.contract.event_record import event_columns_bigquery
from armazem.contract.layers import LIVE
from armazem.contract.render import BIGQUERY_TYPES
from armazem.errors import BuildError, CloudError
from armazem.targets.bigquery import meta, places
from armazem.targets.bigquery.client import cloud_errors, is_emulator
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.inputs import create_inputs, new_event_types
from armazem.targets.bigquery.landing.load import read_cloud_ledger
from armazem.targets.bigquery.lock import LOCK_TABLE, build_lock
from armazem.targets.bigquery.publishing import (
    PUBLISHING,
    make_good,
    prune,
    publish_again,
    publish_and_keep,
    show_live,
)
from armazem.targets.bigquery.tables import (
    MODELS,
    SEAL,
    Layout,
    copy_tables,
    drop_tables,
    is_there,
    kept_builds,
    kept_layout,
    kept_name,
    layout_of,
)
from armazem.targets.plan import BuildRequest, Journal, Plan, make_plan
from armazem.targets.records import AuditResult, new_build_id

_THREADS = 8  # a model waits for BigQuery, not for this machine
_STAY = (LOCK_TABLE, meta.LOG_TABLE, PUBLISHING)

__all__ = ["AuditFailed", "BuildReport", "BuildRequest", "Estimate", "build", "estimate", "rollback"]

OnNode = Callable[[str, int, int], None]
OnNotice = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query of a build would scan. `bytes` is None where its inputs do not exist before the build."""

    name: str
    bytes: int | None


def build(
    settings: Settings,
    request: BuildRequest,
    *,
    on_node: OnNode = lambda name, number, total: None,
    on_notice: OnNotice = lambda text: None,
) -> BuildReport:
    """Build, audit and publish. Raises AuditFailed, BuildError or CloudError; then the published tables stand."""
    request.check()
    with cloud_errors(settings, "the build"), no_garbage_collection():
        connection = Connection.of(settings)
        connection.create_datasets()
        with build_lock(connection, waiting=lambda holder: on_notice(f"waiting for another build: {holder}")):
            return _build_locked(connection, request, on_node, on_notice)


def estimate(settings: Settings, request: BuildRequest, *, on_notice: OnNotice = lambda text: None) -> list[Estimate]:
    """What each model of this build would scan, by dry runs; nothing is built. Raises BuildError or CloudError."""
    request.check()
    with cloud_errors(settings, "the dry run"), no_garbage_collection():
        connection = Connection.of(settings)
        connection.create_datasets()
        with build_lock(connection, waiting=lambda holder: on_notice(f"waiting for another build: {holder}")):
            plan = _plan(connection, request)
            on_notice(plan.reason)
            if plan.is_empty:
                return []
            _prepare(connection, plan, with_tables=True)
            run = run_dbt(
                compile_arguments(
                    project=_project(settings), state=_state(settings),
                    logs=settings.home_folder.logs, threads=_threads(settings),
                    full_refresh=plan.full_refresh or request.full_refresh, select=plan.selector, target="bigquery",
                ),
                _environment(connection), "", settings.home_folder.logs / "dbt.log",
                _parsed(connection), lambda name, number, total: None,
            )  # fmt: skip
            return [Estimate(name, _scanned(connection, sql)) for name, sql in run.compiled]


def rollback(settings: Settings, build_id: str | None) -> str:
    """Publish again what was kept of this build, or of the one before the current; its id. Raises CloudError."""
    with cloud_errors(settings, "the rollback"):
        connection = Connection.of(settings)
        connection.create_datasets()
        with build_lock(connection, waiting=lambda holder: None):
            kept = kept_builds(connection)
            current = meta.current_build(connection)
            older = [build for build in kept if current is not None and build < current]
            target = build_id or (older[-1] if older else None)
            if target is None:
                raise CloudError(f"no build older than {current} is kept", "`armazem builds` lists them")
            if target not in kept:
                raise CloudError(f"nothing is kept of build {target}", "`armazem builds` lists what can be restored")
            publish_again(connection, target, kept)
            return target


def _build_locked(connection: Connection, request: BuildRequest, on_node: OnNode, on_notice: OnNotice) -> BuildReport:
    settings, names = connection.settings, connection.names
    started = datetime.now(UTC)
    catalog = project_catalog(_parsed(connection), _environment(connection))
    layout = layout_of(names, catalog)
    connection.create_datasets([*places.datasets_of(layout), names.of(LIVE)])
    places.check_places(connection, layout, [model.table for model in catalog if model.is_live])
    make_good(connection, on_notice)
    plan = _plan(connection, request)
    if plan.is_empty:
        assert plan.base is not None
        return BuildReport(None, plan.base, "nothing new since")
    on_notice(plan.reason)
    if own := _project(settings).own:
        on_notice(own.notice)
    start_import()
    known = [*kept_builds(connection, whole=False), *(record.build_id for record in meta.read_log(connection))]
    build_id = new_build_id(started, max(known, default=None))
    _prepare(connection, plan, with_tables=not plan.full_refresh)
    run = run_dbt(
        build_arguments(
            project=_project(settings),
            state=_state(settings),
            logs=settings.home_folder.logs,
            threads=_threads(settings),
            full_refresh=plan.full_refresh or plan.request.full_refresh,
            select=plan.selector,
            target="bigquery",
        ),
        _environment(connection),
        build_id,
        settings.home_folder.logs / "dbt.log",
        _parsed(connection),
        on_node,
    )
    run = replace(run, tests=_with_failed_checks(connection, run.tests))
    [(new_events,)] = connection.rows_if_there(f"select count(*) from {names.audit}.int_new_events") or [(0,)]
    record = record_of(plan, run, build_id, started, new_events)
    if run.failed_models or run.failed_tests:
        meta.write_log(connection, record)
        look = f'armazem sql --target bigquery "select * from {names.audit}.…"'
        raise audit_failed(record, run, meta.current_build(connection), look)
    there = set(connection.tables(names.audit))
    # With --select a model that is new may not have been made yet.
    made = [model for model in run.catalog if not model.is_published or model.table in there]
    layout = layout_of(names, made)
    rows = _row_counts(connection, layout)
    meta.write_meta(connection, record, run.tests, plan.loads if record.complete else (), made)
    publish_and_keep(connection, record, layout)
    show_live(connection, run)
    for dataset in places.datasets_of(layout):
        if notice := places.expiring(places.items(connection, dataset)):
            on_notice(notice)
    prune(connection, keep_builds=settings.keep_builds, current=build_id)
    return BuildReport(record, build_id, plan.reason, run.tests, run.models, rows)


def why_due(connection: Connection) -> str | None:
    """Why a build would do something, as far as loads and code say; None where they say nothing.

    New events are left out: to look for them is to scan all of them.
    """
    try:
        plan = _plan(connection, BuildRequest(), with_events=False)
    except BuildError:  # nothing is loaded
        return None
    return None if plan.is_empty else plan.reason


def _plan(connection: Connection, request: BuildRequest, *, with_events: bool = True) -> Plan:
    columns = [
        f"{table.name} {column.name} {BIGQUERY_TYPES[column.type]}" for table in TABLES for column in table.columns
    ]
    columns += [f"{name} {type_}" for name, type_ in event_columns_bigquery().items()]
    code = _project(connection.settings).fingerprint("bigquery", *columns, connection.settings.time_zone)
    ledger = read_cloud_ledger(connection.client, connection.names, connection.retry)
    current = meta.current_build(connection)
    before = None
    # Where a table that was kept is gone, an increment would make it anew of the new loads alone.
    kept = set(kept_builds(connection, whole=False).get(current or "", ()))
    if current is not None and {MODELS, SEAL} <= kept:
        layout = kept_layout(connection, current)
        if {one.table for one in layout} <= kept and is_there(connection, layout):
            before = meta.state_of_published(connection)
    elif SEAL in kept:  # by an older armazem, which did not say what it consists of: its list of builds goes on
        before = replace(meta.state_of_published(connection), fingerprint=None)
    new = new_event_types(connection) if before and with_events else frozenset()
    journal = Journal(_accepted_messages(connection), new)
    return make_plan(request, ledger, current, before, code, journal)


def _accepted_messages(connection: Connection) -> int:
    """Rows of `raw.events`: as it only grows, its position."""
    try:
        table = connection.client.get_table(connection.table_id(connection.names.raw, "events"), retry=connection.retry)
    except exceptions.NotFound:
        return 0
    return int(table.num_rows or 0)


def _prepare(connection: Connection, plan: Plan, *, with_tables: bool) -> None:
    """Lay out the audit dataset: nothing in it but the tables that the build starts from, and its inputs."""
    names = connection.names
    # The views on raw tables stay too: they are replaced.
    old = [table for table in connection.tables(names.audit) if table not in _STAY and not table.startswith("raw_")]
    drop_tables(connection, names.audit, old)
    if plan.history is not None:
        kept = kept_builds(connection, whole=False)[plan.history]
        # What was loaded is told anew by a full refresh; its list of builds and tests goes on.
        wanted = kept if with_tables else ["builds", "test_results"]
        copy_tables(
            connection,
            [
                (
                    connection.table_id(names.kept, kept_name(table, plan.history)),
                    connection.table_id(names.audit, table),
                )
                for table in wanted
            ],
        )
    create_inputs(connection, plan.scope)


def _with_failed_checks(connection: Connection, tests: Sequence[AuditResult]) -> tuple[AuditResult, ...]:
    named = []
    for test in tests:
        if test.status in ("warn", "fail") and "as failed_check" in test.sql:
            counted = connection.rows(
                f"select failed_check, severity, count(*) from ({test.sql}\n) group by 1, 2 order by 2, 1"
            )
            named.append(test.with_failed_checks(counted))
        else:
            named.append(test)
    return tuple(named)


def _row_counts(connection: Connection, layout: Layout) -> tuple[tuple[str, int], ...]:
    names = connection.names
    counted = [(one.dataset.removeprefix(names.prefix), one.table) for one in layout if one.dataset != names.meta]
    sql = " union all ".join(
        f"select '{layer}.{table}', count(*) from `{names.audit}`.`{table}`" for layer, table in counted
    )
    return tuple(sorted((str(label), int(rows)) for label, rows in connection.rows(sql)))


def _scanned(connection: Connection, sql: str) -> int | None:
    try:
        return connection.query(sql, dry_run=True).total_bytes_processed or 0
    except exceptions.NotFound:  # a table that this build makes first
        return None


def _parsed(connection: Connection) -> ParsedProject:
    # The manifest names project and datasets: it is good for these settings only.
    where = " ".join(f"{name}={value}" for name, value in sorted(_environment(connection).items()))
    settings = connection.settings
    return ParsedProject(_project(settings), _state(settings), settings.home_folder.logs, "bigquery", where)


def _project(settings: Settings) -> Project:
    return project_of(settings, _state(settings))


def _threads(settings: Settings) -> int:
    return settings.threads if "threads" in settings.model_fields_set else _THREADS


def _state(settings: Settings) -> Path:
    return settings.home_folder.open().root / "dbt-bigquery"


def _environment(connection: Connection) -> dict[str, str]:
    settings = connection.settings
    values = {
        "ARMAZEM_DBT_BIGQUERY_PROJECT": connection.client.project,
        "ARMAZEM_DBT_BIGQUERY_DATASET": connection.names.audit,
        "ARMAZEM_DBT_BIGQUERY_LOCATION": settings.bigquery_location,
        "ARMAZEM_DBT_BIGQUERY_PREFIX": settings.bigquery_dataset_prefix,
        "ARMAZEM_DBT_TIME_ZONE": settings.time_zone,
        "ARMAZEM_DBT_BIGQUERY_MAXIMUM_BYTES": str(settings.bigquery_maximum_bytes_billed),
        "DO_NOT_TRACK": "1",
    }
    if settings.bigquery_endpoint:
        values["ARMAZEM_DBT_BIGQUERY_ENDPOINT"] = settings.bigquery_endpoint
    if is_emulator(settings):
        values["ARMAZEM_DBT_BIGQUERY_METHOD"] = "oauth-secrets"
        values["ARMAZEM_DBT_BIGQUERY_TOKEN"] = "none"
    return values
