"""What the server does about requests that are too large, too slow, cut off or too many, and about strangers."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from small_disk import remount, small_disk
from soak import NUMBERS

from armazem.serve.http.protocol import LimitedProtocol

from .running import JSON, LINES, Running, encoded, journal_ids, lines, received, review, until, zipped

pytestmark = pytest.mark.xdist_group("http-limits")

HURRY = (
    "from armazem.serve.http.protocol import LimitedProtocol; "
    "LimitedProtocol.request_seconds = 2; LimitedProtocol.grace_seconds = 0.5"
)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that gives a request two seconds, and a body one mebibyte."""
    with Running(tmp_path_factory.mktemp("hasty") / "home", before=HURRY, max_request_megabytes=1) as running:
        yield running


def head(length: int, *headers: str) -> bytes:
    all_headers = ["Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {length}", *headers]
    return ("POST /v1/events HTTP/1.1\r\n" + "".join(f"{header}\r\n" for header in all_headers) + "\r\n").encode()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_users_have_half_a_minute() -> None:
    assert LimitedProtocol.request_seconds == 30


def one_answer(connection: socket.socket) -> bytes:
    """Head and body of the next answer: they may come in pieces."""
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head_of_it, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head_of_it.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length and (more := connection.recv(65536)):
        body += more
    return head_of_it + b"\r\n\r\n" + body


def test_a_body_that_says_it_is_too_large_is_refused_at_once(hasty: Running) -> None:
    with hasty.connect() as connection:
        connection.sendall(head(2**20 + 1))
        answer = one_answer(connection)
    assert status(answer) == 413 and b'"request_too_large"' in answer and b"ARMAZEM_MAX_REQUEST_MEGABYTES" in answer


def test_a_body_that_does_not_say_how_large_it_is(hasty: Running) -> None:
    piece = lines(review() for _ in range(100))
    said = hasty.client.post("/v1/events", content=(piece for _ in range(100)), headers=LINES)
    assert (said.status_code, said.json()["error"]["code"]) == (413, "request_too_large")
    assert journal_ids(hasty.home) == []
    assert hasty.post(encoded(review())).status_code == 200  # on the same connection


def test_a_body_of_just_the_limit_is_taken(server: Running) -> None:
    event = encoded(review()) + b"\n"
    assert server.post(event.ljust(16 * 2**20), LINES).status_code == 200
    assert server.post(event.ljust(16 * 2**20 + 1), LINES).status_code == 413


@pytest.mark.parametrize("layers", [1, 2])
def test_a_gzip_bomb(server: Running, layers: int) -> None:
    bomb = gzip.compress(b"\n" * 2**26, 1) * 16
    if layers == 2:
        bomb = zipped(bomb[:500_000])  # not unpacked twice: one broken message
    before = peak_memory(server)
    said = server.post(bomb, JSON | {"Content-Encoding": "gzip"})
    assert said.status_code == (413 if layers == 1 else 400)
    assert peak_memory(server) - before < 100


def peak_memory(server: Running) -> float:
    """In MiB."""
    text = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


def test_many_large_bodies_at_once_do_not_fill_the_memory(tmp_path: Path) -> None:
    with Running(tmp_path / "home", queue_megabytes=8, max_request_megabytes=8) as server:
        before = peak_memory(server)
        connections = [server.connect() for _ in range(12)]
        for connection in connections:
            connection.sendall(head(8 * 2**20) + b"\n" * 4 * 2**20)
        until(lambda: any(said(connection) for connection in connections))
        assert {status(answer) for answer in map(said, connections) if answer} == {429}
        assert peak_memory(server) - before < 60
        for connection in connections:
            connection.close()
        until(lambda: server.metric("armazem_connections") == 1)
        body = lines(review() for _ in range(2000))
        assert server.post(body.ljust(7 * 2**20), LINES).status_code == 200  # what they held is given back


def said(connection: socket.socket) -> bytes:
    """What has come so far, left where it is."""
    connection.setblocking(False)
    try:
        return connection.recv(65536, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def test_a_body_cut_in_the_middle_counts_for_nothing(server: Running) -> None:
    events = [review() for _ in range(3)]
    body = lines(events)
    cut = len(body) - 20
    for goodbye in (socket.SHUT_WR, socket.SHUT_RDWR):
        with server.connect() as connection:
            connection.sendall(head(len(body)).replace(b"application/json", b"application/x-ndjson") + body[:cut])
            connection.shutdown(goodbye)
            if goodbye == socket.SHUT_WR:
                assert received(connection) == b""
    with server.connect() as connection:  # the last chunk never comes
        chunked = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked").replace(b"json", b"jsonl")
        connection.sendall(chunked + b"%x\r\n%b\r\n" % (len(body), body))
    until(lambda: server.metric("armazem_connections") == 1)
    assert not {event["event_id"] for event in events} & set(journal_ids(server.home))
    assert server.metric("armazem_queue_messages") == 0


def test_a_slow_body(hasty: Running) -> None:
    event = review()
    body = encoded(event)
    with hasty.connect() as connection:
        connection.sendall(head(len(body)))
        started = time.monotonic()
        stop = threading.Event()

        def trickle() -> None:
            for number in range(len(body)):
                try:
                    connection.sendall(body[number : number + 1])
                except OSError:
                    return
                if stop.wait(0.1):
                    return

        sender = threading.Thread(target=trickle)
        sender.start()
        answer = one_answer(connection)
        seconds = time.monotonic() - started
        stop.set()
        sender.join()
    assert status(answer) == 408 and b'"too_slow"' in answer and b"connection: close" in answer
    assert 1.9 < seconds < 20
    assert event["event_id"] not in journal_ids(hasty.home)


def test_a_slow_head(hasty: Running) -> None:
    with hasty.connect() as connection:
        connection.sendall(b"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1")
        assert status(received(connection)) == 408


def test_connections_that_say_nothing_are_closed(hasty: Running) -> None:
    with hasty.connect() as silent, hasty.connect() as done:
        done.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert received(silent) == b""
        assert status(received(done)) == 200


def test_a_listener_that_does_not_read_is_dropped(hasty: Running) -> None:
    with hasty.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # Many requests in a row whose answers nobody takes.
        connection.settimeout(0.2)
        try:
            for _ in range(20_000):
                connection.sendall(b"GET /docs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        except TimeoutError:
            pass
        until(lambda: hasty.metric("armazem_connections") == 1)


def test_a_head_that_never_ends(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        try:
            for number in range(10_000):
                connection.sendall(b"X-%d: %b\r\n" % (number, b"y" * 1000))
        except (ConnectionResetError, BrokenPipeError):
            pass
        else:
            assert status(received(connection)) == 431


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n", b"GET  HTTP/9.9\r\n\r\n", b"\0" * 99]
)
def test_what_is_not_http(server: Running, garbage: bytes) -> None:
    with server.connect() as connection:
        connection.sendall(garbage)
        answer = received(connection)
    assert status(answer) == 400 and b'"not_http"' in answer


@pytest.mark.parametrize("cut", [0, 1, 100, 150, 300])
def test_requests_that_do_not_wait_for_answers(server: Running, cut: int) -> None:
    """Cut anywhere: before, in and after the head of the last one."""
    bodies = [encoded(review()) for _ in range(20)]
    all_of_them = b"".join(head(len(body)) + body for body in bodies)
    cut = len(all_of_them) - cut
    with server.connect() as connection:
        connection.sendall(all_of_them[:cut])
        time.sleep(0.05)
        connection.sendall(all_of_them[cut:])
        answers = b""
        while answers.count(b'{"accepted":1,"duplicates":0,"rejected":[]}') < 20:
            answers += connection.recv(65536)
    assert answers.count(b"HTTP/1.1 200") == 20


def test_requests_in_a_row_on_one_connection(server: Running) -> None:
    bodies = [encoded(review()) for _ in range(50)]
    with server.connect() as connection:
        connection.sendall(b"".join(head(len(body)) + body for body in bodies))
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answers = received(connection)
    assert answers.count(b'{"accepted":1,"duplicates":0,"rejected":[]}') == 50
    assert answers.count(b"HTTP/1.1 200") == 51


def test_curl_asks_before_it_sends_a_large_body(server: Running) -> None:
    body = encoded(review())
    with server.connect() as connection:
        connection.sendall(head(len(body), "Expect: 100-continue"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert status(connection.recv(65536)) == 200


def test_the_queue_is_full(tmp_path: Path) -> None:
    with Running(tmp_path / "home", queue_megabytes=1) as server:
        ids: list[str] = []
        statuses: list[int] = []
        stop = threading.Event()

        def send() -> None:
            with httpx.Client(base_url=server.url, timeout=60) as client:
                while not stop.is_set():
                    events = [review(review_comment_message="x" * 3000) for _ in range(250)]
                    said = client.post("/v1/events", content=lines(events), headers=LINES)
                    statuses.append(said.status_code)
                    if said.status_code == 200:
                        ids.extend(event["event_id"] for event in events)
                    else:
                        assert int(said.headers["retry-after"]) >= 1
                        assert said.json()["error"]["code"] == "queue_full"

        senders = [threading.Thread(target=send) for _ in range(8)]
        for sender in senders:
            sender.start()
        until(lambda: 429 in statuses and 200 in statuses)
        stop.set()
        for sender in senders:
            sender.join()
        assert set(statuses) == {200, 429}
        assert sorted(journal_ids(server.home)) == sorted(ids)


def test_the_token(tmp_path: Path) -> None:
    with Running(tmp_path / "home", host="0.0.0.0", token="sesame") as server:
        address = f"http://127.0.0.1:{server.port}"
        for given in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic sesame"},
            {"Authorization": "sesame"},
        ):
            for method, path in (
                ("POST", "/v1/events"),
                ("GET", "/v1/live"),
                ("GET", "/v1/live/stream"),
                ("GET", "/v1/x"),
            ):
                said = httpx.request(method, address + path, content=encoded(review()), headers=JSON | given)
                assert (said.status_code, said.headers["www-authenticate"]) == (401, "Bearer")
                assert "ARMAZEM_TOKEN" in said.json()["error"]["hint"]
        assert journal_ids(server.home) == []
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"):
            assert httpx.get(address + path).status_code == 200
        right = {"Authorization": "bearer sesame"}
        assert httpx.post(f"{address}/v1/events", content=encoded(review()), headers=JSON | right).status_code == 200
        assert httpx.get(f"{address}/v1/live", headers=right).status_code == 200


def test_many_idle_connections(server: Running) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle: list[socket.socket] = []
    try:
        for number in range(NUMBERS.connections):
            connection = server.connect()
            idle.append(connection)
            if number % 2:
                connection.sendall(b"POST /v1/events HTTP/1.1\r\nContent-Le")
        until(lambda: server.metric("armazem_connections") == NUMBERS.connections + 1)
        started = time.monotonic()
        assert server.post(encoded(review())).status_code == 200
        assert time.monotonic() - started < 10
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: server.metric("armazem_connections") == 1)


def test_more_connections_than_files(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))"
    with Running(tmp_path / "home", before=limit) as server:
        connections = [server.connect() for _ in range(150)]
        until(lambda: all(said(connection) for connection in connections[-40:]))
        answers = [said(connection) for connection in connections]
        assert all(answer == b"" for answer in answers[:90])
        assert all(status(answer) == 503 for answer in answers[-40:])
        for connection in connections:
            connection.close()
        until(lambda: httpx.post(f"{server.url}/v1/events", content=encoded(review()), headers=JSON).status_code == 200)


def test_the_disk_is_full_and_then_is_not(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk, Running(disk / "home") as server:
        acknowledged = []
        for _ in range(50):
            events = [review(review_comment_message="x" * 2000) for _ in range(100)]
            said = server.post(lines(events), LINES)
            if said.status_code != 200:
                break
            acknowledged += [event["event_id"] for event in events]
        assert said.status_code == 503 and int(said.headers["retry-after"]) >= 1
        error = said.json()["error"]
        assert error["code"] == "not_written" and "no space left" in error["message"] and "free some" in error["hint"]
        not_ready = server.client.get("/readyz")
        assert not_ready.status_code == 503 and "no space left" in not_ready.json()["reasons"][0]
        assert server.client.get("/healthz").status_code == 200
        assert journal_ids(server.home) == acknowledged
        remount(disk, "size=16m")
        said = server.post(lines(events), LINES)
        assert (said.status_code, said.json()["accepted"]) == (200, 100)
        assert server.client.get("/readyz").status_code == 200
        assert journal_ids(server.home) == acknowledged + [event["event_id"] for event in events]
