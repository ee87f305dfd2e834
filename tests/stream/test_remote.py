"""`ingest --to` and `dead-letters replay --to`: a server that is busy, gone, foreign, or asks for a token."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from warehouse.shop import armazem

from armazem.config import Settings
from armazem.errors import SendError
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.senders.http import to_server

from .shop_events import assert_conserved, event_ids, ledger, letters, message, messages


class Front(ThreadingHTTPServer):
    """`POST /v1/events` as the contract says, over a real Ingest; first it gives the answers that it was told to."""

    def __init__(
        self, writer: Ingest, *first: tuple[int, dict[str, str]], token: str = "", largest: int = 1 << 24, port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.writer, self.first, self.token, self.largest = writer, list(first), token, largest
        self.bodies: list[tuple[str, int]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        self.server.bodies.append((kind, len(body)))
        if self.server.first:
            status, headers = self.server.first.pop(0)
            return self.answer(status, b"{}", headers)
        if self.server.token and self.headers["Authorization"] != f"Bearer {self.server.token}":
            return self.answer(401, b"{}")
        if self.path != "/v1/events":
            return self.answer(404, b"not here")
        if len(body) > self.server.largest:
            return self.answer(413, b"{}")
        sent = body.split(b"\n") if kind == "application/x-ndjson" else [body]
        outcome = self.server.writer.submit(sent, "http").result()
        good = outcome.accepted + outcome.duplicates
        return self.answer(200 if good else 400, msgspec.json.encode(outcome))

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def listening(front: Front) -> Iterator[Front]:
    with front:
        thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield front
        finally:
            front.shutdown()
            thread.join()


@contextmanager
def serving(home: Home, *first: tuple[int, dict[str, str]], **options: Any) -> Iterator[Front]:
    with Ingest(home, Settings(home=home.root)) as writer, listening(Front(writer, *first, **options)) as front:
        yield front


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([*messages(0, 3_000), *messages(0, 10), b"bad", b"\xff"]))
    return file


def test_a_file_to_a_server(home: Home, file: Path, tmp_path: Path) -> None:
    with serving(home) as front:
        done = armazem("ingest", file, "--to", front.url, home=tmp_path / "none")
        assert (done.code, "done: 3,000 accepted, 10 duplicates, 2 refused" in done.err) == (0, True), done.err
        again = armazem("ingest", file, "--to", f"{front.url}/", "--strict", home=tmp_path / "none")
        assert (again.code, "done: 0 accepted, 3,010 duplicates, 2 refused" in again.err) == (1, True)
        only_bad = tmp_path / "bad.jsonl"
        only_bad.write_bytes(b"bad\nworse")
        assert "0 accepted, 0 duplicates, 2 refused" in armazem("ingest", only_bad, "--to", front.url).err
        pretty = tmp_path / "pretty.json"
        pretty.write_text(json.dumps(json.loads(message(9_999)), indent=2))
        assert "1 accepted" in armazem("ingest", pretty, "--to", f"{front.url}/v1/events").err
        assert front.bodies[-1][0] == "application/json"
    assert not (tmp_path / "none").exists()
    assert ledger(home) == {"http": (6_027, 3_001, 3_020, 6)}
    assert_conserved(home)


def test_a_busy_server_is_asked_again(home: Home, file: Path) -> None:
    busy = [(429, {"Retry-After": "0.1"}), (503, {}), (429, {"Retry-After": "Mon, 23 Nov 2026 07:00:00 GMT"})]
    with serving(home, *busy) as front:
        done = armazem("ingest", file, "--to", front.url)
    assert (done.code, "3,000 accepted" in done.err) == (0, True)


def test_a_server_that_stays_busy(home: Home) -> None:
    with serving(home, *[(503, {"Retry-After": "0.1"})] * 100) as front, to_server(front.url, patience=0.5) as send:
        with pytest.raises(SendError, match="has answered 503") as raised:
            send([message(1)]).result()
        assert "duplicates are recognised" in raised.value.hint
    assert event_ids(home) == []


def test_a_token(home: Home, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(home, token="secret") as front:
        refused = armazem("ingest", file, "--to", front.url)
        assert (refused.code, "asks for a token" in refused.err, "ARMAZEM_TOKEN" in refused.err) == (1, True, True)
        monkeypatch.setenv("ARMAZEM_TOKEN", "secret")
        assert armazem("ingest", file, "--to", front.url).code == 0


def test_messages_too_large_for_the_server(home: Home, tmp_path: Path) -> None:
    """A body that is too large is sent in parts; a message that is too large alone is named, the others arrive."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([message(1), b"x" * 30_000, *messages(2, 50)]))
    with serving(home, largest=20_000) as front:
        done = armazem("ingest", file, "--to", front.url)
    assert "51 accepted, 0 duplicates, 1 refused" in done.err and "too_large: 1" in done.err
    assert len(event_ids(home)) == 51


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:8000", "is no address of a server"),
        ("ftp://127.0.0.1", "is no address of a server"),
        ("http://127.0.0.1:9", "cannot be reached"),
        ("{front}/elsewhere", "answered 404: not here"),
    ],
)
def test_wrong_addresses(home: Home, file: Path, url: str, said: str) -> None:
    with serving(home) as front:
        done = armazem("ingest", file, "--to", url.format(front=front.url))
    assert (done.code, said in done.err) == (1, True), done.err


def test_a_server_that_comes_back(home: Home, settings: Settings) -> None:
    """It ends between two batches: the sender goes on when it is back, at the same address."""
    with (
        Ingest(home, settings) as writer,
        listening(Front(writer, (200, {"Connection": "close"}))) as front,
        to_server(front.url) as send,
    ):
        with pytest.raises(SendError, match="answered 200"):
            send([message(1)]).result()  # an answer that is none; it closes the connection
        port = front.server_port
        front.shutdown()
        front.server_close()
        waiting = send([message(2)])
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        with listening(Front(writer, port=port)):
            assert waiting.result(timeout=30).accepted == 1
    assert event_ids(home) == ["event-2"]


def test_who_gives_up_does_not_wait(home: Home) -> None:
    with serving(home, *[(503, {"Retry-After": "20"})] * 9) as front:
        started = time.monotonic()
        with to_server(front.url) as send:
            waiting = send([message(1)])
            while not front.bodies:
                time.sleep(0.01)
        assert time.monotonic() - started < 15  # it was told to wait for 20 s
        assert isinstance(waiting.exception(), SendError)


def test_replay_to_a_server(home: Home, tmp_path: Path) -> None:
    repaired = tmp_path / "message.json"
    repaired.write_bytes(message(1))
    with serving(home) as front:
        front.writer.submit([message(1, timestamp="yesterday"), b"bad"], "http").result()
        for expected in ("1 accepted, 0 duplicates", "0 accepted, 0 duplicates"):
            done = armazem("dead-letters", "replay", "1", "--with", repaired, "--to", front.url, home=home.root)
            assert (done.code, expected in done.err) == (0, True), done.err
        armazem("dead-letters", "replay", "--to", front.url, home=home.root)
    assert event_ids(home) == ["event-1"] and len(letters(home)) == 2
