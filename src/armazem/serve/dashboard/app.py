"""The dashboard as an application of its own, beside the API on the same port."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from fastapi import FastAPI
from nicegui import ui, ui_run_with
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp

from armazem.serve.dashboard.assets import Assets
from armazem.serve.dashboard.downloads import PATH, download
from armazem.serve.dashboard.frame import FORECAST_PAGE, OWN_PAGE, Frame, Sources
from armazem.serve.dashboard.pages import customers, data, forecast, live, overview, own, products, sellers

_FAVICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='#0b5c8c'/>"
    "<path d='M6 15 16 7l10 8v11H6z' fill='#fff'/><path d='M11 26v-8h10v8z' fill='#E69F00'/></svg>"
)
# Of pages; more would hold up the events: packing a large page takes 35 ms at level 9, and 8 ms at this one.
_PACKING = 2
# What a page waits for is sent after a second at most, but a machine that is busy takes its time even for that; NiceGUI
# itself would answer with an error after three.
_RESPONSE_SECONDS = 60


def build_dashboard(sources: Sources) -> ASGIApp:
    """The ASGI application. One per process: NiceGUI keeps its pages in module state."""
    pages: tuple[tuple[str, Callable[[Frame], None], bool], ...] = (
        ("/", overview.make, True),
        ("/products", products.make, True),
        ("/sellers", sellers.make, True),
        ("/customers", customers.make, True),
        (FORECAST_PAGE, forecast.make, True),
        ("/live", live.make, False),
        (OWN_PAGE, own.make, False),
        ("/data", data.make, False),
    )
    for path, make, filters in pages:
        _add_page(sources, path, make, filters)
    # When it starts NiceGUI looks for a server that it has started itself, among all objects of the process. It holds
    # them meanwhile, also the tuples that DuckDB is filling in other threads, which then fail: CPython lets nobody
    # fill a tuple that somebody else has.
    vars(ui_run_with)["gc"] = SimpleNamespace(get_objects=list)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_route(PATH, download, methods=["GET"])
    ui.run_with(
        app,
        title="Armazém",
        favicon=_FAVICON,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10,
        gzip_middleware_factory=lambda app: GZipMiddleware(app, minimum_size=1000, compresslevel=_PACKING),
    )
    return Assets(app)


def _add_page(sources: Sources, path: str, make: Callable[[Frame], None], filters: bool) -> None:
    @ui.page(path, response_timeout=_RESPONSE_SECONDS)
    async def page(request: Request) -> None:
        frame = Frame(sources, path, dict(request.query_params), filters=filters)
        await frame.open(lambda: make(frame))
