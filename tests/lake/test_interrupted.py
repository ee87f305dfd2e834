"""Loads that are killed, two at once, a full disk: a load is in the lake as a whole, or not at all."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from landing.data import csv, single, write
from small_disk import fill, small_disk
from soak import only_in_soak

from armazem.config import Settings, load_settings
from armazem.errors import ArmazemError, LakeError
from armazem.lake import ledger
from armazem.lake.landing import announced
from armazem.lake.partitions import partitions
from armazem.targets.duckdb import landed
from armazem.targets.registry import target_of

from .worlds import NAMES, dirty, land, landed_id, opened, raw

if TYPE_CHECKING:
    from conftest import Numbers

KILLED = """
import os, signal, sys
from pathlib import Path
from armazem.config import load_settings
from armazem.lake import landing, zone
from armazem.landing import load
from armazem.targets.duckdb import landed
where, source, home = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
settings = load_settings(home=home, landing="lake")
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def progress(step):
    if where == f"{step.step} {step.file}":
        die()
for name in ("add_rejects", "record"):
    step = getattr(landing, name)
    def watched(*arguments, step=step, name=name):
        if where == f"before {name}":
            die()
        done = step(*arguments)
        if where == f"after {name}":
            die()
        return done
    setattr(landing, name, watched)
load(source, settings.home_folder, zone=landed.zone(settings), on_progress=progress)
"""

LOADED = """
import sys
from pathlib import Path
from armazem.config import load_settings
from armazem.landing import load
from armazem.targets.duckdb import landed
home, catalog, warehouse, *sources = sys.argv[1:]
settings = load_settings(home=Path(home), landing="lake", lake_catalog=catalog, lake_warehouse=warehouse)
sys.stdin.readline()
for source in sources:
    load(Path(source), settings.home_folder, zone=landed.zone(settings))
"""


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def loads_in_tables(settings: Settings) -> set[str]:
    lake = opened(settings)
    return {load_id for name in (*NAMES, "rejects") for load_id in partitions(lake.table(name))}


def check_whole(settings: Settings) -> None:
    """What is in the tables is what the ledger says, of every load."""
    lake = opened(settings)
    told = Counter({(row.table, row.load_id): row.rows_accepted for row in landed.loads(settings)})
    found = Counter({(name, load): part.rows for name in NAMES for load, part in partitions(lake.table(name)).items()})
    assert found == +told


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("reading 9", marks=only_in_soak),
        pytest.param("adding 1", marks=only_in_soak),
        "adding 6",
        pytest.param("adding 9", marks=only_in_soak),
        pytest.param("before add_rejects", marks=only_in_soak),
        pytest.param("after add_rejects", marks=only_in_soak),
        "before record",
    ],
)
def test_a_load_that_is_killed_is_never_seen_and_the_next_one_clears_up(
    settings: Settings, tmp_path: Path, where: str
) -> None:
    killed = run(KILLED, where, dirty(tmp_path / "in"), settings.home)
    _, said = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, said
    assert landed.loads(settings) == []
    assert {name: rows for name, rows in raw(settings).items() if rows} == {}
    load_id = landed_id(settings, tmp_path / "in")
    assert loads_in_tables(settings) == {load_id}
    assert announced(opened(settings)) == []
    check_whole(settings)
    assert [path.name for path in settings.home_folder.rejects.iterdir()] == [load_id]


def test_a_load_that_is_killed_once_it_is_in_the_ledger_has_landed(settings: Settings, tmp_path: Path) -> None:
    killed = run(KILLED, "after record", dirty(tmp_path / "in"), settings.home)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    check_whole(settings)
    [first] = loads_in_tables(settings)
    assert land(settings, tmp_path / "in").load_id is None, "its files are unchanged"
    assert loads_in_tables(settings) == {first}
    assert announced(opened(settings)) == []


def test_an_unload_that_is_cut_off_is_out_at_once_and_finished_later(settings: Settings, tmp_path: Path) -> None:
    first, second = landed_id(settings, write(tmp_path / "1")), landed_id(settings, dirty(tmp_path / "2"))
    lake = opened(settings)
    ledger.record_withdrawn(lake, [row for row in landed.loads(settings) if row.load_id == first])
    assert {row.load_id for row in landed.loads(settings)} == {second}
    assert loads_in_tables(settings) == {first, second}
    target_of(settings).withdraw(first, lambda _: None)
    assert loads_in_tables(settings) == {second}
    check_whole(settings)


def test_two_loaders_with_homes_of_their_own_land_both(settings: Settings, tmp_path: Path) -> None:
    lake = tmp_path / "shared"
    catalog, warehouse = f"sqlite:///{lake / 'catalog.db'}", lake / "warehouse"
    processes = []
    for home in ("a", "b"):
        files = [
            single(tmp_path / home / str(n), "sellers", csv("sellers", [[f"{home}{n}", "1", "x", "SP"]]))
            for n in range(3)
        ]
        processes.append(
            run(LOADED, tmp_path / f"home-{home}", catalog, warehouse, write(tmp_path / f"in-{home}"), *files)
        )
    for process in processes:  # both are there before one begins: they make the same new tables
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
    shared = settings.model_copy(
        update={"home": tmp_path / "home-a", "lake_catalog": catalog, "lake_warehouse": str(warehouse)}
    )
    check_whole(shared)
    assert len({row.load_id for row in landed.loads(shared)}) == 8
    assert len(raw(shared)["sellers"]) == 8


def test_a_catalog_that_is_locked_for_a_while_is_waited_for(settings: Settings, tmp_path: Path) -> None:
    land(settings, write(tmp_path / "1"))
    blocking = sqlite3.connect(settings.home_folder.lake / "catalog.db", isolation_level=None, check_same_thread=False)
    blocking.execute("begin exclusive")
    freed = threading.Timer(1.0, lambda: blocking.execute("rollback"))
    freed.start()
    landed_id(settings, dirty(tmp_path / "2"))
    freed.join()
    blocking.close()
    check_whole(settings)


def test_a_full_disk_lands_nothing_and_there_is_room_again_later(tmp_path: Path) -> None:
    # The home folder has room, the warehouse has none for the files of the second load.
    with small_disk(tmp_path / "disk", "8m") as disk:
        settings = load_settings(
            home=tmp_path / "home",
            landing="lake",
            lake_catalog=f"sqlite:///{tmp_path / 'catalog.db'}",
            lake_warehouse=str(disk / "warehouse"),
        )
        first = landed_id(settings, write(tmp_path / "1"))
        rows = [[f"s{number}", "04195", f"city {number}", "SP"] for number in range(20_000)]
        more = write(tmp_path / "2", sellers=csv("sellers", rows))
        ballast = fill(disk, leave=100_000)
        with pytest.raises(LakeError) as caught:
            land(settings, more)
        assert "space" in f"{caught.value} {caught.value.hint}"
        ballast.unlink()
        assert {row.load_id for row in landed.loads(settings)} == {first}
        second = landed_id(settings, more)
        assert loads_in_tables(settings) == {first, second}
        check_whole(settings)


@pytest.mark.slow
def test_killed_at_any_moment(
    settings: Settings, tmp_path: Path, numbers: Numbers, report: Callable[..., None]
) -> None:
    """Loads and unloads, each in a process of its own, killed whenever it happens to be."""
    rng = random.Random()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARMAZEM_")}
    environment |= {"ARMAZEM_HOME": str(settings.home), "ARMAZEM_LANDING": "lake"}
    land(settings, write(tmp_path / "first"))
    kills = unfinished = 0
    source = dirty(tmp_path / "in")
    while kills < numbers.lake_kills:
        known = {row.load_id for row in landed.loads(settings)}
        command = ["load", str(source), "--force"] if rng.random() < 0.7 or not known else ["unload", min(known)]
        process = subprocess.Popen(
            [sys.executable, "-m", "armazem", *command],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(rng.uniform(0.5, 4))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        raw(settings)  # raises where a load is there in part
        unfinished += loads_in_tables(settings) != {row.load_id for row in landed.loads(settings)}
    landed_id(settings, write(tmp_path / "last"), force=True)
    from armazem.lake.clearing import clear

    clear(opened(settings))
    check_whole(settings)
    assert loads_in_tables(settings) - {row.load_id for row in landed.loads(settings)} <= _withdrawn(settings)
    report("killed loads of the lake", kills=kills, with_something_left=unfinished, failures=0)


def _withdrawn(settings: Settings) -> set[str]:
    """Their rejects stay."""
    return {entry.row.load_id for entry in ledger.read_entries(opened(settings)) if entry.withdrawn_at}


def test_an_error_of_ours_names_the_load(settings: Settings, tmp_path: Path) -> None:
    land(settings, write(tmp_path / "1"))
    warehouse = settings.home_folder.lake / "warehouse" / "raw" / "sellers"
    warehouse.rename(warehouse.with_name("elsewhere"))
    with pytest.raises(ArmazemError, match=r"raw\.sellers, but its files are gone"):
        land(settings, dirty(tmp_path / "2"))
    assert len({row.load_id for row in landed.loads(settings)}) == 1
