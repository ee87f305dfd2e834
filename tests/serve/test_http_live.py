"""`/v1/live` and its stream: what was acknowledged is soon seen, by everybody who listens."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.event_examples import canonical, identifier, item, order, order_initiated, payment

from .running import LINES, Running, until

pytestmark = pytest.mark.xdist_group("http-live")


def placed(number: int, value: str = "145.10") -> bytes:
    """A new order of its own. The value is written with its digits."""
    order_id = identifier(1000 + number)
    message = order_initiated(
        orders=order(order_id=order_id),
        order_items=[item(order_id=order_id)],
        order_payments=[payment(order_id=order_id, payment_value=0)],
        event_id=f"placed-{number}",
    )
    return canonical(message).replace(b'"payment_value":0', b'"payment_value":' + value.encode())


def live(server: Running) -> dict[str, Any]:
    found: dict[str, Any] = server.client.get("/v1/live").json()
    return found


def test_what_is_sent_is_seen(server: Running) -> None:
    before = live(server)
    server.post(b"\n".join(placed(number, "0.10") for number in range(3)), LINES)
    until(lambda: live(server)["orders"] == before["orders"] + 3)
    page = server.client.get("/v1/live")
    assert page.headers["content-type"] == "application/json" and page.headers["cache-control"] == "no-store"
    assert "etag" not in page.headers
    after = page.json()
    assert round(after["revenue"] - before["revenue"], 2) == 0.3  # a number, of exact decimals before it was one
    assert '"revenue":' + str(after["revenue"]) in page.text
    assert len({one["order_id"] for one in after["recent_orders"]} & {identifier(1000 + n) for n in range(3)}) == 3
    server.post(b"{}")
    until(lambda: live(server)["dead_letters"] == before["dead_letters"] + 1)


def frames(response: httpx.Response) -> Iterator[tuple[int, dict[str, Any]]]:
    """The snapshots of a stream with their ids; comments are passed over."""
    number = 0
    for line in response.iter_lines():
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            yield number, json.loads(line[6:])


@contextlib.contextmanager
def listening(server: Running) -> Iterator[Iterator[tuple[int, dict[str, Any]]]]:
    with httpx.stream("GET", f"{server.url}/v1/live/stream", timeout=60) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield frames(response)


def test_a_listener_hears_of_every_change(server: Running) -> None:
    with listening(server) as one, listening(server) as other:
        first, now = next(one)
        next(other)
        for number in range(10, 13):
            server.post(placed(number))
            expected = now["orders"] + number - 9
            heard, told = [], []
            for received, into in ((one, heard), (other, told)):
                for version, snapshot in received:
                    into.append(version)
                    if snapshot["orders"] == expected:
                        break
            assert heard == sorted(set(heard)) and heard[0] > first
            first = heard[-1]
    until(lambda: server.metric("armazem_connections") == 1)  # who has gone is not kept


def test_at_most_five_snapshots_a_second(server: Running) -> None:
    stop = threading.Event()

    def send() -> None:
        with httpx.Client(base_url=server.url) as client:
            number = 5000
            while not stop.is_set():
                number += 1
                client.post("/v1/events", content=placed(number), headers=LINES)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with listening(server) as received:
            started = time.monotonic()
            count = 0
            for _ in received:
                count += 1
                if time.monotonic() - started > 2:
                    break
    finally:
        stop.set()
        sender.join()
    assert 2 <= count <= 12


def test_many_listeners(server: Running) -> None:
    request = b"GET /v1/live/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    connections = [server.connect() for _ in range(100)]
    for connection in connections:
        connection.sendall(request)
    heads = [connection.recv(65536) for connection in connections]
    assert all(head.startswith(b"HTTP/1.1 200") for head in heads)
    server.post(placed(99, "987.65"))
    for connection in connections:
        heard = b""
        while identifier(1099).encode() not in heard:
            heard += connection.recv(65536)
        connection.close()
    until(lambda: server.metric("armazem_connections") == 1)


def test_streams_end_with_the_server(tmp_path: Path) -> None:
    with Running(tmp_path / "home") as server, listening(server) as received:
        next(received)
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert len(list(received)) <= 1
        assert server.process.wait(30) == 0
        assert time.monotonic() - started < 20


def test_the_figures_are_there_after_a_restart(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Running(home) as server:
        server.post(b"\n".join(placed(number) for number in range(50)), LINES)
        until(lambda: live(server)["orders"] == 50)
        before = live(server)
    with Running(home) as server:
        after = live(server)
    for name in ("orders", "revenue", "recent_orders", "dead_letters", "seq"):
        assert after[name] == before[name]


FIRST_REBUILD_FAILS = """
import armazem.live.start
from armazem.live.service import LiveState
armazem.live.start._RETRY_SECONDS = 3
rebuild, failures = LiveState.rebuild, [OSError(28, "No space left on device")]
def fails_once(self):
    if failures:
        raise failures.pop()
    rebuild(self)
LiveState.rebuild = fails_once
"""


def test_events_are_taken_while_there_are_no_figures(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Running(home) as server:
        server.post(placed(1))
    with Running(home, before=f"exec({FIRST_REBUILD_FAILS!r})", ready=False) as server:
        for path in ("/v1/live", "/v1/live/stream"):
            said = server.client.get(path)
            assert (said.status_code, said.headers["retry-after"]) == (503, "1")
            assert "No space left" in said.json()["error"]["message"]
        ready = server.client.get("/readyz")
        assert ready.status_code == 200 and "No space left" in ready.json()["live"]
        assert server.client.get("/healthz").status_code == 200
        assert server.post(placed(2)).status_code == 200
        until(lambda: server.client.get("/readyz").json()["live"] is None)
        until(lambda: live(server)["orders"] == 2)
        server.kill()  # the failure is in its log, with a traceback
