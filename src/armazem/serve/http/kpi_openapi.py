"""The OpenAPI description of `/v1/kpis`: filters as they are declared, the form of the answers."""

from __future__ import annotations

from typing import Any

from armazem.kpis.catalogue import KPIS
from armazem.kpis.filters import FILTERS, Filter
from armazem.serve.http.openapi import UNAUTHORIZED, error_answer, in_json

_ETAG = {"description": "Of the build, the filters and the form.", "schema": {"type": "string"}}
_TEXT = {"type": "string"}


def _parameter(entry: Filter) -> dict[str, Any]:
    having = [kpi.name for kpi in KPIS if entry.name in kpi.filters]
    values = f" One of {', '.join(entry.schema['enum'])}." if "enum" in entry.schema else ""
    where = f" Of {', '.join(having)}." if having else ""
    return {"name": entry.name, "in": "query", "description": f"{entry.help}{values}{where}", "schema": entry.schema}


_FORMAT = {
    "name": "format",
    "in": "query",
    "description": "json or csv, whatever `Accept` says.",
    "schema": {"type": "string", "enum": ["json", "csv"]},
}
LISTING: dict[str, Any] = {"security": [{"token": []}]}
ROWS: dict[str, Any] = {
    **LISTING,
    "parameters": [*(_parameter(entry) for entry in FILTERS), _FORMAT],
}
_COMMON: dict[int | str, dict[str, Any]] = {
    304: {"description": "The answer with the ETag in `If-None-Match` is still right."},
    401: UNAUTHORIZED,
    406: error_answer("`Accept` takes no form that there is."),
    422: error_answer("A filter that does not exist here, or a value it cannot have; the hint says what it can be."),
}
LISTING_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": _ETAG}, "content": in_json("Catalogue")},
    **_COMMON,
}
ROWS_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {"ETag": _ETAG, "X-Total-Count": {"description": "As `total`.", "schema": {"type": "integer"}}},
        "content": {**in_json("Table"), "text/csv": {"schema": _TEXT}},
    },
    **_COMMON,
    404: error_answer("There is no such KPI; the hint names those there are."),
    503: error_answer("Nothing is built yet."),
}
