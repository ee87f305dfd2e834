"""BigQuery's Storage Write API as a script of answers: what it takes it keeps, in the order of its coming."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, AppendRowsResponse

from armazem.targets.bigquery.streaming.arrow import SCHEMAS


@dataclass
class WriteServer:
    """`refuse`: the `event_id` of an event, or the `id` of a dead letter, to the reason. `fail`: statuses that the next
    calls end with, one each, after they have read a request.
    """

    refuse: dict[str, str] = field(default_factory=dict)
    fail: list[grpc.StatusCode] = field(default_factory=list)
    kept: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    calls: int = 0

    def __enter__(self) -> Self:
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 16 * 2**20)])
        method = grpc.stream_stream_rpc_method_handler(
            self._append_rows, AppendRowsRequest.pb().FromString, lambda answer: answer.SerializeToString()
        )
        service = "google.cloud.bigquery.storage.v1.BigQueryWrite"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"AppendRows": method}),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=None).wait()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What it has of a table, in the order of its coming."""
        return [row for of, row in self.kept if of == table]

    def _append_rows(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        self.calls += 1
        for request in requests:
            if self.fail:
                context.abort(self.fail.pop(0), "as the test wants it")
            table = request.write_stream.split("/")[5]
            batch = pa.ipc.read_record_batch(
                pa.py_buffer(request.arrow_rows.rows.serialized_record_batch), SCHEMAS[table]
            )
            rows = batch.to_pylist()
            answer = AppendRowsResponse.pb()()
            for place, row in enumerate(rows):
                if reason := self.refuse.get(row["event_id" if table == "events" else "id"]):
                    answer.row_errors.add(index=place, message=reason, code="FIELDS_ERROR")
            if answer.row_errors:  # then none of them is written
                answer.error.code, answer.error.message = 3, "Errors found while processing rows."
            else:
                self.kept += [(table, row) for row in rows]
            yield answer
