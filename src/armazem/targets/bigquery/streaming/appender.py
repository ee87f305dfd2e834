"""BigQuery's Storage Write API: pieces of rows into the default stream of a table, each at least once."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest

from armazem.errors import CloudError
from armazem.targets.bigquery.streaming.arrow import SCHEMAS
from armazem.targets.bigquery.streaming.rows import Piece, without

MAX_BYTES = 64 * 2**20
"""Rows that are on their way at most; `append` waits where there are more."""

ANSWER_SECONDS = 60.0
"""How long BigQuery may take for an answer before the connection counts as lost."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 15.0
_PASSING = (
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)


class RefusedRow(NamedTuple):
    """A row that BigQuery did not take: its place in a piece, and BigQuery's reason."""

    piece: Piece
    place: int
    reason: str


class _Broken(Exception):
    """The connection is gone, or what was sent has to be sent again. Its cause says why."""


Connect = Callable[[], BigQueryWriteClient]


def connecting(endpoint: str = "") -> Connect:
    """Return what makes a client, by Application Default Credentials. `endpoint`: host:port of an emulator."""

    def connect() -> BigQueryWriteClient:
        if not endpoint:
            return BigQueryWriteClient()  # type: ignore[no-untyped-call]
        transport = BigQueryWriteGrpcTransport(channel=grpc.insecure_channel(endpoint))
        return BigQueryWriteClient(transport=transport)  # type: ignore[no-untyped-call]

    return connect


class Appender:
    """Rows into one table, by one connection. For one thread.

    `append` sends and does not wait for the answer; `finish` returns when BigQuery has every row, and gives back those
    that it refused. What fails for a while is sent again, after pauses, for `retry_seconds` without any success; what
    fails for good is raised as CloudError, and then none of what was not finished may count as written. Rows may be
    written twice, never less than once.
    """

    def __init__(
        self,
        connect: Connect,
        table_id: str,
        *,
        retry_seconds: float = 60.0,
        answer_seconds: float = ANSWER_SECONDS,
        max_bytes: int = MAX_BYTES,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`table_id`: project.dataset.table; `table` is one of SCHEMAS."""
        self.table_id = table_id
        project, dataset, table = table_id.rsplit(".", 2)  # the project of a domain has a dot of its own
        self._stream = f"projects/{project}/datasets/{dataset}/tables/{table}/streams/_default"
        self._schema = SCHEMAS[table].serialize().to_pybytes()
        self._connect = connect
        self._retry_seconds, self._answer_seconds = retry_seconds, answer_seconds
        self._max_bytes = max_bytes
        self._sleep = sleep
        self._client: BigQueryWriteClient | None = None
        self._connection: _Connection | None = None
        self._sent: deque[Piece] = deque()  # without an answer, oldest first
        self._bytes = 0
        self._refused: list[RefusedRow] = []
        self._closed = False
        self._failing_since: float | None = None
        self._pause = _FIRST_PAUSE

    @property
    def waiting(self) -> int:
        """Bytes of rows without an answer."""
        return self._bytes

    def append(self, piece: Piece) -> None:
        """Send a piece. Raises CloudError."""
        with self._given_up():
            self._check_open()
            while self._sent and self._bytes + piece.size > self._max_bytes:
                self._settle()
            self._send(piece)

    def finish(self) -> list[RefusedRow]:
        """Wait until every row that was appended is written, or refused; return the refused ones. Raises CloudError."""
        with self._given_up():
            self._check_open()
            while self._sent:
                self._settle()
            self._check_open()  # by another thread, meanwhile: then nobody knows what was written
        refused, self._refused = self._refused, []
        return refused

    def close(self) -> None:
        """Give up the connection, and what has no answer yet, for good: who waits for it gets an error."""
        self._closed = True
        self.drop()

    def drop(self) -> None:
        """Give up the connection, and what has no answer yet: the caller knows that it is not written."""
        self._disconnect()
        self._sent.clear()
        self._refused.clear()
        self._bytes = 0

    def _check_open(self) -> None:
        if self._closed:
            raise CloudError(f"the connection to {self.table_id} is closed", _LATER)

    @contextmanager
    def _given_up(self) -> Iterator[None]:
        """What is raised inside leaves nothing on its way: whoever goes on begins anew."""
        try:
            yield
        except BaseException:
            self.drop()
            self._failing_since, self._pause = None, _FIRST_PAUSE
            raise

    def _send(self, piece: Piece) -> None:
        self._sent.append(piece)
        self._bytes += piece.size
        if self._connection is not None:
            self._connection.send(self._request(piece))

    def _request(self, piece: Piece) -> AppendRowsRequest:
        request = AppendRowsRequest(write_stream=self._stream)
        request.arrow_rows.rows.serialized_record_batch = piece.rows
        return request

    def _settle(self) -> None:
        """Take one answer, for the piece that was sent first."""
        try:
            if self._connection is None:
                self._reconnect()
            assert self._connection is not None
            answer = self._connection.answer(self._answer_seconds)
            self._take(answer)
        except _Broken as broken:
            self._disconnect()
            self._rest(broken.__cause__ or broken)

    def _take(self, answer: Any) -> None:
        refused = {row.index: row.message for row in answer.row_errors}
        if answer.error.code and not refused:
            error = exceptions.from_grpc_status(_status(answer.error.code), answer.error.message)  # type: ignore[no-untyped-call]
            self._judge(error)
        piece = self._sent.popleft()
        self._bytes -= piece.size
        self._failing_since, self._pause = None, _FIRST_PAUSE
        if refused:  # then none of the piece is written
            self._refused += [RefusedRow(piece, place, reason) for place, reason in sorted(refused.items())]
            if (rest := without(piece, set(refused))) is not None:
                self._send(rest)

    def _reconnect(self) -> None:
        """Open a connection, and send again what has no answer."""
        try:
            self._client = self._client or self._connect()
        except GoogleAuthError as error:
            raise CloudError(f"there are no Google credentials: {error}", _SIGN_IN) from error
        self._connection = _Connection(self._client, self._stream, self._schema, self._judge)
        for piece in self._sent:
            self._connection.send(self._request(piece))

    def _judge(self, error: Exception) -> None:
        """Raises _Broken where it may pass, CloudError where it will not."""
        if isinstance(error, _PASSING):
            raise _Broken from error
        raise self._error(error) from error

    def _error(self, error: BaseException) -> CloudError:
        text = " ".join(str(getattr(error, "message", "") or error).split())
        if isinstance(error, exceptions.PermissionDenied | exceptions.Unauthenticated):
            return CloudError(
                f"no permission to write into {self.table_id}: {text}", "it takes the role BigQuery Data Editor"
            )
        if isinstance(error, exceptions.NotFound):
            return CloudError(f"there is no table {self.table_id}: {text}", _MAKE)
        if isinstance(error, exceptions.InvalidArgument):
            return CloudError(f"BigQuery does not take these rows into {self.table_id}: {text}", _CHANGED)
        return CloudError(f"BigQuery did not take rows into {self.table_id}: {text}", _LATER)

    def _rest(self, cause: BaseException) -> None:
        """Wait before the next attempt. Raises CloudError where it has failed for too long."""
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since >= self._retry_seconds:
            raise self._error(cause) from cause
        self._sleep(self._pause * random.uniform(0.5, 1.0))
        self._pause = min(_LONGEST_PAUSE, 2 * self._pause)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_SIGN_IN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
_MAKE = "`armazem load --target bigquery`, or `armazem subscribe … --target bigquery`, makes it"
_CHANGED = "has somebody changed the table? `bq show` tells its columns; docs/google-cloud.md those that it needs"
_LATER = "nothing of it was acknowledged: it is delivered again"


class _Connection:
    """One call of AppendRows: requests go in, and one answer for each comes out, in their order."""

    def __init__(
        self, client: BigQueryWriteClient, stream: str, schema: bytes, judge: Callable[[Exception], None]
    ) -> None:
        self._requests: queue.SimpleQueue[AppendRowsRequest | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._client, self._stream, self._schema = client, stream, schema
        self._judge = judge
        self._call: Any = None

    def send(self, request: AppendRowsRequest) -> None:
        if self._call is None:  # the first request says what the rows are
            request.arrow_rows.writer_schema.serialized_schema = self._schema
            self._requests.put(request)
            self._open()
        else:
            self._requests.put(request)

    def answer(self, seconds: float) -> Any:
        """The next answer. Raises what `judge` raises, _Broken where none comes."""
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise _Broken from exceptions.DeadlineExceeded(f"no answer within {seconds:.0f} s")  # type: ignore[no-untyped-call]
        if isinstance(answer, Exception):
            self._judge(answer)
        if answer is None:  # an end without an error, as after some minutes without rows
            raise _Broken from exceptions.ServiceUnavailable("BigQuery closed the connection")  # type: ignore[no-untyped-call]
        return answer

    def close(self) -> None:
        self._requests.put(None)
        if self._call is not None:
            self._call.cancel()

    def _open(self) -> None:
        # By the transport: the client's own method would wait for the first answer, and retry for a day by itself.
        route = (("x-goog-request-params", f"write_stream={self._stream}"),)  # tells the region
        append_rows: Any = self._client.transport.append_rows
        self._call = append_rows(self._to_send(), metadata=route)
        threading.Thread(target=self._receive, name="appended", daemon=True).start()

    def _to_send(self) -> Iterator[AppendRowsRequest]:
        while (request := self._requests.get()) is not None:
            yield request

    def _receive(self) -> None:
        try:
            for answer in self._call:
                self._answers.put(answer)
            self._answers.put(None)
        except grpc.RpcError as error:
            self._answers.put(exceptions.from_grpc_error(error))  # type: ignore[no-untyped-call]


def _status(code: int) -> grpc.StatusCode:
    return next(status for status in grpc.StatusCode if status.value[0] == code)
