"""The dbt project: where it lies, what its code is, and the command lines and results of dbt."""

from __future__ import annotations

import gc
import hashlib
import importlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from armazem.errors import BuildError
from armazem.warehouse.records import AuditResult, ModelResult


@dataclass(frozen=True, slots=True)
class DbtRun:
    """What dbt did: results of models and tests, in the order in which they ended."""

    models: tuple[ModelResult, ...]
    tests: tuple[AuditResult, ...]
    compiled: tuple[tuple[str, str], ...] = ()  # name and SQL of each model that becomes a table

    @property
    def failed_models(self) -> tuple[ModelResult, ...]:
        return tuple(model for model in self.models if model.status != "success")

    @property
    def failed_tests(self) -> tuple[AuditResult, ...]:
        return tuple(test for test in self.tests if test.status not in ("pass", "warn"))


@cache
def project_folder() -> Path:
    """The dbt project: inside the installed package, or beside `src` in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_dbt", package.parents[1] / "dbt"):
        if (folder / "dbt_project.yml").is_file():
            return folder
    raise BuildError("the dbt project is missing from this installation", "install armazem again")


def fingerprint(folder: Path, *more: str) -> str:
    """SHA-256 of all models, macros and tests, and more: a build with other code starts from nothing."""
    digest = hashlib.sha256("\0".join(more).encode())
    files = [path for part in ("models", "macros", "tests") for path in (folder / part).rglob("*.*")]
    for path in [folder / "dbt_project.yml", *sorted(files)]:
        if not path.stem.endswith("_unit_tests"):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


_LOGGED = ("info", "warn", "error")

# They exist in the file being built only, and every other model may need them.
SCOPE_MODELS = ("int_load_times", "int_new_events", "int_changed_orders", "int_changed_periods")
# Views on what came after this very build.
LIVE_MODELS = ("live_orders", "live_order_items", "live_order_payments")


def with_scope(selector: str) -> str:
    """The selector, the models that say which rows are computed again, and the views that go with each build."""
    return " ".join([selector, *SCOPE_MODELS, *LIVE_MODELS]).strip()


def build_arguments(
    *, state: Path, logs: Path, threads: int, full_refresh: bool, select: str | None, target: str = "duckdb"
) -> list[str]:
    """The command line of `dbt build` for one build. Unit tests are for developers: they stay out.

    A full refresh starts from nothing in dbt too: it parses the project anew, and writes its artifacts,
    such as `manifest.json`. They hold for the incremental builds after it.
    """
    arguments = ["build", *_everywhere(state, logs, threads, select, target)]
    arguments += ["--exclude-resource-type", "unit_test"]
    if full_refresh:
        return [*arguments, "--full-refresh", "--no-partial-parse"]
    return [*arguments, "--no-write-json"]


def compile_arguments(
    *, state: Path, logs: Path, threads: int, full_refresh: bool, select: str | None, target: str
) -> list[str]:
    """The command line of `dbt compile` for the SQL that such a build would run."""
    arguments = ["compile", *_everywhere(state, logs, threads, select, target), "--no-write-json"]
    return [*arguments, "--full-refresh"] if full_refresh else arguments


def _everywhere(state: Path, logs: Path, threads: int, select: str | None, target: str) -> list[str]:
    folder = str(project_folder())
    arguments = ["--project-dir", folder, "--profiles-dir", folder, "--target", target]
    arguments += ["--target-path", str(state), "--log-path", str(logs)]
    arguments += ["--log-level", "none", "--log-level-file", "none", "--no-print", "--no-version-check"]
    arguments += ["--threads", str(threads)]
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

    with _environment(environment), _logger(log_file) as log:
        from dbt.cli.main import dbtRunner  # takes over a second: only builds pay for it

        try:
            outcome = dbtRunner(parsed.manifest(), callbacks=[on_event]).invoke(list(arguments))
        finally:
            _let_go_of_the_file()
    if outcome.result is None:
        if isinstance(outcome.exception, KeyboardInterrupt | OSError):
            raise outcome.exception
        raise BuildError(f"dbt did not run: {_first_line(outcome.exception)}", "its log is in the home folder")
    parsed.remember()
    results: list[Any] = list(outcome.result)  # type: ignore[arg-type]  # `build` gives a RunExecutionResult
    return DbtRun(
        tuple(_model_result(result) for result in results if result.node.resource_type == "model"),
        tuple(_test_result(result, build_id) for result in results if result.node.resource_type == "test"),
        tuple(
            (result.node.name, result.node.compiled_code or "")
            for result in results
            if result.node.resource_type == "model" and result.node.config.materialized != "ephemeral"
        ),
    )


class ParsedProject:
    """The manifest that dbt parsed in an earlier run and left in `state`, for as long as the code is the same.

    dbt can tell by itself that nothing changed, but takes 0.2 s longer, for a look at every file.
    `fingerprint` stands for all that the manifest depends on. `anew`: parse the project whatever there is.
    """

    def __init__(self, state: Path, fingerprint: str, *, anew: bool) -> None:
        self._file = state / "partial_parse.msgpack"
        self._seal = state / "parsed.sha256"
        self._code = "\0".join((fingerprint, version("dbt-core"), str(project_folder())))
        self._anew = anew

    def manifest(self) -> Any:
        """The manifest; None where dbt has to parse."""
        from dbt.contracts.graph.manifest import Manifest

        if not self._anew and self._file.is_file() and self._seal.is_file():
            parsed = self._file.read_bytes()
            if self._seal.read_text(encoding="ascii") == self._sealed(parsed):
                return Manifest.from_msgpack(parsed)
        self._seal.unlink(missing_ok=True)
        return None

    def remember(self) -> None:
        """Take what dbt has written as parsed from this code."""
        if self._file.is_file() and not self._seal.is_file():
            self._seal.write_text(self._sealed(self._file.read_bytes()), encoding="ascii")

    def _sealed(self, parsed: bytes) -> str:
        return hashlib.sha256(f"{self._code}\0".encode() + parsed).hexdigest()


def _let_go_of_the_file() -> None:
    # dbt-duckdb keeps its database open until the process ends. DuckDB would hand the next build in this
    # process the same open file, which by then is the published version under its new name.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


def _model_result(result: Any) -> ModelResult:
    return ModelResult(
        f"{result.node.schema}.{result.node.name}",
        str(result.status),
        round(result.execution_time, 3),
        (result.message or "") if str(result.status) != "success" else "",
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


def _first_line(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error or "no reason given").splitlines() if line.strip()]
    return " ".join(lines[:3])


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


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    # dbt's profile reads its values from the environment; they are put back when dbt is done.
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
