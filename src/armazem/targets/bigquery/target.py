"""The warehouse on BigQuery: a build works in the audit dataset, and copy jobs publish what passed.

The audit dataset starts as a copy of what the build before published. Nobody reads it, so whatever goes wrong
there leaves the published datasets as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions

from armazem.contract import TABLES
from armazem.contract.event_record import event_columns_bigquery
from armazem.contract.layers import LIVE
from armazem.contract.render import BIGQUERY_TYPES
from armazem.disk.lock import landing_lock
from armazem.errors import CloudError, UnsupportedError
from armazem.landing.ledger import LedgerRow
from armazem.targets.base import Builds, Catalog, Contents, DbtProfile, OnNotice, Target
from armazem.targets.bigquery import meta, places
from armazem.targets.bigquery.client import cloud_errors, is_emulator
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.content import content_of
from armazem.targets.bigquery.inputs import create_inputs, event_days, new_event_types
from armazem.targets.bigquery.landing.ledger import mark_withdrawn, read_entries
from armazem.targets.bigquery.landing.raw import Raw
from armazem.targets.bigquery.landing.zone import BigQueryZone
from armazem.targets.bigquery.ledger import event_ledger
from armazem.targets.bigquery.letters import BigQueryLetters
from armazem.targets.bigquery.lock import LOCK_TABLE, build_lock
from armazem.targets.bigquery.publishing import (
    PUBLISHING,
    make_good,
    prune,
    prune_waiting,
    publish_kept,
    restorable,
)
from armazem.targets.bigquery.query import answer
from armazem.targets.bigquery.reader import reading
from armazem.targets.bigquery.tables import (
    Layout,
    copy_tables,
    drop_tables,
    is_there,
    keep,
    kept_builds,
    kept_layout,
    kept_name,
    layout_of,
)
from armazem.targets.meta import BUILDS, EVENT_DAYS, MODELS, TEST_RESULTS, build_rows, published_models
from armazem.targets.plan import Journal, Plan, State
from armazem.targets.reader import Reader
from armazem.targets.records import BuildRecord, DbtRun
from armazem.targets.rows import Rows

if TYPE_CHECKING:  # what writes the journal takes numpy, which most commands have no use for
    from armazem.intake.replay import LetterBox
    from armazem.intake.sinks import Sink

_THREADS = 8  # a model waits for BigQuery, not for this machine
_STAY = (LOCK_TABLE, meta.LOG_TABLE, PUBLISHING)


class BigQueryTarget(Target):
    """Datasets of a project. The home folder is only where files are prepared and dbt keeps its own."""

    name = "bigquery"
    label = "project"
    in_home = False
    bills_bytes = True
    may_be_killed = False  # a lock on BigQuery has to be given back
    quote = "`"

    @cached_property
    def connection(self) -> Connection:
        """Raises CloudError where there are no credentials or no project."""
        return Connection.of(self.settings)

    @property
    def failed_rows(self) -> str:  # type: ignore[override]
        return f'armazem sql --target bigquery "select * from {self.connection.names.audit}.…"'

    @property
    def place(self) -> str:
        return str(self.connection.client.project)

    def errors(self, doing: str) -> AbstractContextManager[None]:
        return cloud_errors(self.settings, doing)

    # What is loaded

    def zone(self) -> BigQueryZone:
        return BigQueryZone(self.settings)

    def loads(self) -> list[LedgerRow]:
        entries = read_entries(self.connection.client, self.connection.names.raw, self.connection.retry)
        return [entry.row for entry in entries if not entry.withdrawn]

    def withdraw(self, load_id: str, waiting: OnNotice) -> None:
        """Its rows stay in `raw`. Waits for a load of this home folder. Withdrawing twice changes nothing."""
        raw = Raw(self.settings)
        home = self.home.open()
        with landing_lock(home, lambda: waiting("waiting for a load to end")), self.errors(f"withdrawing {load_id}"):
            known = sorted({entry.row.load_id for entry in read_entries(raw.client, raw.dataset, raw.retry)})
            if load_id not in known:
                raise CloudError(
                    f"there is no load {load_id} in {raw.project}.{raw.dataset}",
                    f"the newest are {', '.join(known[-5:]) or 'none'}; {raw.dataset}.loads lists all",
                )
            mark_withdrawn(raw, load_id)

    def receiving(self) -> AbstractContextManager[Sink]:
        from armazem.targets.bigquery.sink import opened  # Arrow and gRPC, which only this needs

        return opened(self.settings)

    def dead_letters(self) -> LetterBox:
        return BigQueryLetters(self.connection)

    def event_ledger(self) -> Rows:
        with self.errors("the books of events"):
            return event_ledger(self.connection)

    def journal(self, before: State | None, *, cheap: bool = False) -> Journal:
        """`raw.events` only grows: its rows are its position, and by day of arrival they tell where new ones are."""
        days = event_days(self.connection)
        found = Journal(sum(days.values()), days=days)
        if before and not cheap:
            found = replace(found, new_types=new_event_types(self.connection, found.days_after(before)))
        return found

    def events(self, contents: Contents) -> dict[str, int]:
        del contents
        return {}

    # One build

    @contextmanager
    def building(self, waiting: OnNotice, doing: str = "the build") -> Iterator[None]:
        self.home.open()
        with self.errors(doing), self._alone(waiting):
            yield

    @contextmanager
    def _alone(self, waiting: OnNotice) -> Iterator[None]:
        self.connection.create_datasets()
        with build_lock(
            self.connection, waiting=lambda holder: waiting(f"waiting for another build: {holder}")
        ) as self._lock:
            yield

    def recover(self, catalog: Catalog, on_notice: OnNotice) -> None:
        models, names = catalog(), self.connection.names
        layout = layout_of(names, models)
        self.connection.create_datasets([*places.datasets_of(layout), names.of(LIVE)])
        places.check_places(self.connection, layout, [model.table for model in models if model.is_live])
        make_good(self.connection, on_notice)

    def current_build(self) -> str | None:
        return meta.current_build(self.connection)

    def published(self) -> tuple[str | None, State | None]:
        connection = self.connection
        current = self.current_build()
        # Where a table that was kept is gone, an increment would make it anew of the new loads alone.
        kept = set(kept_builds(connection, whole=False).get(current or "", ()))
        if current is not None and {MODELS, BUILDS} <= kept:
            layout = kept_layout(connection, current)
            layout = [one for one in layout if one.table in kept or one.table != EVENT_DAYS]  # not of an older armazem
            if {one.table for one in layout} <= kept and is_there(connection, layout):
                state = meta.state_of_published(connection)
                # What was published after it may have left its own behind.
                return current, state if EVENT_DAYS in kept else replace(state, event_days={})
        elif BUILDS in kept:  # by an older armazem, which did not say what it consists of: its list of builds goes on
            return current, replace(meta.state_of_published(connection), fingerprint=None)
        return current, None

    def code(self) -> Sequence[str]:
        columns = [
            f"{table.name} {column.name} {BIGQUERY_TYPES[column.type]}" for table in TABLES for column in table.columns
        ]
        columns += [f"{name} {type_}" for name, type_ in event_columns_bigquery().items()]
        return (self.name, *columns, self.settings.time_zone)

    def build_ids(self) -> set[str]:
        log = meta.read_log(self.connection)
        return {*kept_builds(self.connection, whole=False), *(record.build_id for record in log)}

    def dbt(self) -> DbtProfile:
        settings = self.settings
        environment = {
            "ARMAZEM_DBT_BIGQUERY_PROJECT": self.place,
            "ARMAZEM_DBT_BIGQUERY_DATASET": self.connection.names.audit,
            "ARMAZEM_DBT_INPUT_SCHEMA": self.connection.names.audit,
            "ARMAZEM_DBT_RAW_PREFIX": "raw_",
            "ARMAZEM_DBT_BIGQUERY_LOCATION": settings.bigquery_location,
            "ARMAZEM_DBT_BIGQUERY_PREFIX": settings.bigquery_dataset_prefix,
            "ARMAZEM_DBT_TIME_ZONE": settings.time_zone,
            "ARMAZEM_DBT_BIGQUERY_MAXIMUM_BYTES": str(settings.bigquery_maximum_bytes_billed),
            "DO_NOT_TRACK": "1",
        }
        if settings.bigquery_endpoint:
            environment["ARMAZEM_DBT_BIGQUERY_ENDPOINT"] = settings.bigquery_endpoint
        if is_emulator(settings):
            environment["ARMAZEM_DBT_BIGQUERY_METHOD"] = "oauth-secrets"
            environment["ARMAZEM_DBT_BIGQUERY_TOKEN"] = "none"
        # The manifest names project and datasets: it is good for these settings only.
        where = " ".join(f"{name}={value}" for name, value in sorted(environment.items()))
        threads = settings.threads if "threads" in settings.model_fields_set else _THREADS
        return DbtProfile(self.name, self.home.root / "dbt-bigquery", threads, environment, where)

    def prepare(self, plan: Plan) -> None:
        self._lay_out(plan, with_tables=not plan.full_refresh)

    def _lay_out(self, plan: Plan, *, with_tables: bool) -> None:
        """Nothing in the audit dataset but the tables that the build starts from, and its inputs."""
        connection, names = self.connection, self.connection.names
        # The views on raw tables stay too: they are replaced.
        old = [table for table in connection.tables(names.audit) if table not in _STAY and not table.startswith("raw_")]
        drop_tables(connection, names.audit, old)
        if plan.history is not None:
            # What was loaded is told anew by a full refresh; its list of builds and tests goes on.
            kept = kept_builds(connection, whole=False)[plan.history] if with_tables else [BUILDS, TEST_RESULTS]
            copy_tables(
                connection,
                [
                    (
                        connection.table_id(names.kept, kept_name(table, plan.history)),
                        connection.table_id(names.audit, table),
                    )
                    for table in kept
                ],
            )
        create_inputs(connection, plan.scope)
        meta.write_event_days(connection, plan.days)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.rows(sql)

    def new_events(self) -> int:
        events = f"{self.connection.names.audit}.int_new_events"
        [(count,)] = self.connection.rows_if_there(f"select count(*) from {events}") or [(0,)]
        return int(count)

    def refuse(self, record: BuildRecord, run: DbtRun, failures: Sequence[str]) -> None:
        """The tables stay in the audit dataset until the next build."""
        del run, failures
        meta.write_log(self.connection, record)

    def changed(self, tables: Sequence[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """It scans them, once built and once published."""
        names = self.connection.names
        return frozenset(
            (layer, table)
            for layer, table in tables
            if content_of(self.connection, names.audit, table) != content_of(self.connection, names.of(layer), table)
        )

    def keep(self, record: BuildRecord, run: DbtRun, loads: Sequence[LedgerRow]) -> tuple[tuple[str, int], ...]:
        connection, names = self.connection, self.connection.names
        there = set(connection.tables(names.audit))
        models = published_models(run, {(model.layer, model.table) for model in run.catalog if model.table in there})
        layout = layout_of(names, models)
        rows = _row_counts(connection, layout)
        compiled = dict(run.compiled)
        meta.write_live_sql(connection, {model.table: compiled[model.name] for model in run.catalog if model.is_live})
        meta.write_meta(connection, build_rows(record, run.tests, loads), models)
        self._lock.check()  # of a lock that was lost another build may have written here
        keep(connection, [*(one.table for one in layout), meta.LIVE_SQL], record.build_id)
        self._lock.check()
        return rows

    def publish(self, record: BuildRecord, on_notice: OnNotice) -> None:
        connection = self.connection
        self._lock.check()  # whoever took the lock over has published by now, or will
        publish_kept(connection, record.build_id, kept_builds(connection))
        meta.write_log(connection, record)
        for dataset in places.datasets_of(kept_layout(connection, record.build_id)):
            if notice := places.expiring(places.items(connection, dataset)):
                on_notice(notice)
        prune(connection, keep_builds=self.settings.keep_builds, current=record.build_id)

    def wait(self, record: BuildRecord) -> None:
        meta.write_log(self.connection, record)
        prune_waiting(self.connection, keep_builds=self.settings.keep_builds)

    def replaces(self, build_id: str) -> str | None:
        if build_id not in kept_builds(self.connection):
            raise CloudError(
                f"nothing is kept of build {build_id}",
                "build again: another build was published since, or it was deleted",
            )
        builds = f"`{self.connection.names.kept}`.`{kept_name(BUILDS, build_id)}`"
        [(before,)] = self.connection.rows(f"select max(build_id) from {builds} where build_id < '{build_id}'")
        return None if before is None else str(before)

    # What readers and operators ask

    def schema(self, layer: str) -> str:
        return self.connection.names.of(layer)

    def columns(self, layer: str) -> tuple[tuple[str, str, str], ...]:
        found = self.connection.rows_if_there(
            f"select table_name, column_name, data_type from {self.schema(layer)}.INFORMATION_SCHEMA.COLUMNS "
            "order by table_name, ordinal_position"
        )
        return tuple((str(table), str(column), str(type_)) for table, column, type_ in found)

    def query(self, sql: str, parameters: Sequence[Any] = (), *, failed: bool = False) -> Rows:
        if failed:
            audit = self.connection.names.audit
            raise UnsupportedError(f"the tables of a failed build are in the dataset {audit}", "query them there")
        with self.errors("the query"):
            return answer(self.connection, sql, parameters)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        with self.errors("the query"):
            yield reading(self.connection)

    def contents(self) -> Contents:
        connection = self.connection
        current = self.current_build()
        if current is None:
            return Contents(None, State(frozenset(), None))
        [(count, last, revenue)] = connection.rows(
            "select count(*), max(order_purchase_timestamp), "
            f"coalesce(sum(if(is_valid_sale, revenue, 0)), 0) from {connection.names.of('marts')}.fact_orders"
        )
        return Contents(current, meta.state_of_published(connection), (count, last, revenue))

    def builds(self) -> Builds:
        connection = self.connection
        kept = set(restorable(connection, kept_builds(connection)))
        return Builds(meta.read_log(connection), self.current_build(), kept)

    def failures(self, build_id: str) -> Sequence[str]:
        del build_id  # the log of builds counts them
        return []

    def rollback(self, build_id: str | None, waiting: OnNotice) -> str:
        with self.errors("the rollback"), self._alone(waiting):
            kept = kept_builds(self.connection)
            kept = {build: kept[build] for build in restorable(self.connection, kept)}
            current = self.current_build()
            older = [build for build in kept if current is not None and build < current]
            restored = build_id or (older[-1] if older else None)
            if restored is None:
                raise CloudError(f"no build older than {current} is kept", "`armazem builds` lists them")
            if restored not in kept:
                raise CloudError(f"nothing is kept of build {restored}", "`armazem builds` lists what can be restored")
            publish_kept(self.connection, restored, kept)
            return restored

    def scanned(self, plan: Plan) -> Callable[[str], int | None]:
        self._lay_out(plan, with_tables=True)

        def scan(sql: str) -> int | None:
            try:
                return self.connection.query(sql, dry_run=True).total_bytes_processed or 0
            except exceptions.NotFound:  # a table that this build makes first
                return None

        return scan


def _row_counts(connection: Connection, layout: Layout) -> tuple[tuple[str, int], ...]:
    names = connection.names
    counted = [(one.dataset.removeprefix(names.prefix), one.table) for one in layout if one.dataset != names.meta]
    sql = " union all ".join(
        f"select '{layer}.{table}', count(*) from `{names.audit}`.`{table}`" for layer, table in counted
    )
    return tuple(sorted((str(label), int(rows)) for label, rows in connection.rows(sql)))
