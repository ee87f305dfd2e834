"""Odd identifiers and words for null, through files, HTTP, `ingest` and Pub/Sub: the same tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pubsub_server import PROJECT, PubSubServer
from serve.running import LINES, Running, dead_letters

from armazem.home import Home

from .odd_values import IDS, NULLS, REFUSED_IDS, messages, tables, write_files
from .shop import Shop, armazem, differing

# The models differ by what an event cannot say: when it came.
WAYS = ("http", "ingest", "pubsub")


def _by_http(home: Path) -> None:
    with Running(home) as server:
        answer = server.post(b"\n".join(messages()), LINES)
        assert answer.status_code == 200, answer.text


def _by_ingest(home: Path) -> None:
    file = home.parent / "events.jsonl"
    file.write_bytes(b"\n".join(messages()))
    assert armazem("ingest", file, home=home).code == 0


def _by_pubsub(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PubSubServer(scale=0.05) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "shop")
        server.publish("orders", messages())
        done = armazem("subscribe", f"pubsub:{PROJECT}/shop", "--stop-when-idle", "2", home=home)
        assert done.code == 0, done.err


def _lines(home: Path) -> list[dict[str, Any]]:
    """The journal without what belongs to the way: number, time, source."""
    rows = []
    for path in Home(home).journal.glob("date=*/*.jsonl"):
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            rows.append({name: row[name] for name in row if name not in ("seq", "received_at", "source")})
    return sorted(rows, key=lambda row: row["event_id"])


def _refused(home: Path) -> list[tuple[str, str, str]]:
    return sorted((letter["code"], letter["path"], letter["raw"]) for letter in dead_letters(Home(home)))


def test_the_same_tables_by_every_way(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = {way: tmp_path / way / "home" for way in WAYS}
    for home in homes.values():
        home.mkdir(parents=True)
    _by_http(homes["http"])
    _by_ingest(homes["ingest"])
    _by_pubsub(homes["pubsub"], monkeypatch)
    journals = {way: _lines(home) for way, home in homes.items()}
    assert journals["http"] == journals["ingest"] == journals["pubsub"]
    letters = {way: _refused(home) for way, home in homes.items()}
    assert letters["http"] == letters["ingest"] == letters["pubsub"]
    # Of each refused id the order, the customer, the seller and the product.
    assert len(letters["http"]) == 4 * len(REFUSED_IDS)

    # Files and events as they come into one home after the other, which dbt has read its project for.
    loaded = shop.load(write_files(tmp_path / "files"))
    refused_rows = sum(file.rows_rejected for file in loaded.files)
    assert refused_rows == 6 * len(REFUSED_IDS) + 1  # the person who is none
    shop.build()
    from_files = shop.checksums()
    orders = {row["order_id"]: row for row in shop.rows("marts.fact_orders")}
    uuids = {id_: id_.replace("-", "").lower() for id_ in IDS if len(id_) == 36}
    assert set(orders) == {uuids.get(id_, id_) for id_ in IDS} | {f"null{n}" for n in range(len(NULLS))} | {"nobody"}
    for number in range(len(NULLS)):
        assert orders[f"null{number}"]["order_approved_at"] is None
    assert {row["customer_state"] for row in shop.rows("marts.dim_customers")} == {"PE", None}

    shop.reset()
    file = tmp_path / "again.jsonl"
    file.write_bytes(b"\n".join(messages()))
    assert shop.armazem("ingest", file).code == 0
    shop.build()
    assert differing(from_files, shop.checksums()) == []


def test_the_values_are_as_many_as_they_seem() -> None:
    ids = [row["order_id"] for row in tables()["orders"]]
    assert len(set(ids)) == len(ids) == len(IDS) + len(REFUSED_IDS) + len(NULLS) + 1
