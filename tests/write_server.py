"""A Storage Write API that answers as a test tells it, for what the emulator never does: row errors, lost answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, AppendRowsResponse, RowError

from armazem.targets.bigquery.streaming.arrow import SCHEMAS

Rows = list[dict[str, Any]]
Says = Callable[[int, Rows], AppendRowsResponse | grpc.StatusCode | float | None]
"""Of the n-th request and its rows: None to keep the rows, an answer in place of that, a status that ends the
connection with none of them kept, or seconds to say nothing for, with the rows kept.
"""


@dataclass
class WriteServer:
    """`refuse`: the `event_id` of an event, or the `id` of a dead letter, to the reason why it is not taken. `fail`:
    statuses that the next requests end with, one each. `kept`: table and row, in the order of their coming.
    """

    says: Says = lambda number, rows: None
    refuse: dict[str, str] = field(default_factory=dict)
    fail: list[grpc.StatusCode] = field(default_factory=list)
    kept: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    calls: int = 0
    requests: int = 0

    def __enter__(self) -> Self:
        handler = grpc.stream_stream_rpc_method_handler(
            self._append,
            request_deserializer=AppendRowsRequest.deserialize,
            response_serializer=AppendRowsResponse.serialize,
        )
        service = "google.cloud.bigquery.storage.v1.BigQueryWrite"
        self._server = grpc.server(
            ThreadPoolExecutor(8),
            handlers=(grpc.method_handlers_generic_handler(service, {"AppendRows": handler}),),
            options=[("grpc.max_receive_message_length", 16 * 2**20)],
        )
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait()

    def rows(self, table: str) -> Rows:
        """What it has of a table."""
        return [row for of, row in self.kept if of == table]

    def _append(self, requests: Iterator[AppendRowsRequest], context: Any) -> Iterator[AppendRowsResponse]:
        self.calls += 1
        schema: pa.Schema | None = None
        for request in requests:
            table = request.write_stream.split("/")[5]
            if written := request.arrow_rows.writer_schema.serialized_schema:
                schema = pa.ipc.read_schema(pa.py_buffer(written))
                assert schema == SCHEMAS[table]
            assert schema is not None, "the first request of a connection has the schema"
            batch = pa.ipc.read_record_batch(pa.py_buffer(request.arrow_rows.rows.serialized_record_batch), schema)
            rows = batch.to_pylist()
            self.requests += 1
            answer = self._answer(table, rows)
            if isinstance(answer, AppendRowsResponse):
                yield answer
                continue
            if isinstance(answer, grpc.StatusCode):
                context.abort(answer, f"said {answer.name}")
            self.kept += [(table, row) for row in rows]
            if isinstance(answer, float):
                time.sleep(answer)
            yield AppendRowsResponse(append_result=AppendRowsResponse.AppendResult())

    def _answer(self, table: str, rows: Rows) -> AppendRowsResponse | grpc.StatusCode | float | None:
        if self.fail:
            return self.fail.pop(0)
        known = [row["event_id" if table == "events" else "id"] for row in rows]
        if bad := [(at, self.refuse[name]) for at, name in enumerate(known) if name in self.refuse]:
            return row_errors(*bad)
        return self.says(self.requests, rows)


def row_errors(*refused: tuple[int, str]) -> AppendRowsResponse:
    """None of the rows is kept, because of these."""
    errors = [RowError(index=at, code=RowError.RowErrorCode.FIELDS_ERROR, message=why) for at, why in refused]
    said = {"code": 3, "message": "Errors found while processing rows."}
    return AppendRowsResponse({"row_errors": errors, "error": said})


def error(code: grpc.StatusCode, message: str) -> AppendRowsResponse:
    """The request failed, and the connection stays."""
    return AppendRowsResponse({"error": {"code": code.value[0], "message": message}})
