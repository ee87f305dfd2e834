"""Sends messages to a running server, `POST /v1/events`, until they are acknowledged."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from urllib.parse import urlsplit

import msgspec
import requests

from armazem.errors import ArmazemError
from armazem.intake.queue import Outcome, Rejection

_CONNECTIONS = 2
_TIMEOUT = (10, 120)  # seconds to connect, and to wait for an answer
_MOST_PATIENCE = 300.0  # seconds without an acknowledgement
_LONGEST_PAUSE = 30.0

_DECODER = msgspec.json.Decoder(Outcome)


class SendError(ArmazemError):
    """A server that did not take messages: not there, another one, or too busy for too long."""


class Remote:
    """A server at an address such as http://127.0.0.1:8000, for the time of a `with` block."""

    def __init__(self, url: str, token: str = "", *, patience: float = _MOST_PATIENCE) -> None:
        """Raises SendError where the address is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SendError(f"{url} is no address of a server", "give one like http://127.0.0.1:8000")
        self._url = url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/v1/events"
        self._patience = patience
        self._session = requests.Session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._workers = ThreadPoolExecutor(_CONNECTIONS, "sender")
        self._reached = False
        self._closed = threading.Event()

    def __enter__(self) -> Remote:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._workers.shutdown(cancel_futures=True)
        self._session.close()

    def send(self, messages: list[bytes]) -> Future[Outcome]:
        """Send a batch; the future fails with SendError where the server does not take it."""
        return self._workers.submit(self._send, messages)

    def _send(self, messages: list[bytes]) -> Outcome:
        if any(b"\n" in message for message in messages) and len(messages) > 1:
            return _joined([self._send([message]) for message in messages])
        # As a line where it is one: of a body of JSON that is an array the server takes the elements.
        kind = "application/json" if b"\n" in messages[0] and len(messages) == 1 else "application/x-ndjson"
        body = b"\n".join(messages)
        give_up = time.monotonic() + self._patience
        while True:
            pause = 1.0
            try:
                answer = self._session.post(self._url, data=body, headers={"Content-Type": kind}, timeout=_TIMEOUT)
            except requests.RequestException as error:
                why = f"{self._url} cannot be reached: {_reason(error)}"
                if not self._reached:
                    raise SendError(why, "is `armazem serve` running there?") from error
            else:
                self._reached = True
                if answer.status_code not in (429, 503):
                    return self._outcome(answer, messages)
                why = f"{self._url} has answered {answer.status_code} for {self._patience:.0f} s"
                pause = _seconds(answer.headers.get("Retry-After", ""))
            if time.monotonic() + pause > give_up or self._closed.wait(pause):
                raise SendError(why, "look at the server, then send the file again: duplicates are recognised")

    def _outcome(self, answer: requests.Response, messages: list[bytes]) -> Outcome:
        if answer.status_code == 401:
            raise SendError(f"{self._url} asks for a token", "set ARMAZEM_TOKEN to the server's")
        if answer.status_code == 413 and len(messages) == 1:
            # Such a message reaches no dead letters there: its bytes are where it was read from.
            return Outcome(0, 0, [Rejection(0, "too_large", "$", "the server refused it for its size")])
        if answer.status_code == 413:
            return _joined([self._send([message]) for message in messages])
        if answer.status_code in (200, 400):
            try:
                return _DECODER.decode(answer.content)
            except msgspec.DecodeError:
                pass  # not what an armazem server says
        raise SendError(
            f"{self._url} answered {answer.status_code}: {answer.text[:200]}", "is it the address of `armazem serve`?"
        )


def _joined(outcomes: list[Outcome]) -> Outcome:
    """The outcome of messages that were sent one by one."""
    rejected = [
        Rejection(index, rejection.code, rejection.path, rejection.message)
        for index, outcome in enumerate(outcomes)
        for rejection in outcome.rejected
    ]
    return Outcome(sum(o.accepted for o in outcomes), sum(o.duplicates for o in outcomes), rejected)


def _seconds(retry_after: str) -> float:
    try:
        return min(_LONGEST_PAUSE, max(0.1, float(retry_after)))
    except ValueError:  # missing, or a date
        return 1.0


def _reason(error: requests.RequestException) -> str:
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return str(cause)
