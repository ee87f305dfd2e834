"""Where the service bqemulator 1.4.0 stands in for does otherwise. `apply` changes it, before it starts."""

from __future__ import annotations

import functools
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from bqemulator.api.dependencies import AppContext
from bqemulator.api.routes import jobs, tabledata, tables, upload
from bqemulator.catalog.models import JobMeta, TableMeta
from bqemulator.domain.errors import AlreadyExistsError, InternalError, InvalidQueryError
from bqemulator.domain.events import TableDataChanged
from bqemulator.grpc_api import write_servicer
from bqemulator.jobs import executor
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns
from bqemulator.versioning.snapshots import SnapshotManager
from duckdb import DuckDBPyConnection

Configuration = dict[str, Any]


def apply(engine: DuckDBEngine) -> None:
    no_snapshots()
    a_cursor_per_thread()
    job_ids_are_kept()
    loads_are_whole()
    copies_take_every_source()
    tables_know_their_rows(engine)
    a_new_schema_changes_the_table(engine)
    lists_say_how_tables_are_made()
    no_retries_of_its_own_errors()
    appends_know_the_fields_of_records()


def no_snapshots() -> None:
    """Every change copied the whole table, for time travel. Now it only tells materialized views."""

    def record_change(self: SnapshotManager, project_id: str, dataset_id: str, table_id: str) -> None:
        self._events.publish(TableDataChanged(project_id, dataset_id, table_id))

    SnapshotManager.record_change = record_change


def a_cursor_per_thread() -> None:
    """REST and gRPC shared one connection: a query during AppendRows waited for ever."""
    shared = DuckDBEngine.connection.fget  # complains if the engine has not started
    own = threading.local()

    def connection(self: DuckDBEngine) -> DuckDBPyConnection:
        if getattr(own, "of", None) is not shared(self):
            own.of, own.cursor = shared(self), shared(self).cursor()
            own.cursor.execute("set TimeZone = 'UTC'")  # the setting of a session, not of the database
        return own.cursor

    DuckDBEngine.connection = property(connection)


def job_ids_are_kept() -> None:
    """Uploads got an id of its own, and a job that came twice ran twice. BigQuery answers 409 to the second."""
    asked_for: ContextVar[str] = ContextVar("asked_for")  # the id of the upload at hand
    envelope_read, load, invented = upload._load_configuration_from_envelope, upload._run_load, upload._new_job_id

    def read_envelope(envelope: dict[str, Any]) -> Configuration:
        return {**envelope_read(envelope), "jobId": envelope.get("jobReference", {}).get("jobId") or invented()}

    async def run_load(*, project_id: str, configuration: Configuration, media_path: str, ctx: AppContext) -> Any:
        configuration = dict(configuration)
        asked_for.set(configuration.pop("jobId"))
        refuse_a_second(ctx, project_id, asked_for.get())
        return await load(project_id=project_id, configuration=configuration, media_path=media_path, ctx=ctx)

    upload._load_configuration_from_envelope = read_envelope
    upload._run_load = run_load
    upload._new_job_id = asked_for.get

    def once(run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(run)
        async def checked(project_id: str, job_id: str, config: Configuration, *rest: Any, **named: Any) -> Any:
            refuse_a_second(named["ctx"] if "ctx" in named else rest[0], project_id, job_id)
            return await run(project_id, job_id, config, *rest, **named)

        return checked

    for name in ("_handle_query_job", "_handle_load_job_with_async_envelope", "execute_copy_job"):
        setattr(jobs, name, once(getattr(jobs, name)))


def refuse_a_second(ctx: AppContext, project_id: str, job_id: str) -> None:
    if ctx.catalog.get_job(project_id, job_id) is not None:
        raise AlreadyExistsError(f"Already Exists: Job {project_id}:US.{job_id}")


def loads_are_whole() -> None:
    """Parquet was read by position, `output_rows` counted the table, and a broken upload loaded what had arrived."""
    load = executor.execute_load_job

    def load_parquet(path: str, target: str, ctx: AppContext) -> None:
        ctx.engine.execute(f"insert into {target} by name select * from read_parquet(?)", [path])

    async def execute_load_job(project_id: str, job_id: str, config: Configuration, ctx: AppContext) -> JobMeta:
        table = config["load"]["destinationTable"]
        meta = ctx.catalog.get_table(table.get("projectId", project_id), table["datasetId"], table["tableId"])
        append = config["load"].get("writeDisposition", "WRITE_APPEND") == "WRITE_APPEND"
        before = count_rows(ctx.engine, meta) if meta is not None and append else 0
        job = await load(project_id, job_id, config, ctx)
        statistics = job.statistics["load"]
        statistics["outputRows"] = str(int(statistics["outputRows"]) - before)
        return job

    executor._LOAD_FORMAT_HANDLERS["PARQUET"] = load_parquet
    upload.execute_load_job = jobs.execute_load_job = execute_load_job
    upload._iter_request_body = lambda request: request.stream()  # raises when the client is gone
    upload._PERMITTED_MEDIA_CONTENT_TYPES += ("*/*",)  # as Google's client calls every file


def copies_take_every_source() -> None:
    """Only the first of several tables was copied; the default is WRITE_EMPTY; a truncated table gets a new schema."""
    copy = jobs.execute_copy_job

    async def execute_copy_job(project_id: str, job_id: str, config: Configuration, ctx: AppContext) -> JobMeta:
        wanted = {"writeDisposition": "WRITE_EMPTY", **config["copy"]}
        sources = wanted.pop("sourceTables", None) or [wanted["sourceTable"]]
        if wanted["writeDisposition"] == "WRITE_TRUNCATE" and wanted.get("operationType", "COPY") == "COPY":
            to = wanted["destinationTable"]
            names = (to.get("projectId", project_id), to["datasetId"], to["tableId"])
            if (there := ctx.catalog.get_table(*names)) is not None:
                _check_copy(ctx, project_id, sources, there)
                ctx.engine.execute(f"drop table {quoted_table_ref(*names)}")
                ctx.catalog.delete_table(*names)
        for source in sources:
            job = await copy(project_id, job_id, {**config, "copy": {**wanted, "sourceTable": source}}, ctx)
            wanted["writeDisposition"] = "WRITE_APPEND"
        return job.model_copy(update={"configuration": config})

    jobs.execute_copy_job = execute_copy_job


def _check_copy(ctx: AppContext, project_id: str, sources: list[dict[str, str]], there: TableMeta) -> None:
    """BigQuery replaces rows and columns of a table, not its partitioning and clustering, and copies onto no view."""
    if there.table_type != "TABLE":
        raise InvalidQueryError(f"Cannot copy to {there.dataset_id}.{there.table_id}: it is a {there.table_type}")
    for source in sources:
        new = ctx.catalog.get_table(source.get("projectId", project_id), source["datasetId"], source["tableId"])
        if new is not None and _make(new) != _make(there):
            raise InvalidQueryError(
                f"Incompatible table partitioning specification. Expects partitioning specification {_make(there)}, "
                f"but input partitioning specification is {_make(new)}"
            )


def _make(meta: TableMeta) -> tuple[object, ...]:
    partitioning = meta.time_partitioning
    return (
        partitioning and (partitioning.type, partitioning.field),
        meta.range_partitioning,
        meta.clustering and meta.clustering.fields,
    )


def tables_know_their_rows(engine: DuckDBEngine) -> None:
    """`num_rows` was that of the last load: no DML, script or copy changed it."""
    shown = tables._table_to_rest

    def table_to_rest(meta: TableMeta) -> dict[str, Any]:
        counted = meta.table_type in ("TABLE", "CLONE", "SNAPSHOT")
        return shown(meta.model_copy(update={"num_rows": count_rows(engine, meta)}) if counted else meta)

    tables._table_to_rest = table_to_rest


def a_new_schema_changes_the_table(engine: DuckDBEngine) -> None:
    """It was written down only. BigQuery adds its new columns, also those of records, and takes none away."""
    read = tables._rest_to_table_meta

    def rest_to_table_meta(
        project_id: str, dataset_id: str, body: dict[str, Any], clock: Any, existing: TableMeta | None = None
    ) -> TableMeta:
        meta = read(project_id, dataset_id, body, clock, existing)
        if existing is not None and meta.schema_ != existing.schema_:
            _check_names(_names(existing.schema_.fields), _names(meta.schema_.fields))
            there = {field.name for field in existing.schema_.fields}
            types = bq_schema_to_duckdb_columns([tables._field_to_rest(field) for field in meta.schema_.fields])
            listed = ", ".join(
                f"cast({_quoted(name) if name in there else 'null'} as {type_}) as {_quoted(name)}"
                for name, type_ in types
            )
            table = quoted_table_ref(existing.project_id, existing.dataset_id, existing.table_id)
            engine.execute(f"create or replace table {table} as select {listed} from {table}")
        return meta

    tables._rest_to_table_meta = rest_to_table_meta


def _quoted(name: str) -> str:
    return f'"{name}"'


def _names(fields: Any, above: str = "") -> set[str]:
    return {name for field in fields for name in (above + field.name, *_names(field.fields, f"{above}{field.name}."))}


def _check_names(before: set[str], after: set[str]) -> None:
    if missing := before - after:
        raise InvalidQueryError(f"Provided Schema does not match Table. Field {min(missing)} is missing in new schema")


def lists_say_how_tables_are_made() -> None:
    """A list named the tables and their types only. BigQuery's says how they are partitioned and clustered too."""
    listed = tables._table_to_list_item

    def table_to_list_item(meta: TableMeta) -> dict[str, Any]:
        shown = tables._table_to_rest(meta.model_copy(update={"table_type": "VIEW"}))  # without counting rows
        return listed(meta) | {name: shown[name] for name in ("timePartitioning", "clustering") if name in shown}

    tables._table_to_list_item = table_to_list_item


def count_rows(engine: DuckDBEngine, meta: TableMeta) -> int:
    table = quoted_table_ref(meta.project_id, meta.dataset_id, meta.table_id)
    return engine.execute(f"select count(*) from {table}").fetchone()[0]


def no_retries_of_its_own_errors() -> None:
    """Its unexpected errors are answered 500 `internalError`, which Google's client retries for ten minutes."""
    InternalError.bq_reason = "emulatorError"


def appends_know_the_fields_of_records() -> None:
    """AppendRows took records for empty ones: it left out the fields below them."""

    def arrow_schema(meta: TableMeta) -> Any:
        return tabledata._build_arrow_schema([tables._field_to_rest(field) for field in meta.schema_.fields])

    write_servicer._table_arrow_schema = arrow_schema
