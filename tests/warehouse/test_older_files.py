"""Files that an armazem wrote whose contract had fewer columns: they are read, and have null there."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from contract.event_examples import canonical, order, order_initiated, order_status_update
from reference import KEYS, differences

from armazem.config import Settings
from armazem.contract import table
from armazem.contract.event_record import PARTS, REPEATED_PARTS
from armazem.contract.render import duckdb_columns
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.journal.compaction import compact
from armazem.landing import parquet_files
from armazem.shop.history import generate
from armazem.targets.duckdb.query import run_query

from .shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("older files")]

NEW = "product_width_cm"
OF_EVENTS = "order_approved_at"


def rewrite(file: Path, select: str) -> None:
    """Replace a Parquet file by what is selected from it."""
    temporary = file.with_suffix(".new")
    rows = select.format(f"read_parquet('{file}')")
    duckdb.execute(f"copy ({rows}) to '{temporary}' (format parquet)")
    temporary.replace(file)


def older_record() -> str:
    """The type of an event's `data` without the new column."""
    parts = []
    for part in PARTS:
        columns = {name: type_ for name, type_ in duckdb_columns(part).items() if name != OF_EVENTS}
        fields = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
        parts.append(f"{part.name} STRUCT({fields}){'[]' if part in REPEATED_PARTS else ''}")
    return f"STRUCT({', '.join(parts)})"


def approved(order_id: str, at: str) -> bytes:
    row = {"order_id": order_id, "order_status": "approved", OF_EVENTS: at}
    return canonical(order_status_update("approved", row, event_id=f"{order_id} {at}"))


def ingest(home: Home, *messages: bytes) -> None:
    """Into a segment of their own."""
    with Ingest(home, Settings(home=home.root)) as writer:
        assert writer.submit(list(messages), "ingest").result().accepted == len(messages)


def test_landed_files(shop: Shop, tmp_path: Path) -> None:
    shop.reset()
    generate(tmp_path / "first", orders=30, seed=1)
    generate(tmp_path / "second", orders=30, seed=2)
    shop.load(tmp_path / "first")
    for file in parquet_files(shop.home, "products"):
        rewrite(file, f"select * exclude {NEW} from {{}}")
    assert NEW in duckdb_columns(table("products"))
    shop.build()
    first = {row["product_id"]: row[NEW] for row in shop.rows("staging.stg_products")}
    assert set(first.values()) == {None}

    shop.load(tmp_path / "second")
    assert "incremental" in shop.build().reason
    second = {
        row["product_id"]: row[NEW] for row in shop.rows("staging.stg_products") if row["product_id"] not in first
    }
    assert second
    assert all(isinstance(width, Decimal) for width in second.values())


def test_compacted_events(shop: Shop) -> None:
    shop.reset()
    ingest(shop.home, canonical(order_initiated(order(order_id="early"), [], [], event_id="early")))
    ingest(shop.home, canonical(order_initiated(order(order_id="late"), [], [], event_id="late")))
    ingest(shop.home, approved("early", "2026-11-22T15:00:00"))
    for _ in range(2):  # the second pass takes the lines away that the first one compacted
        compact(shop.home, grace=0)
    older, newer = sorted(shop.home.journal.glob("date=*/*.parquet"))
    rewrite(older, f'select * replace (cast("data" as {older_record()}) as "data") from {{}}')
    assert (
        duckdb.execute(f"describe from '{older}'").fetchall() != duckdb.execute(f"describe from '{newer}'").fetchall()
    )
    shop.build()
    assert approvals(shop) == {"early": "2026-11-22 15:00:00", "late": None}

    # The live views read all compacted files at once, the oldest first.
    ingest(shop.home, approved("late", "2026-11-22T16:00:00"))
    ingest(shop.home, approved("early", "2026-11-22T14:00:00"))
    for _ in range(2):
        compact(shop.home, grace=0)
    assert approvals(shop, "live.orders")["late"] == "2026-11-22 16:00:00"
    shop.build()
    assert approvals(shop)["late"] == "2026-11-22 16:00:00"
    live = run_query(shop.home, "from live.orders")
    rows = [dict(zip(live.columns, row, strict=True)) for row in live.rows]
    assert differences(shop.rows("staging.stg_orders"), rows, KEYS["fact_orders"]) == []


def approvals(shop: Shop, relation: str = "staging.stg_orders") -> dict[str, str | None]:
    found = run_query(shop.home, f"select order_id, cast({OF_EVENTS} as varchar) from {relation}")
    return dict(found.rows)
