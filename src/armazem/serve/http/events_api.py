"""`POST /v1/events`: messages in, their acknowledgement out after the fsync.

In front of FastAPI, whose routing costs more than everything that is done here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from time import monotonic, perf_counter

from armazem.contract.rejects import RejectCode
from armazem.intake.ingest import Outcome
from armazem.journal.errors import JournalError, QueueFull
from armazem.serve.http.access import Access
from armazem.serve.http.acknowledgements import Acknowledgements
from armazem.serve.http.answers import Headers, HttpError, Receive, Scope, Send, respond, retry_after, to_json
from armazem.serve.http.body import ClientGone, ReadingBudget, is_lines, read_body, split_messages

PATH = "/v1/events"
_DISK_RETRY_SECONDS = 5

Submit = Callable[[Sequence[bytes], str], Future[Outcome]]
Observe = Callable[[int, float], None]
Reply = Callable[[int, bytes, Headers], None]


class EventsEndpoint:
    """Answers every method on the path; `observe(status, seconds)` is told of each answer.

    `failed_at`: when the journal last could not be written, on the monotonic clock.
    """

    def __init__(
        self,
        submit: Submit,
        *,
        access: Access,
        max_request_bytes: int,
        reading_bytes: int,
        observe: Observe,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.failed_at = float("-inf")
        self._submit = submit
        self._access = access
        self._limit = max_request_bytes
        self._budget = ReadingBudget(reading_bytes)
        self._observe = observe
        self._loop = loop
        self._acknowledgements: Acknowledgements[Outcome] = Acknowledgements(loop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for bodies that come in pieces or packed."""
        answer: asyncio.Future[tuple[int, bytes, Headers]] = self._loop.create_future()

        def reply(status: int, body: bytes, headers: Headers) -> None:
            if not answer.done():
                answer.set_result((status, body, headers))

        started = perf_counter()
        try:
            lines = self._check(scope)
            body = await read_body(scope["headers"], receive, self._limit, self._budget)
            self._take(body, lines, reply, started)
        except ClientGone:
            return
        except HttpError as error:
            self._refuse(error, reply, started)
        await respond(send, *await answer)

    def take_whole(self, scope: Scope, body: bytes, reply: Reply) -> None:
        """Take a body that is there and as it is: no task, no coroutine. `reply` is called on the event loop."""
        started = perf_counter()
        try:
            self._take(body, self._check(scope), reply, started)
        except HttpError as error:
            self._refuse(error, reply, started)

    def _check(self, scope: Scope) -> bool:
        """Whether the body will be JSON lines. Raises HttpError."""
        self._access.guard.check(scope)
        if scope["method"] != "POST":
            raise HttpError(405, "method_not_allowed", f"{PATH} takes POST only", "see /docs", [(b"allow", b"POST")])
        self._access.check_token(scope)
        return is_lines(next((value for name, value in scope["headers"] if name == b"content-type"), b""))

    def _take(self, body: bytes, lines: bool, reply: Reply, started: float) -> None:
        """Submit the messages; the reply comes with their commit. Raises HttpError."""
        messages = split_messages(body, lines=lines)
        if not messages:
            raise HttpError(400, "empty_body", "the body holds no event", "send one event, or one per line")
        try:
            future = self._submit(messages, "http")
        except QueueFull as error:
            raise HttpError(429, "queue_full", str(error), error.hint, [retry_after(error.retry_after)]) from error
        except JournalError as error:
            raise self._not_written(error) from error
        self._acknowledgements.when_done(future, partial(self._acknowledge, reply, started))

    def _acknowledge(self, reply: Reply, started: float, future: Future[Outcome]) -> None:
        error = future.exception()
        if error is None:
            outcome = future.result()
            status = status_of(outcome)
            reply(status, to_json(outcome), ())
            self._observe(status, perf_counter() - started)
        elif isinstance(error, JournalError):
            self._refuse(self._not_written(error), reply, started)
        else:
            failed = HttpError(500, "failed", "the events could not be taken", "send them again; the log says why")
            self._refuse(failed, reply, started)
            raise error

    def _not_written(self, error: JournalError) -> HttpError:
        self.failed_at = monotonic()
        return HttpError(503, "not_written", str(error), error.hint, [retry_after(_DISK_RETRY_SECONDS)])

    def _refuse(self, error: HttpError, reply: Reply, started: float) -> None:
        reply(error.status, error.body, error.headers)
        self._observe(error.status, perf_counter() - started)


def status_of(outcome: Outcome) -> int:
    """Return 200 where anything counts, now or before; 413 where everything was too large; else 400."""
    if outcome.accepted or outcome.duplicates:
        return 200
    return 413 if all(one.code == RejectCode.TOO_LARGE for one in outcome.rejected) else 400
