"""`armazem lake maintain`: what was cut off is made good, and nothing is taken from anybody who still needs it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from landing.data import write
from warehouse.shop import Answer, armazem

from armazem.config import Settings
from armazem.errors import LakeError
from armazem.lake.cache import Cache
from armazem.lake.clearing import clear
from armazem.lake.files import add, put
from armazem.lake.ledger import record_withdrawn
from armazem.lake.tables import LOAD_ID
from armazem.targets.duckdb import landed
from armazem.targets.registry import target_of

from .worlds import NAMES, dirty, landed_id, opened, raw

STRAY = "20200101T000000000000Z"


def lake(settings: Settings, *arguments: object) -> Answer:
    return armazem("lake", *arguments, home=settings.home)


def stray(settings: Settings, like: str) -> None:
    """Leave what a load that never ended leaves: a table that was added, and a file that was to be."""
    there = opened(settings)
    file = next(settings.home_folder.lake.rglob(f"{like}/sellers.parquet"))
    table = there.table("sellers")
    add(table, STRAY, put(table, STRAY, "sellers", file), file)
    put(there.table("orders"), STRAY, "orders", next(settings.home_folder.lake.rglob(f"{like}/orders.parquet")))


@contextmanager
def long_ago(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is done to the tables, and which folders are made, is of the year 2020: so the clock also went back."""
    then = 1_577_836_800.0
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: then)
        yield
    for folder in settings.home_folder.lake.rglob(STRAY):
        for path in (*folder.iterdir(), folder):
            os.utime(path, (then, then))


def cut_off(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A load that is landed, one that is half withdrawn, one that never ended, one of which only a file is there."""
    stays, goes = landed_id(settings, dirty(tmp_path / "1")), landed_id(settings, write(tmp_path / "2"), force=True)
    there = opened(settings)
    record_withdrawn(there, [row for row in landed.loads(settings) if row.load_id == goes])
    with long_ago(settings, monkeypatch):
        stray(settings, stays)
    return stays, goes


def test_maintain_makes_good_what_was_cut_off(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, goes = cut_off(settings, tmp_path, monkeypatch)
    before = raw(settings)
    files = {path for path in settings.home_folder.lake.rglob("*.parquet") if path.parent.name in (stays, goes)}
    dry = lake(settings, "maintain", "--dry-run")
    assert dry.err == (
        f"would finish the withdrawal of {goes}: 11 rows\n"
        f"would remove {STRAY}, which never ended: 1 row\n"
        "would delete 1 file of loads that never ended\n"
        "the files of all loads stay\n"
    )
    assert lake(settings, "maintain").err == (
        f"finished the withdrawal of {goes}: 11 rows\n"
        f"removed {STRAY}, which never ended: 1 row\n"
        "deleted 1 file of loads that never ended\n"
        "the files of all loads stay\n"
    )
    assert set(raw(settings)["orders"]) == set(before["orders"]) and raw(settings) == before
    assert set(opened(settings).table("sellers").scan().to_arrow().column(LOAD_ID).to_pylist()) == {stays}
    assert files <= set(settings.home_folder.lake.rglob("*.parquet"))
    # What a snapshot still has is deleted once that is forgotten.
    report = json.loads(lake(settings, "maintain", "--older-than", 0, "--keep", 1, "--format", "json").out)
    assert report["files_deleted"][0].endswith(f"{STRAY}/sellers.parquet")
    assert report["snapshots_forgotten"]["orders"] == 2
    assert (
        lake(settings, "maintain", "--older-than", 0, "--keep", 1).err == "nothing to do\nthe files of all loads stay\n"
    )
    assert raw(settings) == before


def test_maintain_leaves_what_others_may_be_doing(settings: Settings, tmp_path: Path) -> None:
    landed_id(settings, write(tmp_path / "1"))
    young = "20990101T000000000000Z"
    for load_id in (young, "mine"):
        opened(settings).table("orders").append(pa.table({"order_id": ["x"], LOAD_ID: [load_id]}))
    assert lake(settings, "maintain").err == (
        f"left {young} alone: it is not in the ledger, and may still be under way\n"
        "left rows with _load_id 'mine' alone: that is no load, somebody else wrote them; no build reads them\n"
        "nothing to do\nthe files of all loads stay\n"
    )
    assert len(opened(settings).table("orders").scan().to_arrow()) == 4


def test_old_snapshots_are_forgotten_and_the_newest_kept(settings: Settings, tmp_path: Path) -> None:
    for number in range(3):
        landed_id(settings, write(tmp_path / str(number)), force=True)
    before = raw(settings)
    report = json.loads(lake(settings, "maintain", "--older-than", 0, "--keep", 2, "--format", "json").out)
    assert report["snapshots_forgotten"] == {**dict.fromkeys(NAMES, 1), "loads": 1}
    assert len(json.loads(lake(settings, "history", "orders", "--format", "json").out)) == 2
    assert raw(settings) == before
    assert json.loads(lake(settings, "maintain", "--format", "json").out)["snapshots_forgotten"] == {}


def test_an_old_load_that_another_home_is_registering_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    """Its id is of long ago; its files are not."""
    stays = landed_id(settings, write(tmp_path / "1"))
    stray(settings, stays)
    assert lake(settings, "maintain").err == (
        f"left {STRAY} alone: it is not in the ledger, and may still be under way\n"
        "nothing to do\nthe files of all loads stay\n"
    )
    lake(settings, "maintain", "--older-than", 0, "--keep", 1)
    assert STRAY in opened(settings).table("sellers").scan().to_arrow().column(LOAD_ID).to_pylist()
    files = {path.name for path in settings.home_folder.lake.rglob(f"{STRAY}/*")}
    assert files == {"sellers.parquet", "orders.parquet"}


def test_a_ledger_that_lost_a_load_is_no_reason_to_delete_it(settings: Settings, tmp_path: Path) -> None:
    first, second = landed_id(settings, write(tmp_path / "1")), landed_id(settings, dirty(tmp_path / "2"), force=True)
    files = set(settings.home_folder.lake.rglob("data/*/*.parquet"))
    table = opened(settings).table("loads")
    before = table.metadata.snapshots[0].snapshot_id
    table.manage_snapshots().rollback_to_snapshot(before).commit()
    assert {row.load_id for row in landed.loads(settings)} == {first}
    for command in (("maintain", "--older-than", 0, "--keep", 1), ("maintain", "--dry-run")):
        answer = lake(settings, *command)
        assert (answer.code, f"went back in the ledger raw.loads, which lost the load of {second}" in answer.err) == (
            1,
            True,
        )
    for doing in (
        lambda: raw(settings),
        lambda: landed_id(settings, tmp_path / "1", force=True),
        lambda: target_of(settings).withdraw(first, lambda _: None),
    ):
        with pytest.raises(LakeError, match="went back in the ledger"):
            doing()
    assert files <= set(settings.home_folder.lake.rglob("data/*/*.parquet"))
    lost = table.metadata.snapshots[-1].snapshot_id
    assert f"set_current_snapshot('raw.loads', {lost})" in answer.err
    opened(settings).table("loads").manage_snapshots().set_current_snapshot(lost).commit()  # as the hint says
    assert {row[0] for row in raw(settings)["orders"]} == {first, second}
    assert lake(settings, "maintain").err == "nothing to do\nthe files of all loads stay\n"


def test_a_ledger_that_lost_a_withdrawal(settings: Settings, tmp_path: Path) -> None:
    load_id = landed_id(settings, write(tmp_path / "1"))
    target_of(settings).withdraw(load_id, lambda _: None)
    table = opened(settings).table("loads")
    table.manage_snapshots().rollback_to_snapshot(table.metadata.snapshots[0].snapshot_id).commit()
    with pytest.raises(LakeError, match=f"lost the unload of {load_id}"):
        clear(opened(settings))


def test_copies_that_somebody_is_making_are_left(settings: Settings, tmp_path: Path) -> None:
    landed_id(settings, write(tmp_path / "1"))
    folder = settings.home_folder.lake / "cache"
    folder.mkdir()
    for name, age in (("a.1.tmp", 0), ("b.2.tmp", 2 * 86_400), ("c.parquet", 0)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age,) * 2)
    assert Cache(opened(settings)).keep_only(()) == 2
    assert [path.name for path in folder.iterdir()] == ["a.1.tmp"]
