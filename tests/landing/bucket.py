"""Cloud Storage for tests: a server that speaks the three calls that a download needs, from folders on the disk."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 4
PREFIXES = ("/storage/v1/b/", "/download/storage/v1/b/")


class Buckets:
    """Each folder below `root` is a bucket. `closed`: buckets that may not be read.

    `cuts`: of so many downloads only the first half is sent before the connection ends. `calls`: what was asked.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.closed: set[str] = set()
        self.cuts = 0
        self.calls: list[str] = []
        buckets = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                buckets.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        self.calls.append(request.path)
        [prefix] = [prefix for prefix in PREFIXES if url.path.startswith(prefix)]
        bucket, _, name = url.path.removeprefix(prefix).partition("/o")
        name, query = unquote(name.removeprefix("/")), parse_qs(url.query)
        folder = self.root / bucket
        if bucket in self.closed:
            refuse(request, 403, f"the caller does not have storage.objects.get access to {bucket}")
        elif not folder.is_dir():
            refuse(request, 404, "The specified bucket does not exist.")
        elif not name:
            send(request, self._listed(bucket, query))
        elif not (folder / name).is_file() or not self._is_current(folder / name, query):
            refuse(request, 404, f"No such object: {bucket}/{name}")
        elif query.get("alt") == ["media"]:
            self._media(request, folder / name)
        else:
            send(request, self._metadata(bucket, name))

    def _listed(self, bucket: str, query: dict[str, list[str]]) -> dict[str, Any]:
        prefix = query.get("prefix", [""])[0]
        flat = query.get("delimiter") == ["/"]
        every = sorted(str(path.relative_to(self.root / bucket)) for path in (self.root / bucket).rglob("*.*"))
        names = [name for name in every if name.startswith(prefix)]
        names = [name for name in names if not flat or "/" not in name.removeprefix(prefix)]
        start = int(query.get("pageToken", ["0"])[0])
        answer: dict[str, Any] = {
            "kind": "storage#objects",
            "items": [self._metadata(bucket, name) for name in names[start : start + PAGE]],
        }
        if len(names) > start + PAGE:
            answer["nextPageToken"] = str(start + PAGE)
        return answer

    def _metadata(self, bucket: str, name: str) -> dict[str, Any]:
        path = self.root / bucket / name
        status = path.stat()
        return {
            "kind": "storage#object", "name": name, "bucket": bucket, "generation": self._generation(path),
            "size": str(status.st_size),
            "updated": datetime.fromtimestamp(status.st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }  # fmt: skip

    def _generation(self, path: Path) -> str:
        """Another one as soon as the object is another."""
        return str(path.stat().st_mtime_ns)

    def _is_current(self, path: Path, query: dict[str, list[str]]) -> bool:
        """Whether the generation that is asked for, if one is, is the newest."""
        return query.get("generation", [self._generation(path)])[0] == self._generation(path)

    def _media(self, request: BaseHTTPRequestHandler, path: Path) -> None:
        data = path.read_bytes()
        first = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        request.send_response(206 if first else 200)
        request.send_header("Content-Length", str(len(data) - first))
        if first:
            request.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        digest = base64.b64encode(hashlib.md5(data).digest()).decode()
        request.send_header("X-Goog-Hash", f"md5={digest}")
        request.end_headers()
        rest = data[first:]
        if self.cuts:
            self.cuts -= 1
            rest = rest[: len(rest) // 2]
            request.close_connection = True
        request.wfile.write(rest)


def send(request: BaseHTTPRequestHandler, body: dict[str, Any], status: int = 200) -> None:
    content = json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def refuse(request: BaseHTTPRequestHandler, status: int, message: str) -> None:
    send(request, {"error": {"code": status, "message": message, "errors": [{"message": message}]}}, status)
