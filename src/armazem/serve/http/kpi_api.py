"""`GET /v1/kpis` and `GET /v1/kpis/{name}` over the published version."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from fastapi import FastAPI, Path, Request, Response

from armazem.errors import HomeError, QueryError
from armazem.kpis.catalogue import KPIS, Kpi, find_kpi, is_ours
from armazem.kpis.filters import DEFAULT_LIMIT, FilterError, parse_filters
from armazem.serve.http.accept import is_known, preferred
from armazem.serve.http.answers import JSON, HttpError, Receive, Scope, Send
from armazem.serve.http.kpi_answers import MEDIA, Answer, KeptAnswers, Media, Question, answer, catalogue, own_of
from armazem.serve.http.kpi_openapi import LISTING, LISTING_ANSWERS, ROWS, ROWS_ANSWERS
from armazem.targets.duckdb.query import Published

# More queries than cores make each other slow, and a large answer takes a few hundred MB for a moment.
_AT_ONCE = max(2, os.cpu_count() or 2)
# A client may keep an answer, and asks each time whether it is still right.
_KEEP = {"Cache-Control": "no-cache", "Vary": "Accept"}
_T = TypeVar("_T")
_TABLES = "/v1/kpis/"
_NAME = "With or without `agg_`; or of an own model."
_NAMES = [kpi.name for kpi in KPIS]


class KpiTables:
    """`GET /v1/kpis/{name}` as ASGI. In front of FastAPI, whose routing takes a third of the time of an answer."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._kept = KeptAnswers()
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)

    @staticmethod
    def answers(scope: Scope) -> bool:
        """Whether it is asked for; what is asked otherwise gets its error of FastAPI."""
        path: str = scope.get("path", "")
        return path.startswith(_TABLES) and scope.get("method") == "GET" and "/" not in path[len(_TABLES) :]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self.table(request, scope["path"][len(_TABLES) :])
        except HttpError as error:
            response = await _respond_error(request, error)
        await response(scope, receive, send)

    async def listing(self, request: Request) -> Response:
        if request.query_params:
            raise HttpError(422, "bad_filter", "the list has no filters", "the tables have: /v1/kpis/{name}")
        _media(request, None, [MEDIA["json"]])
        return _respond(request, await _run(self._limiter, catalogue, self._published), MEDIA["json"])

    async def table(self, request: Request, name: str) -> Response:
        own: tuple[Kpi, ...] = ()
        if not is_ours(name):
            own = await _run(self._limiter, own_of, self._published)
        question = _question(request, name, own)
        etag = question.etag(_current(self._published))
        if is_known(_header(request, "if-none-match"), etag):
            return Response(status_code=304, headers={"ETag": etag, **_KEEP})
        found = self._kept.get(etag)
        if found is None:
            found = await _run(self._limiter, answer, self._published, question)
            self._kept.keep(found)
        response = _respond(request, found, question.media)
        response.headers["X-Total-Count"] = str(found.total)
        if question.media == "text/csv":
            response.headers["Content-Disposition"] = f'attachment; filename="{question.kpi.name}.csv"'
        return response


def add_kpis(api: FastAPI, tables: KpiTables) -> None:
    """Add both endpoints, and the error that they raise."""
    api.add_exception_handler(HttpError, _respond_error)

    @api.get(
        "/v1/kpis",
        tags=["kpis"],
        summary="Which KPI tables there are",
        description="With the filters of each, their values, and the meaning of its columns; own models are the last.",
        response_description="The tables.",
        response_class=Response,
        responses=LISTING_ANSWERS,
        openapi_extra=LISTING,
    )
    async def kpis(request: Request) -> Response:
        return await tables.listing(request)

    @api.get(
        "/v1/kpis/{name}",
        tags=["kpis"],
        summary="Rows of a KPI table",
        description=(
            "JSON or CSV, by `Accept` or `format`. Amounts are numbers with all their digits. Each table has some of "
            "the filters: `/v1/kpis` says which. Without `order` the rows come in the order that `/v1/kpis` names."
        ),
        response_description="Rows that meet all filters, with the columns and the build they are of.",
        response_class=Response,
        responses=ROWS_ANSWERS,
        openapi_extra=ROWS,
    )
    async def kpi_table(
        request: Request,
        name: Annotated[str, Path(description=_NAME, json_schema_extra={"examples": _NAMES})],
    ) -> Response:
        return await tables.table(request, name)


def _question(request: Request, name: str, own: Sequence[Kpi]) -> Question:
    try:
        kpi = find_kpi(name, own)
    except QueryError as error:
        raise HttpError(404, "not_found", str(error), error.hint) from error
    given = request.query_params.multi_items()
    try:
        media = _media(request, _format(given), tuple(MEDIA.values()))
        filters = parse_filters(kpi, [item for item in given if item[0] != "format"])
    except FilterError as error:
        raise HttpError(422, "bad_filter", str(error), error.hint) from error
    return Question(kpi, replace(filters, limit=filters.limit or DEFAULT_LIMIT), media)


def _format(given: Sequence[tuple[str, str]]) -> str | None:
    values = [value for name, value in given if name == "format"]
    for value in values:
        if len(values) > 1 or value not in MEDIA:
            raise FilterError("format", value, tuple(MEDIA), "format is given twice" if len(values) > 1 else None)
    return values[0] if values else None


def _media(request: Request, asked: str | None, offered: Sequence[Media]) -> Media:
    media = MEDIA[asked] if asked else preferred(_header(request, "accept"), offered)
    if media is None:
        raise HttpError(
            406, "not_acceptable", f"there is no such form of {request.url.path}", f"accept {' or '.join(offered)}"
        )
    return media


async def _run(limiter: anyio.CapacityLimiter, work: Callable[..., _T], *arguments: Any) -> _T:
    try:
        return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)
    except HomeError as error:
        raise _not_built(error) from error
    except QueryError as error:
        hint = "where the version is of an older program, `armazem build` makes one of this"
        raise HttpError(500, "failed", f"the published version does not answer: {error}", hint) from error


def _current(published: Published) -> str:
    """The build that readers get now."""
    try:
        build = published.build_id()
    except HomeError as error:
        raise _not_built(error) from error
    if build is None:
        raise _not_built(HomeError("nothing is published yet", "run `armazem load PATH` and `armazem build`"))
    return build


def _not_built(error: HomeError) -> HttpError:
    return HttpError(503, "not_ready", str(error), error.hint)


def _header(request: Request, name: str) -> str:
    return ", ".join(request.headers.getlist(name))


def _respond(request: Request, found: Answer, media: Media) -> Response:
    headers = {"ETag": found.etag, **_KEEP}
    if is_known(_header(request, "if-none-match"), found.etag):
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=media, headers=headers)


async def _respond_error(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HttpError)
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(error.body, error.status, {"Cache-Control": "no-store", **headers}, JSON.decode())
