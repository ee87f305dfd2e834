"""Three extracts give the same tables in whichever order they are loaded, all at once or one build after the other."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from reference import KEYS, compute, differences, schema_of
from soak import NUMBERS, only_in_soak

from armazem.shop.history import generate

from . import history
from .shop import Shop, differing

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = pytest.mark.xdist_group("day by day")

ORDER = {
    "customer_id": "c1",
    "order_purchase_timestamp": "2018-03-01 10:00:00",
    "order_estimated_delivery_date": "2018-03-20 00:00:00",
}
APPROVED = {"order_approved_at": "2018-03-01 11:00:00"}
SHIPPED = APPROVED | {"order_delivered_carrier_date": "2018-03-02 11:00:00"}
DELIVERED = SHIPPED | {"order_delivered_customer_date": "2018-03-08 11:00:00"}


def extract(folder: Path, *orders: tuple[str, str, dict[str, str]]) -> Path:
    """The file of these orders: identifier, status and times."""
    rows = [{"order_id": order_id, "order_status": status} | ORDER | times for order_id, status, times in orders]
    return history.write(folder, {history.ORDERS: rows})


def statuses(shop: Shop) -> dict[object, object]:
    return {row["order_id"]: row["order_status"] for row in shop.rows("marts.fact_orders")}


def reference(shop: Shop, folders: list[Path], ages: list[datetime | None]) -> None:
    expected = compute(folders, ages)
    for table, key in KEYS.items():
        assert differences(expected[table], shop.rows(f"{schema_of(table)}.{table}"), key) == [], table


def test_an_order_goes_back_only_by_an_extract_that_knows_something_newer(shop: Shop, tmp_path: Path) -> None:
    """Day 2 is loaded first, then the backfill of day 1; then a correction that says how old it is."""
    day_2 = extract(
        tmp_path / "day-2",
        ("delivered", "delivered", DELIVERED),
        ("canceled", "canceled", SHIPPED),
        ("cleared", "canceled", APPROVED),
        ("invoiced", "invoiced", APPROVED),
        ("sent-again", "delivered", SHIPPED | {"order_delivered_customer_date": "2018-03-03 11:00:00"}),
    )
    day_1 = extract(
        tmp_path / "day-1",
        ("delivered", "shipped", SHIPPED),
        ("canceled", "shipped", SHIPPED),
        ("cleared", "shipped", SHIPPED),
        ("invoiced", "approved", APPROVED),
        ("sent-again", "shipped", APPROVED | {"order_delivered_carrier_date": "2018-03-04 11:00:00"}),
    )
    kept = {name: name for name in ("delivered", "canceled", "invoiced")} | {"cleared": "canceled"}
    shop.reset()
    shop.load(day_2, partial=True)
    shop.build()
    late = shop.load(day_1, partial=True).load_id
    assert "incremental" in shop.build().reason
    assert statuses(shop) == kept | {"sent-again": "shipped"}
    shop.armazem("build", "--full-refresh")
    assert statuses(shop) == kept | {"sent-again": "shipped"}
    reference(shop, [day_2, day_1], [None, None])

    corrected = extract(tmp_path / "corrected", ("canceled", "shipped", SHIPPED), ("delivered", "created", {}))
    said = shop.armazem("load", corrected, "--partial", "--as-of", "2018-03-09T08:00")
    assert said.code == 0
    shop.build()
    assert statuses(shop) == kept | {"sent-again": "shipped", "canceled": "shipped", "delivered": "created"}
    [told] = [row for row in shop.rows("meta.loads") if row["as_of"]]
    assert told["as_of"] == datetime(2018, 3, 9, 11, tzinfo=UTC)
    assert "2018-03-09T11:00:00+00:00" in shop.armazem("status", "--format", "csv").out

    assert late is not None
    shop.armazem("unload", str(told["load_id"]))
    shop.armazem("unload", late)
    assert "withdrawn" in shop.build().reason
    assert statuses(shop) == kept | {"sent-again": "delivered"}


def test_no_extract_is_from_the_future(shop: Shop, tmp_path: Path) -> None:
    shop.reset()
    day = extract(tmp_path / "day", ("a", "created", {}))
    for wrong in ("2999-01-01", "yesterday"):
        said = shop.armazem("load", day, "--partial", "--as-of", wrong)
        assert (said.code, "--as-of" in said.err, shop.home.loads.exists()) == (2, True, False)


def test_the_same_bytes_of_another_age_are_news(shop: Shop, tmp_path: Path) -> None:
    shop.reset()
    day = extract(tmp_path / "day", ("a", "created", {}))
    as_of = datetime(2018, 3, 2, tzinfo=UTC)
    assert shop.load(day, partial=True).load_id
    assert shop.load(day, partial=True).load_id is None
    assert shop.load(day, partial=True, as_of=as_of).load_id
    assert shop.load(day, partial=True, as_of=as_of).load_id is None
    assert shop.load(day, partial=True).load_id is None


@only_in_soak  # in small: the first test here, and test_the_way_does_not_matter of events and files
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3001, 3001 + NUMBERS.extract_histories))
@pytest.mark.parametrize(
    "told",
    [
        pytest.param(True, id="as of"),
        pytest.param(False, id="by their times"),
    ],
)
def test_three_extracts_in_all_orders(shop: Shop, tmp_path: Path, seed: int, told: bool, numbers: Numbers) -> None:
    """`told`: their ages are, and every table changes. Else only orders do, and each row is older than the next."""
    rng = random.Random(seed)
    generate(tmp_path / "final", orders=60, seed=seed)
    extracts = _extracts(history.read(tmp_path / "final"), rng, told=told)
    folders = [history.write(tmp_path / f"extract-{number}", tables) for number, tables in enumerate(extracts)]
    start = datetime(2018, 10, 1, tzinfo=UTC)
    ages = [start + timedelta(days=number) if told else None for number in range(3)]
    found = {}
    for order in [*permutations(range(3))][-numbers.extract_orders :]:
        shop.reset()
        for place, number in enumerate(order):
            shop.load(folders[number], as_of=ages[number])
            if place != rng.randrange(3) or place == 2:
                shop.build()
        found[order] = shop.checksums()
    reference(shop, [folders[number] for number in order], [ages[number] for number in order])
    shop.armazem("build", "--full-refresh")
    found["full"] = shop.checksums()
    assert {name: differing(sums, found["full"]) for name, sums in found.items() if sums != found["full"]} == {}


def _extracts(final: history.Tables, rng: random.Random, *, told: bool) -> list[history.Tables]:
    """Whole extracts, oldest first, the last of them `final`."""
    extracts = [{name: list(rows) for name, rows in final.items()} for _ in range(3)]
    for place, order in enumerate(final[history.ORDERS]):
        versions = history.earlier_versions(order, rng)
        for number in (0, 1):
            if versions:
                extracts[number][history.ORDERS][place] = versions[min(number, len(versions) - 1)]
    if told:
        for number, tables in enumerate(extracts[:2]):
            for name, column in ((history.ITEMS, "price"), (history.PAYMENTS, "payment_value")):
                tables[name] = [{**row, column: f"{float(row[column]) + number + 1:.2f}"} for row in tables[name]]
            tables[history.SELLERS] = [{**row, "seller_city": f"cidade {number}a"} for row in tables[history.SELLERS]]
            for row in rng.sample(range(60), 10):  # the last word goes back
                order = tables[history.ORDERS][row]
                tables[history.ORDERS][row] = {**order, "order_status": "unavailable"}
    return extracts
