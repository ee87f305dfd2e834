"""The dataset `raw` and its tables: one per source table, the ledger `loads` and the `rejects`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from google.api_core import exceptions
from google.cloud import bigquery

from armazem.config import Settings
from armazem.contract import TABLES, ColumnType, Table
from armazem.contract.event_record import dead_letter_schema, event_schema
from armazem.contract.render import bigquery_schema
from armazem.errors import CloudError
from armazem.targets.bigquery.client import REQUEST_SECONDS, connect, retrying
from armazem.targets.bigquery.columns import add_columns
from armazem.targets.bigquery.datasets import datasets

LOADS = "loads"
REJECTS = "rejects"
EVENTS = "events"
DEAD_LETTERS = "dead_letters"
_MOST_CLUSTERING_COLUMNS = 4  # BigQuery's limit

Schema = list[dict[str, Any]]


def _column(name: str, type_: str, description: str) -> dict[str, str]:
    return {"name": name, "type": type_, "mode": "NULLABLE", "description": description}


_OF_EVERY_ROW: Schema = [
    _column("_load_id", "STRING", "The load that the row came with."),
    _column("_row", "INT64", "Number of the row among the accepted ones of its file, from 0."),
    _column("_load_date", "DATE", "UTC day of the load."),
]
_LOADS: Schema = [
    _column("load_id", "STRING", "Identifier of the load: the UTC time at which it began."),
    _column("table", "STRING", "The source table."),
    _column("path", "STRING", "The file."),
    _column("sha256", "STRING", "Digest of the file's bytes."),
    _column("size_bytes", "INT64", "Length of the file."),
    _column("rows_read", "INT64", "Records of the file."),
    _column("rows_accepted", "INT64", "Rows landed."),
    _column("rows_rejected", "INT64", "Rows in `rejects`."),
    _column("seconds", "FLOAT64", "What reading the file took."),
    _column("loaded_at", "TIMESTAMP", "When the file had been read."),
    _column("encoding", "STRING", "How the file was read."),
    _column(
        "as_of", "TIMESTAMP", "How old the extract is, where that was told; null: as old as the newest time in it."
    ),
    _column("withdrawn_at", "TIMESTAMP", "When the load was withdrawn; null: it counts."),
]
_REJECTS: Schema = [
    _column("load_id", "STRING", "The load."),
    _column("table", "STRING", "The source table."),
    _column("file", "STRING", "The file."),
    _column("line", "INT64", "Line of the file where the record begins."),
    _column("column", "STRING", "The column that is wrong; null where the record as a whole is."),
    _column("code", "STRING", "What is wrong, as a code of the contract."),
    _column("message", "STRING", "What is wrong, in words."),
    _column("raw", "STRING", "The record."),
    _column("raw_base64", "STRING", "The bytes of a record that is no text."),
]


class Raw:
    """The dataset, through a client of its own. Raises google's errors: callers wrap them in `cloud_errors`."""

    def __init__(self, settings: Settings) -> None:
        """Connect. Raises CloudError without credentials or project."""
        self.settings = settings
        self.client = connect(settings)
        self.project: str = self.client.project
        self.dataset = datasets(settings).raw
        self.retry = retrying(settings)

    def table(self, name: str) -> str:
        """The full name of a table."""
        return f"{self.project}.{self.dataset}.{name}"

    def open_dataset(self) -> None:
        """Create the dataset where it is missing. Who may not create one can still use an existing one.

        Raises CloudError where it is in another location: jobs would not find it there.
        """
        name, wanted = f"{self.project}.{self.dataset}", self.settings.bigquery_location
        try:
            dataset = self.client.get_dataset(name, retry=self.retry, timeout=REQUEST_SECONDS)
        except exceptions.NotFound:
            new = bigquery.Dataset(name)
            new.location = wanted
            dataset = self.client.create_dataset(new, exists_ok=True, retry=self.retry, timeout=REQUEST_SECONDS)
        if dataset.location and dataset.location.lower() != wanted.lower():
            raise CloudError(
                f"the dataset {name} is in {dataset.location}, not in {wanted}",
                f"set ARMAZEM_BIGQUERY_LOCATION to {dataset.location}, or use another ARMAZEM_BIGQUERY_DATASET_PREFIX",
            )

    def create_tables(self, loaded: Collection[str]) -> None:
        """Create the tables that are missing, of all sources: who reads them need not ask which were loaded.

        The tables of this load, the ledger and that of events get the columns that an older armazem did not know.
        """
        listed = self.client.list_tables(f"{self.project}.{self.dataset}", retry=self.retry, timeout=REQUEST_SECONDS)
        there = {table.table_id for table in listed}
        for table in [*map(self._source, TABLES), self._loads(), self._rejects(), *self._of_events()]:
            if table.table_id not in there:
                self.client.create_table(table, exists_ok=True, retry=self.retry, timeout=REQUEST_SECONDS)
            elif table.table_id in {LOADS, EVENTS, *loaded}:
                add_columns(self.client, self.settings, self.table(table.table_id), table.schema)

    def query(self, sql: str, **parameters: tuple[str, Any]) -> None:
        """Run a statement to its end. Parameters: name=(type, value)."""
        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter(name, type_, value) for name, (type_, value) in parameters.items()
            ]
        )
        if self.settings.bigquery_maximum_bytes_billed:
            config.maximum_bytes_billed = self.settings.bigquery_maximum_bytes_billed
        # With a job_retry the client goes on for ten minutes, and then some, whatever `retry` says.
        job = self.client.query(sql, job_config=config, retry=self.retry, job_retry=None, timeout=REQUEST_SECONDS)
        job.result(retry=self.retry, job_retry=None)

    def _source(self, table: Table) -> bigquery.Table:
        created = self._table(table.name, table.description)
        created.time_partitioning = bigquery.TimePartitioning(
            type_=bigquery.TimePartitioningType.DAY, field="_load_date"
        )
        created.clustering_fields = clustering(table)
        return created

    def _loads(self) -> bigquery.Table:
        return self._table(LOADS, "One row per file of a load. A load whose rows are not here did not happen.")

    def _rejects(self) -> bigquery.Table:
        created = self._table(REJECTS, "The rows that were refused, with place and reason.")
        created.clustering_fields = ["load_id"]
        return created

    def _of_events(self) -> list[bigquery.Table]:
        events = self._table(EVENTS, "Accepted events, one row per message; one event may have two.")
        refused = self._table(DEAD_LETTERS, "Refused messages, with place and reason.")
        for table in (events, refused):
            table.time_partitioning = bigquery.TimePartitioning(
                type_=bigquery.TimePartitioningType.DAY, field="received_at"
            )
        events.clustering_fields = ["event_type", "event_id"]
        return [events, refused]

    def _table(self, name: str, description: str) -> bigquery.Table:
        created = bigquery.Table(self.table(name), schema=fields(name))
        created.description = description
        return created


def schema(name: str) -> Schema:
    """The columns of a table of `raw`, as the API has them."""
    if name == LOADS:
        return _LOADS
    if name == REJECTS:
        return _REJECTS
    if name == EVENTS:
        return event_schema()
    if name == DEAD_LETTERS:
        return dead_letter_schema()
    [table] = [table for table in TABLES if table.name == name]
    return [*bigquery_schema(table), *_OF_EVERY_ROW]


def fields(name: str) -> list[bigquery.SchemaField]:
    """The columns of a table of `raw`, as the client has them."""
    return [bigquery.SchemaField.from_api_repr(column) for column in schema(name)]


def clustering(table: Table) -> list[str]:
    """The columns that sort a source table: those of its key, or else its zip prefix."""
    by = list(table.key) or [column.name for column in table.columns if column.type is ColumnType.ZIP]
    return by[:_MOST_CLUSTERING_COLUMNS]
