"""What stands in the published datasets already: tables of another make, views, tables of somebody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from emulator import Emulator
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery.table import TableListItem

from armazem.build.run import BuildRequest
from armazem.errors import CloudError
from armazem.shop.history import generate
from armazem.targets.bigquery import places
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.tables import Published, copy_tables

from .twins import Cloud

pytestmark = pytest.mark.xdist_group("publishing on bigquery")

NUMBER = [bigquery.SchemaField("n", "INT64")]


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extract")
    generate(folder, orders=60, seed=3)
    return folder


@pytest.fixture(scope="module")
def published(emulator: Emulator, cloud_home: Path, extract: Path) -> Cloud:
    cloud = Cloud.of(emulator, cloud_home, bigquery_retry_seconds=2.0).emptied()
    cloud.load(extract)
    cloud.build()
    return cloud


def make(connection: Connection, name: str, *, day: str = "", clustered: str = "") -> None:
    """A table of somebody, in the place of one of ours."""
    fields = [*NUMBER, bigquery.SchemaField("day", "DATE")]
    table = bigquery.Table(connection.table_id(*name.split(".")), schema=fields)
    if day:
        table.time_partitioning = bigquery.TimePartitioning(field=day)
    if clustered:
        table.clustering_fields = [clustered]
    connection.client.delete_table(table.reference, not_found_ok=True)
    connection.client.create_table(table)


def test_tables_of_another_make_make_room(published: Cloud) -> None:
    """As after a release that partitions otherwise; also ones with other columns."""
    connection = Connection.of(published.settings)
    before = published.tables()
    ours = connection.table_id("shop_staging", "stg_sellers")
    makes = {
        "fact_orders": {"day": "day"},
        "fact_sales": {"clustered": "n"},
        "fact_payments": {"day": "day", "clustered": "n"},
    }
    for table, of in makes.items():
        make(connection, f"shop_marts.{table}", **of)
        # A copy alone fails.
        with pytest.raises(exceptions.GoogleAPICallError, match="Incompatible table partitioning"):
            copy_tables(connection, [(ours, connection.table_id("shop_marts", table))])
    make(connection, "shop_kpis.agg_sales_trend", day="day")
    report = published.build(BuildRequest(full_refresh=True))
    assert report.record is not None
    after = published.tables()
    assert after.keys() == before.keys()
    assert {name for name in before if name.startswith(("marts", "kpis")) and before[name] != after[name]} <= {
        "marts.audit_fact_sales"
    }
    for table in makes:
        there = places.items(connection, "shop_marts")[table]
        assert there.clustering_fields != ["n"]
        assert there.time_partitioning is None or there.time_partitioning.field != "day"


@pytest.mark.parametrize(
    ("name", "kind"), [("marts.fact_orders", "view"), ("kpis.agg_sales_trend", "view"), ("live.orders", "table")]
)
def test_what_cannot_be_replaced_is_refused(emulator: Emulator, tmp_path: Path, name: str, kind: str) -> None:
    prefix = f"in_the_way_{name.partition('.')[0]}_"
    connection = Connection.of(Cloud.of(emulator, tmp_path, bigquery_dataset_prefix=prefix).settings)
    layout = [Published(f"{prefix}marts", "fact_orders", 1), Published(f"{prefix}kpis", "agg_sales_trend", 2)]
    connection.create_datasets([*places.datasets_of(layout), f"{prefix}live"])
    places.check_places(connection, layout, ["orders"])
    if kind == "view":
        connection.answer(f"create view {prefix}{name} as select 1 as n")
    else:
        make(connection, f"{prefix}{name}")
    with pytest.raises(CloudError, match=f"{prefix}{name} is a {kind}, and a build") as refused:
        places.check_places(connection, layout, ["orders"])
    assert "ARMAZEM_BIGQUERY_DATASET_PREFIX" in refused.value.hint


def test_a_table_of_somebody_else_is_not_overwritten(emulator: Emulator, tmp_path: Path, extract: Path) -> None:
    cloud = Cloud.of(emulator, tmp_path / "home", bigquery_dataset_prefix="others_")
    cloud.load(extract)
    connection = Connection.of(cloud.settings)
    connection.create_datasets(["others_marts"])
    make(connection, "others_marts.fact_orders")
    with pytest.raises(CloudError, match=r"others_marts\.\w+ is there already, and no build has published it"):
        cloud.build()
    assert connection.client.get_table(connection.table_id("others_marts", "fact_orders")).schema[0].name == "n"


def test_status_says_that_a_build_is_due(published: Cloud, tmp_path: Path) -> None:
    def status() -> dict[str, object]:
        answer = published.armazem("status", "--target", "bigquery", "--format", "json")
        assert answer.code == 0, answer.err
        return json.loads(answer.out)[0]

    assert (status()["build_due"], status()["loads_withdrawn"]) == (None, 0)
    generate(tmp_path / "more", orders=20, seed=8)
    load = published.load(tmp_path / "more")
    assert "1 new load" in str(status()["build_due"])
    published.build()
    assert status()["build_due"] is None
    assert published.armazem("unload", load.load_id, "--target", "bigquery").code == 0
    assert "withdrawn" in str(status()["build_due"])
    assert (status()["loads_withdrawn"], status()["loads_not_built"]) == (1, 0)


def listed(name: str, **more: object) -> TableListItem:
    reference = {"projectId": "p", "datasetId": "marts", "tableId": name}
    return TableListItem({"tableReference": reference, "type": "TABLE", **more})


def test_tables_with_a_time_to_live() -> None:
    """The emulator has none; what BigQuery lists is documented."""
    assert places.expiring({"a": listed("a")}) is None
    tables = {"a": listed("a", expirationTime="1796000000000"), "b": listed("b", expirationTime="1795900000000")}
    said = places.expiring(tables)
    assert said is not None
    assert "BigQuery will delete marts.b and 1 more from 2026-11-28 on" in said
    assert "bq update" in said


@pytest.mark.parametrize(
    "more",
    [
        {"timePartitioning": {"type": "DAY", "field": "d"}},
        {"timePartitioning": {"type": "MONTH"}},
        {"rangePartitioning": {"field": "n", "range": {"start": "0", "end": "9", "interval": "1"}}},
        {"clustering": {"fields": ["a", "b"]}},
    ],
)
def test_every_kind_of_make_is_told_apart(more: dict[str, object]) -> None:
    assert places.make_of(listed("a", **more)) != places.make_of(listed("a"))
    assert places.make_of(listed("a", **more)) == places.make_of(listed("b", **more, expirationTime="1"))
