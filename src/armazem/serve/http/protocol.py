"""uvicorn's HTTP protocol with the limits it lacks: time to send a request, size of its head, connections."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from armazem.serve.http.answers import Headers, json_headers, last_words
from armazem.serve.http.events_api import PATH, EventsEndpoint

_HEAD_BYTES = 64 * 1024
_WHOLE_BYTES = 64 * 1024  # uvicorn stops reading beyond that until somebody asks for the body
_PER_CHUNK = 16  # what a chunk of a chunked body may cost besides its bytes

_TOO_SLOW = last_words(
    HTTPStatus.REQUEST_TIMEOUT,
    "too_slow",
    "the request did not arrive whole in the time it has; nothing of it was taken",
    "send it again, in smaller requests where the line is slow",
)
_HEAD_TOO_LARGE = last_words(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head_too_large",
    f"the headers of the request are larger than {_HEAD_BYTES // 1024} KiB",
    "send fewer or shorter headers",
)
_NOT_HTTP = last_words(HTTPStatus.BAD_REQUEST, "not_http", "this is not a request in HTTP/1.1")
_TOO_MANY = last_words(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_connections",
    "the server has as many connections as it can",
    "try again, and keep connections open for many requests",
)


class LimitedProtocol(HttpToolsProtocol):
    """One connection. The server calls `expire` about once a second.

    A small `POST /v1/events` goes to the `events` of the application without a task of its own, which is a third of
    what such a request costs.

    `request_seconds`: for a request to arrive whole, the first one included, and for an answer to be read.
    `grace_seconds`: for requests that are still arriving when the server is told to stop.
    """

    max_connections: ClassVar[int] = 1_000_000
    request_seconds: ClassVar[float] = 30.0
    grace_seconds: ClassVar[float] = 3.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deadline: float | None = None
        self._arriving = False
        self._overhead = 0  # bytes of the request on its way that are not of its body
        self._answered: Any = None  # the request that is being answered; `cycle` is the newest that has begun
        self._whole: Any = None  # one that goes to `events` without a task, as soon as it is there
        self._events: EventsEndpoint | None = getattr(self.app, "events", None)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.time() + self.request_seconds
        if len(self.connections) > self.max_connections:
            self._end(_TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        # One that waited behind another may be there already, and `on_message_complete` will not come again.
        if self._events and cycle.more_body and cycle is self.cycle and _comes_whole(cycle):
            self._whole = cycle
            return
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._overhead += len(data)
        super().data_received(data)
        if self._arriving and self._overhead > _HEAD_BYTES and not self.transport.is_closing():
            self._end(_HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arriving = True
        self._deadline = self.loop.time() + self.request_seconds

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._overhead -= len(body) + _PER_CHUNK

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._arriving = False
        self._overhead = 0
        self._deadline = None
        if self._events and self._whole is not None and self._whole is self.cycle:
            cycle, self._whole = self._whole, None
            self._events.take_whole(cycle.scope, bytes(cycle.body), partial(self._reply, cycle))

    def _reply(self, cycle: Any, status: int, body: bytes, headers: Headers) -> None:
        """What uvicorn does for an answer through ASGI, in one write."""
        if cycle.disconnected or self.transport.is_closing():
            return
        lines = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *json_headers(body), *headers):
            lines += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join((*lines, b"\r\n", body)))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._deadline = self.loop.time() + self.request_seconds

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._arriving:
            self._deadline = None

    def shutdown(self) -> None:
        super().shutdown()
        if self._arriving:
            self._deadline = self.loop.time() + self.grace_seconds

    def send_400_response(self, msg: str) -> None:
        del msg
        self._end(_NOT_HTTP)

    def expire(self, now: float) -> None:
        """Close the connection if its peer has kept the server waiting for too long."""
        if self._deadline is None or now < self._deadline:
            return
        if self.flow.write_paused:
            self.transport.abort()  # what was not read in time is not worth keeping
        elif self._arriving and self.flow.read_paused:
            self._deadline = now + self.request_seconds  # it is the server that does not read
        else:
            self._end(_TOO_SLOW if self._arriving else b"")

    def _end(self, words: bytes) -> None:
        # An answer that has begun, or that an earlier request still waits for, must not be mixed with another.
        cycle = self._answered
        answering = cycle is not None and (cycle is not self.cycle or cycle.response_started)
        if words and (not answering or cycle.response_complete) and not self.pipeline:
            self.transport.write(words)
        self._deadline = None
        self.transport.close()


def _comes_whole(cycle: Any) -> bool:
    """Whether it is a POST of events whose body is small and comes as it is."""
    scope = cycle.scope
    if scope["method"] != "POST" or scope["path"] != PATH or cycle.waiting_for_100_continue:
        return False
    small = False
    for name, value in scope["headers"]:
        if name == b"content-length":
            small = int(value) <= _WHOLE_BYTES
        elif name == b"content-encoding":
            return False
    return small
