"""Who may see the dashboard of a server that has a token: whoever has typed it once, in this browser."""

from __future__ import annotations

import hashlib
import hmac
import html
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from armazem.serve.http.access import Access
from armazem.serve.http.answers import HttpError

_COOKIE = "armazem"
_LONGEST_FORM = 4096
_NO_STORE = {"Cache-Control": "no-store"}
_ASSETS = "/_nicegui/"  # scripts and styles, the same for everybody

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Armazém</title><meta name="color-scheme" content="light dark"><style>
body{{font-family:system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0}}
form{{display:grid;gap:12px;width:min(320px,90vw)}} h1{{margin:0;font-size:22px}}
input,button{{font:inherit;padding:10px;border-radius:8px;border:1px solid #8895a5}}
button{{background:#0b5c8c;color:#fff;border:0}} p{{margin:0}}
</style></head><body><form method="post"><h1>Armazém</h1>
<label for="token">The token of this server (ARMAZEM_TOKEN)</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<input name="next" type="hidden" value="{next}"><p role="alert">{problem}</p><button>Sign in</button>
</form></body></html>
"""


class Login:
    """ASGI around the dashboard: asks for the token, and remembers in a cookie that it was right.

    The cookie is a keyed digest of the token: it is worth nothing once the server has another one. With an empty
    token everybody may pass.
    """

    def __init__(self, dashboard: ASGIApp, token: str, access: Access) -> None:
        self._dashboard = dashboard
        self._access = access
        self._cookie = hmac.new(token.encode(), b"armazem dashboard", hashlib.sha256).hexdigest() if token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._cookie or scope["type"] == "lifespan" or scope["path"].startswith(_ASSETS):
            await self._dashboard(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/login":
            await self._sign_in(scope, receive, send)
        elif self._knows(HTTPConnection(scope)):
            await self._dashboard(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            wanted = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
            await RedirectResponse(f"/login?next={quote(wanted)}", 303)(scope, receive, send)

    def _knows(self, connection: HTTPConnection) -> bool:
        if hmac.compare_digest(connection.cookies.get(_COOKIE, "").encode(), self._cookie.encode()):
            return True
        try:
            self._access.check_token(connection.scope)
        except HttpError:
            return False
        return True

    async def _sign_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        caller = self._access.guard.caller(scope)
        status, waiting = 200, {}
        form = {"next": [request.query_params.get("next", "/")]}
        problem = ""
        if request.method == "POST":
            body = b""
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LONGEST_FORM:
                    break
            form = parse_qs(body[:_LONGEST_FORM].decode("utf-8", "replace"))
            try:
                if self._access.is_token(form.get("token", [""])[0].encode(), caller, form=True):
                    answer = RedirectResponse(_own(form.get("next", ["/"])[0]), 303, headers=_NO_STORE)
                    answer.set_cookie(
                        _COOKIE, self._cookie, max_age=30 * 86_400, httponly=True, samesite="lax",
                        secure=caller.scheme == "https",
                    )  # fmt: skip
                    await answer(scope, receive, send)
                    return
                status, problem = 401, "This is not the token."
            except HttpError as error:
                status, problem = error.status, f"{error}: {error.hint}".capitalize()
                waiting = {name.decode(): value.decode() for name, value in error.headers}
        page = _PAGE.format(next=html.escape(form.get("next", ["/"])[0]), problem=html.escape(problem))
        await HTMLResponse(page, status, {**_NO_STORE, **waiting})(scope, receive, send)


def _own(address: str) -> str:
    """The address if it is one of this server, else that of the first page."""
    parts = urlsplit(address)
    mine = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return address if mine else "/"
