"""What a model declares of itself as a KPI, under `meta: kpi:` of its YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from armazem.errors import BuildError

Chart = Literal["line", "bar", "none"]


@dataclass(frozen=True, slots=True)
class Declared:
    """`order_by`: columns, with `-` in front where the largest comes first; together they tell all rows apart, so that
    pages do not overlap. `filters`: filter to the column that it compares. `grains`: those that its column `grain` has.
    `head`: rows worth a first look, in SQL. `place`: among the KPIs, those without one last. `chart`: of an own model,
    of `y` over `x`; all three are found out of its columns where they are not said.
    """

    title: str = ""
    order_by: tuple[str, ...] = ()
    filters: Mapping[str, str] | None = field(default=None, hash=False)
    grains: tuple[str, ...] = ()
    head: str = "true"
    place: int = 1_000
    chart: Chart | None = None
    x: str = ""
    y: tuple[str, ...] = ()


FILTERS = ("from", "to", "grain", "level", "state", "city", "seller", "product", "category")
"""What `filters` may name."""


def declared(name: str, columns: Mapping[str, str] | None, meta: Mapping[str, Any]) -> Declared:
    """What model `name` declares. `columns`: those that it has, where they are known.

    Raises BuildError where that has another form, or names what is not there.
    """
    try:
        unknown = meta.keys() - Declared.__slots__
        found = msgspec.convert(meta, Declared)
    except (msgspec.ValidationError, AttributeError, TypeError) as error:
        raise bad_meta(name, str(error)) from error
    filters = found.filters or {}
    unknown |= filters.keys() - FILTERS
    if columns is not None:
        used = [column.removeprefix("-") for column in found.order_by] + list(filters.values())
        unknown |= {column for column in (*used, *found.y, found.x) if column and column not in columns}
    if unknown:
        raise bad_meta(name, f"it has no {', '.join(sorted(unknown))}")
    if "grain" in filters and not found.grains:
        raise bad_meta(name, "the filter grain needs grains, the values that the column has")
    return found


def bad_meta(name: str, what: str) -> BuildError:
    """The error of a declaration that cannot be used."""
    return BuildError(f"meta.kpi of model {name} cannot be used: {what}", "docs/kpis.md says what it declares")
