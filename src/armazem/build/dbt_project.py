"""The command lines and results of dbt, run in this process."""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from armazem.build.project import ParsedProject, Project, dbt_options, not_run, project_of
from armazem.targets.base import Target
from armazem.targets.catalog import Model, catalog_of
from armazem.targets.plan import Plan
from armazem.targets.records import AuditResult, DbtRun, ModelResult

_LOGGED = ("info", "warn", "error")

OnNode = Callable[[str, int, int], None]
"""Called with name, number and total of the nodes as each starts."""


class TargetProject:
    """The dbt project as it is run on a target."""

    def __init__(self, target: Target) -> None:
        self.profile = target.dbt()
        self.logs = target.home.logs
        self.project = project_of(target.settings, self.profile.state)

    @cached_property
    def _parsed(self) -> ParsedProject:
        return ParsedProject(self.project, self.profile, self.logs)

    def manifest(self) -> Any:
        """Return dbt's manifest, fresh. Raises BuildError where dbt cannot parse the project."""
        return self._parsed.manifest()

    def catalog(self) -> tuple[Model, ...]:
        """Return its models, without a run. Raises BuildError where dbt cannot parse the project."""
        with dbt_environment(self.profile.environment):
            return catalog_of(self.manifest())

    def command(self, command: str, plan: Plan) -> list[str]:
        """Return the command line of `dbt build`, or of `dbt compile` for the SQL that such a build would run.

        Unit tests are for developers: they stay out. A full refresh writes dbt's artifacts, such as
        `run_results.json`. They hold for the incremental builds after it.
        """
        full_refresh = plan.full_refresh or plan.request.full_refresh
        building = command == "build"
        arguments = [
            command,
            *dbt_options(self.project, self.profile, self.logs),
            "--threads",
            str(self.profile.threads),
        ]
        arguments += ["--select", *plan.selector.split()] if plan.selector is not None else []
        arguments += ["--exclude-resource-type", "unit_test"] if building else []
        arguments += ["--full-refresh"] if full_refresh else []
        return arguments if building and full_refresh else [*arguments, "--no-write-json"]


def start_import() -> None:
    """Import dbt in the background: it takes over a second, and the caller has files to copy meanwhile."""
    threading.Thread(target=importlib.import_module, args=("dbt.cli.main",), daemon=True).start()


def run_dbt(project: TargetProject, command: str, plan: Plan, build_id: str, on_node: OnNode) -> DbtRun:
    """Run dbt in this process. Return its results; where `on_node` fails, the build goes on.

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

    with dbt_environment(project.profile.environment), _logger(project.logs / "dbt.log") as log:
        from dbt.cli.main import dbtRunner  # takes over a second: only builds pay for it

        try:
            manifest = project.manifest()
            outcome = dbtRunner(manifest, callbacks=[on_event]).invoke(project.command(command, plan))
        finally:
            _let_go_of_the_file()
    if outcome.result is None:
        raise not_run(outcome.exception, project.project)
    results: list[Any] = list(outcome.result)  # type: ignore[arg-type]  # `build` gives a RunExecutionResult
    catalog = catalog_of(manifest)
    # As readers find them: on BigQuery the node says only where it is built.
    names = {model.name: f"{model.layer}.{model.table}" for model in catalog}
    return DbtRun(
        tuple(
            _model_result(result, names[result.node.name], project.project)
            for result in results
            if result.node.resource_type == "model"
        ),
        tuple(_test_result(result, build_id) for result in results if result.node.resource_type == "test"),
        tuple(
            (result.node.name, result.node.compiled_code or "")
            for result in results
            if result.node.resource_type == "model" and result.node.config.materialized != "ephemeral"
        ),
        catalog,
    )


def _let_go_of_the_file() -> None:
    # dbt-duckdb keeps its database open until the process ends. DuckDB would hand the next build in this
    # process the same open file, which by then is the published version under its new name.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


def _model_result(result: Any, name: str, project: Project) -> ModelResult:
    return ModelResult(
        name,
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
