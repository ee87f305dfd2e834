"""A REST catalog of Iceberg for tests: the calls that tables need, over pyiceberg's catalog on SQLite."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.table import CommitTableRequest, Table

_CODES = {
    NoSuchNamespaceError: 404,
    NoSuchTableError: 404,
    NamespaceAlreadyExistsError: 409,
    TableAlreadyExistsError: 409,
    CommitFailedException: 409,
}


class RestCatalog:
    """Serves below `url` to whoever sends this header. The server decides where tables lie: below `folder`.

    `asked`: the warehouses that it was asked for. `conflicts`: so many commits are refused, as if others had been
    faster. `silent`: once rows are in the ledger, so many requests get no answer, that one among them.
    """

    def __init__(self, folder: Path, authorization: str) -> None:
        folder.mkdir()
        self.authorization = authorization
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.conflicts = 0
        self.silent = 0
        self._recorded = False
        self._catalog = SqlCatalog("served", uri=f"sqlite:///{folder / 'catalog.db'}", warehouse=f"file://{folder}")
        self._lock = threading.Lock()
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                served.answer(self)

            def do_POST(self) -> None:
                served.answer(self)

            def do_HEAD(self) -> None:
                served.answer(self)

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
        length = int(request.headers.get("content-length") or 0)
        body = json.loads(request.rfile.read(length) or b"{}")
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        url = urlsplit(request.path)
        if request.headers.get("authorization") != self.authorization:
            _send(request, 401, _error(401, "NotAuthorizedException", "not you"))
            return
        try:
            with self._lock:
                found = self._answered(request.command, url.path.split("/")[2:], parse_qs(url.query), body)
        except tuple(_CODES) as error:
            code = _CODES[type(error)]
            _send(request, code, _error(code, type(error).__name__, str(error)))
        else:
            self._recorded |= request.command == "POST" and url.path.endswith("/tables/loads")
            if self._recorded and self.silent:
                self.silent -= 1
                request.close_connection = True
            else:
                _send(request, 200, found)

    def _answered(self, method: str, path: list[str], query: dict[str, list[str]], body: dict[str, Any]) -> Any:
        match method, path:
            case "GET", ["config"]:
                self.asked += query.get("warehouse", [])
                return {"defaults": {}, "overrides": {}}
            case "POST", ["namespaces"]:
                self._catalog.create_namespace(tuple(body["namespace"]))
                return body
            case "GET" | "HEAD", ["namespaces", name]:
                return {"namespace": [name], "properties": self._catalog.load_namespace_properties(name)}
            case "GET", ["namespaces", name, "tables"]:
                tables = self._catalog.list_tables(name)
                return {"identifiers": [{"namespace": list(one[:-1]), "name": one[-1]} for one in tables]}
            case "POST", ["namespaces", name, "tables"]:
                return self._created(name, CreateTableRequest.model_validate({"location": None, **body}))
            case "GET" | "HEAD", ["namespaces", name, "tables", table]:
                return _described(self._catalog.load_table((name, table)))
            case "POST", ["namespaces", name, "tables", table]:
                return self._committed(self._catalog.load_table((name, table)), CommitTableRequest.model_validate(body))
        raise NoSuchTableError(f"{method} {'/'.join(path)}")

    def _created(self, name: str, wanted: CreateTableRequest) -> dict[str, Any]:
        table = self._catalog.create_table(
            (name, wanted.name),
            wanted.table_schema,
            partition_spec=wanted.partition_spec or UNPARTITIONED_PARTITION_SPEC,
            properties=wanted.properties,
        )
        return _described(table)

    def _committed(self, table: Table, commit: CommitTableRequest) -> dict[str, Any]:
        if self.conflicts:
            self.conflicts -= 1
            raise CommitFailedException("somebody else was faster")
        done = self._catalog.commit_table(table, commit.requirements, commit.updates)
        return json.loads(done.model_dump_json(by_alias=True))


def _described(table: Table) -> dict[str, Any]:
    return {
        "metadata-location": table.metadata_location,
        "metadata": json.loads(table.metadata.model_dump_json(by_alias=True)),
        "config": {},
    }


def _error(code: int, kind: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}


def _send(request: BaseHTTPRequestHandler, code: int, body: Any) -> None:
    content = json.dumps(body).encode()
    request.send_response(code)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)
