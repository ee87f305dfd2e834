"""`armazem simulate` as its user meets it: to a file, a server, a topic; stopped, refused, without an answer."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from golden import Golden
from pubsub_server import PROJECT, PubSubServer
from serve.running import Running, dead_letters, journal_ids
from warehouse.shop import Shop, armazem, ended, start

pytestmark = pytest.mark.xdist_group("simulate")

FAULTS = ("--duplicates", 5, "--disorder", 20, "--malformed", 4)


@pytest.fixture(scope="module")
def home(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a small shop."""
    return golden.once(tmp_path_factory.mktemp("user") / "home").path


@pytest.fixture
def shop(home: Path) -> Shop:
    return Shop(home)


def simulated(shop: Shop, *arguments: object) -> dict[str, Any]:
    """The totals that it printed; amounts as Decimal."""
    done = shop.armazem("simulate", "--format", "json", *arguments)
    assert done.code == 0, done
    [totals] = json.loads(done.out, parse_float=Decimal)
    assert totals["unacknowledged"] == 0
    assert totals["messages"] == totals["distinct_events"] + totals["duplicates"] + totals["malformed"]
    return dict(totals)


def test_to_a_file_twice_the_same_bytes(shop: Shop, tmp_path: Path) -> None:
    files = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    once, again = (simulated(shop, "--rate", 0, "--events", 3000, "--seed", 5, "--to", file, *FAULTS) for file in files)
    assert files[0].read_bytes() == files[1].read_bytes()
    variable = ("seconds", "messages_per_second", "target")
    assert {k: v for k, v in once.items() if k not in variable} == {k: v for k, v in again.items() if k not in variable}
    lines = files[0].read_bytes().splitlines()
    assert len(lines) == once["messages"]
    assert sum(map(len, lines)) == once["bytes"]
    assert once["distinct_events"] == 3000
    assert len(once["malformed_by_code"]) == 12
    times = []
    for line in lines:
        try:
            times.append(json.loads(line)["timestamp"])
        except (ValueError, KeyError):
            continue
    assert max(time for time in times if time < "2999") <= datetime.now(UTC).isoformat()


def test_the_sellers_prices_and_places_are_those_of_the_home_folder(shop: Shop, tmp_path: Path) -> None:
    simulated(shop, "--rate", 0, "--events", 2000, "--to", tmp_path / "events.jsonl")
    events = [json.loads(line, parse_float=Decimal) for line in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    items = [item for event in events for item in event["data"].get("order_items", ())]
    sold = {(row["product_id"], row["seller_id"], row["price"]) for row in shop.rows("marts.fact_sales")}
    assert len({item["product_id"] for item in items}) > 30
    assert {(i["product_id"], i["seller_id"], Decimal(i["price"])) for i in items} <= sold
    homes = {
        (c["customer_zip_code_prefix"], c["customer_city"], c["customer_state"])
        for c in (event["data"]["customers"] for event in events if "customers" in event["data"])
    }
    known = shop.rows("staging.stg_customers")
    assert homes <= {(c["customer_zip_code_prefix"], c["customer_city"], c["customer_state"]) for c in known}


def test_a_server_has_what_the_simulator_says_it_sent(shop: Shop, tmp_path: Path) -> None:
    with Running(tmp_path / "home") as server:
        totals = simulated(shop, "--rate", 2000, "--events", 4000, "--life", 1, "--to", server.url, *FAULTS)
        live = json.loads(server.client.get("/v1/live").text, parse_float=Decimal)
        deadline = time.monotonic() + 10
        while live["seq"] < 4000 and time.monotonic() < deadline:
            live = json.loads(server.client.get("/v1/live").text, parse_float=Decimal)
        assert live["orders"] == totals["orders"]
        assert live["revenue"] == totals["revenue_valid"]
        assert {status: one["orders"] for status, one in live["by_status"].items()} == totals["orders_by_status"]
    assert totals["answered_accepted"] == totals["distinct_events"] == 4000 == len(set(journal_ids(server.home)))
    assert totals["answered_duplicates"] == totals["duplicates"] > 100
    assert totals["answered_rejected_by_code"] == totals["malformed_by_code"]
    assert Counter(letter["code"] for letter in dead_letters(server.home)) == totals["malformed_by_code"]
    assert 0 < totals["ack_p50_ms"] <= totals["ack_p99_ms"]
    assert totals["messages_per_second"] <= 2400  # as asked; how much less depends on the machine


def test_one_by_one_and_over_several_connections_with_a_token(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Running(tmp_path / "home", token="secret") as server:
        arguments = ("--rate", 0, "--events", 300, "--batch", 1, "--connections", 3, "--to", server.url, *FAULTS)
        refused = shop.armazem("simulate", *arguments)
        assert refused.code == 1
        assert "answered 401" in refused.err
        assert "ARMAZEM_TOKEN" in refused.err
        monkeypatch.setenv("ARMAZEM_TOKEN", "secret")
        totals = simulated(shop, *arguments)
    assert totals["requests"] == totals["messages"]
    assert totals["answered_accepted"] == 300
    assert totals["answered_rejected_by_code"] == totals["malformed_by_code"]


def test_requests_larger_than_the_server_takes_are_cut_smaller(shop: Shop, tmp_path: Path) -> None:
    with Running(tmp_path / "home", max_request_megabytes=1) as server:
        arguments = ("--rate", 0, "--events", 4000, "--batch", 20_000, "--malformed", 1, "--to", server.url)
        totals = simulated(shop, *arguments)
        assert totals["requests"] > 1
        assert totals["answered_accepted"] == 4000
        assert totals["answered_rejected_by_code"] == totals["malformed_by_code"]
        assert totals["malformed_by_code"]["too_large"] >= 1


def test_a_server_that_is_killed_and_comes_back_misses_nothing(shop: Shop, tmp_path: Path) -> None:
    running = Running(tmp_path / "home")
    process = start(
        "--home", shop.path, "simulate", "--rate", 500, "--events", 2000, "--to", running.url, "--format", "json"
    )
    deadline = time.monotonic() + 120
    while not journal_ids(running.home):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    running.kill()
    time.sleep(0.5)
    with Running(tmp_path / "home", "--port", running.port) as again:
        done = ended(process)
        assert done.code == 0, done
        [totals] = json.loads(done.out)
        ids = journal_ids(again.home)
    assert totals["retries"] > 0
    assert totals["distinct_events"] == 2000 == totals["answered_accepted"] + totals["answered_duplicates"]
    assert len(set(ids)) == len(ids) == 2000


def test_nobody_there_is_told_soon(shop: Shop) -> None:
    with socket.socket() as nobody:  # has the port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        answer = shop.armazem("simulate", "--rate", 100, "--to", url, "--format", "json")
    assert answer.code == 1
    assert "cannot be reached" in answer.err
    assert "is `armazem serve` running there?" in answer.err
    [totals] = json.loads(answer.out)
    assert totals["messages"] == 0
    assert totals["unacknowledged"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_finishes_and_tells_the_totals(shop: Shop, tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "events.jsonl"
    process = start("--home", shop.path, "simulate", "--rate", 400, "--to", file, "--format", "json", *FAULTS)
    deadline = time.monotonic() + 120
    while not (file.exists() and file.stat().st_size > 100_000):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    done = ended(process)
    assert done.code == (130 if number == signal.SIGINT else 0), done
    assert done.err.count("interrupted; nothing is left half done") == (number == signal.SIGINT)
    [totals] = json.loads(done.out)
    assert totals["interrupted"]
    assert totals["messages"] == len(file.read_bytes().splitlines())


def test_a_rate_is_held_for_a_duration(shop: Shop, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    totals = simulated(shop, "--rate", 200, "--duration", 2, "--to", tmp_path / "events.jsonl")
    assert totals["seconds"] > 1.9
    assert 20 < totals["messages"] < 440  # as asked; how many less depends on the machine
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    times = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert before <= times[0]
    assert times[-1] <= datetime.now(UTC)
    gaps = [(after - once).total_seconds() for once, after in pairwise(times)]
    assert median(gaps) < 0.01  # evenly: one every 5 ms, where the machine lets it


def test_to_a_topic(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with PubSubServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "shop")
        totals = simulated(shop, "--rate", 0, "--events", 1500, "--to", f"pubsub:{PROJECT}/orders", *FAULTS)
        assert totals["published"] == totals["messages"] == server.waiting("shop")
        unknown = shop.armazem("simulate", "--rate", 0, "--events", 10, "--to", f"pubsub:{PROJECT}/nowhere")
        assert unknown.code == 1
        assert f"cannot publish to pubsub:{PROJECT}/nowhere" in unknown.err


def test_wrong_use_is_told(shop: Shop, tmp_path: Path) -> None:
    other = tmp_path / "orders.csv"
    other.write_text("order_id,price\n")
    for arguments, code, message in (
        (("--rate", 0), 2, "--rate 0 needs --events"),
        (("--rate", 0, "--events", 5, "--duration", 5), 2, "--duration needs a --rate"),
        (("--malformed", 101), 2, "101"),
        (("--events", 5, "--to", other), 1, "exists and holds no events"),
        (("--events", 5, "--to", tmp_path), 1, "cannot write"),
        (("--events", 5, "--to", tmp_path / "no" / "file"), 1, "cannot write"),
        (("--events", 5, "--to", "pubsub:orders"), 1, "names no topic"),
        (("--events", 5, "--to", "http://"), 1, "no address of a server"),
    ):
        answer = shop.armazem("simulate", *arguments)
        assert (answer.code, message in answer.err) == (code, True), answer
    assert other.read_text() == "order_id,price\n"


def test_without_data_it_says_how_to_get_some(tmp_path: Path) -> None:
    for home in (tmp_path / "nowhere", tmp_path):
        answer = armazem("simulate", home=home)
        assert answer.code == 1
        assert "armazem up --no-serve" in answer.err
