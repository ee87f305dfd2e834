"""Spark's own maintenance beside the files that were landed: why `gc.enabled` is false."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lake.worlds import in_home, land, opened, raw
from landing.data import csv, single
from soak import only_in_soak

from armazem.config import Settings
from armazem.lake.place import place_of
from armazem.lake.register import register

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize(
    "collected",
    [
        pytest.param(False, id="as made"),
        pytest.param(True, id="with gc.enabled=true", marks=[pytest.mark.slow, only_in_soak]),
    ],
)
def test_deleting_and_expiring_in_spark(
    collected: bool, spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    from armazem.spark.session import on_lake

    home = in_home(settings)
    land(home, single(tmp_path, "sellers", csv("sellers")))
    register(settings, (), lambda: None)
    (landed,) = settings.home_folder.loads.glob("*/sellers.parquet")
    (added,) = (settings.home_folder.lake / "warehouse").rglob("sellers.parquet")
    assert landed.samefile(added)
    lake = on_lake(spark, place_of(settings))
    if collected:
        lake.sql("ALTER TABLE lake.raw.sellers SET TBLPROPERTIES ('gc.enabled'='true')")
    lake.sql("DELETE FROM lake.raw.sellers")
    expire = (
        "CALL lake.system.expire_snapshots(table => 'raw.sellers', older_than => TIMESTAMP '2999-01-01', "
        "retain_last => 1)"
    )
    if collected:
        lake.sql(expire).collect()
        assert not added.exists(), "this is what the property is for"
    else:
        with pytest.raises((PySparkException, Py4JError), match=r"GC is disabled"):
            lake.sql(expire).collect()
        assert added.exists()
    assert landed.exists(), "a second name: Spark never deletes the landing zone's own"
    assert raw(home)["sellers"]
    assert opened(settings).table("sellers").properties["gc.enabled"] == "false", "put right by the next load"
