"""Starting and stopping: who may, what a second one is told, and what happens to events at the end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from armazem.serve.http.access import is_loopback

from .running import JSON, LINES, Running, encoded, journal_ids, lines, received, review, until

pytestmark = pytest.mark.xdist_group("http-lifecycle")


def serve(home: Path, *options: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, which must come by itself."""
    return subprocess.run(
        [sys.executable, "-m", "armazem", "--home", str(home), "serve", *map(str, options)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "shop.example", ""])
def test_another_host_needs_a_token(home: Path, host: str) -> None:
    said = serve(home, "--host", host)
    assert said.returncode == 2
    assert "set ARMAZEM_TOKEN" in said.stderr
    assert not home.exists()


def test_this_machine_needs_none() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.3.2.1", "::1"))


def test_a_port_that_is_taken(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = serve(home, "--port", port)
    assert said.returncode == 1
    assert f"error: port {port} of 127.0.0.1 is taken by another program" in said.stderr
    assert "--port" in said.stderr and "Traceback" not in said.stderr


def test_an_address_of_another_machine(home: Path) -> None:
    said = serve(home, "--host", "127.0.0.1.", "--port", 0)
    assert said.returncode == 2  # a name, for all it knows


def test_a_second_server_on_one_home_is_told_who_has_it(server: Running) -> None:
    said = serve(server.home.root, "--port", 0)
    assert said.returncode == 1
    assert f"process {server.process.pid} " in said.stderr and "Traceback" not in said.stderr
    assert server.post(encoded(review())).status_code == 200


def test_ipv6(home: Path) -> None:
    with Running(home, host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert server.post(encoded(review())).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_under_load(home: Path, number: int) -> None:
    acknowledged: list[str] = []
    answers: list[int] = []

    def send(server: Running) -> None:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            while True:
                events = [review() for _ in range(20)]
                try:
                    said = client.post("/v1/events", content=lines(events), headers=LINES)
                except httpx.TransportError:  # the server is gone
                    return
                answers.append(said.status_code)
                if said.status_code == 200:
                    acknowledged.extend(event["event_id"] for event in events)

    with Running(home) as server:
        senders = [threading.Thread(target=send, args=(server,)) for _ in range(6)]
        for sender in senders:
            sender.start()
        until(lambda: len(acknowledged) > 1000)
        started = time.monotonic()
        server.stop(number)
        assert time.monotonic() - started < 20
        for sender in senders:
            sender.join()
        found = journal_ids(server.home)
    assert set(acknowledged) <= set(found) and len(found) == len(set(found))
    assert set(answers) == {200}
    # What was written, and whose answer got lost with the connection, is what was under way.
    assert len(found) - len(acknowledged) <= 6 * 20


def test_what_has_arrived_is_answered_and_what_has_not_is_given_a_moment(home: Path) -> None:
    first, second, third = (encoded(review()) for _ in range(3))
    patient = (
        "from armazem.serve.http import protocol, server; "
        "protocol.LimitedProtocol.grace_seconds = 6; server._SHUTDOWN_SECONDS = 60"
    )
    with Running(home, before=patient) as server:
        head = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += "Content-Length: {}\r\n\r\n"
        idle, late, never = (server.connect() for _ in range(3))
        late.sendall(head.format(len(second)).encode() + second[:50])
        never.sendall(head.format(len(third)).encode() + third[:50])
        assert server.post(first).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert idle.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        late.sendall(second[50:])
        assert b" 200 OK" in received(late)
        assert b" 408 " in received(never)
        assert server.process.wait(30) == 0
        assert journal_ids(server.home) == [json.loads(body)["event_id"] for body in (first, second)]


def test_nobody_takes_hold_of_all_objects(home: Path) -> None:
    """Tuples among them that another thread is filling, such as DuckDB's rows, would fail there."""
    with Running(home, before="import gc; gc.get_objects = gc.get_referrers = None") as server:
        assert server.client.get("/").status_code == 200


def test_numbers_go_on_and_ids_are_known_after_a_restart(home: Path) -> None:
    event = encoded(review())
    for expected in ({"accepted": 1, "duplicates": 0}, {"accepted": 0, "duplicates": 1}):
        with Running(home) as server:
            assert expected.items() <= server.post(event).json().items()
    with Running(home) as server:
        server.post(encoded(review()))
        assert server.metric("armazem_journal_seq") == 2


def test_closed_segments_are_compacted_beside_the_server(home: Path) -> None:
    hurry = "from armazem.serve.http.compactor import Compactor; Compactor.every_seconds = 0.3"
    with Running(home, before=hurry, segment_megabytes=1) as server:
        ids = []
        for _ in range(8):
            events = [review(review_comment_message="x" * 2000) for _ in range(200)]
            ids += [event["event_id"] for event in events]
            assert server.post(lines(events), LINES).status_code == 200
        until(lambda: bool(list(server.home.journal.glob("date=*/*.parquet"))), 60)
        assert server.post(lines(events), LINES).json()["duplicates"] == 200
        assert journal_ids(server.home) == ids
    assert "Traceback" not in (server.home.logs / "compaction.log").read_text()


def test_health_and_metrics(server: Running) -> None:
    assert server.client.get("/healthz").json() == {"status": "ok"}
    ready = server.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "reasons": [], "live": None, "build": []})
    server.post(b"{}")
    page = server.client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    for name in ("queue_messages", "queue_bytes", "commit_seconds_count", "journal_seq", "live_lag_seconds"):
        assert f"armazem_{name} " in page.text
    assert server.metric('armazem_event_requests_total{status="400"}') >= 1
    assert server.metric('armazem_dead_letters_total{code="missing_field"}') >= 1
    assert "armazem_build_info{" in page.text


def test_the_docs_need_nothing_from_elsewhere(server: Running) -> None:
    page = server.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "src=" not in page.text and 'href="http' not in page.text and "@import" not in page.text
    paths = server.client.get("/openapi.json").json()["paths"]
    asked = {"/v1/kpis", "/v1/kpis/{name}", "/v1/features/{entity}/{id}"}
    assert set(paths) == {"/v1/events", "/v1/live", "/v1/live/stream", "/healthz", "/readyz", "/metrics", *asked}
    assert all(path in page.text for path in paths)
    answers = set(paths["/v1/events"]["post"]["responses"])
    assert answers == {"200", "400", "401", "403", "408", "413", "415", "421", "429", "503"}


def test_errors_have_one_form(server: Running) -> None:
    for method, path, status in (("GET", "/v1/nowhere", 404), ("POST", "/v1/live", 405), ("GET", "/v1/kpi", 404)):
        said = server.client.request(method, path, headers=JSON)
        assert said.status_code == status
        assert sorted(said.json()["error"]) == ["code", "hint", "message"]
