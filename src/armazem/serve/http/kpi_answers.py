"""Answers of `/v1/kpis`: rows of one version of the warehouse as JSON or CSV, with a tag that tells answers apart."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import starmap
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from armazem import __version__
from armazem.kpis.catalogue import KPIS, Kind, Kpi, kind_of
from armazem.kpis.filters import Filters, filters_of
from armazem.kpis.formats import to_csv
from armazem.kpis.own import own_kpis
from armazem.kpis.query import Query, count_query, kpi_query
from armazem.serve.http.answers import to_json
from armazem.targets.duckdb.query import Published
from armazem.targets.rows import Rows

Media = Literal["application/json", "text/csv"]
MEDIA: dict[str, Media] = {"json": "application/json", "csv": "text/csv"}
_COLUMNS: Query = (
    "select table_schema, table_name, column_name, data_type from information_schema.columns "
    "where table_schema in ('kpis', 'own') order by table_schema, table_name, ordinal_position",
    (),
)
_Types = Mapping[tuple[str, str], Mapping[str, Kind]]
_KEPT_BYTES = 32 * 2**20


class Column(msgspec.Struct):
    """Of a KPI table. `type`: null until one build is published."""

    name: str
    type: Kind | None
    description: str


class Table(msgspec.Struct):
    """Rows of a KPI table."""

    name: str
    title: str
    build_id: Annotated[str, Meta(description="The build that all of this is of.")]
    total: Annotated[int, Meta(description="Rows that meet the filters, before limit and offset.")]
    limit: int | None
    offset: int
    columns: list[Column]
    rows: Annotated[list[Any], Meta(extra_json_schema={"items": {"type": "object"}})]


class Known(msgspec.Struct):
    """A filter of a KPI table. `schema`: JSON Schema of its values."""

    name: str
    column: str | None
    description: str
    schema: Mapping[str, Any]


class Listed(msgspec.Struct):
    """A KPI table in the list of them."""

    name: str
    schema: str
    title: str
    description: str
    path: str
    filters: list[Known]
    order: Sequence[str]
    columns: list[Column]


class Catalogue(msgspec.Struct):
    """The KPI tables that there are."""

    build_id: str | None
    kpis: list[Listed]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole body. `total`: rows that meet the filters, before `limit` and `offset`."""

    etag: str
    body: bytes
    total: int


@dataclass(frozen=True)
class Question:
    """What a client asks for: a table, which of its rows, in which form."""

    kpi: Kpi
    filters: Filters
    media: Media

    def etag(self, build: str) -> str:
        """The same for the same answer only, of this version of the program."""
        return f'"{build}-{self._digest}"'

    @cached_property
    def _digest(self) -> str:
        asked = repr((kpi_query(self.kpi, self.filters), self.media, __version__))
        return hashlib.sha256(asked.encode()).hexdigest()[:24]


def answer(published: Published, question: Question) -> Answer:
    """All of it of one build. Raises HomeError where nothing is published, QueryError where DuckDB refuses."""
    kpi, filters = question.kpi, question.filters
    build, rows, total, columns = _of_one_build(published, kpi, filters)
    if question.media == "text/csv":
        body = to_csv(rows).encode()
    else:
        described = _columns(kpi, _types(columns.rows))
        found = list(starmap(_row_type(rows.columns), rows.rows))
        body = to_json(Table(kpi.name, kpi.title, build, total, filters.limit, filters.offset or 0, described, found))
    return Answer(question.etag(build), body, total)


def own_of(published: Published) -> tuple[Kpi, ...]:
    """The own models of the version; none where nothing is published. Raises HomeError or QueryError."""
    return own_kpis(published.query) if published.build_id() is not None else ()


def catalogue(published: Published) -> Answer:
    """All tables with their filters and columns; types are null until one build is published."""
    build = published.build_id()
    types: _Types = {}
    if build is not None:
        build, columns = published.query_build(*_COLUMNS)
        types = _types(columns.rows)
    kpis = (*KPIS, *own_of(published))
    tables = [
        Listed(
            kpi.name,
            kpi.schema,
            kpi.title,
            kpi.description,
            f"/v1/kpis/{kpi.name}",
            [Known(entry.name, kpi.filters.get(entry.name), entry.help, entry.schema) for entry in filters_of(kpi)],
            kpi.order_by,
            _columns(kpi, types),
        )
        for kpi in kpis
    ]
    body = to_json(Catalogue(build, tables))
    return Answer(f'"{hashlib.sha256(body).hexdigest()[:24]}"', body, len(kpis))


class KeptAnswers:
    """The last answers, by their tags, up to a number of bytes. For one thread."""

    def __init__(self, most_bytes: int = _KEPT_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def get(self, etag: str) -> Answer | None:
        found = self._kept.get(etag)
        if found:
            self._kept.move_to_end(etag)
        return found

    def keep(self, found: Answer) -> None:
        if found.etag in self._kept or len(found.body) > self._most // 8:
            return
        self._kept[found.etag] = found
        self._bytes += len(found.body)
        while self._bytes > self._most:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)


def _of_one_build(published: Published, kpi: Kpi, filters: Filters) -> tuple[str, Rows, int, Rows]:
    """The build, the rows, how many there are without `limit` and `offset`, and the columns of all tables."""
    # Versions are minutes apart: a second try meets no second change.
    while True:
        build, rows = published.query_build(*kpi_query(kpi, filters))
        columns_build, columns = published.query_build(*_COLUMNS)
        found, before = len(rows.rows), filters.offset or 0
        if (filters.limit is None or found < filters.limit) and (found or not before):
            counted_build, total = build, before + found  # they end here
        else:
            counted_build, counted = published.query_build(*count_query(kpi, filters))
            total = counted.rows[0][0]
        if build == columns_build == counted_build:
            return build, rows, total, columns


@lru_cache(maxsize=8 * len(KPIS))
def _row_type(columns: tuple[str, ...]) -> Callable[..., Any]:
    # Ten times as fast to fill as dictionaries, which with 100,000 rows would hold up the events.
    fields = {f"c{at}": name for at, name in enumerate(columns)}
    try:
        return msgspec.defstruct("Row", list(fields), rename=fields)
    except ValueError:  # a name of an own model's column has a quotation mark, a backslash or a control character
        return lambda *values: dict(zip(columns, values, strict=True))


@lru_cache(maxsize=2)
def _types(columns: tuple[tuple[Any, ...], ...]) -> _Types:
    """By schema and table, and column."""
    found: dict[tuple[str, str], dict[str, Kind]] = {}
    for schema, table, column, type_ in columns:
        found.setdefault((schema, table), {})[column] = kind_of(type_)
    return found


def _columns(kpi: Kpi, types: _Types) -> list[Column]:
    texts = kpi.columns
    found = types.get((kpi.schema, kpi.name)) or dict.fromkeys(texts)
    return [Column(name, kind, texts.get(name, "")) for name, kind in found.items()]
