"""The published version as a server holds it open: one version an answer, kept answers, a change of version."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from armazem.errors import ArmazemError, HomeError, QueryError
from armazem.home import Home
from armazem.targets.duckdb.query import Published
from armazem.targets.duckdb.versions import make_current, version_file


def publish(home: Home, build_id: str, value: int) -> None:
    with duckdb.connect(str(version_file(home, build_id))) as connection:
        connection.execute(f"create table t as select {value} as value from range(1000)")
    make_current(home, build_id)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").open()


def test_nothing_is_published(home: Home) -> None:
    published = Published(home)
    assert published.build_id() is None
    with pytest.raises(HomeError, match="nothing is published"):
        published.query("select 1")
    publish(home, "20261123T000001Z", 1)
    assert published.query("select sum(value) from t").rows == ((1000,),)


def test_a_new_version_is_seen_at_once_and_the_old_one_let_go(home: Home) -> None:
    published = Published(home)
    for number in range(1, 4):
        build = f"20261123T00000{number}Z"
        publish(home, build, number)
        assert published.query_build("select sum(value) from t where value >= ?", [0])[0] == build
        assert published.query("select sum(value) from t where value >= ?", [0]).rows == ((1000 * number,),)
    opened = [link.readlink().name for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert [name for name in opened if name.startswith("20261123T")] == ["20261123T000003Z.duckdb"]
    published.close()


def test_back_to_a_version_that_is_still_read(home: Home) -> None:
    first, second = "20261123T000001Z", "20261123T000002Z"
    publish(home, second, 2)
    publish(home, first, 1)
    published = Published(home)
    published.query("select 1")
    assert published._version is not None
    version = published._version
    long = threading.Thread(target=published.query, args=("select sum(range) from range(1500000000)",))
    long.start()
    while not version.queries:
        assert long.is_alive()
    for build, total in ((second, 2000), (first, 1000), (second, 2000), (first, 1000)):
        make_current(home, build)
        assert published.query_build("select sum(value) from t")[0] == build
        assert published.query("select sum(value) from t").rows == ((total,),)
    assert long.is_alive()  # else nothing was shown
    make_current(home, second)
    published.query("select 1")
    long.join()
    opened = [link.readlink().name for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert [name for name in opened if name.startswith("20261123T")] == [f"{second}.duckdb"]
    published.close()


def test_answers_are_kept_but_not_without_end(home: Home) -> None:
    publish(home, "20261123T000001Z", 1)
    published = Published(home, answers=3)
    first = published.query("select ? + 1", [1])
    assert published.query("select ? + 1", [1]) is first
    for number in range(5):
        published.query("select ? + 1", [number + 10])
    assert published.query("select ? + 1", [1]) is not first


def test_nothing_can_be_changed_or_reached(home: Home) -> None:
    publish(home, "20261123T000001Z", 1)
    published = Published(home)
    for statement in ("delete from t", "copy t to '/tmp/out.csv'", "from read_text('/etc/hostname')", "select", ""):
        with pytest.raises(QueryError):
            published.query(statement)
    assert published.query("select count(*) from t").rows == ((1000,),)


def test_many_readers_while_versions_change(home: Home) -> None:
    """Every answer is of one version, the one that it names."""
    publish(home, "20261123T000000Z", 0)
    published = Published(home)
    stop = threading.Event()
    wrong: list[object] = []
    answers = []

    def read(number: int) -> None:
        asked = 0
        while not stop.is_set():
            asked += 1
            try:
                ask(number, asked)
            except ArmazemError as error:
                wrong.append(error)

    def ask(number: int, asked: int) -> None:
        build, rows = published.query_build("select min(value), max(value), ? from t", [number * 10**6 + asked % 50])
        answers.append(build)
        if rows.rows[0][0] != rows.rows[0][1] or rows.rows[0][0] != int(build[-3:-1]):
            wrong.append((build, rows))

    readers = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 30):
        publish(home, f"20261123T0000{number:02d}Z", number)
        if number > 2:
            version_file(home, f"20261123T0000{number - 3:02d}Z").unlink()
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong and len(set(answers)) > 3
