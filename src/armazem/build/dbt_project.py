"""The command lines and results of dbt, run in this process."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import duckdb

from armazem.build.project import ParsedProject, Project, dbt_options, not_run
from armazem.config import Settings
from armazem.contract.layers import LIVE
from armazem.targets.catalog import Model, catalog_of
from armazem.targets.records import AuditResult, ModelResult


@dataclass(frozen=True, slots=True)
class DbtRun:
    """What dbt did: results of models and tests, in the order in which they ended."""

    models: tuple[ModelResult, ...]
    tests: tuple[AuditResult, ...]
    compiled: tuple[tuple[str, str], ...] = ()  # name and SQL of each model that becomes a table
    catalog: tuple[Model, ...] = ()  # all models of the project, also those that did not run

    @property
    def failed_models(self) -> tuple[ModelResult, ...]:
        return tuple(model for model in self.models if model.status != "success")

    @property
    def failed_tests(self) -> tuple[AuditResult, ...]:
        return tuple(test for test in self.tests if test.status not in ("pass", "warn"))


_LOGGED = ("info", "warn", "error")

# Tables of the intermediate layer: they exist in the file being built only, and every other model may need them.
OF_SCOPE = "path:models/intermediate,config.materialized:table"
# Views on what came after this very build.
_OF_LIVE = f"path:models/{LIVE}"


def with_scope(selector: str) -> str:
    """The selector, the models that say which rows are computed again, and the views that go with each build."""
    return " ".join([selector, OF_SCOPE, _OF_LIVE]).strip()


def build_arguments(
    *,
    project: Project,
    state: Path,
    logs: Path,
    threads: int,
    full_refresh: bool,
    select: str | None,
    target: str = "duckdb",
) -> list[str]:
    """The command line of `dbt build` for one build. Unit tests are for developers: they stay out.

    A full refresh writes dbt's artifacts, such as `run_results.json`. They hold for the incremental builds after it.
    """
    arguments = ["build", *_everywhere(project, state, logs, threads, select, target)]
    arguments += ["--exclude-resource-type", "unit_test"]
    return [*arguments, "--full-refresh"] if full_refresh else [*arguments, "--no-write-json"]


def compile_arguments(
    *, project: Project, state: Path, logs: Path, threads: int, full_refresh: bool, select: str | None, target: str
) -> list[str]:
    """The command line of `dbt compile` for the SQL that such a build would run."""
    arguments = ["compile", *_everywhere(project, state, logs, threads, select, target), "--no-write-json"]
    return [*arguments, "--full-refresh"] if full_refresh else arguments


def _everywhere(project: Project, state: Path, logs: Path, threads: int, select: str | None, target: str) -> list[str]:
    arguments = [*dbt_options(project, state, logs, target), "--threads", str(threads)]
    return arguments if select is None else [*arguments, "--select", *select.split()]


def start_import() -> None:
    """Import dbt in the background: it takes over a second, and the caller has files to copy meanwhile."""
    threading.Thread(target=importlib.import_module, args=("dbt.cli.main",), daemon=True).start()


def run_dbt(
    arguments: Sequence[str],
    environment: dict[str, str],
    build_id: str,
    log_file: Path,
    parsed: ParsedProject,
    on_node: Callable[[str, int, int], None],
) -> DbtRun:
    """Run dbt in this process; `on_node(name, number, total)` is called as each node starts; if it
    fails the build goes on.

    Raises BuildError where dbt did not get as far as running nodes.
    """

    def on_event(event: Any) -> None:
        if event.info.level in _LOGGED:
            log.info("%s  %-5s  %s", event.info.ts.ToJsonString(), event.info.level, event.info.msg)
        if event.info.name == "LogStartLine":
            # In dbt's worker: an error would end it, and dbt would wait for it for ever, holding our lock.
            try:
                on_node(event.data.node_info.node_name, event.data.index, event.data.total)
            except Exception:
                log.exception("the listener to this build failed")

    with dbt_environment(environment), _logger(log_file) as log:
        from dbt.cli.main import dbtRunner  # takes over a second: only builds pay for it

        try:
            manifest = parsed.manifest()
            outcome = dbtRunner(manifest, callbacks=[on_event]).invoke(list(arguments))
        finally:
            _let_go_of_the_file()
    if outcome.result is None:
        raise not_run(outcome.exception, parsed.project)
    results: list[Any] = list(outcome.result)  # type: ignore[arg-type]  # `build` gives a RunExecutionResult
    return DbtRun(
        tuple(_model_result(result, parsed.project) for result in results if result.node.resource_type == "model"),
        tuple(_test_result(result, build_id) for result in results if result.node.resource_type == "test"),
        tuple(
            (result.node.name, result.node.compiled_code or "")
            for result in results
            if result.node.resource_type == "model" and result.node.config.materialized != "ephemeral"
        ),
        catalog_of(manifest),
    )


def project_catalog(parsed: ParsedProject, environment: dict[str, str]) -> tuple[Model, ...]:
    """The models of the project, without a run. Raises BuildError where dbt cannot parse it."""
    with dbt_environment(environment):
        return catalog_of(parsed.manifest())


def _let_go_of_the_file() -> None:
    # dbt-duckdb keeps its database open until the process ends. DuckDB would hand the next build in this
    # process the same open file, which by then is the published version under its new name.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


def _model_result(result: Any, project: Project) -> ModelResult:
    return ModelResult(
        f"{result.node.schema}.{result.node.name}",
        str(result.status),
        round(result.execution_time, 3),
        project.in_words(result.message or "") if str(result.status) != "success" else "",
    )


def _test_result(result: Any, build_id: str) -> AuditResult:
    node = result.node
    # The file is built under another name than it has when somebody looks at the failing rows.
    sql = (node.compiled_code or "").replace(f'"{node.database}".', "").strip()
    attached = getattr(node, "attached_node", None)  # singular tests speak of several models
    return AuditResult(
        build_id=build_id,
        test=node.name,
        model=attached.rpartition(".")[2] if attached else node.name,
        severity=str(node.config.severity).lower(),
        status=str(result.status),
        failures=int(result.failures or 0),
        failed_checks="",
        seconds=round(result.execution_time, 3),
        description=node.description or "",
        sql=sql,
    )


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """For a build: dbt holds its project in small objects, and walking them 900 times took 0.9 s of one."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _logger(file: Path) -> Iterator[logging.Logger]:
    # dbt's own file logger formats its 1,600 debug messages a build, in 0.4 s, before it leaves them out.
    handler = RotatingFileHandler(file, maxBytes=10 * 2**20, backupCount=5, encoding="utf-8", delay=True)
    logger = logging.Logger("armazem.dbt")
    logger.addHandler(handler)
    # On a full disk the log cannot be written either; Python would print a traceback for each line.
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield logger
    finally:
        handler.close()
        logging.raiseExceptions = before


def duckdb_environment(settings: Settings, work: Path) -> dict[str, str]:
    """What the profile reads for a database file."""
    return {
        "ARMAZEM_DBT_DUCKDB_PATH": str(work),
        "ARMAZEM_DBT_MEMORY_LIMIT": settings.memory_limit or _default_memory_limit(),
        "ARMAZEM_DBT_TIME_ZONE": settings.time_zone,
        "DO_NOT_TRACK": "1",
    }


def _default_memory_limit() -> str:
    with closing(duckdb.connect()) as connection:
        row = connection.execute("select current_setting('memory_limit')").fetchone()
    return str(row[0]) if row else "1GB"


@contextmanager
def dbt_environment(values: dict[str, str]) -> Iterator[None]:
    """dbt's profile reads its values from the environment; they are put back when dbt is done."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
