"""The client, the names of the datasets, and queries within the limits of the settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

from google.api_core import exceptions
from google.cloud import bigquery

from armazem.config import Settings
from armazem.targets.bigquery.client import connect, retrying
from armazem.targets.bigquery.datasets import Datasets, datasets

_TYPES = {str: "STRING", int: "INT64", date: "DATE"}


@dataclass(frozen=True)
class Connection:
    """`client` with the settings that every call needs."""

    settings: Settings
    client: bigquery.Client
    names: Datasets

    @classmethod
    def of(cls, settings: Settings) -> Connection:
        """A connection by these settings. Raises CloudError where there are no credentials or no project."""
        return cls(settings, connect(settings), datasets(settings))

    @property
    def retry(self) -> Any:
        return retrying(self.settings)

    def query(self, sql: str, parameters: Sequence[Any] = (), *, dry_run: bool = False) -> bigquery.QueryJob:
        """A query job, begun; each `?` in it is one of the parameters, a value or Google's array of them.

        Raises what Google's client raises.
        """
        config = bigquery.QueryJobConfig(dry_run=dry_run)
        if parameters:
            config.query_parameters = [_parameter(value) for value in parameters]
        if dry_run:
            config.use_query_cache = False
        elif self.settings.bigquery_maximum_bytes_billed:
            config.maximum_bytes_billed = self.settings.bigquery_maximum_bytes_billed
        # With a job_retry the client would try for ten minutes to begin the job, whatever `retry` says.
        return self.client.query(sql, job_config=config, retry=self.retry, job_retry=None)

    def answer(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The rows of the answer, as the client gives them."""
        return self.query(sql, parameters).result(retry=self.retry, job_retry=None)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        return [tuple(row.values()) for row in self.answer(sql)]

    def rows_if_there(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows, none where the table or its dataset does not exist."""
        try:
            return self.rows(sql)
        except exceptions.NotFound:
            return []

    def table_id(self, dataset: str, table: str) -> str:
        return f"{self.client.project}.{dataset}.{table}"

    def fields(self, dataset: str, table: str) -> list[bigquery.SchemaField]:
        """A table's columns, none where it does not exist."""
        try:
            return list(self.client.get_table(self.table_id(dataset, table), retry=self.retry).schema)
        except exceptions.NotFound:
            return []

    def tables(self, dataset: str) -> list[str]:
        """Names of the tables and views of a dataset, none where it does not exist."""
        try:
            return [item.table_id for item in self.client.list_tables(dataset, retry=self.retry)]
        except exceptions.NotFound:
            return []

    def create_datasets(self, published: Iterable[str] = ()) -> None:
        """Make the datasets that do not exist, in the location of the settings: those of every warehouse, and these."""
        existing = {item.dataset_id for item in self.client.list_datasets(retry=self.retry)}
        for name in (self.names.raw, self.names.audit, self.names.kept, self.names.meta, *published):
            if name not in existing:
                dataset = bigquery.Dataset(f"{self.client.project}.{name}")
                dataset.location = self.settings.bigquery_location
                self.client.create_dataset(dataset, exists_ok=True, retry=self.retry)

    def append_json(
        self, table_id: str, rows: Sequence[dict[str, Any]], schema: Sequence[bigquery.SchemaField]
    ) -> None:
        """Add rows to a table, which is made where it does not exist, with one load job: all of them or none."""
        if not rows:
            self.client.create_table(bigquery.Table(table_id, schema=schema), exists_ok=True, retry=self.retry)
            return
        config = bigquery.LoadJobConfig(
            schema=schema,
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
        )
        # As a file, not with load_table_from_json: that sends it in one request, which is not taken up again.
        lines = BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
        self.client.load_table_from_file(lines, table_id, job_config=config).result(retry=self.retry)


def _parameter(value: Any) -> Any:
    if isinstance(value, bigquery.ArrayQueryParameter):
        return value
    return bigquery.ScalarQueryParameter(None, _TYPES[type(value)], value)
