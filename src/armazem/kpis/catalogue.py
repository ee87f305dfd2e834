"""The KPI tables: names, what they show, what they can be filtered by, and in which order they are read best.

Each of ours is declared under `meta: kpi:` of its model in dbt/models/kpis; own.py has those of a user's own models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from armazem.build.descriptions import TableText, layer_texts
from armazem.build.kpi_meta import bad_meta, declared
from armazem.errors import QueryError

_LAYER = "kpis"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One table of schema `kpis`, or of `own`: see build/kpi_meta.py for what it declares.

    `columns`: name to meaning, in the order of the table. `types`: of an own model, column to kind: see `kind_of`.
    """

    name: str
    title: str
    description: str
    columns: Mapping[str, str] = field(hash=False)
    order_by: tuple[str, ...]
    filters: Mapping[str, str] = field(hash=False)
    grains: tuple[str, ...] = ()
    head: str = "true"
    place: int = 1_000
    schema: str = _LAYER
    types: Mapping[str, str] = field(default_factory=dict, hash=False)
    chart: str = "none"
    x: str = ""
    y: tuple[str, ...] = ()


def kpi_of(name: str, text: TableText) -> Kpi:
    """The KPI as its model declares it. Raises BuildError where that is incomplete, or names what is not there."""
    found = declared(name, text.columns, text.meta["kpi"])
    for needed in ("title", "order_by", "filters"):
        if needed not in text.meta["kpi"]:
            raise bad_meta(name, f"it has no {needed}")
    return Kpi(
        name, found.title, text.description, text.columns, found.order_by, found.filters or {}, found.grains,
        found.head, found.place,
    )  # fmt: skip


def _kpis() -> tuple[Kpi, ...]:
    found = [kpi_of(name, text) for name, text in layer_texts(_LAYER).items() if "kpi" in text.meta]
    return tuple(sorted(found, key=lambda kpi: (kpi.place, kpi.name)))


KPIS: tuple[Kpi, ...] = _kpis()
"""Ours."""


def find_kpi(name: str, own: Sequence[Kpi] = ()) -> Kpi:
    """The KPI of this name, with or without `agg_`, of ours and of own models; a build lets no name be both.

    Raises QueryError naming those there are.
    """
    known = (*KPIS, *own)
    by_name = {kpi.name.removeprefix("agg_"): kpi for kpi in known} | {kpi.name: kpi for kpi in known}
    if name in by_name:
        return by_name[name]
    raise QueryError(f"there is no KPI {name!r}", "one of " + ", ".join(kpi.name for kpi in known))


def is_ours(name: str) -> bool:
    return any(name in (kpi.name, kpi.name.removeprefix("agg_")) for kpi in KPIS)


Kind = Literal["string", "integer", "decimal", "number", "timestamp", "boolean", "date", "other"]
"""What a column can be, of DuckDB's types and BigQuery's."""

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("VARCHAR", "STRING", "UUID"), "string"),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "INT64"), "integer"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer"),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "BIGNUMERIC"), "decimal"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "FLOAT64"), "number"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATETIME"), "timestamp"),
    **dict.fromkeys(("BOOLEAN", "BOOL"), "boolean"),
    "DATE": "date",
}


def kind_of(type_: str) -> Kind:
    """Return the kind of a column, by the name of its type."""
    return "other" if type_.endswith("]") else _KINDS.get(type_.partition("(")[0], "other")
