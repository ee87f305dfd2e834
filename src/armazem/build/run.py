"""`armazem build`: write a new version of the warehouse, audit it, and publish it if it passed.

The published file is copied, dbt changes and tests the copy, and only then `current` is pointed at it.
Whatever goes wrong before that, readers stay on the version they have.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from armazem.build.dbt_project import (
    DbtRun,
    build_arguments,
    duckdb_environment,
    no_garbage_collection,
    run_dbt,
    start_import,
)
from armazem.build.outcome import AuditFailed, BuildReport, audit_failed, failures_in_words, record_of
from armazem.build.project import WORK_FILE, ParsedProject, fingerprint, project_folder
from armazem.config import Settings
from armazem.contract import TABLES
from armazem.contract.event_record import event_columns
from armazem.contract.render import duckdb_columns
from armazem.disk.causes import cause_of
from armazem.disk.durable import sync_path
from armazem.disk.lock import build_lock
from armazem.disk.sql import sql_text
from armazem.errors import BuildError, HomeError
from armazem.home import Home
from armazem.journal.reading import journal_format
from armazem.journal.upgrade import upgrade_if_free
from armazem.landing import read_ledger
from armazem.targets.duckdb import versions
from armazem.targets.duckdb.inputs import create_inputs, drop_inputs
from armazem.targets.duckdb.journal import journal_after, last_event, new_event_count
from armazem.targets.duckdb.meta import (
    META_DDL,
    copy_history,
    create_meta,
    journal_position,
    loads_taken_in,
    made_by,
    write_meta,
    write_models,
)
from armazem.targets.plan import BuildRequest, Plan, State, make_plan
from armazem.targets.records import AuditResult, BuildRecord, new_build_id

__all__ = ["AuditFailed", "BuildReport", "BuildRequest", "build", "why_due"]


def build(
    settings: Settings,
    request: BuildRequest,
    *,
    on_node: Callable[[str, int, int], None] = lambda name, number, total: None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> BuildReport:
    """Build, audit and publish. Raises AuditFailed, BuildError or HomeError; then nothing has changed.

    `on_node(name, number, total)` is called as each model or test starts, `on_notice` with remarks.
    """
    request.check()
    home = settings.home_folder.open()
    try:
        with build_lock(
            home,
            timeout=settings.lock_timeout,
            waiting=lambda holder: on_notice(f"waiting for another build of this home folder: {holder}"),
        ):
            try:
                with no_garbage_collection():
                    return _build_locked(settings, home, request, on_node, on_notice)
            except (OSError, duckdb.Error):
                _discard(home)
                raise
    except (OSError, duckdb.Error) as error:
        cause = cause_of(error, home.root)
        hint = cause.hint or f"please report it with the log, {home.logs / 'dbt.log'}"
        raise HomeError(f"the build stopped: {cause.reason}", f"{hint}; readers keep the version they have") from error


def why_due(settings: Settings) -> str | None:
    """Why `build` would do something now, in words; None where it would say that there is nothing new."""
    home = settings.home_folder.open(create=False)
    try:
        plan = _plan(settings, home, BuildRequest())
    except BuildError:  # nothing is loaded
        return None
    return None if plan.is_empty else plan.reason


def _build_locked(
    settings: Settings,
    home: Home,
    request: BuildRequest,
    on_node: Callable[[str, int, int], None],
    on_notice: Callable[[str], None],
) -> BuildReport:
    started = datetime.now(UTC)
    _discard(home)
    upgrade_if_free(home, ZoneInfo(settings.time_zone))
    plan = _plan(settings, home, request)
    if plan.is_empty:
        assert plan.base is not None
        return BuildReport(None, plan.base, "nothing new since")
    on_notice(plan.reason)
    start_import()
    known = [*versions.published_builds(home), *versions.recorded_builds(home)]
    build_id = new_build_id(started, max(known, default=None))
    work = home.builds / WORK_FILE
    _prepare(work, home, plan)
    run = run_dbt(
        build_arguments(
            state=home.root / "dbt",
            logs=home.logs,
            threads=settings.threads,
            full_refresh=plan.full_refresh or plan.request.full_refresh,
            select=plan.selector,
        ),
        duckdb_environment(settings, work),
        build_id,
        home.logs / "dbt.log",
        ParsedProject(home.root / "dbt", home.logs, "duckdb"),
        on_node,
    )
    with closing(duckdb.connect(str(work))) as connection:
        run = replace(run, tests=_with_failed_checks(connection, run.tests))
        record = record_of(plan, run, build_id, started, new_event_count(connection))
        passed = not (run.failed_models or run.failed_tests)
        rows = _finish(connection, plan, record, run) if passed else ()
        if run.failed_tests:
            write_meta(connection, record, run.tests, ())  # for a look at the failing rows
    if not passed:
        if run.failed_tests:
            _keep_failed(home, work)
        versions.write_record(home, record, failures_in_words(run))
        raise audit_failed(record, run, versions.current_build(home), 'armazem sql --failed "…"')
    sync_path(work)
    work.chmod(0o444)  # nobody writes to a version: not by mistake either
    os.replace(work, versions.version_file(home, build_id))
    sync_path(home.builds)
    versions.make_current(home, build_id)
    versions.write_record(home, record)
    versions.prune(home, settings.keep_builds)
    return BuildReport(record, build_id, plan.reason, run.tests, run.models, rows)


def _plan(settings: Settings, home: Home, request: BuildRequest) -> Plan:
    columns = (str(duckdb_columns(table)) for table in TABLES)
    events = f"{event_columns()} in a journal of format {journal_format(home)}"
    code = fingerprint(project_folder(), META_DDL, *columns, events, settings.time_zone)
    current = versions.current_build(home)
    before = None if current is None else _state_of(versions.version_file(home, current))
    journal = journal_after(home, before)
    return make_plan(request, read_ledger(home), current, before, code, journal)


def _state_of(file: Path) -> State | None:
    """None where the version is missing or damaged: the landing zone has all that it had."""
    if not file.is_file():
        return None
    try:
        with closing(duckdb.connect(str(file), read_only=True)) as connection:
            loads, code = frozenset(loads_taken_in(connection)), made_by(connection)
            return State(loads, code, journal_position(connection), last_event(connection))
    except duckdb.Error as error:
        cause = cause_of(error, file)
        if cause.locked:
            raise HomeError(f"another program has the published version open: {cause.reason}", cause.hint) from error
        return None


def _prepare(work: Path, home: Home, plan: Plan) -> None:
    """Lay out the file that dbt will work on: a copy of the base, or an empty one with its history."""
    if plan.base is not None:
        shutil.copyfile(versions.version_file(home, plan.base), work)
    with closing(duckdb.connect(str(work))) as connection:
        create_meta(connection)
        if plan.full_refresh and plan.history is not None:
            file = sql_text(versions.version_file(home, plan.history))
            connection.execute(f"attach {file} as before (read_only)")
            for table in ("builds", "test_results"):
                copy_history(connection, table)
            connection.execute("detach before")
        create_inputs(connection, home, plan.scope)


def _with_failed_checks(connection: duckdb.DuckDBPyConnection, tests: Sequence[AuditResult]) -> tuple[AuditResult, ...]:
    """The results, those with failing rows with the number of rows per check: one test holds several."""
    named = []
    for test in tests:
        if test.status in ("warn", "fail") and "as failed_check" in test.sql:
            counted = connection.execute(
                f"select failed_check, severity, count(*) from ({test.sql}\n) group by all order by 2, 1"
            ).fetchall()
            named.append(test.with_failed_checks(counted))
        else:
            named.append(test)
    return tuple(named)


def _finish(
    connection: duckdb.DuckDBPyConnection, plan: Plan, record: BuildRecord, run: DbtRun
) -> tuple[tuple[str, int], ...]:
    """Take the scaffolding away and write `meta`; the rows of each table."""
    drop_inputs(connection)
    write_meta(connection, record, run.tests, plan.loads if record.complete else ())
    there = set(connection.execute("select schema_name, table_name from duckdb_tables()").fetchall())
    # With --select a model that is new may not have been made yet.
    catalog = [model for model in run.catalog if not model.is_published or (model.layer, model.table) in there]
    write_models(connection, catalog)
    rows = []
    for schema, table in sorted((model.layer, model.table) for model in catalog if model.is_published):
        counted = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
        rows.append((f"{schema}.{table}", int(counted[0]) if counted else 0))
    connection.execute("checkpoint")
    return tuple(rows)


def _keep_failed(home: Home, work: Path) -> None:
    """Keep the newest failed file, scaffolding and all, for a look at the failing rows."""
    target = home.builds / versions.FAILED_FILE
    Path(f"{target}.wal").unlink(missing_ok=True)
    os.replace(work, target)
    if Path(f"{work}.wal").exists():
        os.replace(f"{work}.wal", f"{target}.wal")


def _discard(home: Home) -> None:
    """Remove what a killed build left behind. Called under the lock."""
    for path in home.builds.glob(f"{WORK_FILE}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    Path(home.builds / versions.FAILED_FILE).unlink(missing_ok=True)
    versions.remove_never_current(home)
    for link in home.root.glob(".current.*"):
        link.unlink(missing_ok=True)
