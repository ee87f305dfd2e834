"""The OpenAPI description of `/v1/kpis`: filters as they are declared, the form of the answers."""

from __future__ import annotations

from typing import Any

from armazem.kpis.catalogue import KINDS, KPIS
from armazem.kpis.filters import FILTERS, Filter
from armazem.serve.http.openapi import UNAUTHORIZED, error_answer

_ETAG = {"description": "Of the build, the filters and the form.", "schema": {"type": "string"}}
_TEXT = {"type": "string"}
_COUNT = {"type": "integer"}
_COLUMN = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "type": {"enum": [*KINDS, None]},
        "description": _TEXT,
    },
}
_TABLE = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "title": _TEXT,
        "build_id": {"type": "string", "description": "The build that all of this is of."},
        "total": {"type": "integer", "description": "Rows that meet the filters, before limit and offset."},
        "limit": _COUNT,
        "offset": _COUNT,
        "columns": {"type": "array", "items": _COLUMN},
        "rows": {"type": "array", "items": {"type": "object"}},
    },
}
_CATALOGUE = {
    "type": "object",
    "properties": {
        "build_id": {"type": ["string", "null"]},
        "kpis": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    **dict.fromkeys(("name", "schema", "title", "description", "path"), _TEXT),
                    "filters": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "name": _TEXT,
                                "column": {"type": ["string", "null"]},
                                "description": _TEXT,
                                "schema": {"type": "object", "description": "JSON Schema of the values."},
                            },
                        },
                    },
                    "order": {"type": "array", "items": _TEXT},
                    "columns": {"type": "array", "items": _COLUMN},
                },
            },
        },
    },
}


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
    200: {"headers": {"ETag": _ETAG}, "content": {"application/json": {"schema": _CATALOGUE}}},
    **_COMMON,
}
ROWS_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {"ETag": _ETAG, "X-Total-Count": {"description": "As `total`.", "schema": _COUNT}},
        "content": {"application/json": {"schema": _TABLE}, "text/csv": {"schema": _TEXT}},
    },
    **_COMMON,
    404: error_answer("There is no such KPI; the hint names those there are."),
    503: error_answer("Nothing is built yet."),
}
