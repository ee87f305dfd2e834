"""The Parquet export: every value is there, of one build; nothing is replaced that no export wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from armazem.errors import ExportError, HomeError
from armazem.export import folder, parquet
from armazem.export.parquet import export_parquet
from armazem.home import Home
from armazem.targets.duckdb.query import open_published

from .exported import BUILD, publish, published_tables


def silent(name: str, number: int, total: int) -> None: ...


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    publish(home)
    return home


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "olist"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_value_is_in_the_files(home: Home, out: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    done = export_parquet(home, out, lambda *step: steps.append(step))
    assert steps == [("marts.fact_orders", 1, 2), ("kpis.agg_nothing", 2, 2)]
    assert (done.contents.build_id, done.rows, done.paths) == (BUILD, (5, 0), (out,))
    with open_published(home) as connection, duckdb.connect() as reading:
        tables = published_tables(connection)
        assert tables == ["kpis.agg_nothing", "marts.fact_orders"]
        for table in tables:
            file = str(out / f"{table.replace('.', '/')}.parquet")
            query = f"select {{}} from {table} order by all"
            rows = connection.execute(query.format("*")).fetchall()
            read = reading.execute("from read_parquet(?) order by all", (file,))
            assert read.fetchall() == rows
            types = "select column_name, column_type from (describe from {})"
            assert (
                reading.execute(types.format(f"read_parquet('{file}')")).fetchall()
                == connection.execute(types.format(table)).fetchall()
            )
    codecs = duckdb.sql(f"select distinct compression from parquet_metadata('{out}/marts/*.parquet')").fetchall()
    assert codecs == [("ZSTD",)]


def test_build_json_says_what_it_is_of(home: Home, out: Path) -> None:
    export_parquet(home, out, silent)
    said = json.loads((out / "build.json").read_text(encoding="utf-8"))
    assert (said["build_id"], said["published_at"]) == (BUILD, "2026-11-23T06:04:05Z")
    assert [(table["name"], table["rows"]) for table in said["tables"]] == [
        ("marts.fact_orders", 5), ("kpis.agg_nothing", 0)
    ]  # fmt: skip
    assert all((out / table["file"]).stat().st_size == table["bytes"] for table in said["tables"])
    assert sorted(tree(out)) == ["build.json", "kpis/agg_nothing.parquet", "marts/fact_orders.parquet"]


def test_an_earlier_export_is_replaced_only_with_force(home: Home, out: Path) -> None:
    out.mkdir()  # an empty folder holds nothing to lose
    export_parquet(home, out, silent)
    before = tree(out)
    publish(home, "20261123T000002000000Z", rows="(7, 1, 1, 1, null, null, null, 'new')")
    with pytest.raises(ExportError, match="holds an export already") as error:
        export_parquet(home, out, silent)
    assert "--force" in error.value.hint
    assert tree(out) == before
    assert export_parquet(home, out, silent, force=True).rows == (1, 0)
    assert json.loads((out / "build.json").read_text(encoding="utf-8"))["build_id"] == "20261123T000002000000Z"
    assert [path.name for path in out.parent.iterdir()] == ["olist"]


@pytest.mark.parametrize("foreign", ["photo.jpg", "marts/mine.parquet", "deep/er/x"])
def test_files_that_no_export_wrote_are_never_deleted(home: Home, out: Path, foreign: str) -> None:
    export_parquet(home, out, silent)
    (out / foreign).parent.mkdir(parents=True, exist_ok=True)
    (out / foreign).write_text("dear to me")
    before = tree(out.parent)
    with pytest.raises(ExportError, match=f"such as {foreign}"):
        export_parquet(home, out, silent, force=True)
    (out / "build.json").write_text("[]")
    with pytest.raises(ExportError, match="no export wrote"):
        export_parquet(home, out, silent, force=True)
    assert tree(out.parent) == before | {"olist/build.json": b"[]"}


def test_a_place_that_cannot_be_used(home: Home, out: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no folder"):
        export_parquet(home, tmp_path / "no" / "where", silent)
    out.write_text("a file")
    with pytest.raises(ExportError, match="is a file"):
        export_parquet(home, out, silent, force=True)
    with pytest.raises(HomeError, match="there is no home folder"):
        export_parquet(Home(tmp_path / "other"), tmp_path / "new", silent)
    with pytest.raises(HomeError, match="nothing is published"):
        export_parquet(Home(tmp_path / "other").open(), tmp_path / "new", silent)
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_permission(home: Home, out: Path) -> None:
    out.parent.chmod(0o500)
    with pytest.raises(ExportError, match="Permission denied"):
        export_parquet(home, out, silent)
    out.parent.chmod(0o700)


def test_a_full_disk_leaves_the_earlier_export(home: Home, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_parquet(home, out, silent)
    before = tree(out)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_parquet", full)
    with pytest.raises(ExportError, match="No space left on device"):
        export_parquet(home, out, silent, force=True)
    assert tree(out.parent) == {f"olist/{name}": content for name, content in before.items()}


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_rename_that_fails_leaves_the_earlier_export(
    home: Home, out: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    export_parquet(home, out, silent)
    before = tree(out)
    calls = 0
    replace = os.replace

    def failing_once(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(folder.os, "replace", failing_once)
    if failing == 1:  # the direct one is expected to fail
        export_parquet(home, out, silent, force=True)
    else:
        with pytest.raises(ExportError, match="Input/output error"):
            export_parquet(home, out, silent, force=True)
        assert tree(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["olist"]


KILLED = """
import os, signal, sys
from pathlib import Path
from armazem.home import Home
from armazem.export.parquet import export_parquet

def step(name, number, total):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)

export_parquet(Home(Path(sys.argv[1])), Path(sys.argv[2]), step, force=True)
"""


def test_a_killed_export_leaves_the_earlier_one_and_the_next_tidies_up(home: Home, out: Path) -> None:
    export_parquet(home, out, silent)
    before = tree(out)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home.root), str(out)], timeout=60)
    assert killed.returncode == -9
    assert tree(out) == before
    assert len(list(out.parent.glob(".olist.part-*"))) == 1
    export_parquet(home, out, silent, force=True)
    assert [path.name for path in out.parent.iterdir()] == ["olist"]
