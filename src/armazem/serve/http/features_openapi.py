"""The OpenAPI description of `/v1/features`: its parameters, the form of its answers, an example of one."""

from __future__ import annotations

from typing import Any

from armazem.contract.features import ENTITIES
from armazem.serve.http.openapi import UNAUTHORIZED, error_answer, in_json

ID = " ".join(f"Of a {entity.name}: {entity.key}." for entity in ENTITIES)
AT = (
    "A time: of what was known at the midnight, business time, that begins its day. Without an offset it is business "
    "time; now where it is left out; not more than a day ahead."
)
OPERATION: dict[str, Any] = {"security": [{"token": []}]}

_EXAMPLE = {
    "entity": "lane",
    "id": "SP-RJ",
    "at": "2018-05-31T12:00:00",
    "known": True,
    "features": {
        "sold": 5211, "sold_30d": 402, "late": 498, "late_30d": 31, "resolved": 4902, "resolved_30d": 395,
        "late_rate": 0.10159118727050184, "late_rate_30d": 0.07848101265822785,
    },
    "feature_timestamp": "2018-05-31T00:00:00",
    "created_timestamp": "2026-11-30T09:06:59.929286Z",
    "known_until": "2018-09-04T00:00:00",
    "build_id": "20261130T090701118774Z",
    "events_until": 5720,
}  # fmt: skip

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/json": {**in_json("Vector")["application/json"], "example": _EXAMPLE}},
    },
    401: UNAUTHORIZED,
    404: error_answer(
        "There are no features of such a thing, the id is blank, or that of the marketplace is not `all`; the hint "
        "names what there is."
    ),
    422: error_answer("`at` is no time, or lies more than a day ahead; or there is another parameter."),
    500: error_answer("The published version cannot be read, being damaged; or the events since cannot."),
    503: error_answer(
        "Nothing is built yet; or another armazem made the published version, without features or without the view by "
        "which they are looked up; or it cannot be opened; or too much has changed since. The hint says what to do."
    ),
}
