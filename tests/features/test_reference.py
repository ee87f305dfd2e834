"""Every feature of random entities at random times, bit for bit as plain Python adds it up."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from soak import NUMBERS
from warehouse.shop import Shop

from armazem.config import Settings
from armazem.contract.features import ACCUMULATORS, ENTITIES, RATIOS, WINDOWS
from armazem.features.catalogue import FEATURES, features_named
from armazem.features.orders import STAGES, Stage, order_requests
from armazem.features.requests import KEYS, Requests
from armazem.features.training import training_set
from armazem.targets.registry import target_of

from . import known
from .known import Shown


def differing(shown: Shown, found: pa.Table) -> list[str]:
    """What is not as it should be, of rows with all ids and `at`."""
    wrong = []
    for row in found.to_pylist():
        for entity in known.ENTITIES:
            id_ = row[known.KEYS[entity]] if entity in known.KEYS else "all"
            for name, value in shown.features(entity, id_, row["at"]).items():
                same = row[name] == value and isinstance(row[name], type(value))
                wrong += [] if same else [f"{id_} at {row['at']}: {name} is {row[name]!r}, not {value!r}"]
    return wrong


def test_the_reference_knows_the_contract() -> None:
    assert tuple(entity.name for entity in ENTITIES) == known.ENTITIES
    assert tuple(one.name for one in ACCUMULATORS) == known.SUMS
    assert {one.name: (one.numerator, one.denominator, one.unit) for one in RATIOS} == known.RATIOS
    assert WINDOWS == (30, 90)
    assert KEYS == known.KEYS


@pytest.mark.parametrize("seed", range(NUMBERS.histories))
def test_random_requests(settings: Settings, shown: Shown, seed: int) -> None:
    rows = shown.requests(300, seed)
    found = training_set(settings, Requests(pa.Table.from_pylist(rows)))
    assert found.column_names == [*rows[0], *(feature.name for feature in FEATURES)]
    assert found.select(list(rows[0])).to_pylist() == rows
    assert differing(shown, found) == []
    assert sum(found["seller_late"].to_pylist()) > 0
    assert sum(found["product_sold_30d"].to_pylist()) > 0


@pytest.mark.parametrize("stage", STAGES)
def test_all_orders(settings: Settings, shown: Shown, stage: Stage) -> None:
    with target_of(settings).reading() as reader:
        requests = order_requests(reader, stage)
    items: dict[str, list[tuple[float, int, str, str]]] = {}
    for item in shown.items:
        lane = f"{item['seller_state']}-{item['customer_state']}"
        facts = (-item["price"], item["order_item_id"], item["seller_id"], item["product_id"], lane)
        items.setdefault(item["order_id"], []).append(facts)
    moment = "order_purchase_timestamp" if stage == "purchase" else "order_delivered_carrier_date"
    end = datetime.combine(shown.newest + timedelta(days=1), time())
    expected = []
    for order in shown.orders:
        at = order[moment]
        if at is None or not order["order_purchase_timestamp"] <= at < end:
            continue
        _, _, seller, product, lane = min(items.get(order["order_id"], [(0, 0, None, None, None)]))
        expected.append((at, order["order_id"], seller, lane, product, order["customer_unique_id"]))
    columns = ("at", "order_id", "seller_id", "lane", "product_id", "customer_unique_id")
    assert list(zip(*(requests[name].to_pylist() for name in columns), strict=True)) == sorted(
        expected, key=lambda row: row[:2]
    )
    found = training_set(settings, Requests(requests.slice(100, 40)))
    assert differing(shown, found.filter(found["seller_id"].is_valid())) == []


def test_a_day_begins_at_midnight(settings: Settings, shown: Shown) -> None:
    order = next(order for order in shown.orders if order["customer_unique_id"] in shown.ids("customer"))
    day = datetime.combine(order["order_purchase_timestamp"].date(), time())
    next_day = day + timedelta(days=1)
    times = [day, next_day - timedelta(microseconds=1), next_day, next_day + timedelta(microseconds=1)]
    asked = pa.table({"customer_unique_id": [order["customer_unique_id"]] * 4, "at": times})
    [sold] = features_named(["customer_sold"])
    first, last, then, after = training_set(settings, Requests(asked), features=[sold])["customer_sold"].to_pylist()
    assert first == last == then - 1 == after - 1


def test_who_is_unknown_or_comes_too_early_has_no_orders(settings: Settings, shown: Shown) -> None:
    early = datetime(1999, 1, 1)
    asked = pa.table(
        {
            "seller_id": ["nobody", None, "", shown.ids("seller")[0], shown.ids("seller")[0]],
            "at": [datetime.combine(shown.newest, time())] * 3 + [early, datetime.min],
        }
    )
    found = training_set(settings, Requests(asked))
    for feature in FEATURES:
        if feature.entity.name == "seller":
            assert set(found[feature.name].to_pylist()) == {0 if feature.of in ACCUMULATORS else None}, feature.name
    assert found["marketplace_sold"].to_pylist()[0] == len(
        [order for order in shown.orders if order["order_purchase_timestamp"].date() < shown.newest]
    )


def test_without_times_the_newest_features(settings: Settings, shown: Shown, shop: Shop) -> None:
    sellers = shown.ids("seller")
    found = training_set(settings, Requests(pa.table({"seller_id": sellers})))
    asked = pa.table({"seller_id": sellers, "at": [datetime.combine(shown.newest, time(23, 59))] * len(sellers)})
    assert found.drop_columns("seller_id") == training_set(settings, Requests(asked)).drop_columns(["seller_id", "at"])
    assert found.schema.metadata == {
        b"armazem.build": shop.current.encode(),
        b"armazem.as_of": f"{shown.newest} 00:00:00".encode(),
    }
    # As the model of today's vectors has them.
    columns = [f"{name}{suffix}" for name in known.SUMS for suffix, _ in known.SPANS]
    rows = {row["entity_id"]: [row[column] for column in columns] for row in shop.rows("features.feat_seller")}
    here = {row["seller_id"]: [row[f"seller_{column}"] for column in columns] for row in found.to_pylist()}
    assert rows == here


def test_ids_are_folded_as_the_warehouse_does(settings: Settings, shown: Shown) -> None:
    lane = next(lane for lane in shown.ids("lane") if shown.parts["lane", lane])
    found = training_set(settings, Requests(pa.table({"lane": [lane, f" {lane.lower()} "]})))
    one, other = found.drop_columns("lane").to_pylist()
    assert one == other and one["lane_sold"] > 0


def test_a_training_set_in_parquet_says_of_which_build_it_is(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "orders.parquet"
    answer = shop.armazem("features", "get", "--orders", "handover", "--out", out)
    assert (answer.code, answer.out) == (0, ""), answer.err
    assert f"wrote {out}" in answer.err
    assert pq.read_schema(out).metadata[b"armazem.build"] == shop.current.encode()
    assert pq.read_metadata(out).num_columns == 6 + len(FEATURES)
