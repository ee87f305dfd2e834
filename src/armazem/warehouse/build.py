"""`armazem build`: write a new version of the warehouse, audit it, and publish it if it passed.

The published file is copied, dbt changes and tests the copy, and only then `current` is pointed at it.
Whatever goes wrong before that, readers stay on the version they have.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from armazem.config import Settings
from armazem.contract import TABLES
from armazem.contract.render import duckdb_columns
from armazem.errors import BuildError, HomeError
from armazem.home import Home
from armazem.landing import LedgerRow, read_ledger
from armazem.landing.durable import sync_path
from armazem.warehouse import versions
from armazem.warehouse.dbt_project import (
    DbtRun,
    ParsedProject,
    build_arguments,
    fingerprint,
    no_garbage_collection,
    project_folder,
    run_dbt,
    start_import,
    with_scope,
)
from armazem.warehouse.inputs import Scope, create_inputs, drop_inputs
from armazem.warehouse.lock import build_lock
from armazem.warehouse.meta import META_DDL, copy_history, create_meta, loads_taken_in, made_by, write_meta
from armazem.warehouse.records import AuditResult, BuildRecord, ModelResult, new_build_id

# The same name in every build: dbt parses the whole project again when its database has another one.
WORK_FILE = "building.duckdb"


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build. `start_date`, `end_date` (inclusive): reprocess the orders bought between them."""

    full_refresh: bool = False
    start_date: date | None = None
    end_date: date | None = None
    select: str | None = None


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `record` is None where there was nothing to do; `rows` is per published table."""

    record: BuildRecord | None
    current: str
    reason: str
    tests: tuple[AuditResult, ...] = ()
    models: tuple[ModelResult, ...] = ()
    rows: tuple[tuple[str, int], ...] = ()


class AuditFailed(BuildError):
    """Models or tests failed; nothing was published. `report` has their results."""

    def __init__(self, message: str, hint: str, report: BuildReport) -> None:
        super().__init__(message, hint)
        self.report = report


@dataclass(frozen=True, slots=True)
class _Plan:
    base: str | None  # the version to start from, none for a full refresh
    history: str | None  # the version whose list of builds and tests is carried on
    request: BuildRequest
    all_loads: tuple[str, ...]
    loads: tuple[LedgerRow, ...]  # the ones to take in
    fingerprint: str
    reason: str

    @property
    def full_refresh(self) -> bool:
        return self.base is None

    @property
    def is_empty(self) -> bool:
        nothing_asked = self.request.select is None and not _scope(self).has_window
        return not self.full_refresh and nothing_asked and not self.loads


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
    if request.start_date and request.end_date and request.start_date > request.end_date:
        raise BuildError(f"--start {request.start_date} lies after --end {request.end_date}", "swap them")
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
        raise HomeError(
            f"the build could not write to {home.root}: {error}",
            "free some disk space or check the permissions; readers keep the version they have",
        ) from error


def _build_locked(
    settings: Settings,
    home: Home,
    request: BuildRequest,
    on_node: Callable[[str, int, int], None],
    on_notice: Callable[[str], None],
) -> BuildReport:
    started = datetime.now(UTC)
    _discard(home)
    plan = _plan(home, request)
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
            select=_selector(plan),
        ),
        {
            "ARMAZEM_DBT_DUCKDB_PATH": str(work),
            "ARMAZEM_DBT_MEMORY_LIMIT": settings.memory_limit or _default_memory_limit(),
            "DO_NOT_TRACK": "1",
        },
        build_id,
        home.logs / "dbt.log",
        ParsedProject(home.root / "dbt", plan.fingerprint, anew=plan.full_refresh),
        on_node,
    )
    with closing(duckdb.connect(str(work))) as connection:
        run = replace(run, tests=_with_failed_checks(connection, run.tests))
        record = _record(plan, run, build_id, started)
        passed = not (run.failed_models or run.failed_tests)
        rows = _finish(connection, plan, record, run) if passed else ()
    if not passed:
        if run.failed_tests:
            _keep_failed(home, work)
        versions.write_record(home, record)
        raise _audit_failed(record, run, versions.current_build(home))
    sync_path(work)
    work.chmod(0o444)  # nobody writes to a version: not by mistake either
    os.replace(work, versions.version_file(home, build_id))
    sync_path(home.builds)
    versions.make_current(home, build_id)
    versions.write_record(home, record)
    versions.prune(home, settings.keep_builds)
    return BuildReport(record, build_id, plan.reason, run.tests, run.models, rows)


def _plan(home: Home, request: BuildRequest) -> _Plan:
    """Which version to start from, and which loads to take in."""
    code = fingerprint(project_folder(), META_DDL, *(str(duckdb_columns(table)) for table in TABLES))
    loads = tuple(read_ledger(home))
    ids = tuple(sorted({load.load_id for load in loads}))
    if not loads:
        raise BuildError("there is nothing to build: no data is loaded", "run `armazem load PATH` first")
    current = versions.current_build(home)
    before = None if current is None else _state_of(versions.version_file(home, current))
    history = None if before is None else current
    if request.select is None:
        reason = _reason_for_all(current, before, request, ids, code)
        if reason is not None:
            return _Plan(None, history, request, ids, loads, code, reason)
    if before is None:
        raise BuildError("there is no version whose other tables could stay", "build without --select first")
    if request.select is not None:
        # Only what the version has already: a new load is taken in by all models together or by none.
        ids = tuple(load_id for load_id in ids if load_id in before.loads)
        again = tuple(load for load in loads if load.load_id in before.loads) if request.full_refresh else ()
        return _Plan(current, history, request, ids, again, code, f"a selection, the rest from {current}")
    new = tuple(load for load in loads if load.load_id not in before.loads)
    count = len({load.load_id for load in new})
    reason = f"incremental from {current}: {count} new load{'s' * (count != 1)}"
    return _Plan(current, history, request, ids, new, code, reason)


@dataclass(frozen=True, slots=True)
class _State:
    """What a version says of itself: the loads in it, and the code that made it."""

    loads: frozenset[str]
    fingerprint: str | None


def _state_of(file: Path) -> _State | None:
    """None where the version is missing or damaged: the landing zone has all that it had."""
    if not file.is_file():
        return None
    try:
        with closing(duckdb.connect(str(file), read_only=True)) as connection:
            return _State(frozenset(loads_taken_in(connection)), made_by(connection))
    except duckdb.Error as error:
        if "lock" in str(error):
            raise HomeError(
                f"{file} is open for writing: {error}", "close that program; it must not change it"
            ) from error
        return None


def _reason_for_all(
    current: str | None, before: _State | None, request: BuildRequest, loads: Sequence[str], code: str
) -> str | None:
    """Why everything has to be built anew; None where the difference is enough."""
    if current is None:
        return "first build"
    if before is None:
        return f"full refresh: {current} is missing or damaged"
    if request.full_refresh:
        return "full refresh"
    if before.fingerprint != code:
        return f"full refresh: the models changed since {current}"
    if before.loads - set(loads):
        return f"full refresh: a load of {current} was withdrawn"
    if any(load < max(before.loads, default="") for load in set(loads) - before.loads):
        return f"full refresh: a load came back that is older than those of {current}"
    return None


def _selector(plan: _Plan) -> str | None:
    if plan.full_refresh:
        return None
    if plan.request.select is not None:
        return with_scope(plan.request.select)
    changed = {load.table for load in plan.loads}
    if _scope(plan).has_window:
        changed |= {table.name for table in TABLES if any(column.name == "order_id" for column in table.columns)}
    return with_scope(" ".join(f"source:raw.{table.name}+" for table in TABLES if table.name in changed))


def _scope(plan: _Plan) -> Scope:
    window = plan.request if not plan.full_refresh else BuildRequest()
    new_loads = tuple(sorted({load.load_id for load in plan.loads}))
    return Scope(plan.all_loads, new_loads, window.start_date, window.end_date)


def _prepare(work: Path, home: Home, plan: _Plan) -> None:
    """Lay out the file that dbt will work on: a copy of the base, or an empty one with its history."""
    if plan.base is not None:
        shutil.copyfile(versions.version_file(home, plan.base), work)
    with closing(duckdb.connect(str(work))) as connection:
        create_meta(connection)
        if plan.full_refresh and plan.history is not None:
            file = str(versions.version_file(home, plan.history)).replace("'", "''")
            connection.execute(f"attach '{file}' as before (read_only)")
            for table in ("builds", "test_results"):
                copy_history(connection, table)
            connection.execute("detach before")
        create_inputs(connection, home, _scope(plan))


def _with_failed_checks(connection: duckdb.DuckDBPyConnection, tests: Sequence[AuditResult]) -> tuple[AuditResult, ...]:
    """The results, those with failing rows with the number of rows per check: one test holds several."""
    named = []
    for test in tests:
        if test.status in ("warn", "fail") and "as failed_check" in test.sql:
            counted = connection.execute(
                f"select failed_check, severity, count(*) from ({test.sql}\n) group by all order by 2, 1"
            ).fetchall()
            named.append(replace(test, failed_checks=", ".join(_count_of(test, *row) for row in counted)))
        else:
            named.append(test)
    return tuple(named)


def _count_of(test: AuditResult, check: str, severity: str, rows: int) -> str:
    # In a test that failed, what only warns is not what failed.
    return f"{check} {rows:,}" + (" (warning)" if test.status == "fail" and severity == "warn" else "")


def _default_memory_limit() -> str:
    with closing(duckdb.connect()) as connection:
        row = connection.execute("select current_setting('memory_limit')").fetchone()
    return str(row[0]) if row else "1GB"


def _finish(
    connection: duckdb.DuckDBPyConnection, plan: _Plan, record: BuildRecord, run: DbtRun
) -> tuple[tuple[str, int], ...]:
    """Take the scaffolding away and write `meta`; the rows of each table."""
    drop_inputs(connection)
    write_meta(connection, record, run.tests, plan.loads if record.complete else ())
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('staging', 'marts', 'kpis') order by all"
    ).fetchall()
    rows = []
    for schema, table in tables:
        counted = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
        rows.append((f"{schema}.{table}", int(counted[0]) if counted else 0))
    connection.execute("checkpoint")
    return tuple(rows)


def _record(plan: _Plan, run: DbtRun, build_id: str, started: datetime) -> BuildRecord:
    finished = datetime.now(UTC)
    failed = bool(run.failed_models or run.failed_tests)
    failed_tests = [test for test in run.failed_tests if test.status != "skipped"]
    start, end = plan.request.start_date, plan.request.end_date
    return BuildRecord(
        build_id=build_id,
        status="failed" if failed else "published",
        base_build_id=plan.base,
        full_refresh=plan.full_refresh,
        complete=plan.request.select is None,
        start_date=start.isoformat() if start else None,
        end_date=end.isoformat() if end else None,
        selector=plan.request.select,
        fingerprint=plan.fingerprint,
        new_loads=len({load.load_id for load in plan.loads}),
        models=len(run.models),
        models_failed=sum(model.status != "skipped" for model in run.failed_models),
        tests=len(run.tests),
        tests_passed=sum(test.status == "pass" for test in run.tests),
        tests_warned=sum(test.status == "warn" for test in run.tests),
        tests_failed=len(failed_tests),
        started_at=started,
        finished_at=finished,
        seconds=round((finished - started).total_seconds(), 3),
    )


def _audit_failed(record: BuildRecord, run: DbtRun, current: str | None) -> AuditFailed:
    failed = [test.test for test in run.failed_tests if test.status in ("fail", "error")]
    failed += [model.model for model in run.failed_models if model.status == "error"]
    kept = f"readers keep {current}" if current else "nothing is published"
    return AuditFailed(
        f"build {record.build_id} failed its audit: {', '.join(failed[:5])}{' …' if len(failed) > 5 else ''}",
        f'{kept}; look at the failing rows with `armazem sql --failed "…"`',
        BuildReport(record, current or "", "", run.tests, run.models),
    )


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
