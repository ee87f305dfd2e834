"""`armazem dbt`: any command of dbt, on a copy of what is published."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from armazem.build.dbt_project import dbt_environment
from armazem.build.project import ParsedProject, Project, dbt_options, not_run, project_of
from armazem.config import Settings
from armazem.disk.causes import cause_of
from armazem.errors import BuildError, HomeError
from armazem.home import Home
from armazem.journal.reading import last_seq
from armazem.landing import ages
from armazem.targets.base import DbtProfile
from armazem.targets.duckdb import landed, versions
from armazem.targets.duckdb.inputs import create_inputs
from armazem.targets.duckdb.meta import journal_position
from armazem.targets.duckdb.target import dbt_profile
from armazem.targets.plan import OF_SCOPE, Scope
from armazem.targets.registry import home_target

_COPY = "dbt-copy-"
_LOCK = ".lock"
_TARGET = "dbt-target"
# Commands that read or write tables: they need those that say what a build takes in.
_ON_TABLES = ("build", "compile", "run", "show", "test")


def run_command(settings: Settings, arguments: Sequence[str]) -> bool:
    """Run a command of dbt, which prints its own answer; whether it succeeded.

    It works on a copy of the published version that is gone afterwards. `raw` has all loads and events, none of which
    counts as new: increments take in nothing, `--full-refresh` everything. Artifacts go into `dbt-target` in the home
    folder. Raises UnsupportedError where the target is elsewhere, HomeError where nothing
    is published, BuildError where dbt cannot run the command.
    """
    target = home_target(settings, "`armazem dbt`")
    home = target.home.open(create=False)
    current = versions.current_build(home)
    if current is None:
        raise HomeError(f"nothing is published in {home.root}", "run `armazem build` first")
    _clear_up(home)
    with tempfile.TemporaryDirectory(prefix=_COPY, dir=home.root) as folder, FileLock(Path(folder) / _LOCK):
        work = Path(folder) / versions.WORK_FILE
        shutil.copyfile(versions.version_file(home, current), work)
        try:
            with closing(duckdb.connect(str(work))) as connection:
                scope = _scope(connection, settings, full_refresh=_is_full(arguments))
                create_inputs(connection, home, scope, landed.lake_files(settings, scope))
        except duckdb.Error as error:
            cause = cause_of(error, home.root)
            raise HomeError(f"{current} cannot be worked on: {cause.reason}", cause.hint) from error
        project = project_of(settings, Path(folder))
        places = {
            "DBT_PROJECT_DIR": str(project.folder),
            "DBT_PROFILES_DIR": str(project.folder),
            "DBT_TARGET_PATH": str(home.root / _TARGET),
            "DBT_LOG_PATH": str(home.root / _TARGET),
        }
        profile = dbt_profile(target, work)
        if project.own:  # a build of them may be parsing into the home folder
            profile = replace(profile, state=Path(folder) / "state")
        with dbt_environment(profile.environment | places):
            return _run(project, profile, home.logs, list(arguments))


def _run(project: Project, profile: DbtProfile, logs: Path, arguments: list[str]) -> bool:
    from dbt.cli.main import dbtRunner

    parsed = ParsedProject(project, profile, logs)
    if not set(_ON_TABLES).isdisjoint(arguments):
        scope = ["run", *dbt_options(project, profile, logs), "--select", OF_SCOPE, "--no-write-json"]
        made = dbtRunner(parsed.manifest()).invoke([*scope, *(["--full-refresh"] if _is_full(arguments) else [])])
        if not made.success:
            raise not_run(made.exception, project)
    outcome = dbtRunner(parsed.manifest()).invoke(arguments)  # read anew: a run leaves its marks in a manifest
    if outcome.exception is not None:
        raise BuildError(f"dbt: {' '.join(str(outcome.exception).split())}", "`armazem dbt --help` shows its commands")
    return outcome.success


def _is_full(arguments: Sequence[str]) -> bool:
    return not {"--full-refresh", "-f"}.isdisjoint(arguments)


def _scope(connection: duckdb.DuckDBPyConnection, settings: Settings, *, full_refresh: bool) -> Scope:
    loads = landed.loads(settings)
    ids = tuple(sorted({load.load_id for load in loads}))
    up_to = last_seq(settings.home_folder) if full_refresh else journal_position(connection)
    # A window in which no order was bought: all loads can be read, and none of them is taken in by an increment.
    return Scope(ids, ids if full_refresh else (), date.max, date.max, 0, up_to, ages(loads))


def _clear_up(home: Home) -> None:
    """Remove the copies of commands that were killed: their locks are free."""
    for left in home.root.glob(f"{_COPY}*"):
        lock = FileLock(left / _LOCK)
        try:
            with lock.acquire(blocking=False):
                shutil.rmtree(left, ignore_errors=True)
        except Timeout:
            continue
