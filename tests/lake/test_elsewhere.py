"""A warehouse in a bucket: files go there, and a build copies each of them once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from warehouse.shop import armazem

from armazem.config import Settings
from armazem.errors import LakeError
from armazem.targets.registry import target_of

from .worlds import dirty, in_home, land, landed_id, opened, raw


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    (folder / "shop").mkdir(parents=True)
    return folder


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path, bucket: Path) -> Settings:
    properties = tmp_path / "lake.properties"
    properties.write_text(f"py-io-impl=lake.elsewhere.FolderFileIO\nfolder={bucket}\n", encoding="utf-8")
    return settings.model_copy(update={"lake_warehouse": "gs://shop/lake/", "lake_properties": str(properties)})


def copies(settings: Settings) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (settings.home_folder.lake / "cache").glob("*")}


def test_files_go_to_the_bucket_and_a_build_copies_each_once(elsewhere: Settings, bucket: Path, tmp_path: Path) -> None:
    load_id = landed_id(elsewhere, dirty(tmp_path / "in"))
    there = bucket / f"shop/lake/raw/orders/data/{load_id}/orders.parquet"
    assert there.is_file()
    [file] = opened(elsewhere).table("orders").scan().plan_files()
    assert file.file.file_path == f"gs://shop/lake/raw/orders/data/{load_id}/orders.parquet"
    rows = raw(elsewhere)
    before = copies(elsewhere)
    assert len(before) == 9
    assert raw(elsewhere) == rows
    assert copies(elsewhere) == before
    other = in_home(elsewhere).model_copy(update={"home": tmp_path / "other"})
    land(other, tmp_path / "in")
    assert [[row[1:] for row in table] for table in rows.values()] == [
        [row[1:] for row in table] for table in raw(other).values()
    ]


def test_copies_of_withdrawn_loads_are_deleted(
    elsewhere: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = landed_id(elsewhere, dirty(tmp_path / "1")), landed_id(elsewhere, dirty(tmp_path / "2"), force=True)
    rows = raw(elsewhere)
    target_of(elsewhere).withdraw(first, lambda _: None)
    for name in ("lake_warehouse", "lake_properties"):
        monkeypatch.setenv(f"ARMAZEM_{name.upper()}", getattr(elsewhere, name))
    report = json.loads(armazem("lake", "maintain", "--format", "json", home=elsewhere.home).out)
    assert (report["copies_deleted"], len(copies(elsewhere))) == (9, 9)
    left = {name: [row for row in of_table if row[0] == second] for name, of_table in rows.items()}
    assert raw(elsewhere) == left


def test_a_file_that_is_gone_from_the_bucket(elsewhere: Settings, bucket: Path, tmp_path: Path) -> None:
    load_id = landed_id(elsewhere, dirty(tmp_path / "in"))
    (bucket / f"shop/lake/raw/orders/data/{load_id}/orders.parquet").unlink()
    with pytest.raises(LakeError, match=r"orders\.parquet") as caught:
        raw(elsewhere)
    assert caught.value.hint
