"""`POST /v1/events`: messages in, their acknowledgement out after the fsync.

A plain ASGI endpoint in front of FastAPI, whose routing costs more than everything that is done here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from time import monotonic, perf_counter

from armazem.contract.rejects import RejectCode
from armazem.serve.access import Access
from armazem.serve.acknowledgements import Acknowledgements
from armazem.serve.answers import HttpError, Receive, Scope, Send, respond, respond_error, retry_after, to_json
from armazem.serve.body import ClientGone, ReadingBudget, is_lines, read_body, split_messages
from armazem.stream.errors import JournalError, QueueFull
from armazem.stream.ingest import Outcome

PATH = "/v1/events"
_DISK_RETRY_SECONDS = 5

Submit = Callable[[Sequence[bytes], str], Future[Outcome]]
Observe = Callable[[int, float], None]


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
        self._submit = submit
        self._access = access
        self._limit = max_request_bytes
        self._budget = ReadingBudget(reading_bytes)
        self._observe = observe
        self._acknowledgements: Acknowledgements[Outcome] = Acknowledgements(loop)
        self.failed_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        try:
            outcome = await self._take(scope, receive)
            status = status_of(outcome)
            await respond(send, status, to_json(outcome))
        except ClientGone:
            return
        except HttpError as error:
            status = error.status
            await respond_error(send, error)
        self._observe(status, perf_counter() - started)

    async def _take(self, scope: Scope, receive: Receive) -> Outcome:
        if scope["method"] != "POST":
            raise HttpError(405, "method_not_allowed", f"{PATH} takes POST only", "see /docs", [(b"allow", b"POST")])
        headers = scope["headers"]
        self._access.check(headers)
        lines = is_lines(next((value for name, value in headers if name == b"content-type"), b""))
        body = await read_body(headers, receive, self._limit, self._budget)
        messages = split_messages(body, lines=lines)
        if not messages:
            raise HttpError(400, "empty_body", "the body holds no event", "send one event, or one per line")
        try:
            return await self._acknowledgements.of(self._submit(messages, "http"))
        except QueueFull as error:
            raise HttpError(429, "queue_full", str(error), error.hint, [retry_after(error.retry_after)]) from error
        except JournalError as error:
            self.failed_at = monotonic()
            raise HttpError(503, "not_written", str(error), error.hint, [retry_after(_DISK_RETRY_SECONDS)]) from error


def status_of(outcome: Outcome) -> int:
    """200 where anything counts, now or before; 413 where everything was too large; else 400."""
    if outcome.accepted or outcome.duplicates:
        return 200
    return 413 if all(one.code == RejectCode.TOO_LARGE for one in outcome.rejected) else 400
