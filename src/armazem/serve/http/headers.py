"""What every answer tells a browser not to do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ON_EVERY_ANSWER = (
    ("x-content-type-options", "nosniff"),
    # Not no-referrer: with that a form of our own is sent with `Origin: null`.
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("cross-origin-resource-policy", "same-origin"),
)
_NAME = b"content-security-policy"

API_POLICY = (
    _NAME,
    b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
)
"""Of JSON, CSV and /docs, which has styles and nothing else."""

DASHBOARD_POLICY = (
    _NAME,
    # Vue compiles the templates of NiceGUI in the browser, from scripts in the page. ECharts makes pictures.
    b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    b"form-action 'self'; frame-src 'none'; worker-src 'self' blob:; frame-ancestors 'none'",
)


def with_policy(send: Send, policy: tuple[bytes, bytes]) -> Send:
    """Return a `send` that adds the policy to an answer that has none."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name.lower() == _NAME for name, _ in headers):
                message = {**message, "headers": [*headers, policy]}
        await send(message)

    return sending
