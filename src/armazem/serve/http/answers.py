"""What the server says over HTTP: JSON bodies, and errors that say what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from armazem.serve.http.headers import API_POLICY, ON_EVERY_ANSWER

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

JSON = b"application/json"
_NO_STORE = (b"cache-control", b"no-store")
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


class HttpError(Exception):
    """A request that is answered with an error: `{"error": {"code", "message", "hint"}}`."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.hint = hint
        self.headers = headers

    @property
    def body(self) -> bytes:
        return error_body(self.code, str(self), self.hint)


def to_json(value: Any) -> bytes:
    """Return the value as JSON: decimals as numbers with all their digits, times as ISO 8601."""
    return _encoder.encode(value)


class Problem(msgspec.Struct):
    """What is wrong, and what to do."""

    code: str
    message: str
    hint: str


class Error(msgspec.Struct):
    """The body of every answer that is an error."""

    error: Problem


def error_body(code: str, message: str, hint: str = "") -> bytes:
    """Return the JSON of an error: what, and what to do."""
    return to_json(Error(Problem(code, message, hint)))


def retry_after(seconds: float) -> tuple[bytes, bytes]:
    """Return the header with whole seconds, at least one."""
    return b"retry-after", str(max(1, round(seconds + 0.499))).encode()


def json_headers(body: bytes) -> Headers:
    """Return the headers of an answer in JSON that nobody may keep."""
    return (b"content-type", JSON), (b"content-length", str(len(body)).encode()), _NO_STORE, API_POLICY


async def respond(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    """Send a whole JSON answer."""
    await send({"type": "http.response.start", "status": status, "headers": [*json_headers(body), *headers]})
    await send({"type": "http.response.body", "body": body})


async def respond_error(send: Send, error: HttpError) -> None:
    """Send the answer that the error is."""
    await respond(send, error.status, error.body, error.headers)


def last_words(status: HTTPStatus, code: str, message: str, hint: str = "") -> bytes:
    """Return a complete answer for a connection that is closed after it, where no application sees the request."""
    body = error_body(code, message, hint)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n"
    )
    head += "".join(f"{name}: {value}\r\n" for name, value in ON_EVERY_ANSWER) + "\r\n"
    return head.encode() + body
