"""`armazem serve` as a process of its own, what clients send to it, and what it leaves on the disk."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import httpx

from armazem.home import Home

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}

# Shorter limits than a user's are set before the server starts.
_START = "from armazem.__main__ import run; {before}; run()"


class Running:
    """A server; `with` stops it in an orderly way, if the test has not. `ready`: wait until it has live figures."""

    def __init__(
        self,
        home: Path,
        *options: object,
        before: str = "pass",
        host: str = "127.0.0.1",
        ready: bool = True,
        **settings: object,
    ) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ARMAZEM_")}
        environment = clean | {f"ARMAZEM_{name.upper()}": str(value) for name, value in settings.items()}
        command = ["--home", home, "serve", "--host", host, "--port", 0, *options]
        self.home = Home(home)
        self.log = home.parent / f"{home.name}.log"
        with self.log.open("ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START.format(before=before), *map(str, command)], stderr=log, env=environment
            )
        self.url = self._ready(begin)
        self.port = int(self.url.rpartition(":")[2])
        self.client = httpx.Client(base_url=self.url, timeout=60)
        if ready:
            until(lambda: self.client.get("/readyz").json()["live"] is None, 60)

    def _ready(self, begin: int) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if found := re.search(rb"^serving (http://\S+)$", self.log.read_bytes()[begin:], re.MULTILINE):
                return found[1].decode()
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        self.process.kill()
        raise AssertionError(self.log.read_text())

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self.client.close()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop it, which must leave no traceback behind; with Ctrl-C that is no success to the shell."""
        self.process.send_signal(number)
        assert self.process.wait(60) == (130 if number == signal.SIGINT else 0)
        assert "Traceback" not in self.log.read_text(), self.log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def post(self, body: bytes, headers: dict[str, str] = JSON) -> httpx.Response:
        return self.client.post("/v1/events", content=body, headers=headers)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def metric(self, name: str) -> float:
        """The value of a line of /metrics, named with its labels."""
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {name}")


def review(event_id: str | None = None, **data: object) -> dict[str, Any]:
    """A small event: a review of an order that nobody knows."""
    row = {"review_id": uuid.uuid4().hex, "order_id": uuid.uuid4().hex, "review_score": 5, **data}
    return {
        "event_id": event_id or uuid.uuid4().hex,
        "event_type": "order_review",
        "timestamp": "2026-11-22T14:03:11.250-03:00",
        "data": {"order_reviews": row},
    }


def encoded(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


def lines(events: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(encoded(event) + b"\n" for event in events)


def zipped(body: bytes) -> bytes:
    return gzip.compress(body)


def journal(home: Home) -> list[dict[str, Any]]:
    """All events of the journal in their order, read without the code under test."""
    found: dict[int, dict[str, Any]] = {}
    for path in home.journal.glob("date=*/*"):
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in path.read_bytes().splitlines()]
        elif path.suffix == ".parquet":
            with duckdb.connect() as connection:
                answer = connection.execute("select seq, event_id, source from read_parquet(?)", [str(path)])
                rows = [dict(zip(("seq", "event_id", "source"), row, strict=True)) for row in answer.fetchall()]
        else:
            continue
        found.update((row["seq"], row) for row in rows)
    return [found[seq] for seq in sorted(found)]


def journal_ids(home: Home) -> list[str]:
    return [event["event_id"] for event in journal(home)]


def dead_letters(home: Home) -> list[dict[str, Any]]:
    paths = sorted(home.dead_letters.glob("date=*/*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def received(connection: socket.socket) -> bytes:
    """All bytes until the server closes the connection."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)
