"""The live state beside its journal: gaps, overflow, failures, new versions, clocks, threads."""

from __future__ import annotations

import json
import math
import os
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from contract.event_examples import (
    NOW,
    canonical,
    customer_update,
    identifier,
    order_payment,
    payment,
)

from armazem.config import Settings
from armazem.contract.event_record import event_columns
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.live import service as live_module
from armazem.live.service import LiveState
from armazem.live.sql import LINE
from armazem.live.tables import LiveTables
from armazem.targets.duckdb.versions import version_file

from .live_journal import Writer, accepted, publish
from .live_shop import EMPTY, placed, reached, same, until


def test_nothing_yet(open_live: Callable[..., LiveState]) -> None:
    live = open_live()
    live.rebuild()
    found = live.snapshot()
    assert {name: found[name] for name in EMPTY} == EMPTY
    assert found["seq"] == found["orders_per_minute"] == 0 and found["last_event_at"] is None
    assert found["lag_seconds"] == {"p50": None, "p99": None}
    assert [minute["orders"] for minute in found["orders_by_minute"]] == [0] * 60
    assert found["build"] is None and found["error"] is None


def test_every_cent_counts(shop: Home, open_live: Callable[..., LiveState]) -> None:
    """Amounts that floats would not add up."""
    writer = Writer(shop)
    live = open_live()
    values = [0.1, 0.2, 999_999_999.99, 0.01, 123_456_789.01]
    live.add(writer.write(accepted([placed(number, value=value) for number, value in enumerate(values)])))
    live.apply_waiting()
    assert live.snapshot()["revenue"] == Decimal("1123456789.31")
    live.add(writer.write(accepted([reached(2, "canceled")])))
    live.apply_waiting()
    assert live.snapshot()["revenue"] == Decimal("123456789.32")
    assert live.snapshot()["by_status"]["canceled"] == {"orders": 1, "revenue": Decimal("999999999.99")}
    same(live, writer.lines)


def test_lines_told_again_count_once(shop: Home, open_live: Callable[..., LiveState]) -> None:
    live = open_live()
    lines = Writer(shop).write(accepted([placed(1), placed(2), reached(1, "approved")]))
    for part in (lines, lines[1:], lines + lines):
        live.add(part)
        live.apply_waiting()
    same(live, lines)
    assert live.snapshot()["events"] == {"order_initiated": 2, "order_status_update": 1}


def test_what_does_not_fit_is_read_from_the_journal(shop: Home, open_live: Callable[..., LiveState]) -> None:
    writer = Writer(shop, lines_per_segment=7)
    live = open_live(max_waiting_bytes=5000)
    live.rebuild()
    for start in range(0, 60, 3):
        live.add(writer.write(accepted([placed(number) for number in range(start, start + 3)])))
    live.apply_waiting()
    same(live, writer.lines)
    live.add(writer.write(accepted([reached(5, "shipped")])))
    live.apply_waiting()
    same(live, writer.lines)


def test_numbers_that_were_given_up(shop: Home, open_live: Callable[..., LiveState]) -> None:
    writer = Writer(shop)
    live = open_live()
    for _ in range(3):
        live.add(writer.write(accepted([placed(writer.next_seq)])))
        live.apply_waiting()
        writer.next_seq += 1000
    same(live, writer.lines)


def test_many_changes_in_any_order(shop: Home, open_live: Callable[..., LiveState]) -> None:
    rng = random.Random(7)
    messages = [placed(number, value=number / 100) for number in range(400)]
    for number in range(1200):
        envelope = {"event_id": f"later-{number}", "timestamp": f"2026-11-22T{number % 24:02d}:00:00Z"}
        which = rng.randrange(420)
        update = {"customer_id": identifier(50_000 + which), "customer_state": rng.choice(("SP", "RJ", "AC"))}
        paid = payment(2, order_id=identifier(1000 + which), payment_value=number / 100)
        messages += rng.choice(
            (
                [reached(which, rng.choice(("approved", "shipped", "canceled")), **envelope)],
                [order_payment([paid], **envelope)],
                [customer_update(update, **envelope)],
            )
        )
    rng.shuffle(messages)
    writer = Writer(shop, lines_per_segment=300)
    live = open_live()
    live.rebuild()
    for start in range(0, len(messages), 40):
        live.add(writer.write(accepted(messages[start : start + 40])))
        live.apply_waiting()
    same(live, writer.lines)
    published = {identifier(50_000 + number): "BA" for number in range(0, 400, 2)}
    publish(shop, "20261123T000000Z", published)
    live.apply_waiting()
    same(live, writer.lines, published)
    live.close()
    again = open_live()
    again.rebuild()
    same(again, writer.lines, published)


def test_a_new_version_tells_states(shop: Home, open_live: Callable[..., LiveState]) -> None:
    """But not against an event; and an old version is not kept open."""
    writer = Writer(shop)
    live = open_live()
    live.rebuild()
    update = customer_update({"customer_id": identifier(50_002), "customer_state": "MG"}, event_id="moved")
    live.add(writer.write(accepted([placed(number) for number in range(4)] + [update])))
    live.apply_waiting()
    assert {state: group["orders"] for state, group in live.snapshot()["by_state"].items()} == {"MG": 1, "unknown": 3}
    versions: list[dict[str, str]] = [
        {identifier(50_001): "SP", identifier(50_002): "SP"},
        {identifier(50_001): "RJ", identifier(50_003): "AC"},
        {},
    ]
    for number, states in enumerate(versions, 1):
        path = publish(shop, f"20261123T00000{number}Z", states)
        live.apply_waiting()
        same(live, writer.lines, states)
        assert live.snapshot()["build"] == {"build_id": path.stem}
        assert str(path) not in [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()]
    live.add(writer.write(accepted([reached(1, "approved")])))
    live.apply_waiting()
    same(live, writer.lines)


def test_a_version_that_cannot_be_read(shop: Home, open_live: Callable[..., LiveState]) -> None:
    writer = Writer(shop)
    states = {identifier(50_001): "SP"}
    publish(shop, "20261123T000001Z", states)
    live = open_live()
    live.rebuild()
    shop.current.unlink()
    broken = version_file(shop, "20261123T000002Z")
    broken.write_bytes(b"no database")
    shop.current.symlink_to(broken)
    live.add(writer.write(accepted([placed(1), placed(2)])))
    live.apply_waiting()
    assert "customers of the published version" in str(live.error)
    assert live.snapshot()["build"] == {"build_id": "20261123T000001Z"}
    assert live.snapshot()["by_state"]["SP"]["orders"] == 1  # those of the version before are still right
    publish(shop, "20261123T000003Z", states)
    live.apply_waiting()
    same(live, writer.lines, states)


def test_after_an_error_it_says_so_and_begins_anew(
    shop: Home, open_live: Callable[..., LiveState], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "_RETRY", 0.5)
    writer = Writer(shop)
    tables: list[LiveTables] = []

    def make(scratch: Path) -> LiveTables:
        tables.append(LiveTables(scratch))
        return tables[-1]

    live = open_live(make_tables=make)
    live.add(writer.write(accepted([placed(1)])))
    live.start()
    until(lambda: live.snapshot()["orders"] == 1)
    tables[-1]._connection.execute("drop table orders")
    live.add(writer.write(accepted([placed(2)])))
    until(lambda: live.error is not None)
    assert "orders" in str(live.error) and live.snapshot()["orders"] == 1
    live.add(writer.write(accepted([placed(3)])))
    until(lambda: live.snapshot()["orders"] == 3)
    same(live, writer.lines)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_figures_that_have_stopped_say_so(shop: Home, open_live: Callable[..., LiveState]) -> None:
    live = open_live()
    live.rebuild()
    live.start()
    live.add([()])  # type: ignore[list-item]  # what nobody thought of
    until(lambda: live.error is not None)
    assert "restart" in str(live.error)


def test_orders_per_minute_and_lag(shop: Home, open_live: Callable[..., LiveState]) -> None:
    now = NOW
    writer = Writer(shop)
    live = open_live(clock=lambda: now)
    lags = [random.Random(3).randrange(0, 10**7) for _ in range(150)]  # microseconds
    ages = [0, 1, 59, 60, 61, 600, 3500, 3700]
    for number, age in enumerate(ages):
        came = now - timedelta(seconds=age)
        live.add(writer.write(accepted([placed(number, timestamp=came.isoformat())]), came))
    for number, lag in enumerate(lags):
        came = now - timedelta(seconds=30)
        at = came - timedelta(microseconds=lag)
        live.add(
            writer.write(accepted([reached(1, "approved", event_id=f"l{number}", timestamp=at.isoformat())]), came)
        )
    ahead = now + timedelta(hours=1)  # a clock that goes ahead is no lag
    live.add(writer.write(accepted([reached(2, "approved", timestamp=ahead.isoformat())]), now))
    live.apply_waiting()
    found = live.snapshot()
    assert found["orders_per_minute"] == 3
    by_minute = {minute["minute"]: minute["orders"] for minute in found["orders_by_minute"]}
    assert list(by_minute) == [NOW - timedelta(minutes=59 - number) for number in range(60)]
    assert {minute: orders for minute, orders in by_minute.items() if orders} == {
        NOW: 1, NOW - timedelta(minutes=1): 3, NOW - timedelta(minutes=2): 1, NOW - timedelta(minutes=10): 1,
        NOW - timedelta(minutes=59): 1,
    }  # fmt: skip
    recent = sorted([0.0] * 4 + [lag / 1e6 for lag in lags])
    assert found["lag_seconds"] == {
        name: recent[math.ceil(share * len(recent)) - 1] for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    assert found["last_event_at"] == ahead and found["last_received_at"] == now
    before = live.version
    now += timedelta(seconds=61)
    live.apply_waiting()
    assert live.version > before and live.snapshot()["orders_per_minute"] == 0
    assert live.snapshot()["lag_seconds"] == {"p50": None, "p99": None}
    now += timedelta(hours=1)
    live.apply_waiting()
    assert not any(minute["orders"] for minute in live.snapshot()["orders_by_minute"])
    assert live.snapshot()["orders"] == len(ages)
    now -= timedelta(hours=2)  # the clock is set back
    live.apply_waiting()
    same(live, writer.lines)


def test_a_new_version_only_when_something_changed(shop: Home, open_live: Callable[..., LiveState]) -> None:
    refused = 0
    live = open_live(dead_letters=lambda: refused)
    live.apply_waiting()
    before = live.version
    live.apply_waiting()
    assert live.version == before == live.wait(before, 0.01)
    refused = 2
    live.apply_waiting()
    assert live.wait(before, 0.01) == before + 1 and live.snapshot()["dead_letters"] == 2


def test_readers_beside_the_thread(shop: Home, open_live: Callable[..., LiveState]) -> None:
    """Every snapshot is of one moment, whoever reads while lines come."""
    writer = Writer(shop)
    live = open_live()
    live.start()
    stop = threading.Event()
    wrong: list[dict[str, Any]] = []
    seen: list[int] = []

    def read() -> None:
        last = 0
        while not stop.is_set():
            found = live.snapshot()
            whole = found["orders"] == sum(group["orders"] for group in found["by_status"].values())
            whole &= found["revenue"] == sum(group["revenue"] for group in found["by_state"].values())
            whole &= found["revenue"] == Decimal("1.10") * found["orders"] and found["seq"] >= last
            last = found["seq"]
            if not whole:
                wrong.append(found)
            time.sleep(0.001)

    def listen() -> None:
        version = live.version
        while not stop.is_set():
            version = live.wait(version, 0.5)
            seen.append(version)

    readers = [threading.Thread(target=target) for target in (read, read, listen)]
    for reader in readers:
        reader.start()
    for start in range(0, 300, 10):
        live.add(writer.write(accepted([placed(number) for number in range(start, start + 10)])))
        time.sleep(0.03)
    until(lambda: live.snapshot()["orders"] == 300)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong and len(set(seen)) >= 2 and seen == sorted(seen)
    same(live, writer.lines)


def test_fed_by_ingest(shop: Home, open_live: Callable[..., LiveState]) -> None:
    options = Settings(home=shop.root)
    messages = [canonical(placed(number)) for number in range(30)]
    with Ingest(shop, options) as ingest:
        ingest.submit(messages[:10], "http").result(10)
    with LiveState(shop, options) as live:
        assert live.snapshot()["orders"] == 10
        with Ingest(shop, options, on_commit=live.add) as ingest:
            for start in range(0, 30, 5):
                ingest.submit(messages[start : start + 5], "http").result(10)
        until(lambda: live.snapshot()["orders"] == 30)
        found = live.snapshot()
        assert found["events"] == {"order_initiated": 30} and found["orders_per_minute"] == 30
        assert abs((datetime.now(UTC) - found["last_received_at"]).total_seconds()) < 60


def test_lines_are_read_with_the_types_of_the_contract() -> None:
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in event_columns().items())
    with duckdb.connect() as connection:
        connection.execute(f"create table journal ({columns})")
        connection.execute(f"create table live as select unnest(from_json('{{}}', '{json.dumps(LINE)}'))")
        for name in ("seq", "received_at", "event_type", "event_id", "timestamp"):
            assert _type(connection, "journal", name) == _type(connection, "live", name)
        parts = {
            "orders": ("order_id", "customer_id", "order_status", "order_purchase_timestamp"),
            "order_items[1]": ("order_id", "order_item_id"),
            "order_payments[1]": ("order_id", "payment_sequential", "payment_value"),
            "customers": ("customer_id", "customer_state"),
        }
        for part, names in parts.items():
            for name in names:
                path = f"data.{part}.{name}"
                assert _type(connection, "journal", path) == _type(connection, "live", path)


def _type(connection: duckdb.DuckDBPyConnection, table: str, path: str) -> str:
    return str(connection.sql(f"select {path} from {table}").types[0])
