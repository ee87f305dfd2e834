"""What the rows of a KPI table are filtered by: parameters of `/v1/kpis/{name}` and options of `armazem kpi`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import lru_cache
from typing import Any

from armazem.errors import QueryError
from armazem.kpis.catalogue import KPIS, Kpi

DEFAULT_LIMIT = 1000  # of the API; the command shows all rows
MAX_LIMIT = 100_000
_MAX_OFFSET = 1_000_000_000
_MAX_TEXT = 200


class FilterError(QueryError):
    """A filter that the table does not have, or a value that it cannot have. `allowed`: what it can have."""

    def __init__(self, field: str, value: object, allowed: tuple[str, ...], message: str | None = None) -> None:
        super().__init__(message or f"{field} cannot be '{_shown(value)}'", f"{field} can be: {', '.join(allowed)}")
        self.field = field
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter. `schema`: its values as JSON Schema; `allowed`: the same in words, where it is no list."""

    name: str
    help: str
    schema: Mapping[str, Any]
    allowed: tuple[str, ...]

    @property
    def field(self) -> str:
        return "from_" if self.name == "from" else self.name


_DATE = {"type": "string", "format": "date"}, ("a date, such as 2018-03-31",)
_TEXT = {"type": "string", "maxLength": _MAX_TEXT}, (f"a text of up to {_MAX_TEXT} characters",)
_ALL_GRAINS = next(kpi.grains for kpi in KPIS if "all" in kpi.grains)
_LEVELS = ("city", "state")


def _one_of(values: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
    return {"type": "string", "enum": list(values)}, values


def _number(smallest: int, largest: int, default: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    schema = {"type": "integer", "minimum": smallest, "maximum": largest, "default": default}
    return schema, (f"a number from {smallest} to {largest}",)


FILTERS: tuple[Filter, ...] = (
    Filter("from", "Periods that begin on this day or after it.", *_DATE),
    Filter("to", "Periods that begin on this day or before it.", *_DATE),
    Filter("grain", "Length of the periods.", *_one_of(_ALL_GRAINS)),
    Filter("level", "Rows of cities, or rows of states.", *_one_of(_LEVELS)),
    Filter(
        "state",
        "State of the customers or of the seller, such as SP.",
        {"type": "string", "pattern": "^[A-Za-z]{2}$"},
        ("two letters, such as SP",),
    ),
    Filter("city", "City of the customers or of the seller; case and accents do not matter.", *_TEXT),
    Filter("seller", "Id of the seller.", *_TEXT),
    Filter("product", "Id of the product.", *_TEXT),
    Filter("category", "Category of the product, as the table has it.", *_TEXT),
    Filter("order", "Column to sort by; with - in front: the largest first.", {"type": "string"}, ()),
    Filter("limit", "At most so many rows.", *_number(1, MAX_LIMIT, DEFAULT_LIMIT)),
    Filter("offset", "Leave out so many rows at the beginning.", *_number(0, _MAX_OFFSET, 0)),
)
_OF_EVERY_KPI = ("order", "limit", "offset")


@dataclass(frozen=True, slots=True)
class Filters:
    """Values of the filters; None does not filter. Rows without a period match no `from_` and no `to`."""

    from_: date | None = None
    to: date | None = None
    grain: str | None = None
    level: str | None = None
    state: str | None = None
    city: str | None = None
    seller: str | None = None
    product: str | None = None
    category: str | None = None
    order: str | None = None
    limit: int | None = None
    offset: int | None = None


assert tuple(entry.name for entry in fields(Filters)) == tuple(entry.field for entry in FILTERS)


@lru_cache(maxsize=1000)
def filters_of(kpi: Kpi) -> tuple[Filter, ...]:
    """The filters that this table has, with the values that it has."""
    columns = tuple(kpi.columns)
    own = {"grain": kpi.grains, "order": (*columns, *(f"-{column}" for column in columns))}
    found = []
    for entry in FILTERS:
        if entry.name in own and (entry.name in kpi.filters or entry.name == "order"):
            found.append(Filter(entry.name, entry.help, *_one_of(own[entry.name])))
        elif entry.name in kpi.filters or entry.name in _OF_EVERY_KPI:
            found.append(entry)
    return tuple(found)


def parse_filters(kpi: Kpi, given: Iterable[tuple[str, str]]) -> Filters:
    """Filters from names and texts. Raises FilterError."""
    known = {entry.name: entry for entry in filters_of(kpi)}
    values: dict[str, Any] = {}
    for name, text in given:
        if name not in known:
            raise _no_such_filter(kpi, name)
        if known[name].field in values:
            raise FilterError(name, text, known[name].allowed, f"{name} is given twice")
        values[known[name].field] = _typed(known[name], text)
    filters = Filters(**values)
    check_filters(kpi, filters)
    return filters


def check_filters(kpi: Kpi, filters: Filters) -> None:
    """Raises FilterError where the table does not have such a filter, or not such a value of it."""
    known = {entry.name: entry for entry in filters_of(kpi)}
    for entry in FILTERS:
        value = getattr(filters, entry.field)
        if value is None:
            continue
        if entry.name not in known:
            raise _no_such_filter(kpi, entry.name)
        if not _fits(value, known[entry.name].schema):
            raise FilterError(entry.name, value, known[entry.name].allowed)
    if filters.from_ and filters.to and filters.from_ > filters.to:
        message = f"from, {filters.from_}, lies after to, {filters.to}"
        raise FilterError("from", filters.from_, (f"a date up to {filters.to}",), message)


def _no_such_filter(kpi: Kpi, name: str) -> FilterError:
    allowed = tuple(entry.name for entry in filters_of(kpi))
    return FilterError("filter", name, allowed, f"{kpi.name} has no filter '{_shown(name)}'")


def _shown(value: object) -> str:
    text = str(value).encode(errors="backslashreplace").decode()
    return text if len(text) <= 100 else f"{text[:100]}…"


def _typed(entry: Filter, text: str) -> date | int | str:
    if entry.schema.get("format") == "date":
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                return date.fromisoformat(text)
        except ValueError:  # 30 February
            pass
        raise FilterError(entry.name, text, entry.allowed)
    if entry.schema["type"] == "integer":
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise FilterError(entry.name, text, entry.allowed)
        return int(text)
    return text


def _fits(value: date | int | str, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, int):
        return bool(schema["minimum"] <= value <= schema["maximum"])
    if isinstance(value, date):
        return True
    if "enum" in schema:
        return value in schema["enum"]
    if "pattern" in schema:
        return re.fullmatch(schema["pattern"], value) is not None
    # A lone surrogate, of a command line that is not UTF-8, is no text.
    return len(value) <= schema["maxLength"] and _is_unicode(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
