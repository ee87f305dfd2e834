"""Dataflow's API, as much of it as a submission asks: it keeps the jobs that it was sent."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class DataflowService:
    """On a free port. `jobs`: path and job of each request that made one. `status`: what it answers with."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.jobs: list[tuple[str, dict[str, Any]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
                service.jobs.append((self.path, sent))
                if service.status != 200:
                    error = {"code": service.status, "message": "said", "status": "PERMISSION_DENIED"}
                    self._answer({"error": error})
                    return
                self._answer(
                    {
                        "id": "job-1",
                        "name": sent.get("name", ""),
                        "projectId": "my-project",
                        "location": "southamerica-east1",
                        "type": "JOB_TYPE_STREAMING",
                        "currentState": "JOB_STATE_PENDING",
                    }
                )

            def do_GET(self) -> None:
                self._answer({})

            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def _answer(self, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(service.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """By the name localhost: with an address Google's client asks another host for two minutes."""
        return f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
