"""A build of the lake has the same tables as one of the home folder: all of them, every row, whoever landed it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from golden import Golden
from soak import only_in_soak
from warehouse.shop import OF_ONE_BUILD, Shop, armazem, differing

from armazem.build.run import build
from armazem.config import Settings, load_settings
from armazem.lake.register import register
from armazem.targets.duckdb import landed
from armazem.targets.duckdb.content import content_of
from armazem.targets.duckdb.versions import version_file
from armazem.targets.plan import BuildRequest
from armazem.targets.registry import target_of

from .test_landing import nobody_waits
from .worlds import opened

pytestmark = pytest.mark.xdist_group("lake builds")


def content(shop: Shop, build_id: str | None = None) -> dict[str, object]:
    """Of every table that is published or staged, what is the same for the same rows."""
    file = version_file(shop.home, build_id or shop.current)
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name <> 'meta' order by all"
        ).fetchall()
        return {
            f"{layer}.{table}": content_of(connection, layer, table)
            for layer, table in tables
            if f"{layer}.{table}" not in OF_ONE_BUILD
        }


@pytest.fixture
def increment(tmp_path: Path, golden: Golden) -> tuple[Shop, Settings]:
    """A shop whose first load was built from the home folder, and the second, after `lake register`, from the lake."""
    shop = golden.twice(tmp_path / "home")
    lake = load_settings(home=shop.path, landing="lake")
    register(lake, (), nobody_waits)
    assert shop.armazem("rollback").code == 0  # the first load is published, as the home folder had it
    report = build(lake, BuildRequest())
    assert report.record is not None and not report.record.full_refresh and report.record.new_loads == 1
    return shop, lake


def test_increments_and_unloads_are_those_of_the_home_folder(
    increment: tuple[Shop, Settings], tmp_path: Path, golden: Golden
) -> None:
    shop, lake = increment
    assert len(content(shop)) > 40
    assert content(shop) == content(golden.twice(tmp_path / "expected"))
    assert build(lake, BuildRequest()).record is None, "nothing is new"

    _, second = sorted({row.load_id for row in landed.loads(lake)})
    target_of(lake).withdraw(second, lambda _: None)
    report = build(lake, BuildRequest())
    assert report.record is not None and report.record.full_refresh
    assert content(shop) == content(golden.once(tmp_path / "first"))


@only_in_soak
def test_full_builds_and_unloads_in_both_places(
    increment: tuple[Shop, Settings], tmp_path: Path, golden: Golden
) -> None:
    shop, lake = increment
    expected = golden.twice(tmp_path / "expected")
    build(lake, BuildRequest(full_refresh=True))
    assert content(shop) == content(expected)
    first, second = sorted({row.load_id for row in landed.loads(lake)})
    for settings in (lake, load_settings(home=expected.path)):
        target_of(settings).withdraw(second, lambda _: None)
        build(settings, BuildRequest())
    assert content(shop) == content(expected)
    assert first in {str(row["load_id"]) for row in shop.rows("meta.loads")}


def test_a_shop_that_only_ever_had_a_lake(tmp_path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMAZEM_LANDING", "lake")
    shop = Shop(tmp_path / "home")
    assert shop.armazem("load", golden.first).code == 0
    assert shop.armazem("load", golden.second).code == 0
    assert shop.armazem("build").code == 0
    assert not list(shop.home.loads.iterdir())
    assert differing(shop.checksums(), golden.twice(tmp_path / "expected").checksums()) == []
    assert shop.armazem("dbt", "show", "--inline", "select count(*) as n from {{ source('raw', 'orders') }}").code == 0
    current = shop.current
    lake = load_settings(home=shop.path)
    opened(lake).table("orders").delete("order_status == 'delivered'")
    refused = armazem("build", "--full-refresh", home=shop.path)
    assert refused.code == 1 and "raw.orders has" in refused.err and "instead of" in refused.err
    assert shop.current == current
