"""The query behind a KPI answer. Values are bound as parameters, names come from the tables' own."""

from __future__ import annotations

import unicodedata
from typing import Any

from armazem.config import Settings
from armazem.contract.identifiers import canonical
from armazem.kpis.catalogue import Kpi
from armazem.kpis.filters import FILTERS, Filters, check_filters
from armazem.targets.registry import target_of
from armazem.targets.rows import Rows

Query = tuple[str, tuple[Any, ...]]
_COMPARED = {"from": ">=", "to": "<="}
_ALL_ROWS = 10**12
_NO_FILTERS = Filters()


def kpi_query(kpi: Kpi, filters: Filters, *, schema: str = "", quote: str = '"', where: str | None = None) -> Query:
    """SQL and parameters for the rows of a KPI. `schema`: that its target has for it; `quote`: around names.
    `where`: one more condition, in SQL, of somebody who may ask anything.

    Raises FilterError.
    """
    condition, parameters = _condition(kpi, filters, where, quote)
    order = dict.fromkeys((filters.order, *kpi.order_by) if filters.order else kpi.order_by)
    by = ", ".join(_sorted_by(column, quote) for column in order) or "1"
    sql = f"select * from {schema or kpi.schema}.{kpi.name}{condition} order by {by}"
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
    target = target_of(settings)
    with target.errors("the query"):
        query = kpi_query(kpi, filters, schema=target.schema(kpi.schema), quote=target.quote, where=where)
        return target.query(*query)


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
