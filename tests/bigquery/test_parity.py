"""One project, two targets: the same rows in every table of staging, marts and kpis, before and after one more day."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from reference import KEYS, compute
from reference import differences as of_rows
from soak import NUMBERS
from warehouse import history
from warehouse.shop import Shop

from armazem.shop.history import generate

from .event_lines import event_lines, write_journal
from .feature_sets import check_features
from .late_extracts import STATUSES, TOLD, corrected, day_1, day_2
from .twins import Cloud, differences, tables_of

pytestmark = pytest.mark.xdist_group("bigquery")
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "olist-sample"


def compare(shop: Shop, cloud: Cloud, first: Path, second: Path, lines: list[bytes], late: Sequence[Path] = ()) -> None:
    """After the first extract, and after the second one with half of the events; `live` shows the other half.

    Of the late extracts the first comes with the first one, the others with the second one, and the last one is told
    how old it is.
    """
    shop.reset()
    for warehouse in (shop, cloud):
        warehouse.load(first)
        for folder in late[:1]:
            warehouse.load(folder, partial=True)
        assert "first build" in warehouse.build().reason
    if lines:
        assert differences(tables_of(shop), cloud.tables()) == []
        append(shop, cloud, lines[: len(lines) // 2])
    for warehouse in (shop, cloud):
        warehouse.load(second, partial=True)
        for folder in late[1:]:
            warehouse.load(folder, partial=True, as_of=TOLD if folder == late[-1] else None)
        reason = warehouse.build().reason
        assert ("incremental" in reason, "new events" in reason) == (True, bool(lines))
    if lines:
        append(shop, cloud, lines[len(lines) // 2 :])
    here, there = tables_of(shop), cloud.tables()
    assert differences(here, there) == []
    assert len(here) == 47
    assert min(len(rows) for table, rows in here.items() if table != "staging.stg_events" or lines) > 1
    check_features(shop, cloud)


def append(shop: Shop, cloud: Cloud, lines: list[bytes]) -> None:
    write_journal(shop.home, lines)
    cloud.append_events(lines)


def test_generated_data_with_every_defect_and_late_extracts(shop: Shop, empty_cloud: Cloud, tmp_path: Path) -> None:
    generate(tmp_path / "all", orders=1500, seed=23)
    first, second = history.one_more_day(tmp_path / "all", tmp_path)
    late = [day_2(tmp_path / "day-2"), day_1(tmp_path / "day-1"), corrected(tmp_path / "corrected")]
    compare(shop, empty_cloud, first, second, event_lines(first, second), late)

    expected = compute(late, [None, None, TOLD])
    for table in ("fact_orders", "fact_sales", "fact_payments"):
        rows = [row for row in shop.rows(f"marts.{table}") if row["order_id"] in STATUSES]
        assert of_rows(expected[table], rows, KEYS[table]) == [], table
    assert {row["order_id"]: row["order_status"] for row in expected["fact_orders"]} == STATUSES
    told = {row["load_id"]: row["as_of"] for row in shop.rows("meta.loads")}
    assert sorted(filter(None, told.values())) == [TOLD]
    assert empty_cloud.query("select as_of from shop_meta.loads where as_of is not null").rows[0][0] == TOLD


@pytest.mark.slow
def test_the_real_sample(shop: Shop, empty_cloud: Cloud, tmp_path: Path) -> None:
    if not NUMBERS.real_sample:
        pytest.skip("the real sample takes minutes on the emulator: make soak")
    if not SAMPLE.is_dir():
        pytest.skip(f"the real sample is not at {SAMPLE}")
    compare(shop, empty_cloud, *history.one_more_day(SAMPLE, tmp_path), lines=[])
