"""One project, two targets: the same rows in every table of staging, marts and kpis, before and after one more day."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from soak import NUMBERS
from warehouse import history
from warehouse.shop import Shop

from armazem.home import Home
from armazem.shop.history import generate

from .event_lines import event_lines
from .twins import Cloud, differences, tables_of

pytestmark = pytest.mark.xdist_group("bigquery")
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "olist-sample"


def one_more_day(folder: Path, target: Path) -> tuple[Path, Path]:
    """Two extracts: all but the last days, with some orders as they were before; then those days and those orders."""
    tables = history.read(folder)
    days = sorted({row["order_purchase_timestamp"][:10] for row in tables[history.ORDERS]})
    last = set(days[-3:])
    later = {row["order_id"] for row in tables[history.ORDERS] if row["order_purchase_timestamp"][:10] in last}
    late_news = {row["order_id"] for row in tables[history.ORDERS][::17] if row["order_status"] == "delivered"} - later
    of_order = (history.ORDERS, history.ITEMS, history.PAYMENTS, history.REVIEWS)
    first = {n: [r for r in rows if r.get("order_id") not in later] for n, rows in tables.items()}
    first[history.ORDERS] = [
        {**row, "order_status": "shipped", "order_delivered_customer_date": ""} if row["order_id"] in late_news else row
        for row in first[history.ORDERS]
    ]
    # One of them is bought on another day than was said first: it leaves the periods that it was in.
    moved = next(row for row in first[history.ORDERS] if row["order_id"] in late_news)
    moved["order_purchase_timestamp"] = f"{days[len(days) // 2]} 09:00:00"
    second = {n: [r for r in tables[n] if r["order_id"] in later | late_news] for n in of_order}
    history.refer(second, tables)
    return history.write(target / "first", first), history.write(target / "second", second)


def compare(shop: Shop, cloud: Cloud, first: Path, second: Path, lines: list[bytes]) -> None:
    """After the first extract, and after the second one with half of the events; `live` shows the other half."""
    shop.reset()
    for warehouse in (shop, cloud):
        warehouse.load(first)
        assert "first build" in warehouse.build().reason
    if lines:
        assert differences(tables_of(shop), cloud.tables()) == []
        append(shop, cloud, lines[: len(lines) // 2])
    for warehouse in (shop, cloud):
        warehouse.load(second, partial=True)
        reason = warehouse.build().reason
        assert ("incremental" in reason, "new events" in reason) == (True, bool(lines))
    if lines:
        append(shop, cloud, lines[len(lines) // 2 :])
    here, there = tables_of(shop), cloud.tables()
    assert differences(here, there) == []
    assert len(here) == 38
    assert min(len(rows) for table, rows in here.items() if table != "staging.stg_events" or lines) > 1


def append(shop: Shop, cloud: Cloud, lines: list[bytes]) -> None:
    write_journal(shop.home, lines)
    cloud.append_events(lines)


def write_journal(home: Home, lines: list[bytes]) -> None:
    first = json.loads(lines[0])["seq"]
    segment = home.journal / "date=2026-11-23" / f"{first:016d}.jsonl"
    segment.parent.mkdir(parents=True, exist_ok=True)
    segment.write_bytes(b"".join(lines))


def test_generated_data_with_every_defect(shop: Shop, empty_cloud: Cloud, tmp_path: Path) -> None:
    generate(tmp_path / "all", orders=1500, seed=23)
    first, second = one_more_day(tmp_path / "all", tmp_path)
    compare(shop, empty_cloud, first, second, event_lines(first, second))


@pytest.mark.slow
def test_the_real_sample(shop: Shop, empty_cloud: Cloud, tmp_path: Path) -> None:
    if not NUMBERS.real_sample:
        pytest.skip("the real sample takes minutes on the emulator: make soak")
    if not SAMPLE.is_dir():
        pytest.skip(f"the real sample is not at {SAMPLE}")
    compare(shop, empty_cloud, *one_more_day(SAMPLE, tmp_path), lines=[])
