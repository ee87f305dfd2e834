"""The warehouse in the home folder: a build works on a copy of the published file, and `current` is then pointed at it.

Whatever goes wrong before that, readers stay on the version they have.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb

from armazem.contract import TABLES
from armazem.contract.event_record import event_columns
from armazem.contract.render import duckdb_columns
from armazem.disk.causes import cause_of
from armazem.disk.durable import sync_path
from armazem.disk.lock import build_lock
from armazem.disk.sql import sql_text
from armazem.errors import HomeError
from armazem.journal.ledger import read_ledger as read_event_ledger
from armazem.journal.reading import journal_format, last_seq
from armazem.journal.upgrade import upgrade_if_free
from armazem.landing.ledger import LedgerRow
from armazem.landing.zone import Zone
from armazem.targets.base import Builds, Catalog, Contents, DbtProfile, OnNotice, Target
from armazem.targets.duckdb import landed, versions
from armazem.targets.duckdb.confined import limits_of
from armazem.targets.duckdb.content import content_of
from armazem.targets.duckdb.inputs import create_inputs, drop_inputs
from armazem.targets.duckdb.journal import journal_after, last_event, new_event_count
from armazem.targets.duckdb.ledger import event_ledger
from armazem.targets.duckdb.meta import (
    META_DDL,
    build_before,
    copy_history,
    create_meta,
    journal_position,
    loads_taken_in,
    made_by,
    write_meta,
    write_models,
)
from armazem.targets.duckdb.query import fetch, open_published, run_query
from armazem.targets.duckdb.reader import reading
from armazem.targets.meta import BUILDS, TEST_RESULTS, build_rows, published_models
from armazem.targets.plan import Journal, Plan, State
from armazem.targets.reader import Reader
from armazem.targets.records import BuildRecord, DbtRun
from armazem.targets.rows import Rows

if TYPE_CHECKING:  # what writes the journal takes numpy, which most commands have no use for
    from armazem.intake.replay import LetterBox
    from armazem.intake.sinks import Sink

_ORDERS = (
    "select count(*), max(order_purchase_timestamp), coalesce(sum(revenue) filter (is_valid_sale), 0) "
    "from marts.fact_orders"
)


class DuckDBTarget(Target):
    """A file for each version, in the home folder."""

    name = "duckdb"
    label = "home"
    in_home = True
    may_be_killed = True
    bills_bytes = False
    quote = '"'
    failed_rows = 'armazem sql --failed "…"'

    @property
    def place(self) -> str:
        return str(self.home.root)

    def errors(self, doing: str) -> AbstractContextManager[None]:
        return self._errors(doing, "")

    @contextmanager
    def _errors(self, doing: str, besides: str) -> Iterator[None]:
        try:
            yield
        except (OSError, duckdb.Error) as error:
            cause = cause_of(error, self.home.root)
            hint = cause.hint or f"please report it with the log, {self.home.logs / 'dbt.log'}"
            raise HomeError(f"{doing} stopped: {cause.reason}", hint + besides) from error

    # What is loaded

    def zone(self) -> Zone:
        return landed.zone(self.settings)

    def loads(self) -> list[LedgerRow]:
        return landed.loads(self.settings)

    def withdraw(self, load_id: str, waiting: OnNotice) -> Path | None:
        self.home.open(create=False)
        with self._alone(waiting):  # a build may be reading the files
            return landed.withdraw(self.settings, load_id, lambda: waiting("waiting for a load to end"))

    @contextmanager
    def receiving(self) -> Iterator[Sink]:
        """The writer of the journal. Raises HomeError where another process is it."""
        from armazem.intake.ingest import Ingest
        from armazem.intake.sinks import JournalSink

        with Ingest(self.home.open(), self.settings) as ingest:
            yield JournalSink(ingest)

    def dead_letters(self) -> LetterBox:
        from armazem.intake.replay import HomeLetters

        return HomeLetters(self.home.open(create=False))

    def event_ledger(self) -> Rows:
        return event_ledger(self.home.open(create=False))

    def journal(self, before: State | None, *, cheap: bool = False) -> Journal:
        del cheap  # the journal has numbers: what is new is all that is read
        return journal_after(self.home, before)

    def events(self, contents: Contents) -> dict[str, int]:
        last = last_seq(self.home)
        return {
            "events_accepted": last,
            "events_not_built": max(0, last - contents.state.journal_seq),
            "dead_letters": sum(row.dead_letters for row in read_event_ledger(self.home)),
        }

    # One build

    @contextmanager
    def building(self, waiting: OnNotice, doing: str = "the build") -> Iterator[None]:
        self.home.open()
        with self._errors(doing, "; readers keep the version they have"), self._alone(waiting):
            try:
                yield
            except (OSError, duckdb.Error):
                self._discard()
                raise

    def _alone(self, waiting: OnNotice) -> AbstractContextManager[None]:
        return build_lock(
            self.home,
            timeout=self.settings.lock_timeout,
            waiting=lambda holder: waiting(f"waiting for another build of this home folder: {holder}"),
        )

    def recover(self, catalog: Catalog, on_notice: OnNotice) -> None:
        del catalog, on_notice
        self._discard()
        upgrade_if_free(self.home, ZoneInfo(self.settings.time_zone))

    def current_build(self) -> str | None:
        return versions.current_build(self.home)

    def published(self) -> tuple[str | None, State | None]:
        """The landing zone has all that a version had which is missing or damaged."""
        current = self.current_build()
        file = None if current is None else versions.version_file(self.home, current)
        if file is None or not file.is_file():
            return current, None
        try:
            with closing(duckdb.connect(str(file), read_only=True)) as connection:
                loads, code = frozenset(loads_taken_in(connection)), made_by(connection)
                return current, State(loads, code, journal_position(connection), last_event(connection))
        except duckdb.Error as error:
            cause = cause_of(error, file)
            if cause.locked:
                raise HomeError(
                    f"another program has the published version open: {cause.reason}", cause.hint
                ) from error
            return current, None

    def code(self) -> Sequence[str]:
        columns = (str(duckdb_columns(table)) for table in TABLES)
        events = f"{event_columns()} in a journal of format {journal_format(self.home)}"
        return (META_DDL, *columns, events, self.settings.time_zone)

    def build_ids(self) -> set[str]:
        return {*versions.published_builds(self.home), *versions.recorded_builds(self.home)}

    def dbt(self) -> DbtProfile:
        return dbt_profile(self, self._work)

    @property
    def _work(self) -> Path:
        return self.home.builds / versions.WORK_FILE

    def prepare(self, plan: Plan) -> None:
        """A copy of the base, or an empty file with the list of builds and tests of the one before."""
        if plan.base is not None:
            shutil.copyfile(versions.version_file(self.home, plan.base), self._work)
        with self._open() as connection:
            create_meta(connection)
            if plan.full_refresh and plan.history is not None:
                before = str(versions.version_file(self.home, plan.history))
                connection.execute(f"attach {sql_text(before)} as before (read_only)")
                for table in (BUILDS, TEST_RESULTS):
                    copy_history(connection, table)
                connection.execute("detach before")
            create_inputs(connection, self.home, plan.scope, landed.lake_files(self.settings, plan.scope))

    @contextmanager
    def _open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with closing(duckdb.connect(str(self._work))) as connection:
            yield connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._open() as connection:
            return connection.execute(sql).fetchall()

    def new_events(self) -> int:
        with self._open() as connection:
            return new_event_count(connection)

    def refuse(self, record: BuildRecord, run: DbtRun, failures: Sequence[str]) -> None:
        """The newest file whose tests failed is kept, scaffolding and all."""
        if run.failed_tests:
            with self._open() as connection:
                write_meta(connection, build_rows(record, run.tests, ()))
            _move(self._work, self.home.builds / versions.FAILED_FILE)
        versions.write_record(self.home, record, failures)

    def changed(self, tables: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        before = self.current_build()
        file = None if before is None else versions.version_file(self.home, before)
        if file is None or not file.is_file():
            return frozenset(tables)
        try:
            old = duckdb.connect(str(file), read_only=True)
        except duckdb.Error:  # damaged: this build repairs it
            return frozenset(tables)
        with closing(old), self._open() as new:
            return frozenset(table for table in tables if content_of(old, *table) != content_of(new, *table))

    def keep(self, record: BuildRecord, run: DbtRun, loads: Sequence[LedgerRow]) -> tuple[tuple[str, int], ...]:
        with self._open() as connection:
            rows = _finish(connection, record, run, loads)
        work = self._work
        sync_path(work)
        work.chmod(0o444)  # nobody writes to a version: not by mistake either
        os.replace(work, versions.waiting_file(self.home, record.build_id))
        return rows

    def publish(self, record: BuildRecord, on_notice: OnNotice) -> None:
        del on_notice
        versions.show(self.home, record.build_id)
        versions.write_record(self.home, record)
        versions.drop_waiting(self.home)  # they were made from another version than readers have now
        versions.prune(self.home, self.settings.keep_builds)

    def wait(self, record: BuildRecord) -> None:
        sync_path(self.home.builds)
        versions.write_record(self.home, record)
        versions.drop_waiting(self.home, self.settings.keep_builds)

    def replaces(self, build_id: str) -> str | None:
        file = versions.waiting_file(self.home, build_id)
        if not file.is_file():
            raise HomeError(f"{file} is no more", "build again: another build was published since, or it was deleted")
        with closing(duckdb.connect(str(file), read_only=True)) as connection:
            return build_before(connection, build_id)

    def _discard(self) -> None:
        """Remove what a killed build left behind."""
        builds = self.home.builds
        for path in builds.glob(f"{versions.WORK_FILE}*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        (builds / versions.FAILED_FILE).unlink(missing_ok=True)
        versions.remove_never_current(self.home)
        for link in self.home.root.glob(".current.*"):
            link.unlink(missing_ok=True)

    # What readers and operators ask

    def schema(self, layer: str) -> str:
        return layer

    def columns(self, layer: str) -> tuple[tuple[str, str, str], ...]:
        found = self.query(
            "select table_name, column_name, data_type from information_schema.columns where table_schema = ? "
            "order by table_name, ordinal_position",
            (layer,),
        )
        return tuple((str(table), str(column), str(type_)) for table, column, type_ in found.rows)

    def query(self, sql: str, parameters: Sequence[Any] = (), *, failed: bool = False) -> Rows:
        return run_query(self.home, sql, parameters, failed=failed, limits=limits_of(self.settings))

    def reading(self) -> AbstractContextManager[Reader]:
        return reading(self.home, limits_of(self.settings))

    def contents(self) -> Contents:
        home = self.home.open(create=False)
        if versions.current_build(home) is None:
            return Contents(None, State(frozenset(), None))
        with open_published(home) as connection:
            build = fetch(connection, "select max(build_id) from meta.builds").rows[0][0]
            state = State(frozenset(loads_taken_in(connection)), made_by(connection), journal_position(connection))
            count, last, revenue = fetch(connection, _ORDERS).rows[0]
            return Contents(build, state, (count, last, revenue))

    def builds(self) -> Builds:
        home = self.home.open(create=False)
        kept = set(versions.published_builds(home))
        return Builds(versions.read_records(home), versions.current_build(home), kept)

    def failures(self, build_id: str) -> Sequence[str]:
        try:
            return versions.read_failures(self.home, build_id)
        except (FileNotFoundError, ValueError):
            return []

    def rollback(self, build_id: str | None, waiting: OnNotice) -> str:
        home = self.home.open(create=False)
        with self._alone(waiting):  # a build would publish over what was just restored
            restored = build_id or versions.previous_build(home)
            versions.make_current(home, restored)
        return restored

    def scanned(self, plan: Plan) -> Callable[[str], int | None]:
        del plan
        return lambda sql: None  # nothing is billed by the byte


def dbt_profile(target: Target, work: Path) -> DbtProfile:
    """Return how dbt works on this file of DuckDB."""
    settings = target.settings
    environment = {
        "ARMAZEM_DBT_DUCKDB_PATH": str(work),
        "ARMAZEM_DBT_MEMORY_LIMIT": settings.memory_limit or _default_memory_limit(),
        "ARMAZEM_DBT_TIME_ZONE": settings.time_zone,
        "DO_NOT_TRACK": "1",
    }
    return DbtProfile("duckdb", target.home.root / "dbt", settings.threads, environment)


def _default_memory_limit() -> str:
    with closing(duckdb.connect()) as connection:
        row = connection.execute("select current_setting('memory_limit')").fetchone()
    return str(row[0]) if row else "1GB"


def _finish(
    connection: duckdb.DuckDBPyConnection, record: BuildRecord, run: DbtRun, loads: Sequence[LedgerRow]
) -> tuple[tuple[str, int], ...]:
    """Take the scaffolding away and write `meta`; the rows of each table."""
    drop_inputs(connection)
    write_meta(connection, build_rows(record, run.tests, loads))
    there = set(connection.execute("select schema_name, table_name from duckdb_tables()").fetchall())
    models = published_models(run, there)
    write_models(connection, models)
    rows = []
    for schema, table in sorted((model.layer, model.table) for model in models if model.is_published):
        counted = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone()
        rows.append((f"{schema}.{table}", int(counted[0]) if counted else 0))
    connection.execute("checkpoint")
    return tuple(rows)


def _move(file: Path, target: Path) -> None:
    """Put a file of DuckDB, and its log where it has one, in place of another."""
    Path(f"{target}.wal").unlink(missing_ok=True)
    os.replace(file, target)
    if Path(f"{file}.wal").exists():
        os.replace(f"{file}.wal", f"{target}.wal")
