"""Kills, full disks, a second process, a clock that goes back: all of a load or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_disk import small_disk

from armazem.errors import HomeError
from armazem.home import Home
from armazem.landing import Progress, load, parquet_files, read_ledger
from armazem.landing.ledger import new_load_id

from .data import csv, landed, leftovers, single, write

KILLED = """
import os, signal, sys
from pathlib import Path
from armazem.home import Home
from armazem.landing import load
where, source, home = sys.argv[1], Path(sys.argv[2]), Home(Path(sys.argv[3]))
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
rename = os.rename
if where == "between the renames":
    os.rename = lambda a, b: die() if "loads" in str(b) else rename(a, b)
def progress(step):
    if where == f"{step.step} {step.file}":
        die()
load(source, home, on_progress=progress)
"""

SLOW = """
import sys, time
from pathlib import Path
from armazem.home import Home
from armazem.landing import load
source, home, flag = Path(sys.argv[1]), Home(Path(sys.argv[2])), Path(sys.argv[3])
def progress(step):
    if step.step == "reading" and step.file == 1:
        flag.with_suffix(".inside").touch()
        while not flag.exists():
            time.sleep(0.01)
print(load(source, home, on_progress=progress, force=True).load_id)
"""


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("where", ["reading 1", "reading 9", "done 9", "between the renames"])
def test_kill_9_leaves_nothing_half_loaded(tmp_path: Path, home: Home, where: str) -> None:
    folder = write(tmp_path / "in", sellers=csv("sellers") + b"x\n")
    killed = run(KILLED, where, folder, home.root)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert read_ledger(home) == [] and parquet_files(home, "orders") == []
    assert leftovers(home)
    result = load(folder, home)
    assert len(result.files) == 9 and len(landed(home, "orders")) == 2
    assert not leftovers(home)
    assert [path.name for path in home.rejects.iterdir()] == [result.load_id]


def test_a_second_process_waits(tmp_path: Path, home: Home) -> None:
    folder = write(tmp_path / "in")
    flag = tmp_path / "go"
    first = run(SLOW, folder, home.root, flag)
    until(flag.with_suffix(".inside").exists)
    second = run(SLOW, folder, home.root, flag)
    time.sleep(0.6)
    assert second.poll() is None and read_ledger(home) == []
    flag.touch()
    ids = [process.communicate(timeout=60)[0].strip() for process in (first, second)]
    assert ids == sorted(ids) and len(set(ids)) == 2
    assert len(parquet_files(home, "orders")) == 2


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_waiting_load_says_so(tmp_path: Path, home: Home) -> None:
    folder = write(tmp_path / "in")
    flag = tmp_path / "go"
    first = run(SLOW, folder, home.root, flag)
    until(flag.with_suffix(".inside").exists)
    steps: list[str] = []

    def progress(step: Progress) -> None:
        steps.append(step.step)
        flag.touch()

    assert load(folder, home, on_progress=progress).load_id is None
    assert steps == ["waiting"] + ["unchanged"] * 9
    first.communicate(timeout=60)


def test_ids_rise_when_the_clock_goes_back(tmp_path: Path, home: Home) -> None:
    (home.loads / "29991231T235959999998Z").mkdir()
    assert new_load_id(home) == "29991231T235959999999Z"
    (home.rejects / "29991231T235959999999Z").mkdir()
    assert new_load_id(home) == "30000101T000000000000Z"
    (home.landing / "withdrawn" / "30000101T000000000000Z").mkdir(parents=True)
    assert load(write(tmp_path / "in"), home).load_id == "30000101T000000000001Z"
    assert [row.load_id for row in read_ledger(home)] == ["30000101T000000000001Z"] * 9


def test_an_interrupt_cleans_up(tmp_path: Path, home: Home) -> None:
    def interrupt(step: Progress) -> None:
        if step.file == 5:
            raise KeyboardInterrupt

    folder = write(tmp_path / "in", sellers=csv("sellers") + b"x\n")
    with pytest.raises(KeyboardInterrupt):
        load(folder, home, on_progress=interrupt)
    assert not leftovers(home) and not list(home.loads.iterdir()) and not list(home.rejects.iterdir())
    assert load(folder, home).load_id is not None


@pytest.mark.parametrize("exact", [False, True])
def test_no_space_left(tmp_path: Path, exact: bool) -> None:
    with small_disk(tmp_path / "disk", "512k") as disk:
        home = Home(disk / "home").open()
        rows = [[os.urandom(16).hex(), "04195", "x", "SP"] for _ in range(60_000)]
        data = csv("sellers", rows) + (b"x\n" if exact else b"")
        with pytest.raises(HomeError, match="no space left") as raised:
            load(single(tmp_path / "in", "sellers", data), home)
        assert "free some space" in raised.value.hint
        assert not leftovers(home) and not list(home.loads.iterdir()) and not list(home.rejects.iterdir())
        assert load(write(tmp_path / "in"), home).load_id is not None


def test_a_home_that_cannot_be_written(tmp_path: Path, home: Home) -> None:
    home.landing.chmod(0o500)
    try:
        if os.access(home.landing, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(HomeError, match="Permission denied; nothing was loaded"):
            load(write(tmp_path / "in"), home)
    finally:
        home.landing.chmod(0o700)


def test_a_damaged_ledger(tmp_path: Path, home: Home) -> None:
    result = load(write(tmp_path / "in"), home)
    (home.loads / str(result.load_id) / "ledger.json").write_text("{")
    with pytest.raises(HomeError, match=r"ledger\.json cannot be read"):
        read_ledger(home)
