"""`GET /v1/features/{entity}/{id}`: the features of one entity, with every event accepted since the build."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import anyio.to_thread
import duckdb
from fastapi import FastAPI, Path, Query, Request, Response

from armazem.contract.features import ENTITIES, Entity
from armazem.disk.causes import first_line
from armazem.errors import FeatureError, HomeError, QueryError
from armazem.features.lookup import NoSuchEntity, TimeRefused, Vector, entity_named, id_asked, time_asked
from armazem.features.online import Online
from armazem.serve.http.answers import JSON, HttpError, Receive, Scope, Send, respond_error, to_json
from armazem.serve.http.features_openapi import ANSWERS, AT, ID, OPERATION

_AT_ONCE = max(2, os.cpu_count() or 2)
_PATH = "/v1/features/"
_NAMES = [entity.name for entity in ENTITIES]
_NO_STORE = {"Cache-Control": "no-store"}


class FeatureVectors:
    """The look-up as ASGI. In front of FastAPI, as are the KPI tables; `clock` gives the time of now, with a zone."""

    def __init__(
        self, online: Online, zone: ZoneInfo, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._online = online
        self._zone = zone
        self._clock = clock
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)

    @staticmethod
    def answers(scope: Scope) -> bool:
        """Whether it is asked for; what is asked otherwise gets its error of FastAPI."""
        path: str = scope.get("path", "")
        return path.startswith(_PATH) and scope.get("method") == "GET" and _names(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            entity, entity_id = _names(scope["path"]) or ("", "")
            response = await self.vector(Request(scope, receive), entity, entity_id)
        except HttpError as error:
            await respond_error(send, error)
        else:
            await response(scope, receive, send)

    async def vector(self, request: Request, name: str, entity_id: str) -> Response:
        """Answer with the vector. Raises HttpError 404, 422, 500, 503."""
        try:
            entity = entity_named(name)
            entity_id = id_asked(entity, entity_id)
        except NoSuchEntity as error:
            raise HttpError(404, "not_found", str(error), error.hint) from error
        try:
            at = time_asked(_only_at(request), self._zone, self._clock())
        except TimeRefused as error:
            raise HttpError(422, "bad_at", str(error), error.hint) from error
        # What is in memory is there sooner than a thread.
        lookup = self._online.at_hand()
        found = lookup.at_hand(entity, entity_id, at) if lookup else None
        if found is None:
            found = await anyio.to_thread.run_sync(self._look_up, entity, entity_id, at, limiter=self._limiter)
        return Response(to_json(found), media_type=JSON.decode(), headers=_NO_STORE)

    def _look_up(self, entity: Entity, entity_id: str, at: datetime) -> Vector:
        try:
            return self._online.current().vector(entity, entity_id, at)
        except (HomeError, FeatureError) as error:
            raise HttpError(503, "not_ready", str(error), error.hint) from error
        except (QueryError, duckdb.Error) as error:
            hint = getattr(error, "hint", "") or "ask again; the server's log says more"
            raise HttpError(500, "failed", f"features cannot be read: {first_line(error)}", hint) from error


def add_features(api: FastAPI, vectors: FeatureVectors) -> None:
    """Add the endpoint. The error that it raises is handled as that of the KPI tables."""

    @api.get(
        "/v1/features/{entity}/{id}",
        tags=["features"],
        summary="The features of an entity",
        description=(
            "As they were known at the midnight that begins the day of `at`: those of the published version, and what "
            "the events accepted since make of them, which are what the next build will publish. Of who is not known "
            "all sums are zero."
        ),
        response_description="All features of the entity.",
        response_class=Response,
        responses=ANSWERS,
        openapi_extra=OPERATION,
    )
    async def features(
        request: Request,
        entity: Annotated[str, Path(description="What it is.", json_schema_extra={"examples": _NAMES})],
        id: Annotated[str, Path(description=ID)],
        at: Annotated[str | None, Query(description=AT)] = None,
    ) -> Response:
        del at  # read again, to refuse it where it is given twice
        return await vectors.vector(request, entity, id)


def _names(path: str) -> tuple[str, str] | None:
    """The entity and the id in a path; the id may hold slashes."""
    entity, slash, entity_id = path[len(_PATH) :].partition("/")
    return (entity, entity_id) if slash and entity and entity_id else None


def _only_at(request: Request) -> str | None:
    """The time that is asked for. Raises HttpError for any other parameter."""
    given = request.query_params.multi_items()
    for name, _ in given:
        if name != "at":
            raise HttpError(422, "bad_filter", f"there is no parameter {name} here", "there is at, a time")
    if len(given) > 1:
        raise HttpError(422, "bad_at", "at is given twice", "give one time")
    return given[0][1] if given else None
