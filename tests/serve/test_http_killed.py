"""The server can be killed at any moment: what was acknowledged is there, and counts once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from .running import LINES, Running, dead_letters, journal, lines, review

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("http-killed")]

_SENDERS = 4


class Sender(threading.Thread):
    """Sends batches, each until it is acknowledged, as the contract asks of a sender."""

    def __init__(self, where: Callable[[], str], stop: threading.Event, seed: int) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self.sent: list[str] = []
        self.retries = self.accepted = self.duplicates = self.refused = 0
        self._where = where
        self._stop_sending = stop
        self._rng = random.Random(seed)

    def run(self) -> None:
        client = httpx.Client(timeout=10)
        while not self._stop_sending.is_set():
            events = [review() for _ in range(self._rng.choice([1, 5, 50]))]
            broken = self._rng.random() < 0.2
            ids = [event["event_id"] for event in events]
            self.sent += ids
            body = lines(events) + (b'{"event_type":\n' if broken else b"")
            while True:
                try:
                    said = client.post(f"{self._where()}/v1/events", content=body, headers=LINES)
                except httpx.TransportError:
                    self.retries += 1
                    time.sleep(0.02)
                    continue
                assert said.status_code == 200, said.text
                break
            self.acknowledged += ids
            self.accepted += said.json()["accepted"]
            self.duplicates += said.json()["duplicates"]
            self.refused += len(said.json()["rejected"])
        client.close()


def test_killed_under_load(tmp_path: Path, numbers: Numbers, report: Callable[..., None]) -> None:
    rng = random.Random()
    home = tmp_path / "home"
    server = Running(home)
    address = [server.url]
    stop = threading.Event()
    senders = [Sender(lambda: address[0], stop, seed) for seed in range(_SENDERS)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(numbers.server_kills):
            time.sleep(rng.uniform(0.05, 1.0))
            server.kill()
            server.client.close()
            server = Running(home, ready=False)
            address[0] = server.url
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    with server:
        outcomes = {
            name: server.metric(f'armazem_messages_total{{outcome="{name}",source="http"}}')
            for name in ("accepted", "duplicates", "dead_letters")
        }

    events = journal(server.home)
    found = [event["event_id"] for event in events]
    acknowledged = [event_id for sender in senders for event_id in sender.acknowledged]
    assert len(found) == len(set(found)), "an event counts twice"
    assert set(acknowledged) <= set(found), "an acknowledged event is missing"
    assert set(found) <= {event_id for sender in senders for event_id in sender.sent}
    assert len({event["seq"] for event in events}) == len(events)
    from_senders = [letter for letter in dead_letters(server.home) if letter["source"] == "http"]
    assert outcomes["accepted"] == len(found)
    assert outcomes["dead_letters"] == len(from_senders) >= sum(sender.refused for sender in senders)
    assert sum(sender.retries for sender in senders) >= numbers.server_kills
    report(
        "killed HTTP server",
        kills=numbers.server_kills,
        acknowledged=len(acknowledged),
        sent_again=sum(sender.retries for sender in senders),
        missing=0,
        twice=0,
    )
