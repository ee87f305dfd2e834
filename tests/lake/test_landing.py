"""Loads in the lake: what lands is what would land in the home folder; withdrawn loads; snapshots of then."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from landing.data import csv, single, write
from pyiceberg.table import Table

from armazem.config import Settings
from armazem.errors import LakeError, MissingExtra, SourceError, UnsupportedError
from armazem.lake import ledger
from armazem.lake.catalog import Lake
from armazem.lake.reading import landed_files
from armazem.lake.register import register
from armazem.landing import load, read_ledger
from armazem.targets.duckdb import landed
from armazem.targets.registry import target_of

from .worlds import NAMES, dirty, in_home, land, landed_id, opened, raw


def nobody_waits() -> None:
    raise AssertionError("nobody else works on this home folder")


def rejects_in_lake(settings: Settings) -> list[dict[str, object]]:
    rows = opened(settings).table("rejects").scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: (row["table"], row["line"]))


def rejects_in_home(settings: Settings, load_id: str) -> list[dict[str, object]]:
    rows = []
    for path in sorted((settings.home_folder.rejects / load_id).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = {"load_id": load_id, "table": path.stem, "raw": None, "raw_base64": None, **json.loads(line)}
            rows.append(row)
    return sorted(rows, key=lambda row: (row["table"], row["line"]))


def test_what_lands_is_what_would_land_in_the_home_folder(settings: Settings, tmp_path: Path) -> None:
    source = dirty(tmp_path / "in")
    home = in_home(settings).model_copy(update={"home": tmp_path / "other"})
    result, other = land(settings, source), land(home, source)
    assert not list(settings.home_folder.loads.iterdir())

    def told(rows: object) -> list[object]:
        return [(r.table, r.path, r.sha256, r.rows_read, r.rows_accepted, r.rows_rejected, r.encoding) for r in rows]

    assert told(landed.loads(settings)) == told(read_ledger(home.home_folder))
    assert landed.loads(settings) == [row for row in result.files if row.status == "loaded"]
    here = {name: [row[1:] for row in rows] for name, rows in raw(settings).items()}
    assert here == {name: [row[1:] for row in rows] for name, rows in raw(home).items()}
    assert {row[0] for rows in raw(settings).values() for row in rows} == {result.load_id}

    refused = rejects_in_lake(settings)
    assert refused == rejects_in_home(settings, str(result.load_id))
    assert [{**row, "load_id": None} for row in refused] == [
        {**row, "load_id": None} for row in rejects_in_home(home, str(other.load_id))
    ]
    assert {row["code"] for row in refused} >= {"negative_amount", "wrong_type", "bad_timestamp", "missing_field"}


def test_registered_loads_are_the_same_rows_and_the_same_files(settings: Settings, tmp_path: Path) -> None:
    home = in_home(settings)
    for number, source in enumerate((dirty(tmp_path / "1"), write(tmp_path / "2", orders=csv("orders", [])))):
        land(home, source, force=bool(number))
    done = register(settings, (), nobody_waits)
    assert len(done.added) == 9 + 8  # of the orders of the second extract there is no row
    assert raw(settings) == raw(home)
    assert landed.loads(settings) == landed.loads(home)
    file = settings.home_folder.loads / done.added[0].load_id / "orders.parquet"
    assert file.stat().st_nlink == 2, "not a copy"
    again = register(settings, (), nobody_waits)
    assert (again.added, len(again.there)) == ((), 2)


def test_a_file_that_was_landed_before_a_column_was_known_has_null_there(settings: Settings, tmp_path: Path) -> None:
    home = in_home(settings)
    load_id = landed_id(home, write(tmp_path / "in"))
    file = home.home_folder.loads / load_id / "order_items.parquet"
    with duckdb.connect() as connection:
        older = f"select * exclude (seller_id) from read_parquet('{file}')"
        connection.execute(f"copy ({older}) to '{file}.new' (format parquet)")
    file.with_name(f"{file.name}.new").replace(file)
    register(settings, (), nobody_waits)
    assert raw(settings) == raw(home)
    assert opened(settings).table("order_items").scan().to_arrow().column("seller_id").to_pylist() == [None]


def test_what_was_loaded_is_unchanged_and_a_strict_load_lands_nothing(settings: Settings, tmp_path: Path) -> None:
    source = dirty(tmp_path / "in")
    with pytest.raises(SourceError, match="nothing was loaded"):
        land(settings, source, strict=True)
    assert landed.loads(settings) == []
    land(settings, source)
    before = opened(settings).table("orders").metadata_location
    assert land(settings, source).load_id is None
    assert opened(settings).table("orders").metadata_location == before


def test_a_withdrawn_load_is_gone_and_its_snapshot_still_tells_it(settings: Settings, tmp_path: Path) -> None:
    first, second = landed_id(settings, write(tmp_path / "1")), landed_id(settings, dirty(tmp_path / "2"))
    snapshot = opened(settings).table("orders").current_snapshot()
    assert snapshot is not None
    assert target_of(settings).withdraw(first, lambda _: None) is None
    assert {row.load_id for row in landed.loads(settings)} == {second}
    assert {row[0] for rows in raw(settings).values() for row in rows} == {second}
    orders = opened(settings).table("orders")
    assert set(orders.scan().to_arrow().column("_load_id").to_pylist()) == {second}
    assert sorted(orders.scan(snapshot_id=snapshot.snapshot_id).to_arrow().column("_load_id").to_pylist()) == sorted(
        [first] * 2 + [second] * len(raw(settings)["orders"])
    )
    target_of(settings).withdraw(first, lambda _: None)  # once more changes nothing
    assert [one.summary[ledger.OF_ACTION] for one in orders.metadata.snapshots if one.summary] == [
        "load", "load", "unload",
    ]  # fmt: skip
    again = land(settings, write(tmp_path / "3"))
    assert again.load_id not in (None, first), "its files count as new again"
    with pytest.raises(LakeError, match="there is no load 2017"):
        target_of(settings).withdraw("2017", lambda _: None)


def test_a_load_that_is_withdrawn_while_a_build_looks_at_the_tables(settings: Settings, tmp_path: Path) -> None:
    load_id = landed_id(settings, write(tmp_path / "1"))

    class Meanwhile(Lake):
        def table(self, name: str) -> Table:
            if name == NAMES[0] and not any(entry.withdrawn_at for entry in ledger.read_entries(lake)):
                target_of(settings).withdraw(load_id, lambda _: None)
            return lake.table(name)

    lake = opened(settings)
    with pytest.raises(LakeError, match=f"load {load_id} was withdrawn while the build began"):
        landed_files(Meanwhile(lake.home, lake.place, lake.catalog), {load_id})


def test_unload_makes_no_lake(settings: Settings) -> None:
    settings.home_folder.open()
    with pytest.raises(LakeError, match="there is no lake yet"):
        target_of(settings).withdraw("20200101T000000000000Z", lambda _: None)
    assert not settings.home_folder.lake.exists()


@pytest.mark.parametrize("name", ["a b'c%20 ü[1]*;x", 'li=nk&+@:,"', "100%"])
def test_names_of_folders_that_mean_something_elsewhere(settings: Settings, tmp_path: Path, name: str) -> None:
    odd = settings.model_copy(update={"home": tmp_path / name})
    first, second = landed_id(odd, write(tmp_path / "1")), landed_id(odd, dirty(tmp_path / "2"), force=True)
    assert {row[0] for row in raw(odd)["orders"]} == {first, second}
    assert (odd.home_folder.lake / "catalog.db").is_file()


def test_the_snapshot_reads_the_rows_although_the_home_folder_moved_its_file(
    settings: Settings, tmp_path: Path
) -> None:
    home = in_home(settings)
    load_id = landed_id(home, write(tmp_path / "in"))
    register(settings, (), nobody_waits)
    rows = raw(settings)
    snapshot = opened(settings).table("orders").current_snapshot()
    assert snapshot is not None
    kept = target_of(home).withdraw(load_id, lambda _: None)
    assert kept is not None
    for file in kept.glob("*.parquet"):
        file.unlink()
    assert raw(settings) == rows
    assert register(settings, (), nobody_waits).withdrawn == (load_id,)
    assert landed.loads(settings) == []
    assert len(opened(settings).table("orders").scan(snapshot_id=snapshot.snapshot_id).to_arrow()) == 2
    kept.rename(settings.home_folder.loads / load_id)
    again = register(settings, (), nobody_waits)
    assert (again.back, again.added, landed.loads(settings)) == ((load_id,), (), [])


def test_only_the_loads_that_are_asked_for(settings: Settings, tmp_path: Path) -> None:
    home = in_home(settings)
    landed_id(home, write(tmp_path / "in"))
    second = landed_id(home, single(tmp_path / "more", "sellers", csv("sellers", [["s2", "04195", "x", "SP"]])))
    register(settings, [second], nobody_waits)
    assert {row.load_id for row in landed.loads(settings)} == {second}
    with pytest.raises(Exception, match="there is no load nothing"):
        register(settings, ["nothing"], nobody_waits)


def test_a_load_on_another_file_system_is_copied(settings: Settings, tmp_path: Path) -> None:
    from small_disk import small_disk

    with small_disk(tmp_path / "disk", "16m") as disk:
        elsewhere = settings.model_copy(update={"lake_warehouse": str(disk / "warehouse")})
        land(elsewhere, dirty(tmp_path / "in"))
        there = {name: [row[1:] for row in rows] for name, rows in raw(elsewhere).items()}
        files = list((disk / "warehouse").rglob("orders.parquet"))
        assert [file.stat().st_nlink for file in files] == [1]
        other = in_home(settings).model_copy(update={"home": tmp_path / "other"})
        load(tmp_path / "in", other.home_folder)
        assert there == {name: [row[1:] for row in rows] for name, rows in raw(other).items()}


def test_bigquery_has_a_landing_zone_of_its_own(settings: Settings) -> None:
    with pytest.raises(UnsupportedError, match="landing zone of its own"):
        target_of(settings.model_copy(update={"target": "bigquery"}))


def test_without_its_extra_the_lake_says_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith(("pyiceberg", "armazem.lake"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyiceberg", None)
    with pytest.raises(MissingExtra, match="pyiceberg") as caught:
        landed.loads(settings)
    assert "armazem[iceberg]" in caught.value.hint


def test_every_table_is_read(settings: Settings, tmp_path: Path) -> None:
    land(settings, write(tmp_path / "in"))
    assert {name: len(rows) for name, rows in raw(settings).items()} == {
        name: {"orders": 2, "customers": 2}.get(name, 1) for name in NAMES
    }
