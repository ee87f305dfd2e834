"""A build on BigQuery tells OpenLineage of tables as other tools name them there."""

from __future__ import annotations

from pathlib import Path

import pytest
from lineage.endpoint import endpoint
from lineage.valid import event
from report import small_shop

from .twins import PREFIX, Cloud

pytestmark = pytest.mark.xdist_group("bigquery")


def test_a_build_on_bigquery(empty_cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_cloud.load(small_shop.write(tmp_path / "files"), partial=True)
    with endpoint() as taking:
        monkeypatch.setenv("OPENLINEAGE_URL", taking.url)
        report = empty_cloud.build()
    events = [event(body) for body in taking.bodies]
    project = empty_cloud.settings.bigquery_project
    assert {one.namespace for told in events for one in (*told.inputs, *told.outputs)} == {"bigquery"}
    started, *_, completed = events
    assert (started.eventType.value, completed.eventType.value) == ("START", "COMPLETE")
    assert f"{project}.{PREFIX}raw.orders" in {one.name for one in started.inputs}
    rows = {f"{project}.{PREFIX}{name}": count for name, count in report.rows}
    assert {one.name: one.outputFacets["outputStatistics"].rowCount for one in completed.outputs} == rows
    _, orders = [told for told in events if told.job.name == "build.marts.fact_orders"]
    assert f"{project}.{PREFIX}staging.stg_orders" in {one.name for one in orders.inputs}
    fields = {one.name: one.type for one in orders.outputs[0].facets["schema"].fields}
    assert (fields["revenue"], fields["order_purchase_timestamp"]) == ("NUMERIC", "DATETIME")
    _, staged = [told for told in events if told.job.name == "build.staging.stg_batch_orders"]
    assert f"{project}.{PREFIX}raw.orders" in {one.name for one in staged.inputs}
