"""Questions with a table of their own to the published datasets. The table goes with the query, as its parameters:
nothing is written, so that who may read may ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from google.api_core import exceptions
from google.cloud import bigquery

from armazem.errors import QueryError
from armazem.targets.bigquery import meta
from armazem.targets.bigquery.connection import Connection
from armazem.targets.reader import Reader

REQUEST_BYTES = 3_000_000
"""Of parameters in one query, about: BigQuery takes ten million of a whole request."""

_ROW_BYTES = 20  # of a value, besides its text
_TYPES = {pa.int64(): "INT64", pa.string(): "STRING", pa.date32(): "DATE"}


@dataclass(frozen=True)
class DatasetReader(Reader):
    connection: Connection

    def schema(self, layer: str) -> str:
        return self.connection.names.of(layer)

    def answer(self, sql: str, requests: pa.Table | None = None) -> pa.Table:
        if requests is None:
            return self._ask(sql, [])
        arrays = " join ".join(
            f"unnest(cast(? as array<{_TYPES[field.type]}>)) as {field.name} with offset as place_{number}"
            + (f" on place_0 = place_{number}" if number else "")
            for number, field in enumerate(requests.schema)
        )
        given = f"with requests as (select {', '.join(requests.column_names)} from {arrays}) select * from ({sql})"
        answers = []
        for part in _parts(requests):
            parameters = [
                bigquery.ArrayQueryParameter(None, _TYPES[column.type], column.to_pylist())
                for column in part.itercolumns()
            ]
            answers.append(self._ask(given, parameters))
        return pa.concat_tables(answers)

    def newest(self, columns: Sequence[str]) -> str:
        """There is no ASOF join: rows of both are put in one order, and the greatest so far is the newest."""
        before = (
            "over (partition by entity_id order by day, is_request rows between unbounded preceding and current row)"
        )
        values, found, nothing, told = (
            "".join(f", {form.format(column)}" for column in columns)
            for form in (
                "coalesce({0}, 0) as {0}",
                f"max({{0}}) {before} as {{0}}",
                "cast(null as int64) as {0}",
                "{0}",
            )
        )
        return (
            f"select number{values} from (select number{found} from ("
            f"select 1 as is_request, number, entity_id, day{nothing} from requests union all "
            f"select 0 as is_request, null as number, entity_id, day{told} from history"
            ") as rows_of_both) as in_order where number is not null"
        )

    def is_of_one_build(self) -> bool:
        return meta.current_build(self.connection) == self.build

    def _ask(self, sql: str, parameters: list[bigquery.ArrayQueryParameter]) -> pa.Table:
        try:
            return self.connection.answer(sql, parameters).to_arrow(create_bqstorage_client=False)
        except exceptions.BadRequest as error:
            raise QueryError(f"BigQuery refuses the query: {error.message}") from error


def reading(connection: Connection) -> DatasetReader:
    """Return the reader of what is published. Raises QueryError where that is nothing."""
    build = meta.current_build(connection)
    if build is None:
        raise QueryError("nothing is published yet", "run `armazem load PATH` and `armazem build` first")
    return DatasetReader(build, connection)


def _parts(requests: pa.Table) -> Iterator[pa.Table]:
    rows = max(1, requests.num_rows)
    size = max(1, rows * REQUEST_BYTES // (requests.nbytes + rows * _ROW_BYTES * requests.num_columns))
    for start in range(0, requests.num_rows, size):
        yield requests.slice(start, size)
