"""`armazem subscribe` as a process: stopped, killed, refused; and what it says."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pubsub_server import PROJECT, PubSubServer
from small_disk import fill, small_disk
from warehouse import shop
from warehouse.shop import Answer, armazem, ended

from armazem import console
from armazem.config import Settings
from armazem.home import Home
from armazem.intake.ingest import Ingest

from .shop_events import assert_conserved, event_ids, ledger, letters, message, messages

if TYPE_CHECKING:
    from conftest import Numbers

SCALE = 0.05  # the deadline of 10 s passes after 0.5 s
SOURCE = f"pubsub:{PROJECT}/shop"


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubServer]:
    with PubSubServer(scale=getattr(request, "param", SCALE)) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "shop")
        yield server


def start(home: Home, *options: str) -> subprocess.Popen[str]:
    """`armazem subscribe` on the subscription `shop`, as a process of its own."""
    return shop.start("--home", home.root, "subscribe", SOURCE, *options)


def run(home: Home, *options: str) -> Answer:
    """The same in this process, to its end."""
    return armazem("subscribe", SOURCE, *options, home=home.root)


def reads(process: subprocess.Popen[str]) -> None:
    """Wait until it says that it does."""
    assert process.stderr is not None
    assert process.stderr.readline() == f"reading {SOURCE} into the journal; Ctrl-C stops\n"


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def expected(count: int) -> list[str]:
    return sorted(f"event-{number}" for number in range(count))


def totals(answer: Answer) -> tuple[int, ...]:
    """received, accepted, duplicates, refused, given back, not acknowledged; of the last line that has them."""
    line = next(line for line in reversed(answer.err.splitlines()) if line.startswith("received "))
    named = {name: int(number.replace(",", "")) for number, name in re.findall(r"([\d,]+) ([a-z ]+)", line)}
    received = int(line.split()[1].rstrip(":").replace(",", ""))
    names = ("accepted", "duplicates", "refused", "given back", "not acknowledged")
    return (received, *(named.get(name, 0) for name in names))


def test_a_backfill(server: PubSubServer, home: Home) -> None:
    server.publish("orders", [*messages(0, 2500), *messages(0, 100), b"no event"])
    done = run(home, "--max-messages", "2000")
    assert done.code == 0
    assert server.acknowledged("shop") == 2000
    received, accepted, duplicates, refused, returned, left = totals(done)
    assert (accepted + duplicates + refused, received - returned, left) == (2000, 2000, 0)
    rest = run(home, "--stop-when-idle", "1")
    assert rest.code == 0
    assert (server.acknowledged("shop"), server.waiting("shop"), server.outstanding("shop")) == (2601, 0, 0)
    assert "the refused messages, with reason: `armazem dead-letters list`" in rest.err
    assert sorted(event_ids(home)) == expected(2500)
    assert [letter.content for letter in letters(home)] == [b"no event"]
    assert_conserved(home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal(server: PubSubServer, home: Home, number: signal.Signals) -> None:
    """What is here is written and acknowledged; the rest goes to others, what was on its way after its deadline."""
    sending = threading.Event()
    published = 0

    def publish() -> None:
        nonlocal published
        while not sending.wait(0.01):
            server.publish("orders", messages(published, 20))
            published += 20

    process = start(home)
    sender = threading.Thread(target=publish)
    try:
        reads(process)
        sender.start()
        until(lambda: server.acknowledged("shop") > 300)
        process.send_signal(number)
        done = ended(process)
    finally:
        process.kill()
        sending.set()
        sender.join()
    assert done.code == (130 if number == signal.SIGINT else 0)
    received, accepted, duplicates, refused, returned, left = totals(done)
    assert (received - returned, duplicates, refused, left) == (accepted, 0, 0, 0)
    assert len(event_ids(home)) == accepted
    until(lambda: server.outstanding("shop") == 0)
    # The last acknowledgements may not leave a process that ends under load: then these come again, and count once.
    acknowledged = server.acknowledged("shop")
    assert 300 < acknowledged <= accepted
    assert server.waiting("shop") == published - acknowledged
    assert_conserved(home)
    assert run(home, "--stop-when-idle", "1").code == 0
    assert sorted(event_ids(home)) == expected(published)


def test_killed_between_the_commit_and_the_acknowledgement(server: PubSubServer, home: Home) -> None:
    server.faults.late_acknowledgements = True
    server.publish("orders", messages(0, 200))
    process = start(home)
    until(lambda: len(event_ids(home)) == 200)
    process.kill()
    process.communicate()
    assert server.acked("shop") == []
    server.faults.late_acknowledgements = False
    until(lambda: server.waiting("shop") == 200)
    again = run(home, "--max-messages", "200")
    assert totals(again) == (200, 0, 200, 0, 0, 0)
    assert server.acknowledged("shop") == 200
    assert sorted(event_ids(home)) == expected(200)
    assert_conserved(home)


@pytest.mark.slow
def test_killed_at_any_moment(server: PubSubServer, home: Home, numbers: Numbers, report: Callable[..., None]) -> None:
    """Nothing is lost and nothing counts twice, with duplicates, refused messages and acknowledgements on their way."""
    rng = random.Random()
    server.faults.acknowledge_delay = 0.05
    server.faults.duplicate_every = 50
    sending = threading.Event()
    published = 0

    def publish() -> None:
        nonlocal published
        while not sending.wait(0.01):
            server.publish("orders", [*messages(published, 20), b"no event %d" % published])
            published += 20

    sender = threading.Thread(target=publish)
    sender.start()
    try:
        for _ in range(numbers.subscriber_kills):
            process = start(home)
            try:
                reads(process)
                before = server.acknowledged("shop")
                until(lambda before=before: server.acknowledged("shop") > before)
                time.sleep(rng.uniform(0, 0.5))
            finally:
                process.kill()
                process.communicate()
    finally:
        sending.set()
        sender.join()
    server.faults.acknowledge_delay = 0
    until(lambda: server.outstanding("shop") == 0)
    done = run(home, "--stop-when-idle", "2")
    assert done.code == 0
    assert (server.waiting("shop"), server.outstanding("shop")) == (0, 0)
    assert server.acknowledged("shop") == published + published // 20
    assert sorted(event_ids(home)) == expected(published)
    refused = {letter.content for letter in letters(home) if letter.source == SOURCE}  # others: lines that were cut off
    assert refused == {b"no event %d" % number for number in range(0, published, 20)}
    assert_conserved(home)
    again = server.deliveries("shop").total() - published - published // 20
    report("killed subscribers", kills=numbers.subscriber_kills, events=published, delivered_again=again, lost=0)


@pytest.mark.parametrize("server", [1], indirect=True)  # the client extends deadlines during the pause
def test_a_full_disk(server: PubSubServer, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        home = Home(disk / "home").open()
        process = start(home, "--max-messages", "20")
        assert process.stderr is not None
        try:
            reads(process)
            ballast = fill(disk)
            server.publish("orders", [message(number, note="x" * 20_000) for number in range(20)])
            said = [process.stderr.readline() for _ in range(3)]
            assert said[0].startswith("error: no space left below ")
            assert said[1].startswith("  → free some space there")
            assert re.fullmatch(r"\d+ messages given back; trying again in 1 s\n", said[2])
            assert server.acknowledged("shop") == 0
            ballast.unlink()
            done = ended(process)
        finally:
            process.kill()
        assert done.code == 0
        assert server.acknowledged("shop") == 20
        assert sorted(event_ids(home)) == expected(20)
        assert_conserved(home)


def test_the_journal_of_another_process(server: PubSubServer, home: Home, settings: Settings) -> None:
    with Ingest(home, settings):
        refused = ended(start(home))
    assert refused.code == 1
    assert f"process {os.getpid()}" in refused.err
    assert server.deliveries("shop").total() == 0


@pytest.mark.parametrize(
    "source", ["kafka:shop", "pubsub:", "pubsub:p/", "pubsub:/s", "pubsub:p/s/t", "pubsub:p q", "p/s", ""]
)
def test_wrong_use(home: Home, source: str) -> None:
    answer = armazem("subscribe", source, home=home.root)
    assert (answer.code, answer.out) == (2, "")
    assert "pubsub:PROJECT" in answer.err
    assert armazem("subscribe", SOURCE, "--max-messages", "0", home=home.root).code == 2
    assert armazem("subscribe", SOURCE, "--stop-when-idle", "0", home=home.root).code == 2


def test_the_subscription_that_is_meant_by_a_project(server: PubSubServer, home: Home) -> None:
    missing = armazem("subscribe", f"pubsub:{PROJECT}", home=home.root)
    assert missing.code == 1
    assert missing.err.startswith("error: there is no subscription olist_orders_subscription in project demo-project")
    server.create("orders", "olist_orders_subscription")
    server.publish("orders", messages(0, 5))
    assert armazem("subscribe", f"pubsub:{PROJECT}", "--max-messages", "5", home=home.root).code == 0
    assert ledger(home) == {f"pubsub:{PROJECT}/olist_orders_subscription": (5, 5, 0, 0)}


def test_a_subscription_that_is_deleted_meanwhile(server: PubSubServer, home: Home) -> None:
    process = start(home)
    reads(process)
    server.publish("orders", messages(0, 5))
    until(lambda: server.acknowledged("shop") == 5)
    server.delete("shop")
    done = ended(process)
    assert done.code == 1
    assert totals(done) == (5, 5, 0, 0, 0, 0)
    assert "error: there is no subscription shop" in done.err


def test_progress_where_nobody_watches(server: PubSubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "LINE_SECONDS", 0.3)
    server.publish("orders", [message(1), message(1), b"no event"])
    answer = armazem("subscribe", SOURCE, "--stop-when-idle", "1", home=home.root)
    line = "received 3: 1 accepted, 1 duplicates, 1 refused, 0 not acknowledged"
    assert answer.code == 0
    assert 3 <= answer.err.count(line) <= 6  # every 0.3 s, and the totals
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_the_library_is_missing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "armazem.intake.pubsub", raising=False)
    monkeypatch.setitem(sys.modules, "google.cloud.pubsub_v1", None)
    answer = armazem("subscribe", SOURCE, home=home.root)
    assert answer.code == 1
    assert 'pip install "armazem[pubsub]"' in answer.err


def test_help(home: Home) -> None:
    answer = armazem("subscribe", "--help")
    assert answer.code == 0 and "pubsub:PROJECT[/SUBSCRIPTION]" in answer.out and "Example" in answer.out
    assert not Path(home.root / "journal" / ".lock-holder.json").exists()
