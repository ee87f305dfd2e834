"""A user's own models as KPIs: what the published version says that they declare, and which columns they have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from armazem.build.kpi_meta import Declared, declared
from armazem.config import Settings
from armazem.contract.layers import META, OWN
from armazem.errors import BuildError
from armazem.kpis.catalogue import Kpi, kind_of
from armazem.targets.registry import target_of
from armazem.targets.rows import Rows

_COLUMNS = (
    "select table_name, column_name, data_type from information_schema.columns "
    f"where table_schema = '{OWN}' order by table_name, ordinal_position"
)
_MODELS = "select name, description, columns, meta from {meta}.models where layer = 'own' and is_published"
# Of a model that does not say: which filter compares which column, the first that there is.
_FILTERED: Mapping[str, tuple[str, ...]] = {
    "state": ("state", "customer_state", "seller_state"),
    "city": ("city", "customer_city", "seller_city"),
    "seller": ("seller_id",),
    "product": ("product_id",),
    "category": ("category", "product_category"),
}
_TIMES = ("date", "timestamp")
_NUMBERS = ("integer", "decimal", "number")


def own_kpis(ask: Callable[[str], Rows]) -> tuple[Kpi, ...]:
    """Those of a version on DuckDB, by title; `ask` answers SQL. Raises as `ask` does."""
    columns = ask(_COLUMNS).rows
    # Of an older version that has no own models either nobody asks what it consists of: it does not say.
    return _own_kpis(ask(_MODELS.format(meta=META)).rows, columns) if columns else ()


def own_kpis_of(settings: Settings) -> tuple[Kpi, ...]:
    """Those of the target of the settings, none where nothing is published. Raises QueryError or CloudError."""
    target = target_of(settings)
    with target.errors("the query"):
        columns = target.columns(OWN) if target.current_build() is not None else ()
        return _own_kpis(target.query(_MODELS.format(meta=target.schema(META))).rows, columns) if columns else ()


@lru_cache(maxsize=2)
def _own_kpis(models: tuple[tuple[Any, ...], ...], columns: tuple[tuple[Any, ...], ...]) -> tuple[Kpi, ...]:
    types: dict[str, dict[str, str]] = {}
    for table, column, type_ in columns:
        types.setdefault(table, {})[column] = kind_of(type_)
    found = [
        own_kpi(name, description, types[name], json.loads(texts), json.loads(meta))
        for name, description, texts, meta in models
        if name in types
    ]
    return tuple(sorted(found, key=lambda kpi: (kpi.place, kpi.title, kpi.name)))


def own_kpi(
    name: str, description: str, types: Mapping[str, str], texts: Mapping[str, str], meta: Mapping[str, Any]
) -> Kpi:
    """Return the KPI of a model, `types` of whose columns are their kinds; what it does not declare follows from them.

    What it declares of columns that its table does not have is left out: a build with `--select` may have published
    what another model says anew beside its old table, and a version of another armazem may know other words.
    """
    try:
        said = declared(name, None, meta.get("kpi") or {})
    except BuildError:
        said = Declared()
    there = {column.lower(): column for column in types}
    meanings = {column.lower(): text for column, text in texts.items()}
    order = dict.fromkeys(
        _named(column, there) for column in said.order_by if column.removeprefix("-").lower() in there
    )
    # A `-` in front would say: the largest first.
    sortable = [column for column, kind in types.items() if kind != "other" and not column.startswith("-")]
    order |= dict.fromkeys(column for column in sortable if f"-{column}" not in order)
    filters = said.filters if said.filters is not None else _filters(types)
    x = there.get(said.x.lower()) or _across(types)
    y = tuple(there[column.lower()] for column in said.y if column.lower() in there) or _upwards(types, x)
    return Kpi(
        name=name,
        title=said.title or name.removeprefix("agg_").replace("_", " ").capitalize(),
        description=description,
        columns={column: meanings.get(column.lower(), "") for column in types},
        order_by=tuple(order),
        filters={key: there[column.lower()] for key, column in filters.items() if column.lower() in there},
        grains=said.grains,
        place=said.place,
        schema=OWN,
        types=dict(types),
        chart=(said.chart or ("line" if types[x] in _TIMES else "bar")) if y else "none",
        x=x,
        y=y,
    )


def _named(column: str, there: Mapping[str, str]) -> str:
    falling = column.startswith("-")
    return f"{'-' if falling else ''}{there[column.removeprefix('-').lower()]}"


def _filters(types: Mapping[str, str]) -> dict[str, str]:
    day = next((column for column, kind in types.items() if kind == "date"), None)
    found = {"from": day, "to": day} if day else {}
    for name, columns in _FILTERED.items():
        if column := next((column for column in columns if types.get(column) == "string"), None):
            found[name] = column
    return found


def _across(types: Mapping[str, str]) -> str:
    """The column that a chart goes over: the first where it is a time, else the first text, else the first."""
    first = next(iter(types))
    texts = (column for column, kind in types.items() if kind == "string")
    return first if types[first] in _TIMES else next(texts, first)


def _upwards(types: Mapping[str, str], x: str) -> tuple[str, ...]:
    return tuple(column for column, kind in types.items() if kind in _NUMBERS and column != x)[:1]
