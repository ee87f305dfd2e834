"""What fails its audit is never seen by readers, and what passed can be taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
from golden import Golden
from reference import KEYS, compute, differences, schema_of
from reference.world import World

from armazem.build.run import BuildRequest
from armazem.shop.history import generate
from armazem.targets.duckdb.versions import read_failures

from . import history
from .shop import Shop, differing

pytestmark = pytest.mark.xdist_group("publishing")


@pytest.fixture(scope="module")
def first(golden: Golden) -> Path:
    return golden.first


@pytest.fixture(scope="module")
def second(golden: Golden) -> Path:
    return golden.second


@pytest.fixture(scope="module")
def published(shop: Shop, golden: Golden) -> Shop:
    return golden.once(shop.path)


def from_the_future(folder: Path, good: Path) -> Path:
    w = World()
    w.sale("late", "ana", "2099-01-01 10:00:00")
    return w.write(folder)


def cut_orders(folder: Path, good: Path) -> Path:
    tables = history.read(good)
    tables[history.ORDERS] = tables[history.ORDERS][:5]
    return history.write(folder, tables)


def payments_in_cents(folder: Path, good: Path) -> Path:
    tables = history.read(good)
    for row in tables[history.PAYMENTS]:
        row["payment_value"] = f"{float(row['payment_value']) * 100:.2f}"
    return history.write(folder, tables)


@pytest.mark.parametrize(
    ("poison", "test", "check", "table"),
    [
        (from_the_future, "stg_orders_audit", "not_bought_in_the_future 1", "staging.stg_orders"),
        (cut_orders, "stg_order_items_audit", "over 5 % of the items", "staging.stg_order_items"),
        (payments_in_cents, "audit_fact_sales_paid_what_it_cost", "Over 20 % of the items", "marts.audit_fact_sales"),
    ],
)
def test_a_poisoned_extract(
    published: Shop,
    second: Path,
    tmp_path: Path,
    poison: Callable[[Path, Path], Path],
    test: str,
    check: str,
    table: str,
) -> None:
    current, before = published.current, published.checksums(all_tables=True)
    load_id = published.load(poison(tmp_path / "poisoned", second), partial=True).load_id

    failed = published.armazem("build")
    assert failed.code == 3
    assert test in failed.err
    assert check in failed.err
    assert f"readers keep {current}" in failed.err
    assert published.current == current
    assert published.checksums(all_tables=True) == before
    listed = json.loads(published.armazem("builds", "--format", "json").out)
    assert listed[0]["state"] == "failed"
    assert listed[0]["failed"] >= 1
    assert [row["build_id"] for row in listed if row["state"] == "current"] == [current]

    # The file that failed has the rows for which it did; the published one does not.
    count = f"select count(*) as n from {table}"
    [there] = json.loads(published.armazem("sql", "--failed", count, "--format", "json").out)
    [here] = json.loads(published.armazem("sql", count, "--format", "json").out)
    assert there["n"] != here["n"]
    # It says itself which test failed, and so does the record that outlives it.
    newest = "build_id = (select max(build_id) from meta.builds)"
    of_tests = f"select test from meta.test_results where status = 'fail' and {newest}"
    assert {"test": test} in json.loads(published.armazem("sql", "--failed", of_tests, "--format", "json").out)
    reasons = read_failures(published.home, listed[0]["build_id"])
    assert any(reason.startswith(f"{test}: ") for reason in reasons)

    assert published.armazem("unload", load_id).code == 0
    assert published.armazem("build").code == 0
    assert published.checksums(all_tables=True) == before


def test_a_version_says_what_it_consists_of(published: Shop) -> None:
    manifest = json.loads((published.home.root / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    catalog = {row["name"]: row for row in published.rows("meta.models")}

    assert len(models) > 40
    assert catalog.keys() == models.keys()
    for name, row in catalog.items():
        inputs = {parent.split(".", 2)[2] for parent in models[name]["depends_on"]["nodes"]}
        assert set(json.loads(str(row["inputs"]))) == inputs, name
        assert json.loads(str(row["columns"])).keys() == models[name]["columns"].keys(), name
        assert row["layer"] == models[name]["schema"], name
    # Who publishes by steps shows no fact without its dimensions, and no KPI before its facts.
    first = {
        prefix: min(row["step"] for name, row in catalog.items() if name.startswith(prefix))
        for prefix in ("fact", "agg")
    }
    last = {
        prefix: max(row["step"] for name, row in catalog.items() if name.startswith(prefix))
        for prefix in ("stg", "dim")
    }
    assert last["stg"] < first["fact"]
    assert last["dim"] < first["fact"] < first["agg"]
    for name, row in catalog.items():
        if row["layer"] == "kpis":
            inputs = set(json.loads(str(row["inputs"])))
            assert all(catalog[parent]["step"] < row["step"] for parent in inputs & catalog.keys()), name
    listed = (
        "select table_schema || '.' || table_name as name from information_schema.tables "
        "where table_catalog = current_database() and table_schema not in ('meta', 'live')"
    )
    there = set(published.armazem("sql", listed, "--format", "csv").out.split()[1:])
    assert {f"{row['layer']}.{row['table']}" for row in catalog.values() if row["is_published"]} == there


def test_the_right_extract_after_the_wrong_one(published: Shop, first: Path, second: Path, tmp_path: Path) -> None:
    wrong = published.load(payments_in_cents(tmp_path / "wrong", second)).load_id
    assert published.armazem("build").code == 3
    assert published.armazem("unload", wrong).code == 0
    assert published.armazem("load", second).code == 0
    assert published.armazem("build").code == 0
    expected = compute([first, second])
    for table, key in KEYS.items():
        assert differences(expected[table], published.rows(f"{schema_of(table)}.{table}"), key) == [], table


def test_twice_changes_nothing(published: Shop, first: Path) -> None:
    current, files = published.current, sorted(published.path.rglob("builds/*"))
    loads = sorted(published.home.loads.iterdir())
    again = published.armazem("load", first)
    assert (again.code, "nothing new" in again.err) == (0, True)
    built = published.armazem("build")
    assert (built.code, f"{current}: it stays current" in built.err) == (0, True)
    assert (published.current, sorted(published.path.rglob("builds/*"))) == (current, files)
    assert sorted(published.home.loads.iterdir()) == loads


def test_status_says_that_a_build_is_due(published: Shop, tmp_path: Path) -> None:
    """After a load, and after it was withdrawn, which the build undoes."""

    def due() -> object:
        return json.loads(published.armazem("status", "--format", "json").out)[0]["build_due"]

    before = published.checksums()
    assert due() is None
    assert re.search(r"build_due +no", published.armazem("status").out)
    generate(tmp_path / "more", orders=20, seed=6)
    load = published.load(tmp_path / "more")
    assert "1 new load" in str(due())
    assert published.armazem("build").code == 0
    assert due() is None
    assert differing(published.checksums(), before)
    assert load.load_id is not None and published.armazem("unload", load.load_id).code == 0
    assert "was withdrawn" in str(due())
    status = json.loads(published.armazem("status", "--format", "json").out)[0]
    assert (status["loads_withdrawn"], status["loads_not_built"]) == (1, 0)
    built = published.armazem("build")
    assert (built.code, "was withdrawn" in built.err) == (0, True)
    assert due() is None
    assert differing(published.checksums(), before) == []


def test_rollback_and_forward(published: Shop, tmp_path: Path) -> None:
    old, old_tables = published.current, published.checksums()
    folder = tmp_path / "third"
    generate(folder, orders=20, seed=5)
    published.load(folder)
    assert published.armazem("build").code == 0
    new, new_tables = published.current, published.checksums()
    assert differing(old_tables, new_tables)

    assert published.armazem("rollback").code == 0
    assert (published.current, published.checksums()) == (old, old_tables)
    status = json.loads(published.armazem("status", "--format", "json").out)[0]
    assert (status["current_build"], status["loads_not_built"]) == (old, 1)
    assert published.armazem("rollback", new).code == 0
    assert (published.current, published.checksums()) == (new, new_tables)
    for never in ("failed", "building", "../landing"):  # what failed its audit is no version
        (published.home.builds / f"{never}.duckdb").parent.mkdir(exist_ok=True)
        assert published.armazem("rollback", never).code == 1
    unknown = published.armazem("rollback", "20160101T000000000000Z")
    assert (unknown.code, "there is no version 20160101T000000000000Z" in unknown.err) == (1, True)
    assert published.current == new

    assert published.armazem("rollback").code == 0
    built = published.armazem("build")
    assert (built.code, "1 new load" in built.err) == (0, True)
    assert published.current > new
    assert differing(published.checksums(), new_tables) == []


def damage(shop: Shop, statement: str) -> None:
    """Change the published file behind the back of everyone."""
    with duckdb.connect(str(shop.home.builds / f"{shop.current}.duckdb")) as connection:
        connection.execute(statement)


def test_reprocessing_repairs_what_was_damaged(published: Shop) -> None:
    whole = published.checksums()
    row = max(published.rows("marts.fact_sales"), key=lambda row: (row["order_purchase_timestamp"], row["order_id"]))
    order_id, day = row["order_id"], row["order_purchase_timestamp"].date()  # type: ignore[attr-defined]
    damage(published, f"update marts.fact_sales set payment_value = 7777 where order_id = '{order_id}'")
    damage(published, f"update marts.fact_orders set order_status = 'lost' where order_id = '{order_id}'")
    damage(published, f"delete from staging.stg_order_payments where order_id = '{order_id}'")
    assert differing(published.checksums(), whole) == ["marts.fact_orders", "marts.fact_sales"]

    built = published.armazem("build", "--start", day, "--end", day)
    assert built.code == 0
    assert differing(published.checksums(), whole) == []
    assert {row["order_purchase_timestamp"].date() for row in published.rows("marts.audit_fact_sales")} == {day}  # type: ignore[attr-defined]
    assert published.armazem("build", "--start", "2018-02-02", "--end", "2018-02-01").code == 2


def test_only_some_models(published: Shop, tmp_path: Path) -> None:
    whole = published.checksums()
    damage(published, "delete from kpis.agg_sales_trend; delete from marts.fact_reviews")
    assert published.armazem("build", "--select", "agg_sales_trend").code == 0
    assert differing(published.checksums(), whole) == ["marts.fact_reviews"]
    nothing = published.armazem("build", "--select", "agg_nothing")
    assert (nothing.code, "agg_nothing" in nothing.err) == (1, True)
    assert published.armazem("build", "--full-refresh", "--select", "fact_reviews").code == 0
    assert differing(published.checksums(), whole) == []

    # A load that came before a partial build is taken in by the next whole one.
    w = World()
    w.sale("extra", "eva", "2018-05-05")
    published.load(w.write(tmp_path / "extra"), partial=True)
    for selector in ("fact_orders", "fact_sales+"):
        partial = published.armazem("build", "--select", selector)
        assert partial.code == 0, partial.err
    current = published.current
    assert published.armazem("build", "--select", "stg_orders").code == 0
    assert published.current > current
    # A new load is taken in by all models together or by none.
    assert "extra" not in {row["order_id"] for row in published.rows("staging.stg_orders")}
    assert published.armazem("build", "--full-refresh").code == 0
    assert "extra" in {row["order_id"] for row in published.rows("marts.fact_sales")}
    assert set(differing(published.checksums(), whole)) >= {"marts.fact_orders", "kpis.agg_sales_trend"}
    assert len(published.rows("marts.fact_reviews")) > 0


def test_changed_models_are_built_anew(published: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = published.checksums()
    monkeypatch.setattr("armazem.targets.duckdb.target.META_DDL", _ddl() + "-- a change\n")
    report = published.build()
    assert "the models changed" in report.reason
    assert report.record is not None
    assert report.record.full_refresh
    assert differing(published.checksums(), whole) == []
    assert published.build().record is None


def _ddl() -> str:
    from armazem.targets.duckdb.meta import META_DDL

    return META_DDL


def test_full_refresh_of_an_unchanged_home(published: Shop) -> None:
    whole = published.checksums()
    report = published.build(BuildRequest(full_refresh=True))
    assert report.record is not None
    assert differing(published.checksums(), whole) == []
    window = BuildRequest(full_refresh=True, start_date=date(2017, 1, 1), end_date=date(2017, 1, 2))
    published.build(window)
    assert differing(published.checksums(), whole) == []
