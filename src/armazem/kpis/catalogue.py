"""The KPI tables: names, what they show, what they can be filtered by, and in which order they are read best.

Each is declared under `meta: kpi:` of its model in dbt/models/kpis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from armazem.build.descriptions import layer_texts
from armazem.errors import BuildError, QueryError

_LAYER = "kpis"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One table of schema `kpis`.

    `order_by`: columns, with `-` in front where the largest comes first; together they tell all rows apart, so that
    pages do not overlap. `filters`: filter to the column that it compares. `grains`: those that its column `grain` has.
    `head`: rows worth a first look, in SQL. `place`: among the KPIs, those without one last.
    """

    name: str
    title: str
    order_by: tuple[str, ...]
    filters: Mapping[str, str] = field(hash=False)
    grains: tuple[str, ...] = ()
    head: str = "true"
    place: int = 1_000


def declared(name: str, columns: Mapping[str, str], meta: Mapping[str, Any]) -> Kpi:
    """The KPI as its model declares it. Raises BuildError where that is incomplete, or names what is not there."""
    try:
        unknown = meta.keys() - Kpi.__slots__
        kpi = msgspec.convert({**meta, "name": name}, Kpi)
    except (msgspec.ValidationError, AttributeError) as error:
        raise _bad(name, str(error)) from error
    used = [column.removeprefix("-") for column in kpi.order_by] + list(kpi.filters.values())
    unknown |= {column for column in used if column not in columns}
    if unknown:
        raise _bad(name, f"it has no {', '.join(sorted(unknown))}")
    return kpi


def _bad(name: str, what: str) -> BuildError:
    return BuildError(f"meta.kpi of model {name} cannot be used: {what}", "docs/kpis.md says what it declares")


def _kpis() -> tuple[Kpi, ...]:
    found = [
        declared(name, text.columns, text.meta["kpi"])
        for name, text in layer_texts(_LAYER).items()
        if "kpi" in text.meta
    ]
    return tuple(sorted(found, key=lambda kpi: (kpi.place, kpi.name)))


KPIS: tuple[Kpi, ...] = _kpis()


def find_kpi(name: str) -> Kpi:
    """The KPI of this name, with or without `agg_`. Raises QueryError naming those there are."""
    for kpi in KPIS:
        if name in (kpi.name, kpi.name.removeprefix("agg_")):
            return kpi
    raise QueryError(f"there is no KPI {name!r}", "one of " + ", ".join(kpi.name for kpi in KPIS))
