"""The same shop in two warehouses: one in a home folder, one on BigQuery."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from emulator import Emulator
from google.cloud import bigquery
from warehouse.shop import Answer, Shop, armazem

from armazem.build.run import BuildReport, BuildRequest, build
from armazem.config import Settings
from armazem.landing import LoadResult, load
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.landing.raw import EVENTS, Raw, fields
from armazem.targets.duckdb.query import run_query
from armazem.targets.registry import target_of
from armazem.targets.rows import Rows

SCHEMAS = ("staging", "marts", "kpis", "features", "live")
# Views that look-ups of the embedded warehouse read, and nobody on BigQuery.
EMBEDDED_ONLY = {("live", "feature_changes")}
# Of all warehouses, which come one after the other: dbt parses for a prefix, and the emulator translates what has it.
PREFIX = "shop_"


def load_to_bigquery(path: Path | str, settings: Settings, **options: Any) -> LoadResult:
    """As the command does."""
    zone = target_of(settings).zone()
    return load(path, settings.home_folder, zone=zone, time_zone=settings.time_zone, **options)


class Cloud:
    """A warehouse on BigQuery, worked on through the real functions or the real command."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def of(cls, emulator: Emulator, home: Path, **more: Any) -> Cloud:
        given = {
            "home": home,
            "target": "bigquery",
            "bigquery_project": emulator.project,
            "bigquery_endpoint": emulator.url,
            "bigquery_dataset_prefix": PREFIX,
            "bigquery_retry_seconds": 5.0,
        }
        return cls(Settings(**{**given, **more}))

    def emptied(self) -> Cloud:
        """The warehouse without what the tests before left there."""
        google = Connection.of(self.settings).client
        for dataset in list(google.list_datasets()):
            if dataset.dataset_id.startswith(self.settings.bigquery_dataset_prefix):
                google.delete_dataset(dataset.reference, delete_contents=True)
        return self

    def load(self, folder: Path, **options: Any) -> Any:
        return load_to_bigquery(folder, self.settings, **options)

    def build(self, request: BuildRequest | None = None) -> BuildReport:
        return build(self.settings, request or BuildRequest())

    def append_events(self, lines: Sequence[bytes]) -> None:
        """The lines of a journal, as they are."""
        raw = Raw(self.settings)
        config = bigquery.LoadJobConfig(
            schema=fields(EVENTS), source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON
        )
        raw.client.load_table_from_file(BytesIO(b"".join(lines)), raw.table(EVENTS), job_config=config).result()

    def armazem(self, *arguments: object) -> Answer:
        with environment(self.settings):
            return armazem(*arguments, home=self.settings.home)

    def query(self, sql: str) -> Rows:
        return target_of(self.settings).query(sql)

    def tables(self, *schemas: str) -> dict[str, list[tuple[str, ...]]]:
        """Every published table, of these schemas or all, with its rows, as text, in an order of their own."""
        connection = Connection.of(self.settings)  # one for all of them: no dry run of each, as for a user's query
        found = {}
        for schema in schemas or SCHEMAS:
            dataset = f"{self.settings.bigquery_dataset_prefix}{schema}"
            for (name,) in connection.rows(f"select table_name from {dataset}.INFORMATION_SCHEMA.TABLES"):
                answer = connection.answer(f"select * from {dataset}.{name}")
                columns = tuple(field.name for field in answer.schema)
                found[f"{schema}.{name}"] = canonical(Rows(columns, tuple(tuple(row.values()) for row in answer)))
        return found


@contextmanager
def environment(settings: Settings) -> Iterator[None]:
    """The settings of the cloud as a user gives them to the command."""
    given = settings.model_dump(exclude={"home"}, exclude_unset=True)
    values = {f"ARMAZEM_{name.upper()}": str(value) for name, value in given.items()}
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def tables_of(shop: Shop, *schemas: str) -> dict[str, list[tuple[str, ...]]]:
    """Every published table, of these schemas or all, of a home folder, with its rows, as text, in their own order."""
    wanted = ", ".join(f"'{schema}'" for schema in schemas or SCHEMAS)
    listed = run_query(
        shop.home,
        f"select table_schema, table_name from information_schema.tables where table_schema in ({wanted})",
    )
    return {
        f"{schema}.{name}": canonical(run_query(shop.home, f"select * from {schema}.{name}"))
        for schema, name in listed.rows
        if (schema, name) not in EMBEDDED_ONLY
    }


def canonical(answer: Rows) -> list[tuple[str, ...]]:
    """The names of the columns, then the rows, sorted. Money is exact, other numbers to nine decimals.

    Without what is of the one warehouse only: the id of a load, the position in a journal; of the time at which a load
    told something only whether it did.
    """
    places = [place for place, name in enumerate(answer.columns) if name not in ("_load_id", "seq")]
    order = sorted(places, key=lambda place: answer.columns[place])
    told = {place for place in order if answer.columns[place] in ("created_timestamp", "recorded_at")}
    rows = sorted(
        tuple(str(row[place] is not None) if place in told else as_text(row[place]) for place in order)
        for row in answer.rows
    )
    return [tuple(answer.columns[place] for place in order), *rows]


def as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        parts = ((name, as_text(part)) for name, part in sorted(value.items()))
        # BigQuery has no null list, and the emulator no null record: an empty one.
        return str({name: part for name, part in parts if part not in ("None", "[]", "{}")})
    if isinstance(value, list):
        return str([as_text(part) for part in value])
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return repr(value)
    return f"{Decimal(str(value)):.9f}"


def differences(ours: dict[str, list[tuple[str, ...]]], cloud: dict[str, list[tuple[str, ...]]]) -> list[str]:
    """What is not the same, in words: tables, and the first rows that only one side has."""
    found = [f"only in one: {table}" for table in sorted(ours.keys() ^ cloud.keys())]
    for table in sorted(ours.keys() & cloud.keys()):
        if ours[table] != cloud[table]:
            here, there = set(ours[table]) - set(cloud[table]), set(cloud[table]) - set(ours[table])
            found.append(f"{table}: only here {sorted(here)[:2]}, only there {sorted(there)[:2]}")
    return found
