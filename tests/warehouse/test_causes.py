"""An error is called what it is: a full disk, the memory, a file open elsewhere or damaged, or none of these."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from golden import Golden

from armazem.build.run import BuildRequest, build
from armazem.config import Settings
from armazem.disk.causes import Cause, cause_of
from armazem.errors import HomeError
from armazem.home import Home
from armazem.landing.guard import disk_errors
from armazem.targets.duckdb import target as duckdb_target

from .shop import Shop

pytestmark = pytest.mark.xdist_group("refused")


@pytest.fixture(scope="module")
def published(shop: Shop, golden: Golden) -> Shop:
    return golden.once(shop.path)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "version.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select i, i::varchar || 'abc' as s from range(300000) r(i)")
    return path


def caught(path: Path, sql: str = "select sum(i), min(s) from t", **config: str) -> Cause:
    with pytest.raises(duckdb.Error) as error, duckdb.connect(str(path), read_only=True, config=config) as connection:
        connection.execute(sql).fetchall()
    return cause_of(error.value, path)


@pytest.fixture
def writer(database: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that has the file open for writing."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.communicate()


def test_open_elsewhere(database: Path, writer: subprocess.Popen[bytes]) -> None:
    cause = caught(database)
    assert cause.locked and f"PID {writer.pid}" in cause.reason
    assert "close that program" in cause.hint


@pytest.mark.parametrize("start", [0, 4096, 300_000])
def test_damaged(database: Path, tmp_path: Path, start: int) -> None:
    """Its text speaks of a block, which is no lock."""
    damaged = tmp_path / "damaged.duckdb"
    shutil.copy(database, damaged)
    with damaged.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * 8192)
    cause = caught(damaged)
    assert (cause.locked, cause.full) == (False, False)
    assert "damaged" in cause.hint and "--full-refresh" in cause.hint


@pytest.mark.parametrize("size", [0, 100, 20_000])
def test_cut_off(database: Path, tmp_path: Path, size: int) -> None:
    cut = tmp_path / "cut.duckdb"
    shutil.copy(database, cut)
    os.truncate(cut, size)
    assert "damaged" in caught(cut).hint


def test_memory(database: Path) -> None:
    cause = caught(database, "select list(i) from range(20_000_000) r(i)", memory_limit="20MB")
    assert not cause.full
    assert "ARMAZEM_MEMORY_LIMIT" in cause.hint


def test_no_room_for_what_does_not_fit_in_memory() -> None:
    """What does not fit there goes to temporary files; DuckDB calls their limit one of memory."""
    said = "failed to offload data block of size 256.0 KiB (1.0 MiB/1.0 MiB used).\nThis limit was set by the "
    error = duckdb.OutOfMemoryException(f"Out of Memory Error: {said}'max_temp_directory_size' setting.")
    cause = cause_of(error, Path("/there"))
    assert cause.full and "free some space" in cause.hint


@pytest.mark.parametrize("sql", ["select * from nowhere", "select 1 / 'x'", "selec 1", "select cast('x' as int)"])
def test_anything_else_is_not_blamed_on_the_disk(database: Path, sql: str) -> None:
    cause = caught(database, sql)
    assert (cause.hint, cause.full, cause.locked) == ("", False, False)
    assert "\n" not in cause.reason


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some space"), (errno.EDQUOT, "free some space"), (errno.EACCES, "permissions"),
        (errno.EROFS, "read-only"), (errno.EMFILE, "ulimit"), (errno.EIO, "check the disk"),
    ],
)  # fmt: skip
def test_of_the_system(number: int, hint: str) -> None:
    cause = cause_of(OSError(number, os.strerror(number), "/there/file"), Path("/there"))
    assert hint in cause.hint
    assert cause.reason == f"/there/file: {os.strerror(number)}"
    assert cause.full == (number in (errno.ENOSPC, errno.EDQUOT))


def test_a_load_says_what_it_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(HomeError, match="the load stopped: Binder Error") as refused, disk_errors(home):
        duckdb.execute("select nowhere")
    assert "disk" not in refused.value.hint


def test_a_build_says_what_it_is(published: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the program itself is told with the log, and not blamed on the disk."""
    current = published.current
    monkeypatch.setattr(duckdb_target, "create_inputs", lambda connection, *_: connection.execute("from nowhere"))
    with pytest.raises(HomeError) as refused:
        build(Settings(home=published.path), BuildRequest(full_refresh=True))
    assert str(refused.value).startswith("the build stopped: Catalog Error: Table with name nowhere does not exist")
    assert "dbt.log" in refused.value.hint and "space" not in refused.value.hint
    assert published.current == current


def test_a_damaged_version_is_built_anew(published: Shop) -> None:
    """Also one whose damage DuckDB reports in words that hold `lock`."""
    version = published.home.builds / f"{published.current}.duckdb"
    content = bytearray(version.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    version.chmod(0o644)
    version.write_bytes(content)
    built = published.armazem("build")
    assert (built.code, "is missing or damaged" in built.err) == (0, True)
