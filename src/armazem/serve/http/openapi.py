"""The OpenAPI description of what FastAPI does not see: `POST /v1/events`, the errors, the token."""

from __future__ import annotations

from typing import Any

import msgspec

from armazem.contract.event_types import EVENT_TYPES
from armazem.features.lookup import Vector
from armazem.intake.queue import Outcome
from armazem.serve.http.answers import Error
from armazem.serve.http.kpi_answers import Catalogue, Table

DESCRIPTION = (
    "Events in, live figures, KPIs and features out. Events are acknowledged when they are on the disk: what was "
    "answered with 200 is never lost, and a request without an answer can be sent again, as an event counts once."
)

_EVENT = (
    '{"event_id": "5b2f…", "event_type": "order_review", "timestamp": "2026-11-22T14:03:11.250-03:00",\n'
    ' "data": {"order_reviews": {"review_id": "9f1c…", "order_id": "e481…", "review_score": 5}}}'
)
_LINES = _EVENT.replace("\n", "") + "\n" + _EVENT.replace("\n", "").replace("5b2f", "77d0") + "\n"


def in_json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def error_answer(description: str, *headers: str) -> dict[str, Any]:
    """Return the description of an answer with an error, and of the headers it comes with."""
    answer: dict[str, Any] = {"description": description, "content": in_json("Error")}
    if headers:
        answer["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    return answer


UNAUTHORIZED = error_answer("The token is missing or wrong, where ARMAZEM_TOKEN is set.", "WWW-Authenticate")
NOT_YET = error_answer("The figures are not rebuilt yet after a start.", "Retry-After")
TOO_SLOW = error_answer("The request did not arrive whole within 30 seconds. Nothing of it was taken.")

TOO_MANY_ATTEMPTS = error_answer("Too many wrong tokens from this client.", "Retry-After")

# By the guard, in front of every operation.
_GUARDED = {
    "400": error_answer("There is not one `Host`."),
    "403": error_answer("A page of another origin asks."),
    "421": error_answer("The server is not called by a name of its own."),
}

COMPONENTS: dict[str, Any] = {
    "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    "schemas": {
        "Event": {
            "type": "object",
            "required": ["event_type", "timestamp", "data"],
            "properties": {
                "event_id": {
                    "type": ["string", "integer", "null"],
                    "maxLength": 128,
                    "description": "An event with the same one counts once.",
                },
                "event_type": {"enum": list(EVENT_TYPES)},
                "timestamp": {"type": "string", "format": "date-time"},
                "data": {"type": "object", "description": "Rows of the source tables, by table."},
            },
        },
        # Of what is sent, from its types.
        **msgspec.json.schema_components(
            (Outcome, Error, Table, Catalogue, Vector), ref_template="#/components/schemas/{name}"
        )[1],
    },
}

EVENTS_OPERATION: dict[str, Any] = {
    "tags": ["events"],
    "summary": "Send one event, an array of them, or one per line",
    "description": (
        "The answer comes when the events are on the disk. Messages that are refused are kept as dead letters, and "
        "do not stop the others. The body may be packed with gzip."
    ),
    "operationId": "post_events",
    "security": [{"token": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/Event"},
                        {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Event"}},
                    ]
                },
                "example": _EVENT,
            },
            "application/x-ndjson": {"schema": {"type": "string"}, "example": _LINES},
        },
    },
    "responses": {
        "200": {"description": "At least one event counts, now or before.", "content": in_json("Outcome")},
        "400": {
            "description": "Nothing was accepted; or the body is empty or badly packed.",
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            {"$ref": "#/components/schemas/Outcome"},
                            {"$ref": "#/components/schemas/Error"},
                        ]
                    }
                }
            },
        },
        "401": UNAUTHORIZED,
        "408": TOO_SLOW,
        "413": error_answer("The body, unpacked, or every message in it is too large."),
        "415": error_answer("The Content-Type is not JSON or JSON lines, or the Content-Encoding not gzip."),
        "429": error_answer("Too many messages wait to be written, or too many tokens were wrong.", "Retry-After"),
        "503": error_answer(
            "The disk takes nothing now, such as a full one. Nothing of the request counts.", "Retry-After"
        ),
    },
}


def add_guard(paths: dict[str, Any]) -> None:
    """Add to every operation the answers that come before it is asked."""
    for operations in paths.values():
        for operation in operations.values():
            more = {"429": TOO_MANY_ATTEMPTS} if operation.get("security") else {}
            operation["responses"] = {**_GUARDED, **more, **operation["responses"]}
