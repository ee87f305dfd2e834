"""A bad network: an HTTP proxy in front of the emulator that cuts, refuses, loses and forges answers when told to.

    with Proxy(emulator.url) as proxy:
        proxy.answer(*bigquery_error(403, "accessDenied", "no"), when=r"^POST /upload/")
        client(proxy.url, emulator.project).load_table_from_file(...)

Rules are asked in the order they were made, and each holds `times` times, or always with None. `when` is a regular
expression, searched in the request line ("POST /upload/bigquery/v2/… HTTP/1.1"), or a function of that line.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

When = str | Callable[[str], bool]
OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}
REASONS = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


@dataclass
class Rule:
    when: Callable[[str], bool]
    do: Callable[[Request], bool]  # False: does not apply to this request after all
    left: int | None


class Proxy:
    """`requests` has the line of every request that arrived, forwarded or not."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.requests: list[str] = []
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()

    def accept(self) -> None:
        """Listen, again on the same port after `refuse`."""
        self._server = Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def refuse(self) -> None:
        """End all connections and refuse new ones."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None

    def cut_after(self, n_bytes: int, when: When = "", times: int | None = 1) -> None:
        """Reset the connection after so many bytes of a request's body; the emulator sees nothing of it.

        A shorter body passes. 0 cuts requests without a body, too.
        """

        def cut(request: Request) -> bool:
            if request.length < n_bytes:
                return False
            request.rfile.read(n_bytes)
            request.reset()
            return True

        self._add(cut, when, times)

    def lose_answer(self, when: When = "", times: int | None = 1) -> None:
        """Forward the request and reset the connection when its answer comes: done, but the client cannot know."""

        def lose(request: Request) -> bool:
            request.ask()
            request.reset()
            return True

        self._add(lose, when, times)

    def answer(self, status: int, body: Any, when: When = "", times: int | None = None) -> None:
        """Answer with this JSON; the emulator sees nothing."""

        def forge(request: Request) -> bool:
            request.rfile.read(request.length)
            request.answer(status, [("Content-Type", "application/json")], json.dumps(body).encode())
            return True

        self._add(forge, when, times)

    def forget(self) -> None:
        """Forward everything again."""
        with self._lock:
            self._rules.clear()

    def handle(self, request: Request) -> None:
        self.requests.append(request.requestline)
        with self._lock:
            rules = [rule for rule in self._rules if rule.left != 0 and rule.when(request.requestline)]
        for rule in rules:
            if rule.do(request):
                if rule.left is not None:
                    rule.left -= 1
                return
        request.forward()

    def _add(self, do: Callable[[Request], bool], when: When, times: int | None) -> None:
        asks = when if callable(when) else lambda line: re.search(when, line) is not None
        with self._lock:
            self._rules.append(Rule(asks, do, times))


class Server(ThreadingHTTPServer):
    """Knows its open connections. Closing the listener alone would leave those to a client's pool."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], proxy: Proxy) -> None:
        self.proxy = proxy
        self.open: set[socket.socket] = set()
        super().__init__(address, Request)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):  # it may have just ended
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what a test wants."""


class Request(BaseHTTPRequestHandler):
    """One request of a connection, or the next. Headers and body pass unchanged, the answer's too.

    The emulator makes the address of a resumable upload from the header Host, so that it is the proxy's.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body of an answer waited 40 ms for the client to acknowledge its headers
    server: Server

    def do(self) -> None:
        self.server.proxy.handle(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815

    @property
    def length(self) -> int:
        return int(self.headers.get("Content-Length", 0))

    def ask(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the emulator's answer."""
        upstream = http.client.HTTPConnection(self.server.proxy.upstream, timeout=300)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    upstream.putheader(name, value)
            upstream.endheaders(self.rfile.read(self.length))
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            upstream.close()

    def forward(self) -> None:
        try:
            answer = self.ask()
        except (OSError, http.client.HTTPException):  # the emulator is gone: so is the connection to it
            self.reset()
        else:
            self.answer(*answer)

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in OF_ONE_CONNECTION:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """RST, not the polite FIN: the kernel drops what it has not sent and tells the other side."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:
        """Silence; `Proxy.requests` has them."""


def bigquery_error(status: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    """Status and body as BigQuery sends them."""
    error = {"code": status, "message": message, "status": REASONS.get(status, "UNAVAILABLE")}
    return status, {"error": {**error, "errors": [{"domain": "global", "reason": reason, "message": message}]}}
