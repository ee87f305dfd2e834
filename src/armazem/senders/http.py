"""Messages to `POST /v1/events`, over connections that stay open, each batch until it is acknowledged."""

from __future__ import annotations

import http.client
import queue
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

import msgspec

from armazem.intake.queue import Outcome, Rejection
from armazem.senders.addresses import Acknowledged, TargetError
from armazem.shop.life.messages import Message

_TIMEOUT = 30.0
_MOMENT = 5.0  # seconds that a batch is tried again once the user wants to leave, or where nobody ever answered
_AGAIN = (408, 429, 500, 502, 503, 504)
_HEADERS = {"Content-Type": "application/x-ndjson"}

_DECODER = msgspec.json.Decoder(Outcome)


class HttpSender:
    """Sends batches in the order of `send`; over more than one connection they may overtake each other.

    A batch is sent again after 408, 429, 5xx and a broken connection, `retry_seconds` long; after `stop` only a
    moment. One that was taken although its answer was lost counts as `answered_duplicates` the second time.
    """

    def __init__(
        self, url: str, acknowledged: Acknowledged, token: str, connections: int, retry_seconds: float, stop: Event
    ) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise TargetError(f"{url} is no address of a server", "give one like http://127.0.0.1:8000")
        self._parts = parts
        self._path = parts.path if parts.path.strip("/") else "/v1/events"
        self._headers = _HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})
        self._acknowledged = acknowledged
        self._retry_seconds = retry_seconds
        self._stop = stop
        self._lock = Lock()
        self._answers: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._milliseconds = array("f")
        self._reached = False
        self._error: TargetError | None = None
        self._waiting: queue.Queue[Sequence[Message] | None] = queue.Queue(connections)
        # Daemons: a second Ctrl-C ends the process whatever they wait for.
        self._threads = [Thread(target=self._work, name=f"sender-{n}", daemon=True) for n in range(connections)]
        for thread in self._threads:
            thread.start()

    def send(self, batch: Sequence[Message]) -> None:
        self._waiting.put(batch)
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        if self._error is not None:
            raise self._error

    def figures(self) -> dict[str, Any]:
        times = sorted(self._milliseconds)
        return {
            "answered_accepted": self._answers["accepted"],
            "answered_duplicates": self._answers["duplicates"],
            "answered_rejected": self._rejected.total(),
            "answered_rejected_by_code": dict(sorted(self._rejected.items())),
            "requests": len(times),
            "retries": self._answers["retries"],
            "ack_p50_ms": _quantile(times, 0.5),
            "ack_p99_ms": _quantile(times, 0.99),
        }

    def _work(self) -> None:
        """One connection: batch after batch; after an error it only empties the queue, so that nobody waits."""
        secure = self._parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(self._parts.hostname or "", self._parts.port, timeout=_TIMEOUT)
        while (batch := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._deliver(connection, batch)
                except TargetError as error:
                    self._error = error
        connection.close()

    def _deliver(self, connection: http.client.HTTPConnection, batch: Sequence[Message]) -> None:
        """Send the batch until it is answered. Raises TargetError after too long, or for another kind of answer."""
        body = b"\n".join([message.body for message in batch])
        started = time.monotonic()
        pause = 0.1
        while True:
            sent = time.perf_counter()
            wait = pause
            try:
                connection.request("POST", self._path, body, self._headers)
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()  # the next request opens another
                problem = str(error) or type(error).__name__
            else:
                self._reached = True
                if response.status == 413 and len(batch) > 1 and _outcome(content) is None:
                    for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                        self._deliver(connection, half)
                    return
                if response.status not in _AGAIN:
                    self._take(batch, response.status, content, time.perf_counter() - sent)
                    return
                problem = f"{response.status}, {_shown(content)}"
                wait = _seconds(response.getheader("Retry-After"), pause)
            patient = self._reached and not self._stop.is_set()
            allowed = self._retry_seconds if patient else min(self._retry_seconds, _MOMENT)
            if time.monotonic() + wait - started > allowed:
                tried = f"{time.monotonic() - started:.0f} s"
                raise TargetError(
                    f"{self._parts.geturl()} has acknowledged nothing for {tried}: {problem}",
                    "is `armazem serve` running there?",
                )
            with self._lock:
                self._answers["retries"] += 1
            time.sleep(wait)
            pause = min(2.0, 2 * pause)

    def _take(self, batch: Sequence[Message], status: int, content: bytes, seconds: float) -> None:
        outcome = _outcome(content)
        if outcome is None and status == 413:  # one message, larger than a request may be there
            outcome = Outcome(0, 0, [Rejection(0, "too_large", "$", "the server refused it for its size")])
        if outcome is None:
            hint = "set ARMAZEM_TOKEN to the server's" if status == 401 else "is it the address of `armazem serve`?"
            raise TargetError(f"{self._parts.geturl()} answered {status}: {_shown(content)}", hint)
        with self._lock:
            self._answers.update(accepted=outcome.accepted, duplicates=outcome.duplicates)
            self._rejected.update(rejection.code for rejection in outcome.rejected)
            self._milliseconds.append(1000 * seconds)
            self._acknowledged(batch)


def _outcome(content: bytes) -> Outcome | None:
    try:
        return _DECODER.decode(content)
    except msgspec.DecodeError:
        return None


def _seconds(retry_after: str | None, otherwise: float) -> float:
    try:
        return min(30.0, max(0.05, float(retry_after or otherwise)))
    except ValueError:  # a date
        return otherwise


def _shown(content: bytes) -> str:
    return " ".join(content[:300].decode(errors="replace").split())


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None
