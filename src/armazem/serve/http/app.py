"""The HTTP application: the endpoints of the contract over one Ingest and one LiveState."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from armazem import __version__
from armazem.live.service import LiveState
from armazem.live.start import LiveStart
from armazem.serve.http.access import Access
from armazem.serve.http.answers import JSON, HttpError, Receive, Scope, Send, error_body, respond_error, to_json
from armazem.serve.http.broadcast import Broadcast
from armazem.serve.http.docs_page import docs_page
from armazem.serve.http.events_api import PATH as EVENTS_PATH
from armazem.serve.http.events_api import EventsEndpoint
from armazem.serve.http.features_api import FeatureVectors, add_features
from armazem.serve.http.headers import API_POLICY, DASHBOARD_POLICY, with_policy
from armazem.serve.http.kpi_api import KpiTables, add_kpis
from armazem.serve.http.metrics import CONTENT_TYPE, Metrics
from armazem.serve.http.openapi import COMPONENTS, DESCRIPTION, EVENTS_OPERATION, NOT_YET, UNAUTHORIZED, add_guard
from armazem.unattended.builder import Standing

API_PATHS = ("/v1/", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json")
NO_STORE = {"Cache-Control": "no-store"}


class Application:
    """ASGI: `/v1` asks for the token; what is no path of the API is the dashboard's. All of it is guarded.

    `/v1/events`, the tables of `/v1/kpis` and the vectors of `/v1/features` go past FastAPI.
    """

    def __init__(
        self,
        events: EventsEndpoint,
        tables: KpiTables,
        vectors: FeatureVectors,
        access: Access,
        api: FastAPI,
        dashboard: ASGIApp,
    ) -> None:
        self.events = events
        self._tables = ServerErrorMiddleware(tables, handler=_failure)
        self._vectors = ServerErrorMiddleware(vectors, handler=_failure)
        self._access = access
        self._api = api
        self._dashboard = dashboard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._dashboard(scope, receive, send)
            return
        path = scope.get("path", "")
        if path == EVENTS_PATH and scope["type"] == "http":
            await self.events(scope, receive, send)
            return
        of_api = path.startswith(API_PATHS)
        try:
            if path.startswith("/v1/"):
                self._access.check(scope)
            else:
                self._access.guard.check(scope)
        except HttpError as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
            else:
                await respond_error(send, error)
            return
        if of_api and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif not of_api:
            await self._dashboard(scope, receive, with_policy(send, DASHBOARD_POLICY))
        elif KpiTables.answers(scope):
            await self._tables(scope, receive, with_policy(send, API_POLICY))
        elif FeatureVectors.answers(scope):
            await self._vectors(scope, receive, with_policy(send, API_POLICY))
        else:
            await self._api(scope, receive, with_policy(send, API_POLICY))


def build_api(
    live: LiveState,
    start: LiveStart,
    broadcast: Broadcast,
    metrics: Metrics,
    not_ready: Callable[[], list[str]],
    tables: KpiTables,
    vectors: FeatureVectors,
    standing: Callable[[], Standing | None],
) -> FastAPI:
    """Return all endpoints but `/v1/events`. `not_ready` gives the reasons why the server should get no events now.

    `standing`: what a server that builds by itself is at.
    """
    api = FastAPI(title="Armazém", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None)
    token: dict[str, Any] = {"security": [{"token": []}]}

    @api.get(
        "/v1/live",
        tags=["live"],
        summary="The figures of this moment",
        description="Orders, revenue, orders per minute, by status and state, recent orders, dead letters, lag.",
        response_description="A snapshot.",
        response_class=Response,
        responses={401: UNAUTHORIZED, 503: NOT_YET},
        openapi_extra=token,
    )
    async def live_figures() -> Response:
        if start.missing:
            return _missing(start.missing)
        return Response(to_json(live.snapshot()), media_type=JSON.decode(), headers=NO_STORE)

    @api.get(
        "/v1/live/stream",
        tags=["live"],
        summary="The figures as they change",
        description=(
            "Server-sent events: the snapshot of `/v1/live` at once, then on every change, at most five a second."
        ),
        response_description="`data:` lines with a snapshot each, until the client or the server ends it.",
        response_class=Response,
        responses={401: UNAUTHORIZED, 503: NOT_YET},
        openapi_extra=token,
    )
    async def live_stream() -> Response:
        if start.missing:
            return _missing(start.missing)
        # X-Accel-Buffering: nginx would hold the events back.
        headers = {**NO_STORE, "X-Accel-Buffering": "no"}
        return StreamingResponse(broadcast.frames(), media_type="text/event-stream", headers=headers)

    add_kpis(api, tables)
    add_features(api, vectors)

    @api.get(
        "/healthz",
        tags=["operations"],
        summary="Whether the process runs",
        response_description="It does.",
        response_class=Response,
    )
    async def healthz() -> Response:
        return _json(200, {"status": "ok"})

    @api.get(
        "/readyz",
        tags=["operations"],
        summary="Whether it takes events",
        response_description=(
            "It does; `live` says why the live figures are not those of now, where they are not, and `build` what "
            "somebody should look at: the page Data says more."
        ),
        response_class=Response,
        responses={503: {"description": "It does not; `reasons` says why."}},
    )
    async def readyz() -> Response:
        reasons = not_ready()
        status = "not ready" if reasons else "ready"
        # Events do not wait for the figures, so neither does whoever sends them.
        behind = start.missing or live.error
        build = found.summary if (found := standing()) else []
        return _json(503 if reasons else 200, {"status": status, "reasons": reasons, "live": behind, "build": build})

    @api.get(
        "/metrics",
        tags=["operations"],
        summary="For Prometheus",
        response_description="In the text format of Prometheus.",
        response_class=Response,
    )
    async def metrics_page() -> Response:
        return Response(metrics.page(), media_type=CONTENT_TYPE)

    @api.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(api.openapi()))

    def openapi() -> dict[str, Any]:
        if not api.openapi_schema:
            schema = get_openapi(title=api.title, version=api.version, description=api.description, routes=api.routes)
            schema["paths"] = {EVENTS_PATH: {"post": EVENTS_OPERATION}, **schema["paths"]}
            add_guard(schema["paths"])
            schema["components"] = COMPONENTS
            api.openapi_schema = schema
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]
    api.add_exception_handler(HTTPException, _http_exception)
    api.add_exception_handler(Exception, _failure)
    return api


def _json(status: int, value: Any) -> Response:
    return Response(to_json(value), status_code=status, media_type=JSON.decode(), headers=NO_STORE)


def _missing(reason: str) -> Response:
    body = error_body("not_ready", reason, "ask again; events are taken meanwhile")
    return Response(body, 503, media_type=JSON.decode(), headers={**NO_STORE, "Retry-After": "1"})


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    message = f"{request.method} {request.url.path}: {error.detail}"
    body = error_body(codes.get(error.status_code, "refused"), message, "see /docs")
    return Response(body, status_code=error.status_code, media_type=JSON.decode(), headers=error.headers)


async def _failure(request: Request, error: Exception) -> Response:
    del error  # uvicorn logs it with its traceback
    body = error_body("failed", f"{request.method} {request.url.path} failed", "the server's log says why")
    return Response(body, status_code=500, media_type=JSON.decode())
