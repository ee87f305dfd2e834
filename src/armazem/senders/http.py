"""Messages to `POST /v1/events` of a server until it answers: for `ingest --to`, and for `simulate`."""

from __future__ import annotations

import ssl
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import msgspec
import urllib3

from armazem.errors import SendError
from armazem.intake.queue import Outcome, Rejection
from armazem.intake.sending import Send

if TYPE_CHECKING:
    from armazem.senders.addresses import Acknowledged, How
    from armazem.shop.life.messages import Message

_TIMEOUT = urllib3.Timeout(connect=10, read=120)
_NO_RETRIES = urllib3.Retry(total=None, connect=0, read=0, other=0, redirect=5)  # they are made here
_AGAIN = (408, 429, 500, 502, 503, 504)
_LONGEST_PAUSE = 30.0
_FILE_CONNECTIONS = 2
_FILE_PATIENCE = 300.0
_SIMULATION_MOMENT = 5.0

_DECODER = msgspec.json.Decoder(Outcome)


class Answer(NamedTuple):
    """What became of the next so many messages, and how long the request took."""

    messages: int
    outcome: Outcome
    seconds: float


class Server:
    """A server at an address such as http://127.0.0.1:8000; to be used from as many threads as it has connections.

    A request is sent again after 408, 429, 5xx and a broken connection, `patience` seconds long; after `stop`, or
    where nobody ever answered, only `moment` seconds. `retries`: how often that was.
    """

    def __init__(self, url: str, token: str, *, connections: int, patience: float, moment: float, stop: Event) -> None:
        """Raises SendError where the address is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SendError(f"{url} is no address of a server", "give one like http://127.0.0.1:8000")
        self.retries = 0
        self._url = url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/v1/events"
        self._pool = _pool(parts.scheme, parts.hostname, connections)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._patience = patience
        self._moment = moment
        self._stop = stop
        self._reached = False
        self._lock = Lock()

    def send(self, messages: Sequence[bytes]) -> Iterator[Answer]:
        """Send messages in one request, or in smaller ones where it is too large, and give each answer as it comes.

        Raises SendError after too long, and for an answer that is not armazem's.
        """
        # As a line where it is one: of a body of JSON that is an array the server takes the elements.
        kind = "x-ndjson"
        if any(b"\n" in message for message in messages):
            if len(messages) > 1:
                yield from self._halves(messages)
                return
            kind = "json"
        headers = self._headers | {"Content-Type": f"application/{kind}"}
        response, seconds = self._answered(b"\n".join(messages), headers)
        outcome = _outcome(response.data)
        if outcome is None and response.status == 413:
            if len(messages) > 1:
                yield from self._halves(messages)
                return
            # Such a message reaches no dead letters there: its bytes are where it was read from.
            outcome = Outcome(0, 0, [Rejection(0, "too_large", "$", "the server refused it for its size")])
        if outcome is None and response.status == 401:
            raise SendError(f"{self._url} answered 401: it asks for a token", "set ARMAZEM_TOKEN to the server's")
        if outcome is None:
            said = f"{self._url} answered {response.status}: {_shown(response.data)}"
            raise SendError(said, "is it the address of `armazem serve`?")
        yield Answer(len(messages), outcome, seconds)

    def outcome(self, messages: Sequence[bytes]) -> Outcome:
        """What became of all these messages. Raises SendError."""
        whole, first = Outcome(0, 0, []), 0
        for count, part, _ in self.send(messages):
            whole.accepted += part.accepted
            whole.duplicates += part.duplicates
            whole.rejected += [msgspec.structs.replace(one, index=first + one.index) for one in part.rejected]
            first += count
        return whole

    def close(self) -> None:
        self._pool.clear()

    def _halves(self, messages: Sequence[bytes]) -> Iterator[Answer]:
        yield from self.send(messages[: len(messages) // 2])
        yield from self.send(messages[len(messages) // 2 :])

    def _answered(self, body: bytes, headers: dict[str, str]) -> tuple[urllib3.BaseHTTPResponse, float]:
        """The first answer that is not "try again", and how long it took. Raises SendError after too long."""
        started = time.monotonic()
        pause = 0.1
        while True:
            sent = time.perf_counter()
            wait = pause
            try:
                response = self._pool.request(
                    "POST", self._url, body=body, headers=headers, timeout=_TIMEOUT, retries=_NO_RETRIES
                )
            except (OSError, urllib3.exceptions.HTTPError) as error:
                why = f"{self._url} cannot be reached: {_reason(error)}"
            else:
                self._reached = True
                if response.status not in _AGAIN:
                    return response, time.perf_counter() - sent
                gone = time.monotonic() - started
                why = f"{self._url} has answered {response.status} for {gone:.0f} s: {_shown(response.data)}"
                wait = _seconds(response.headers.get("Retry-After"), pause)
            patient = self._reached and not self._stop.is_set()
            if time.monotonic() + wait - started > (self._patience if patient else self._moment):
                again = "look at the server, then send the same once more: duplicates are recognised"
                raise SendError(why, again if self._reached else "is `armazem serve` running there?")
            with self._lock:
                self.retries += 1
            # Once it is set there is nothing more to be woken by.
            (time.sleep if self._stop.is_set() else self._stop.wait)(wait)
            pause = min(2.0, 2 * pause)


@contextmanager
def to_server(url: str, token: str = "", *, patience: float = _FILE_PATIENCE) -> Iterator[Send]:
    """Sends batches, and gives up at once where nobody is there, or at the end of the `with` block.

    A future fails with SendError where the server does not take its batch. Raises SendError where the address is none.
    """
    stop = Event()
    server = Server(url, token, connections=_FILE_CONNECTIONS, patience=patience, moment=0, stop=stop)
    workers = ThreadPoolExecutor(_FILE_CONNECTIONS, "sender")
    try:
        yield lambda messages: workers.submit(server.outcome, messages)
    finally:
        stop.set()
        workers.shutdown(cancel_futures=True)
        server.close()


class HttpSender:
    """Sends batches in the order of `send`; over more than one connection they may overtake each other.

    One that was taken although its answer was lost counts as `answered_duplicates` the second time.
    """

    def __init__(self, url: str, acknowledged: Acknowledged, how: How) -> None:
        self._server = Server(
            url, how.token, connections=how.connections, patience=how.retry_seconds,
            moment=min(how.retry_seconds, _SIMULATION_MOMENT), stop=how.stop,
        )  # fmt: skip
        self._acknowledged = acknowledged
        self._workers = ThreadPoolExecutor(how.connections, "sender")
        self._most = 2 * how.connections
        self._under_way: deque[Future[None]] = deque()
        self._lock = Lock()
        self._accepted = self._duplicates = 0
        self._rejected: Counter[str] = Counter()
        self._milliseconds = array("f")

    def send(self, batch: Sequence[Message]) -> None:
        self._under_way.append(self._workers.submit(self._deliver, batch))
        self._settle(self._most)

    def finish(self) -> None:
        try:
            self._settle(0)
        finally:
            self._workers.shutdown()
            self._server.close()

    def figures(self) -> dict[str, Any]:
        times = sorted(self._milliseconds)
        return {
            "answered_accepted": self._accepted,
            "answered_duplicates": self._duplicates,
            "answered_rejected": self._rejected.total(),
            "answered_rejected_by_code": dict(sorted(self._rejected.items())),
            "requests": len(times),
            "retries": self._server.retries,
            "ack_p50_ms": _quantile(times, 0.5),
            "ack_p99_ms": _quantile(times, 0.99),
        }

    def _settle(self, leave: int) -> None:
        """Wait while more than so many batches are under way. After an error no other is begun."""
        try:
            while len(self._under_way) > leave:
                self._under_way.popleft().result()
        except SendError:
            self._under_way = deque(future for future in self._under_way if not future.cancel())
            raise

    def _deliver(self, batch: Sequence[Message]) -> None:
        first = 0
        for count, outcome, seconds in self._server.send([message.body for message in batch]):
            with self._lock:
                self._accepted += outcome.accepted
                self._duplicates += outcome.duplicates
                self._rejected.update(rejection.code for rejection in outcome.rejected)
                self._milliseconds.append(1000 * seconds)
                self._acknowledged(batch[first : first + count])
            first += count


def _pool(scheme: str, host: str, connections: int) -> urllib3.PoolManager:
    """Connections that stay open; by way of the proxy that the environment names, except to this machine."""
    options: dict[str, Any] = {"maxsize": connections, "block": True}
    if scheme == "https":  # the system's certificates, and those of a package where it has none, as in a small image
        trusted = ssl.create_default_context()
        trusted.load_verify_locations(certifi.where())
        options["ssl_context"] = trusted
    proxy = getproxies().get(scheme)
    if proxy is None or host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return urllib3.PoolManager(**options)
    login = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=unquote(login)) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


def _outcome(content: bytes) -> Outcome | None:
    try:
        return _DECODER.decode(content)
    except msgspec.DecodeError:
        return None


def _seconds(retry_after: str | None, otherwise: float) -> float:
    try:
        return min(_LONGEST_PAUSE, max(0.1, float(retry_after or otherwise)))
    except ValueError:  # a date
        return otherwise


def _shown(content: bytes) -> str:
    return " ".join(content[:300].decode(errors="replace").split())


def _reason(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None
