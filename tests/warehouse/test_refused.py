"""What stands in a build's way is said in one clear line, and nothing is published."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from golden import Golden
from small_disk import fill, remount, small_disk

from armazem.home import Home

from .shop import Answer, Shop, differing, ended, start

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = pytest.mark.xdist_group("refused")


@pytest.fixture(scope="module")
def built(shop: Shop, golden: Golden) -> Shop:
    return golden.once(shop.path)


@pytest.fixture
def published(built: Shop, golden: Golden) -> Shop:
    """With a version, and a load that is not built yet."""
    built.load(golden.second, force=True)
    return built


def assert_one_clear_error(answer: Answer, *words: str) -> None:
    assert answer.code == 1, answer
    errors = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, answer.err
    for word in words:
        assert word in answer.err
    assert "Traceback" not in answer.err


def test_two_builds_at_once(published: Shop) -> None:
    first = start("--home", published.path, "build", "--full-refresh")
    holder = published.home.builds / ".lock-holder.json"
    waited_until = time.monotonic() + 60
    while not holder.exists() and time.monotonic() < waited_until:
        time.sleep(0.01)
    second = start("--home", published.path, "build")
    assert_one_clear_error(published.armazem("build", "--wait", "0"), "another build", f"process {first.pid} (armazem ")
    assert ended(first).code == 0
    waited = ended(second)
    assert waited.code == 0
    assert f"waiting for another build of this home folder: process {first.pid}" in waited.err
    assert "nothing new" in waited.err


def test_a_holder_that_was_killed_holds_nothing(published: Shop) -> None:
    first = start("--home", published.path, "build")
    while not (published.home.builds / ".lock-holder.json").exists() and first.poll() is None:
        time.sleep(0.01)
    first.kill()
    first.communicate()
    assert published.armazem("build", "--wait", "0").code == 0


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"no database" * 1000)])
def test_the_current_version_is_lost(built: Shop, damage: Callable[[Path], object]) -> None:
    built.build()
    lost, tables = built.current, built.checksums()
    damage(built.home.builds / f"{lost}.duckdb")
    for command in (("sql", "select 1"), ("status",), ("kpi", "monthly_growth")):
        assert_one_clear_error(built.armazem(*command), lost, "armazem rollback")
    assert built.armazem("builds").code == 0
    # The landing zone has all that the version had.
    done = built.armazem("build")
    assert (done.code, "is missing or damaged" in done.err) == (0, True)
    assert differing(built.checksums(), tables) == []


def test_current_is_no_link(published: Shop) -> None:
    target = os.readlink(published.home.current)
    published.home.current.unlink()
    published.home.current.write_text("")
    for command in (("build",), ("sql", "select 1"), ("status",)):
        assert_one_clear_error(published.armazem(*command), "is no link to a version", "armazem rollback")
    assert published.armazem("rollback", Path(target).stem).code == 0
    assert os.readlink(published.home.current) == target


def test_home_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        for command in (("build",), ("status",), ("up", "--orders", "1")):
            assert_one_clear_error(Shop(home).armazem(*command))


def test_home_of_a_newer_version(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").open()
    (home.root / "VERSION").write_text(json.dumps({"layout": 99}))
    for command in (("build",), ("status",), ("load", tmp_path), ("builds",), ("rollback",), ("unload", "x")):
        assert_one_clear_error(Shop(home.root).armazem(*command), "layout 99", "upgrade armazem")
    (home.root / "VERSION").write_text("something else")
    assert_one_clear_error(Shop(home.root).armazem("build"), "cannot be read as a version")


def test_nothing_loaded(tmp_path: Path) -> None:
    assert_one_clear_error(Shop(tmp_path / "home").armazem("build"), "no data is loaded", "armazem load PATH")


@pytest.fixture
def disk(tmp_path: Path, published: Shop) -> Iterator[Path]:
    """The published home on a disk of its own; the test fills it."""
    with small_disk(tmp_path / "disk", "256m") as disk:
        shutil.copytree(published.path, disk / "home", symlinks=True)
        yield disk


def test_the_disk_is_full(disk: Path, numbers: Numbers) -> None:
    shop = Shop(disk / "home")
    for name in ("failed.duckdb", "failed.duckdb.wal"):
        (shop.home.builds / name).unlink(missing_ok=True)
    current, tables = shop.current, shop.checksums()
    size = (shop.home.builds / f"{current}.duckdb").stat().st_size
    for leave in (0, size + 100_000, size // 2, size + 4_000_000)[: numbers.full_disks]:
        (shop.home.builds / "failed.duckdb").unlink(missing_ok=True)
        ballast = fill(disk, leave)
        assert_one_clear_error(shop.armazem("build"), "readers keep")
        assert (shop.current, shop.checksums()) == (current, tables)
        assert len(shop.armazem("sql", "from kpis.agg_monthly_growth", "--format", "csv").out.splitlines()) > 1
        ballast.unlink()
    assert shop.armazem("build").code == 0
    assert shop.current > current


def test_the_home_is_read_only(disk: Path) -> None:
    shop = Shop(disk / "home")
    remount(disk, "ro")
    current = shop.current
    load_id = next(shop.home.loads.iterdir()).name
    for command in (("build",), ("up", "--orders", "5"), ("rollback", current), ("unload", load_id)):
        assert_one_clear_error(shop.armazem(*command), str(disk))
    assert shop.current == current
    for command in (("sql", "from kpis.agg_monthly_growth"), ("status",), ("builds",), ("kpi", "sales_trend")):
        answer = shop.armazem(*command)  # reading needs no writing
        assert (answer.code, answer.err) == (0, "")
    assert re.search(r"current_build +" + current, shop.armazem("status").out)
