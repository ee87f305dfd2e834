"""The query behind a KPI answer. Values are bound as parameters, names come from the tables' own."""

from __future__ import annotations

import unicodedata
from typing import Any

from armazem.config import Settings
from armazem.contract.identifiers import canonical
from armazem.kpis.catalogue import Kpi
from armazem.kpis.filters import FILTERS, Filters, check_filters
from armazem.targets.duckdb.confined import limits_of
from armazem.targets.duckdb.query import Rows, run_query

Query = tuple[str, tuple[Any, ...]]
_COMPARED = {"from": ">=", "to": "<="}
_ALL_ROWS = 10**12
_NO_FILTERS = Filters()


def kpi_query(kpi: Kpi, filters: Filters, *, prefix: str = "", quote: str = '"', where: str | None = None) -> Query:
    """SQL and parameters for the rows of a KPI. `prefix`: before the name of its schema; `quote`: around names.
    `where`: one more condition, in SQL, of somebody who may ask anything.

    Raises FilterError.
    """
    condition, parameters = _condition(kpi, filters, where, quote)
    order = dict.fromkeys((filters.order, *kpi.order_by) if filters.order else kpi.order_by)
    by = ", ".join(_sorted_by(column, quote) for column in order) or "1"
    sql = f"select * from {prefix}{kpi.schema}.{kpi.name}{condition} order by {by}"
    if filters.limit is None and not filters.offset:
        return sql, parameters
    # BigQuery has no `offset` without `limit`.
    return f"{sql} limit ? offset ?", (*parameters, filters.limit or _ALL_ROWS, filters.offset or 0)


def count_query(kpi: Kpi, filters: Filters) -> Query:
    """How many rows there are without `limit` and `offset`."""
    condition, parameters = _condition(kpi, filters, None, '"')
    return f"select count(*) from {kpi.schema}.{kpi.name}{condition}", parameters


def kpi_rows(settings: Settings, kpi: Kpi, filters: Filters = _NO_FILTERS, *, where: str | None = None) -> Rows:
    """Rows of a KPI, of the target of the settings. Raises FilterError, and QueryError for a wrong `where`."""
    if settings.target == "bigquery":
        from armazem.targets.bigquery.query import run_query as run_on_bigquery

        prefix = settings.bigquery_dataset_prefix
        return run_on_bigquery(settings, *kpi_query(kpi, filters, prefix=prefix, quote="`", where=where))
    return run_query(settings.home_folder, *kpi_query(kpi, filters, where=where), limits=limits_of(settings))


def _condition(kpi: Kpi, filters: Filters, where: str | None, quote: str) -> Query:
    check_filters(kpi, filters)
    conditions = [f"({where}\n)"] if where else []  # a remark at its end must not hide what follows
    parameters: list[Any] = []
    for entry in FILTERS:
        value = getattr(filters, entry.field)
        if value is not None and entry.name in kpi.filters:
            conditions.append(f"{_quoted(kpi.filters[entry.name], quote)} {_COMPARED.get(entry.name, '=')} ?")
            parameters.append(_as_stored(entry.name, value))
    return (" where " + " and ".join(conditions) if conditions else ""), tuple(parameters)


def _as_stored(name: str, value: Any) -> Any:
    """The value as the models write it: see dbt/macros/cleaning.sql."""
    if name == "state":
        return value.upper()
    if name in ("seller", "product"):
        return canonical(value.strip())
    if name == "city":
        apart = unicodedata.normalize("NFD", value.strip())
        return "".join(letter for letter in apart if not unicodedata.combining(letter)).lower()
    return value


def _sorted_by(column: str, quote: str) -> str:
    return f"{_quoted(column.removeprefix('-'), quote)}{' desc' if column.startswith('-') else ''} nulls last"


def _quoted(name: str, quote: str) -> str:
    return quote + name.replace(quote, 2 * quote) + quote
