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


def kpi_query(kpi: Kpi, filters: Filters, *, schema: str = "kpis", where: str | None = None) -> Query:
    """SQL and parameters for the rows of a KPI. `where`: one more condition, in SQL, of somebody who may ask anything.

    Raises FilterError.
    """
    condition, parameters = _condition(kpi, filters, where)
    order = dict.fromkeys((filters.order, *kpi.order_by) if filters.order else kpi.order_by)
    sql = f"select * from {schema}.{kpi.name}{condition} order by {', '.join(map(_sorted_by, order))}"
    if filters.limit is None and not filters.offset:
        return sql, parameters
    # BigQuery has no `offset` without `limit`.
    return f"{sql} limit ? offset ?", (*parameters, filters.limit or _ALL_ROWS, filters.offset or 0)


def count_query(kpi: Kpi, filters: Filters) -> Query:
    """How many rows there are without `limit` and `offset`."""
    condition, parameters = _condition(kpi, filters, None)
    return f"select count(*) from kpis.{kpi.name}{condition}", parameters


def kpi_rows(settings: Settings, kpi: Kpi, filters: Filters = _NO_FILTERS, *, where: str | None = None) -> Rows:
    """Rows of a KPI, of the target of the settings. Raises FilterError, and QueryError for a wrong `where`."""
    target = target_of(settings)
    with target.errors("the query"):
        return target.query(*kpi_query(kpi, filters, schema=target.schema("kpis"), where=where))


def _condition(kpi: Kpi, filters: Filters, where: str | None) -> Query:
    check_filters(kpi, filters)
    conditions = [f"({where}\n)"] if where else []  # a remark at its end must not hide what follows
    parameters: list[Any] = []
    for entry in FILTERS:
        value = getattr(filters, entry.field)
        if value is not None and entry.name in kpi.filters:
            conditions.append(f"{kpi.filters[entry.name]} {_COMPARED.get(entry.name, '=')} ?")
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


def _sorted_by(column: str) -> str:
    return f"{column.removeprefix('-')}{' desc' if column.startswith('-') else ''} nulls last"
