"""An endpoint of OpenLineage: a real HTTP server that keeps what it is sent, or misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Manner = Literal["takes", "fails", "hangs"]


class Endpoint:
    """`bodies`: what came, in order; `paths`: where to. `manner`: what it does with a request."""

    def __init__(self, manner: Manner) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: set[str] = set()
        self.requests = 0
        self._let_go = threading.Event()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.requests += 1
                if manner == "hangs":
                    endpoint._let_go.wait()
                    return
                if manner == "takes":
                    assert self.headers["Content-Type"] == "application/json"
                    endpoint.paths.add(self.path)
                    endpoint.bodies.append(json.loads(body))
                self.send_response(201 if manner == "takes" else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def run(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def endpoint(manner: Manner = "takes") -> Iterator[Endpoint]:
    running = Endpoint(manner)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running
    finally:
        running.close()
        thread.join()
