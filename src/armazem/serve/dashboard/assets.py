"""The scripts, styles and fonts of the dashboard: read and packed once, not anew for each visitor."""

from __future__ import annotations

import asyncio
import gzip

import nicegui
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ASSETS = f"/_nicegui/{nicegui.__version__}/"  # another version has other addresses
_PACKED = ("text/", "application/javascript", "application/json")  # fonts are packed already
_MOST = 200  # a page has 25
_CONDITIONS = ("if-none-match", "if-modified-since", "range")


class Assets:
    """ASGI around the dashboard, which keeps the answers that are the same for everybody."""

    def __init__(self, dashboard: ASGIApp) -> None:
        self._dashboard = dashboard
        self._kept: dict[str, tuple[Message, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _may_be_kept(scope):
            await self._dashboard(scope, receive, send)
            return
        path = scope["path"]
        found = self._kept.get(path)
        if found is None:
            found = await self._answer(scope, receive)
            if found[0]["status"] == 200 and len(self._kept) < _MOST:
                self._kept[path] = found
        start, body = found
        await send({**start, "headers": list(start["headers"])})  # who passes it on may add to them
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """Of the dashboard, packed where that makes it smaller."""
        start: Message = {}
        body = bytearray()

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        as_it_is = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
        await self._dashboard({**scope, "headers": as_it_is}, receive, take)
        headers = MutableHeaders(raw=start["headers"])
        if not headers.get("content-type", "").startswith(_PACKED):
            return start, bytes(body)
        packed = await asyncio.to_thread(gzip.compress, body)
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(packed))
        headers.add_vary_header("Accept-Encoding")
        return start, packed


def _may_be_kept(scope: Scope) -> bool:
    """Asked for as it is, by who takes gzip."""
    if scope["method"] != "GET" or scope["query_string"] or not scope["path"].startswith(_ASSETS):
        return False
    headers = Headers(scope=scope)
    return "gzip" in headers.get("accept-encoding", "") and not any(name in headers for name in _CONDITIONS)
