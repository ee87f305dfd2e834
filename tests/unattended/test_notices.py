"""Notices reach a real HTTP server and a real SMTP server; what cannot be sent delays nobody."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from armazem.config import Settings
from armazem.serve.dashboard.pages.data import by_itself
from armazem.serve.dashboard.view import parse_view
from armazem.unattended.builder import Standing
from armazem.unattended.notices import Notice, NoticeError, Notices

NOTICE = Notice("audit_failed", "load 1 is held back: “ção” 3 rows", "`armazem unload 1`")


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    got: list[dict[str, Any]] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got, answers
    server.shutdown()
    server.server_close()


class Mailbox(threading.Thread):
    """As much of SMTP (RFC 5321) as a client needs that sends one message a connection."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.messages: list[str] = []
        self.start()

    def run(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream: Any) -> None:
        def say(text: str) -> None:
            stream.write(f"{text}\r\n".encode())
            stream.flush()

        say("220 mailbox")
        while line := stream.readline().decode().strip():
            verb = line.upper()
            if verb.startswith("DATA"):
                say("354 go on")
                body = []
                while (part := stream.readline()) != b".\r\n":
                    body.append(part)
                self.messages.append(b"".join(body).decode())
                say("250 taken")
            elif verb.startswith("QUIT"):
                say("221 bye")
                return
            else:
                say("250 mailbox")


def until(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_by_webhook(webhook: tuple[str, list[dict[str, Any]], list[int]]) -> None:
    url, got, _ = webhook
    with Notices.of(Settings(notify_webhook=url)) as notices:
        notices.send(NOTICE)
        until(lambda: got)
    assert got[0]["event"] == "audit_failed"
    assert got[0]["text"] == f"Armazém: {NOTICE.text}\n{NOTICE.hint}"


def test_a_webhook_that_answers_at_the_second_try(
    webhook: tuple[str, list[dict[str, Any]], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armazem.unattended.notices._PAUSE", 0.01)
    url, got, answers = webhook
    answers += [500, 200]
    with Notices.of(Settings(notify_webhook=url)) as notices:
        notices.send(NOTICE)
        until(lambda: len(got) == 2)
        time.sleep(0.1)
    assert len(got) == 2


def test_by_mail() -> None:
    mailbox = Mailbox()
    settings = Settings(notify_mail="ops@shop.example", notify_smtp=f"smtp://127.0.0.1:{mailbox.port}")
    with Notices.of(settings) as notices:
        notices.send(NOTICE)
        until(lambda: mailbox.messages)
    assert "To: ops@shop.example" in mailbox.messages[0]
    assert "audit failed" in mailbox.messages[0]


def test_a_password_is_not_told_in_clear(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("armazem.unattended.notices._PAUSE", 0.01)
    mailbox = Mailbox()
    settings = Settings(notify_mail="a@b", notify_smtp=f"smtp://user:secret@127.0.0.1:{mailbox.port}")
    with Notices.of(settings) as notices:
        notices.send(NOTICE)
        until(lambda: "offers no encryption" in caplog.text)
    assert mailbox.messages == []
    assert "secret" not in caplog.text


def test_nobody_waits_for_an_endpoint_that_is_gone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("armazem.unattended.notices._PAUSE", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    begun = time.monotonic()
    with Notices.of(Settings(notify_webhook=f"http://127.0.0.1:{port}/")) as notices:
        notices.send(NOTICE)
        assert time.monotonic() - begun < 5
        until(lambda: "could not be sent" in caplog.text)
    assert NOTICE.text in caplog.text


@pytest.mark.parametrize(
    "settings",
    [
        {"notify_mail": "a@b", "notify_smtp": "smtp://user:p#ss@host"},
        {"notify_webhook": "ftp://x"},
        {"notify_webhook": "x"},
        {"notify_mail": "a@b"},
        {"notify_mail": "a@b", "notify_smtp": "http://x"},
    ],
)
def test_an_address_that_is_none(settings: dict[str, Any]) -> None:
    with pytest.raises(NoticeError):
        Notices.of(Settings(**settings))


def test_what_the_data_page_says() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    standing = Standing(
        inbox="/inbox", next_build=now, last_published=now, last_seconds=6.25, failing=None,
        held={"20260301": "fact_orders_audit: keys 3"}, refused={"day1/orders.csv": "no CSV"},
        builds={"published": 1200, "failed": 1}, loads=3,
    )  # fmt: skip
    view, _ = parse_view({})
    lines = by_itself(standing, view).rows
    assert ("Now", "waiting") in lines
    assert ("Builds since the start", "1 failed, 1,200 published") in lines
    assert [value for name, value in lines if name == "Look at"] == [
        "load 20260301 is held back: fact_orders_audit: keys 3",
        "day1/orders.csv was not loaded: no CSV",
    ]
    assert by_itself(None, view).rows == ()
